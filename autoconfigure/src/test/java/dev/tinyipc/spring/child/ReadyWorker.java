package dev.tinyipc.spring.child;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import dev.tinyipc.spring.RawWorker;

import org.springframework.boot.test.context.runner.ApplicationContextRunner;

/**
 * A child that says hello once a gate is open, and then is a {@link RawWorker}. Each
 * process notes that it runs.
 */
final class ReadyWorker {

	/** An empty hello: CBOR tag 1230000970 around an empty map. */
	static final String HELLO = """
			import os, struct, time
			hello = bytes.fromhex("da4950534aa0")
			os.write(int(os.environ["TINY_IPC_FD"]), struct.pack("=Q", len(hello)) + hello)
			""";

	private static final String WAIT = """
			import os, time
			open("%1$s/" + str(os.getpid()), "w").close()
			while not os.path.exists("%1$s/gate"):
			    time.sleep(0.01)
			""";

	private final Path folder;

	ReadyWorker(Path folder) {
		this.folder = folder;
	}

	/** An application with this child, named {@code worker}. */
	ApplicationContextRunner application(String... properties) {
		return RawWorker
			.python(WAIT.formatted(this.folder) + HELLO, "ipc.children.worker.ready=true",
					"ipc.children.worker.restart.initial-delay=10ms")
			.withPropertyValues(properties);
	}

	/** Lets all processes get ready, and those that follow. */
	void openGate() {
		try {
			Files.createFile(this.folder.resolve("gate"));
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	/** Lets none get ready from now on. */
	void closeGate() {
		try {
			Files.delete(this.folder.resolve("gate"));
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	/** The processes that were ever started. */
	List<Long> pids() {
		try (Stream<Path> files = Files.list(this.folder)) {
			return files.map((file) -> file.getFileName().toString())
				.filter((name) -> !name.equals("gate"))
				.map(Long::valueOf)
				.toList();
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	/** Those that are not among others. */
	List<Long> pidsBesides(List<Long> others) {
		List<Long> pids = new ArrayList<>(pids());
		pids.removeAll(others);
		return pids;
	}

}
