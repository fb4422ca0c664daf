package dev.tinyipc.spring.child;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.Manifest;

import dev.tinyipc.ExitStatus;
import org.jspecify.annotations.Nullable;

/**
 * The command that runs a class of this application's own class path in a JVM of its own,
 * with the java that runs this one.
 */
final class JavaCommand {

	/**
	 * A worker is small and wants to start fast: the collector that needs no threads, and
	 * a heap that leaves the machine to the application. With the first compiler only it
	 * would start faster still, and be slower ever after.
	 */
	static final List<String> DEFAULT_JVM_ARGUMENTS = List.of("-XX:+UseSerialGC", "-Xmx128m");

	private static final String LAUNCHERS = "org.springframework.boot.loader.";

	private static final String PROPERTIES_LAUNCHER = "org.springframework.boot.loader.launch.PropertiesLauncher";

	private final String classPath = System.getProperty("java.class.path");

	private final @Nullable ClassArchives archives;

	/**
	 * Creates commands.
	 * @param archives where classes are shared between starts, or null not to
	 */
	JavaCommand(@Nullable ClassArchives archives) {
		this.archives = archives;
	}

	Prepared prepare(String main, List<String> jvmArguments) throws IOException {
		ClassArchives.Offer offer = (this.archives != null) ? this.archives.offer(this.classPath, main)
				: ClassArchives.Offer.NONE;
		List<String> command = new ArrayList<>();
		command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
		command.addAll(DEFAULT_JVM_ARGUMENTS);
		command.add("--enable-native-access=ALL-UNNAMED");
		command.addAll(offer.jvmArguments());
		command.addAll(jvmArguments);
		command.add("-cp");
		command.add(this.classPath);
		if (isExecutableJar(this.classPath)) {
			// The class is in a jar inside the jar, which only the loader can open.
			command.add("-Dloader.main=" + main);
			command.add(PROPERTIES_LAUNCHER);
		}
		else {
			command.add(main);
		}
		return new Prepared(command, offer::ended);
	}

	/**
	 * A command that is ready to run.
	 *
	 * @param command the program and its arguments
	 * @param afterwards to be told how it ended
	 */
	record Prepared(List<String> command, Consumer<ExitStatus> afterwards) {

	}

	private static boolean isExecutableJar(String classPath) throws IOException {
		if (classPath.contains(File.pathSeparator) || !new File(classPath).isFile()) {
			return false;
		}
		try (JarFile jar = new JarFile(classPath)) {
			Manifest manifest = jar.getManifest();
			String launcher = (manifest != null) ? manifest.getMainAttributes().getValue(Attributes.Name.MAIN_CLASS)
					: null;
			return launcher != null && launcher.startsWith(LAUNCHERS);
		}
	}

}
