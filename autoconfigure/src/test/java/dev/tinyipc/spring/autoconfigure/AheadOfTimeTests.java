package dev.tinyipc.spring.autoconfigure;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.boot.SpringApplicationAotProcessor;

import static org.assertj.core.api.Assertions.assertThat;

/** Processes, compiles and runs an application as Boot's build plugins do. */
@Timeout(120)
class AheadOfTimeTests {

	private static final String CLASS_PATH = System.getProperty("java.class.path");

	@Test
	void childrenTheirTemplatesTypedClientsAndListenersSurviveAheadOfTimeProcessing(@TempDir Path folder)
			throws Exception {
		Path classes = process(folder);
		assertThat(run(folder, "java", "-Dspring.aot.enabled=true", "-cp", classes + File.pathSeparator + CLASS_PATH,
				AheadOfTimeApplication.class.getName()))
			.contains(
					"the reply is: ahead of time; there is a Greeting of destination 'worker'; listeners of [worker]");
	}

	/** Returns where the classes are that were generated. */
	static Path process(Path folder) throws IOException, InterruptedException {
		Path sources = folder.resolve("sources");
		Path classes = folder.resolve("classes");
		run(folder, "java", "-cp", CLASS_PATH, SpringApplicationAotProcessor.class.getName(),
				AheadOfTimeApplication.class.getName(), sources.toString(), classes.toString(), classes.toString(),
				"dev.tinyipc", "test");
		List<String> compiler = new ArrayList<>(
				List.of("javac", "-nowarn", "-d", classes.toString(), "-cp", CLASS_PATH));
		try (Stream<Path> files = Files.walk(sources)) {
			files.map(Path::toString).filter((file) -> file.endsWith(".java")).forEach(compiler::add);
		}
		run(folder, compiler.toArray(String[]::new));
		return classes;
	}

	/** Runs a program of the JDK to its end, and returns what it wrote. */
	static String run(Path folder, String... command) throws IOException, InterruptedException {
		command[0] = Path.of(System.getProperty("java.home"), "bin", command[0]).toString();
		Process process = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
		String output = new String(process.getInputStream().readAllBytes());
		assertThat(process.waitFor()).as(output).isZero();
		return output;
	}

}
