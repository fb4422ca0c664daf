package dev.tinyipc.spring.child;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** What this process holds open. */
public final class OpenDescriptors {

	private OpenDescriptors() {
	}

	public static long count() {
		return byKind().values().stream().mapToLong(Long::longValue).sum();
	}

	/**
	 * How many of each kind, such as {@code socket}, {@code pipe} or the path of a file.
	 */
	public static Map<String, Long> byKind() {
		Map<String, Long> kinds = new TreeMap<>();
		try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
			for (Path descriptor : (Iterable<Path>) descriptors::iterator) {
				try {
					String target = Files.readSymbolicLink(descriptor).toString();
					kinds.merge(target.replaceFirst(":\\[\\d+]$", ""), 1L, Long::sum);
				}
				catch (NoSuchFileException ex) {
					// It was closed in between.
				}
			}
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
		kinds.remove("/proc/" + ProcessHandle.current().pid() + "/fd"); // the one that
																		// lists
		return kinds;
	}

	/**
	 * The same without files, which the JVM and its class loaders open and close when
	 * they like.
	 */
	static Map<String, Long> withoutFiles() {
		Map<String, Long> kinds = byKind();
		kinds.keySet().removeIf((kind) -> kind.startsWith("/"));
		return kinds;
	}

}
