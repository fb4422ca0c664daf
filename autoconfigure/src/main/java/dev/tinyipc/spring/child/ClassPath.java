package dev.tinyipc.spring.child;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

/**
 * The class path of this application, made independent of the working directory, and the
 * arguments that run a class from it.
 *
 * @param entries jars and folders, as absolute paths
 */
record ClassPath(List<Path> entries) {

	private static final String LAUNCHER = "org.springframework.boot.loader.launch.PropertiesLauncher";

	/**
	 * Paths within the archive. The launcher finds classes by itself only in a jar.
	 */
	private static final String WAR_PATH = "-Dloader.path=WEB-INF/classes,WEB-INF/lib,WEB-INF/lib-provided";

	static ClassPath ofThisApplication() {
		return of(System.getProperty("java.class.path"));
	}

	/** An empty entry is the working directory. */
	static ClassPath of(String path) {
		return new ClassPath(Stream.of(path.split(File.pathSeparator, -1))
			.map((entry) -> new File(entry).getAbsoluteFile().toPath())
			.toList());
	}

	/**
	 * The arguments that run a class of this application. Only Boot's launcher finds the
	 * classes in an executable archive, packed or not.
	 * @throws IOException if no other process could find the class
	 */
	List<String> arguments(String main) throws IOException {
		if (isOnClassPath(main)) {
			return List.of(main);
		}
		Path archive = executableArchive();
		if (archive == null) {
			throw new IOException("its main class " + main + " is neither on the class path (java.class.path) of this"
					+ " application nor in an executable archive, so that no other process can find it");
		}
		List<String> arguments = new ArrayList<>();
		if (contains(archive, "WEB-INF/classes/")) {
			arguments.add(WAR_PATH);
		}
		arguments.add("-Dloader.main=" + main);
		arguments.add(LAUNCHER);
		return arguments;
	}

	private @Nullable Path executableArchive() throws IOException {
		if (isOnClassPath(LAUNCHER)) {
			for (Path entry : this.entries) {
				if (contains(entry, file(LAUNCHER))) {
					return entry;
				}
			}
		}
		return null;
	}

	private static boolean contains(Path entry, String name) throws IOException {
		if (!Files.isRegularFile(entry)) {
			return Files.exists(entry.resolve(name));
		}
		try (JarFile jar = new JarFile(entry.toFile())) {
			return jar.getEntry(name) != null;
		}
	}

	/** Whether a child of this application finds the class, too. */
	static boolean isOnClassPath(String className) {
		return ClassLoader.getSystemClassLoader().getResource(file(className)) != null;
	}

	private static String file(String className) {
		return className.replace('.', '/') + ".class";
	}

	/** The argument of {@code java -cp}. */
	@Override
	public String toString() {
		return this.entries.stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator));
	}

}
