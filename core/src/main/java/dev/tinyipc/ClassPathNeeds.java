package dev.tinyipc;

import java.io.File;
import java.io.IOException;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.Manifest;

import org.jspecify.annotations.Nullable;

/** The entries of class paths, and the jars that the manifests of jars name. */
final class ClassPathNeeds {

	private static final FileFacts<List<Path>> MANIFESTS = new FileFacts<>(ClassPathNeeds::readManifest);

	private final NeededPaths paths;

	private final Set<Path> seen = new HashSet<>();

	ClassPathNeeds(NeededPaths paths) {
		this.paths = paths;
	}

	/** Adds a class path. An empty entry is the working directory. */
	void add(String classPath) {
		for (String entry : classPath.split(File.pathSeparator, -1)) {
			if (entry.isEmpty() || entry.equals(".")) {
				addEntry(this.paths.directory());
			}
			else if (entry.equals("*") || entry.endsWith("/*")) {
				addJarsIn(this.paths.path(entry.equals("*") ? "." : entry.substring(0, entry.length() - 1)));
			}
			else {
				addEntry(this.paths.path(entry));
			}
		}
	}

	/** Adds a jar or a folder. */
	void addEntry(@Nullable Path entry) {
		if (entry == null || !this.seen.add(entry)) {
			return;
		}
		if (Files.isDirectory(entry)) {
			this.paths.readUnlessShared(entry);
		}
		else if (Files.isRegularFile(entry)) {
			this.paths.read(entry);
			try {
				MANIFESTS.of(entry).forEach(this::addEntry);
			}
			catch (IOException ex) {
				// not a jar, which the child will see itself
			}
		}
	}

	/**
	 * The launcher lists the folder, so all of it may be read, unless others share it.
	 */
	private void addJarsIn(@Nullable Path folder) {
		this.paths.readUnlessShared(folder);
		File[] jars = (folder != null) ? folder.toFile().listFiles((parent, name) -> name.matches(".*\\.(jar|JAR)"))
				: null;
		if (jars != null) {
			List.of(jars).forEach((jar) -> addEntry(jar.toPath()));
		}
	}

	/** URLs, relative to that of the jar. */
	private static List<Path> readManifest(Path file) throws IOException {
		List<Path> entries = new ArrayList<>();
		try (JarFile jar = new JarFile(file.toFile(), false)) {
			Manifest manifest = jar.getManifest();
			String classPath = (manifest != null) ? manifest.getMainAttributes().getValue(Attributes.Name.CLASS_PATH)
					: null;
			for (String entry : ((classPath != null) ? classPath : "").trim().split(" +")) {
				if (!entry.isEmpty()) {
					entries.add(Path.of(file.toUri().resolve(entry)).normalize());
				}
			}
		}
		catch (IllegalArgumentException | FileSystemNotFoundException ex) {
			throw new IOException("Malformed class path in the manifest of " + file, ex);
		}
		return entries;
	}

}
