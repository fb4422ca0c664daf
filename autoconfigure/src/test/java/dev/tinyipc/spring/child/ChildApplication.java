package dev.tinyipc.spring.child;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import dev.tinyipc.spring.FolderJar;
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
		return start(JavaCommand.of("-cp", System.getProperty("java.class.path")), properties);
	}

	/**
	 * Starts one in a JVM of its own.
	 * @param jvm the command without the class
	 * @param properties such as {@code ipc.children.worker.command=cat}
	 */
	static Process start(List<String> jvm, String... properties) {
		List<String> command = new ArrayList<>(jvm);
		command.addAll(List.of(ChildApplication.class.getName(), "--spring.main.keep-alive=true"));
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

	/**
	 * Archives the classes of one, for who starts it often, and returns the command of a
	 * JVM that uses the archive. Archives are of classes in jars.
	 */
	static List<String> archive(Path folder) throws IOException, InterruptedException {
		List<String> jars = new ArrayList<>();
		for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
			jars.add(Files.isDirectory(Path.of(entry))
					? FolderJar.pack(Path.of(entry), folder.resolve(jars.size() + ".jar")).toString() : entry);
		}
		String classPath = String.join(File.pathSeparator, jars);
		Path archive = folder.resolve("classes.jsa");
		List<String> command = JavaCommand.of("-XX:ArchiveClassesAtExit=" + archive, "-cp", classPath,
				ChildApplication.class.getName(), "--ipc.children.first.command=cat");
		new ProcessBuilder(command).redirectErrorStream(true)
			.redirectOutput(ProcessBuilder.Redirect.DISCARD)
			.start()
			.waitFor();
		return JavaCommand.of("-XX:SharedArchiveFile=" + archive, "-cp", classPath);
	}

}
