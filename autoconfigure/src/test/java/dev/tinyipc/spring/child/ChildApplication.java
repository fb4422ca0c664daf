package dev.tinyipc.spring.child;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;

import dev.tinyipc.spring.JavaCommand;
import dev.tinyipc.spring.autoconfigure.IpcAutoConfiguration;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;

/**
 * An application that runs until it is ended, with the children that it is told to have.
 */
@ImportAutoConfiguration({ JacksonAutoConfiguration.class, IpcAutoConfiguration.class })
class ChildApplication {

	public static void main(String[] arguments) {
		SpringApplication.run(ChildApplication.class, arguments);
	}

	/**
	 * Starts one in a JVM of its own.
	 * @param properties such as {@code ipc.children.worker.command=cat}
	 */
	static Process start(String... properties) {
		List<String> command = JavaCommand.of("-cp", System.getProperty("java.class.path"),
				ChildApplication.class.getName(), "--spring.main.keep-alive=true");
		for (String property : properties) {
			command.add("--" + property);
		}
		try {
			return new ProcessBuilder(command).redirectErrorStream(true)
				.redirectOutput(ProcessBuilder.Redirect.DISCARD)
				.start();
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

}
