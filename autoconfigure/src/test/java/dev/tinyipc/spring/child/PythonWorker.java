package dev.tinyipc.spring.child;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

import dev.tinyipc.spring.RawWorker;

import org.springframework.boot.test.context.runner.ApplicationContextRunner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/**
 * {@code conversation_worker.py}, a child with the library for Python that does what
 * {@link ConversationWorker} does for {@link MixedTraffic}.
 */
final class PythonWorker {

	private static final Path LIBRARY = Path.of("..", "python", "src");

	private static final Path ENVIRONMENT = Path.of("target", "python");

	private PythonWorker() {
	}

	/** An application with this child, named {@code worker}. */
	static ApplicationContextRunner application() {
		return RawWorker.nothing()
			.withPropertyValues("ipc.children.worker.command[0]=" + python().toAbsolutePath(),
					"ipc.children.worker.command[1]=" + script(),
					"ipc.children.worker.environment.PYTHONPATH=" + LIBRARY.toAbsolutePath());
	}

	/** One that has the only package that the library needs. */
	private static synchronized Path python() {
		Path python = ENVIRONMENT.resolve("bin").resolve("python");
		if (runs(List.of(RawWorker.python().toString(), "-c", "import cbor2"))) {
			return RawWorker.python();
		}
		boolean isThere = runs(List.of(python.toString(), "-c", "import cbor2"))
				|| (runs(List.of(RawWorker.python().toString(), "-m", "venv", ENVIRONMENT.toString()))
						&& runs(List.of(python.toString(), "-m", "pip", "install", "-q", "--disable-pip-version-check",
								"cbor2==6.3.0")));
		String message = "The library for Python is not tested: cbor2 cannot be installed for it";
		if (!isThere) {
			assertThat(System.getenv("TINY_IPC_REQUIRE_ALL")).as(message).isNotEqualTo("true");
		}
		assumeTrue(isThere, message);
		return python;
	}

	private static boolean runs(List<String> command) {
		try {
			Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
			process.getOutputStream().close();
			String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
			boolean succeeded = process.waitFor() == 0;
			if (!succeeded) {
				System.err.println(String.join(" ", command) + ":\n" + output);
			}
			return succeeded;
		}
		catch (IOException ex) {
			return false; // there is no such program
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
			return false;
		}
	}

	private static Path script() {
		try {
			return Path.of(Objects.requireNonNull(PythonWorker.class.getResource("/conversation_worker.py")).toURI());
		}
		catch (URISyntaxException ex) {
			throw new IllegalStateException(ex);
		}
	}

}
