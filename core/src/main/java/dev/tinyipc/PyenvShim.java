package dev.tinyipc;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

/**
 * A script of pyenv that stands for the programs of several versions of Python. It runs
 * many others to find out which one is meant, so here it is found out beforehand, in the
 * same places.
 */
final class PyenvShim {

	private PyenvShim() {
	}

	/**
	 * The program that pyenv would run.
	 * @param program a program that was found
	 * @return another program; the same one if it is none of pyenv's scripts, or it does
	 * not know a version
	 */
	static Path resolve(Path program, NeededPaths paths) {
		Path shims = program.getParent();
		Path root = (shims != null && shims.endsWith("shims")) ? shims.getParent() : null;
		if (root == null || !Files.isExecutable(root.resolve("libexec/pyenv"))) {
			return program;
		}
		return versions(root, paths)
			.map((version) -> root.resolve("versions").resolve(version).resolve("bin").resolve(program.getFileName()))
			.filter(Files::isExecutable)
			.findFirst()
			.orElse(program);
	}

	/** From a variable, a file in the working directory or above it, or for the user. */
	private static Stream<String> versions(Path root, NeededPaths paths) {
		String variable = paths.variable("PYENV_VERSION");
		if (!variable.isEmpty()) {
			return Stream.of(variable.split(":"));
		}
		for (Path folder = paths.directory(); folder != null; folder = folder.getParent()) {
			List<String> local = read(folder.resolve(".python-version"));
			if (local != null) {
				return local.stream();
			}
		}
		return Stream.ofNullable(read(root.resolve("version"))).flatMap(List::stream);
	}

	private static @Nullable List<String> read(Path file) {
		try {
			return Files.isRegularFile(file)
					? List.of(new String(Files.readAllBytes(file), StandardCharsets.UTF_8).strip().split("\\s+"))
					: null;
		}
		catch (IOException ex) {
			return null;
		}
	}

}
