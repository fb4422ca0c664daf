package dev.tinyipc.spring.readme;

import java.nio.file.Files;
import java.nio.file.Path;

import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.ChildProcess;

import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;

// The README's first example, which ReadmeTests compares with it.
@SpringBootApplication
@ChildProcess(name = "thumbnailer", main = ThumbnailWorker.class)
class Application {

	@Bean
	CommandLineRunner demo(CborMessageTemplate template) {
		return arguments -> {
			try (OwnedFd picture = OwnedFd.open(Path.of("photo.jpg"));
					IpcMessage<Thumbnail> reply = template.sendAndReceive(new Request(256), Thumbnail.class, picture)) {
				Files.copy(reply.file(0).inputStream(), Path.of("thumbnail.png"));
			}
		};
	}

}
