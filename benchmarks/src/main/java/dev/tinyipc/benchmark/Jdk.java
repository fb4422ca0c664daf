package dev.tinyipc.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Other JDKs than the one that runs this. */
final class Jdk {

	private Jdk() {
	}

	/** A folder beside the one of this JDK, if there is one of that version. */
	static Optional<Path> find(int version) {
		Path ours = Path.of(System.getProperty("java.home"));
		try (Stream<Path> folders = Files.list(ours.resolveSibling(""))) {
			List<Path> sorted = folders.sorted(Comparator.naturalOrder()).toList();
			return sorted.stream().filter((folder) -> isOf(version, folder)).findFirst();
		}
		catch (IOException ex) {
			return Optional.empty();
		}
	}

	private static boolean isOf(int version, Path folder) {
		Path release = folder.resolve("release");
		try {
			return Files.isExecutable(folder.resolve("bin").resolve("java")) && Files.exists(release)
					&& Files.readAllLines(release)
						.stream()
						.anyMatch((line) -> line.matches("JAVA_VERSION=\"" + version + "\\b.*"));
		}
		catch (IOException ex) {
			return false;
		}
	}

}
