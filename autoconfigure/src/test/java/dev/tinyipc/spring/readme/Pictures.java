package dev.tinyipc.spring.readme;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Stream;

import dev.tinyipc.IpcExchange;
import dev.tinyipc.OwnedFd;

/** The README's contract. */
@IpcExchange("pictures.")
public interface Pictures {

	Optional<String> title(Path picture);

	OwnedFd scaled(Path picture, int width, String format, Duration timeout);

	Stream<String> tags(Path picture);

}
