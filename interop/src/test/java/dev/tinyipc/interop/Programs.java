package dev.tinyipc.interop;

import java.io.File;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** The programs that the tests need, and how they are run. */
final class Programs {

	/** Where everything is built. Tests run in the module's folder. */
	static final Path TARGET = Path.of("target");

	/** Which run of Maven this is; null outside of it. */
	private static final @Nullable String RUN = System.getProperty("interop.run");

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

	/** Builds something. */
	interface Build {

		void run() throws Exception;

	}

	/** Builds what no other test JVM of the same run has built or builds just now. */
	static void buildOnce(String name, Build build) throws Exception {
		Path built = TARGET.resolve(name + ".built");
		try (FileChannel file = FileChannel.open(TARGET.resolve(name + ".lock"), StandardOpenOption.CREATE,
				StandardOpenOption.WRITE); FileLock lock = file.lock()) {
			if (RUN == null || !Files.exists(built) || !Files.readString(built).equals(RUN)) {
				build.run();
				Files.writeString(built, String.valueOf(RUN));
			}
		}
	}

	/**
	 * What has not changed stays as it is, so that it is not built again, and may be in
	 * use.
	 */
	static void copy(Path source, Path target) throws IOException {
		try (Stream<Path> files = Files.walk(source)) {
			for (Path file : files.toList()) {
				Path copy = target.resolve(source.relativize(file).toString());
				if (Files.isDirectory(file)) {
					Files.createDirectories(copy);
				}
				else if (!isSame(file, copy)) {
					Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.COPY_ATTRIBUTES);
				}
			}
		}
	}

	private static boolean isSame(Path file, Path copy) throws IOException {
		return Files.exists(copy) && Files.size(copy) == Files.size(file)
				&& Files.getLastModifiedTime(copy).equals(Files.getLastModifiedTime(file));
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
