package dev.tinyipc.spring;

import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;

import dev.tinyipc.spring.autoconfigure.IpcAutoConfiguration;
import org.awaitility.Awaitility;

import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

/**
 * A child that starts in milliseconds: {@code raw_worker.py}, which answers a text with
 * the same text, {@code "who"} with its process id, and does what some texts say.
 */
public final class RawWorker {

	static {
		// A loaded machine takes its time.
		Awaitility.setDefaultTimeout(Duration.ofSeconds(60));
	}

	private RawWorker() {
	}

	/** An application without a child. */
	public static ApplicationContextRunner nothing() {
		return new ApplicationContextRunner()
			.withConfiguration(AutoConfigurations.of(JacksonAutoConfiguration.class, IpcAutoConfiguration.class));
	}

	/**
	 * An application with this child, named {@code worker}.
	 * @param properties more of them
	 */
	public static ApplicationContextRunner application(String... properties) {
		return nothing()
			.withPropertyValues("ipc.children.worker.command[0]=" + python(),
					"ipc.children.worker.command[1]=" + script())
			.withPropertyValues(properties);
	}

	/**
	 * An application with this child, which does something before it reads its first
	 * request.
	 * @param prelude lines of Python
	 * @param properties more of them
	 */
	public static ApplicationContextRunner python(String prelude, String... properties) {
		return application("ipc.children.worker.command[1]=-c",
				"ipc.children.worker.command[2]=" + prelude + "exec(open('" + script() + "').read())")
			.withPropertyValues(properties);
	}

	/**
	 * An application whose child {@code worker} is a shell.
	 * @param script what it runs
	 * @param properties more of them
	 */
	public static ApplicationContextRunner shell(String script, String... properties) {
		return application("ipc.children.worker.command[0]=sh", "ipc.children.worker.command[1]=-c",
				"ipc.children.worker.command[2]=" + script)
			.withPropertyValues(properties);
	}

	/** Not a shim of a version manager's, which takes its time. */
	public static Path python() {
		Path python = Path.of("/usr/bin/python3");
		return Files.isExecutable(python) ? python : Path.of("python3");
	}

	public static Path script() {
		try {
			return Path.of(Objects.requireNonNull(RawWorker.class.getResource("/raw_worker.py")).toURI());
		}
		catch (URISyntaxException ex) {
			throw new IllegalStateException(ex);
		}
	}

}
