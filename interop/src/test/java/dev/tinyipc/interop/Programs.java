package dev.tinyipc.interop;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** The programs that the tests need, and how they are run. */
final class Programs {

	/** Where everything is built. Tests run in the module's folder. */
	static final Path TARGET = Path.of("target");

	private Programs() {
	}

	static String java(String program) {
		return Path.of(System.getProperty("java.home"), "bin", program).toString();
	}

	static String classPath() {
		return System.getProperty("java.class.path");
	}

	static void require(String what, List<String> programs) {
		List<String> missing = programs.stream().filter((program) -> !isThere(program)).toList();
		if (!missing.isEmpty()) {
			String message = what + " is not tested: there is no " + String.join(" and no ", missing) + " in PATH";
			assertThat(System.getenv("TINY_IPC_REQUIRE_ALL")).as(message).isNotEqualTo("true");
			assumeTrue(false, message);
		}
	}

	private static boolean isThere(String program) {
		return Stream.of(System.getenv("PATH").split(File.pathSeparator))
			.anyMatch((directory) -> new File(directory, program).canExecute());
	}

	/** What has not changed keeps its time, so that it is not built again. */
	static void copy(Path source, Path target) throws IOException {
		try (Stream<Path> files = Files.walk(source)) {
			for (Path file : files.toList()) {
				Path copy = target.resolve(source.relativize(file).toString());
				if (Files.isDirectory(file)) {
					Files.createDirectories(copy);
				}
				else {
					Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.COPY_ATTRIBUTES);
				}
			}
		}
	}

	/** Runs a program to its end, which must be a good one, and returns what it wrote. */
	static String run(Path directory, List<String> command) throws IOException, InterruptedException {
		Process process = new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true).start();
		process.getOutputStream().close();
		String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
		int code = process.waitFor();
		if (code != 0) {
			throw new IOException(String.join(" ", command) + " ended with code " + code + ":\n" + output);
		}
		return output;
	}

}
