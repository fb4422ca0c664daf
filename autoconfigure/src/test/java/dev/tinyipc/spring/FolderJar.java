package dev.tinyipc.spring;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;

/** A jar with the files of a folder, as a build makes it of compiled classes. */
public final class FolderJar {

	private FolderJar() {
	}

	public static Path pack(Path folder, Path jar) throws IOException {
		try (OutputStream file = Files.newOutputStream(jar);
				JarOutputStream target = new JarOutputStream(file);
				Stream<Path> paths = Files.walk(folder)) {
			for (Path path : paths.filter(Files::isRegularFile).toList()) {
				target.putNextEntry(new JarEntry(folder.relativize(path).toString()));
				Files.copy(path, target);
			}
		}
		return jar;
	}

}
