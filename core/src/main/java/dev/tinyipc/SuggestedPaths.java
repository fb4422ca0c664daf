package dev.tinyipc;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Few paths that allow many needs: a folder in place of the files in it once there are
 * more than a handful, but never one that would allow far more than what was needed, such
 * as {@code /etc} or a home folder.
 */
final class SuggestedPaths {

	/** The largest number of neighbours that are named one by one. */
	private static final int HANDFUL = 4;

	private static final NeededPaths OF_NO_PROGRAM = new NeededPaths(Path.of("/"), Map.of());

	private SuggestedPaths() {
	}

	/**
	 * The paths of an access that allow all needs of it.
	 * @param allowed folders below which nothing more is needed
	 */
	static Set<Path> of(SandboxNeed.Access access, Collection<SandboxNeed> needs, Set<Path> allowed) {
		Set<Path> paths = new TreeSet<>();
		for (SandboxNeed need : needs) {
			Path path = need.path();
			if (need.access() == access && path != null && !isTooBroad(path)) {
				paths.add(path);
			}
		}
		if (access != SandboxNeed.Access.EXECUTE) {
			while (mergeNeighbours(paths)) {
				// Their folder may be one of many now.
			}
		}
		paths.removeIf((path) -> isBelow(path.getParent(), paths) || isBelow(path, allowed));
		return new LinkedHashSet<>(paths);
	}

	private static boolean mergeNeighbours(Set<Path> paths) {
		Map<Path, Set<Path>> byFolder = new HashMap<>();
		for (Path path : paths) {
			Path folder = path.getParent();
			if (folder != null && !isTooBroad(folder) && !isBelow(folder, paths)) {
				byFolder.computeIfAbsent(folder, (key) -> new TreeSet<>()).add(path);
			}
		}
		List<Path> folders = byFolder.entrySet()
			.stream()
			.filter((entry) -> entry.getValue().size() > HANDFUL)
			.map(Map.Entry::getKey)
			.toList();
		return paths.addAll(folders);
	}

	/** Whether a path, or a folder above it, is among others. */
	private static boolean isBelow(Path path, Set<Path> others) {
		for (Path folder = path; folder != null; folder = folder.getParent()) {
			if (others.contains(folder)) {
				return true;
			}
		}
		return false;
	}

	/** Whether a path is a folder that holds what other programs and users have. */
	private static boolean isTooBroad(Path path) {
		return Files.isDirectory(path) && (OF_NO_PROGRAM.isShared(path) || path.startsWith("/proc"));
	}

}
