package dev.tinyipc;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

/** Another JVM with these classes, for what this one cannot do to itself. */
final class ChildJvm {

	private final List<String> prefix = new ArrayList<>();

	private final List<String> options = new ArrayList<>(List.of("--enable-native-access=ALL-UNNAMED", "-Xshare:auto",
			"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m"));

	private final Class<?> main;

	private final List<String> arguments;

	private String classPath = System.getProperty("java.class.path");

	private Consumer<ProcessBuilder> settings = (builder) -> {
	};

	ChildJvm(Class<?> main, String... arguments) {
		this.main = main;
		this.arguments = List.of(arguments);
	}

	/** Starts it through a shell that does something first, such as {@code ulimit}. */
	ChildJvm after(String shellCommand) {
		this.prefix.addAll(List.of("sh", "-c", shellCommand + "; exec \"$@\"", "sh"));
		return this;
	}

	/** Starts it by another program, such as {@code setpriv}. */
	ChildJvm within(String... command) {
		this.prefix.addAll(List.of(command));
		return this;
	}

	ChildJvm option(String option) {
		this.options.add(option);
		return this;
	}

	ChildJvm with(Consumer<ProcessBuilder> moreSettings) {
		this.settings = moreSettings;
		return this;
	}

	/** Makes it a user without privileges, who may not even read our class path. */
	ChildJvm asNobody(Path folder) throws IOException {
		if (!"root".equals(System.getProperty("user.name"))) {
			return this;
		}
		this.classPath = readableClassPath(folder);
		Path temporary = Files.createDirectories(folder.resolve("jna"));
		Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString("rwxrwxrwx"));
		option("-Djna.tmpdir=" + temporary).option("-Djava.io.tmpdir=" + temporary);
		this.prefix.addAll(List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"));
		return this;
	}

	private static String readableClassPath(Path folder) throws IOException {
		Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
		List<String> entries = new ArrayList<>();
		for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
			Path source = Path.of(entry);
			if (Files.isDirectory(source)
					|| source.getFileName().toString().matches("(jna|slf4j-api|assertj-core).*")) {
				Path target = folder.resolve(entries.size() + "-" + source.getFileName());
				copy(source, target);
				entries.add(target.toString());
			}
		}
		return String.join(File.pathSeparator, entries);
	}

	private static void copy(Path source, Path target) throws IOException {
		try (Stream<Path> files = Files.walk(source)) {
			files.forEach((file) -> {
				try {
					Files.copy(file, target.resolve(source.relativize(file).toString()),
							StandardCopyOption.REPLACE_EXISTING);
				}
				catch (IOException ex) {
					throw new UncheckedIOException(ex);
				}
			});
		}
	}

	List<String> command() {
		List<String> command = new ArrayList<>(this.prefix);
		command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
		command.addAll(this.options);
		command.add("-D" + MemoryLane.DEFAULT + '=' + MemoryLane.isTheDefault());
		command.addAll(List.of("-cp", this.classPath, this.main.getName()));
		command.addAll(this.arguments);
		return command;
	}

	Process start() throws IOException {
		ProcessBuilder builder = new ProcessBuilder(command()).redirectErrorStream(true);
		builder.environment().remove(IpcSocket.FD_VARIABLE);
		this.settings.accept(builder);
		return builder.start();
	}

	/** Waits for its end, and returns what it printed. */
	String run() throws Exception {
		Process process = start();
		process.getOutputStream().close();
		String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
		assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
		assertThat(process.exitValue()).as(output).isZero();
		return output;
	}

}
