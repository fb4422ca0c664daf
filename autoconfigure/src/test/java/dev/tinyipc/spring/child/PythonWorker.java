package dev.tinyipc.spring.child;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
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

	private static final String CBOR = "cbor2==6.3.0";

	private static final String TRACING = "opentelemetry-sdk==1.45.2";

	private PythonWorker() {
	}

	/** An application with this child, named {@code worker}. */
	static ApplicationContextRunner application() {
		return application("/conversation_worker.py");
	}

	/** An application with {@code traced_worker.py}, which has OpenTelemetry. */
	static ApplicationContextRunner traced() {
		return application(python("python-traced", "import cbor2, opentelemetry.sdk", CBOR, TRACING),
				"/traced_worker.py");
	}

	/** An application with another script, which has the library and nothing else. */
	static ApplicationContextRunner application(String script) {
		Path python = runs(List.of(RawWorker.python().toString(), "-c", "import cbor2")) ? RawWorker.python()
				: python("python", "import cbor2", CBOR);
		return application(python, script);
	}

	private static ApplicationContextRunner application(Path python, String script) {
		return RawWorker.nothing()
			.withPropertyValues("ipc.children.worker.command[0]=" + python.toAbsolutePath(),
					"ipc.children.worker.command[1]=" + script(script),
					"ipc.children.worker.environment.PYTHONPATH=" + LIBRARY.toAbsolutePath());
	}

	/**
	 * One that has some packages, in an environment of its own, which is made by one test
	 * JVM at a time.
	 */
	private static synchronized Path python(String environment, String imports, String... packages) {
		try (FileChannel file = FileChannel.open(Path.of("target", environment + ".lock"), StandardOpenOption.CREATE,
				StandardOpenOption.WRITE); FileLock lock = file.lock()) {
			return install(environment, imports, packages);
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	private static Path install(String environment, String imports, String... packages) {
		Path folder = Path.of("target", environment);
		Path python = folder.resolve("bin").resolve("python");
		List<String> install = new ArrayList<>(
				List.of(python.toString(), "-m", "pip", "install", "-q", "--disable-pip-version-check"));
		install.addAll(List.of(packages));
		boolean isThere = runs(List.of(python.toString(), "-c", imports))
				|| (runs(List.of(RawWorker.python().toString(), "-m", "venv", folder.toString())) && runs(install));
		String message = "The library for Python is not tested: " + String.join(", ", packages)
				+ " cannot be installed for it";
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

	private static Path script(String name) {
		try {
			return Path.of(Objects.requireNonNull(PythonWorker.class.getResource(name)).toURI());
		}
		catch (URISyntaxException ex) {
			throw new IllegalStateException(ex);
		}
	}

}
