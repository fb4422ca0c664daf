package dev.tinyipc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

import org.jspecify.annotations.Nullable;

/**
 * The folders that a child may change. It could put a symbolic link there in place of a
 * folder that is allowed, too, and so choose what its successors are allowed: such links
 * are not followed.
 */
final class WritableFolders {

	/** {@code MAXSYMLINKS} of the kernel. */
	private static final int MAX_LINKS = 40;

	private final Set<Path> folders = new LinkedHashSet<>();

	/**
	 * Folders as a sandbox names them.
	 * @param folders absolute paths; those that do not exist are skipped
	 */
	WritableFolders(Collection<Path> folders) {
		for (Path folder : folders) {
			Route route = Route.of(folder);
			if (route != null) {
				this.folders.add(route.end());
			}
		}
	}

	boolean isEmpty() {
		return this.folders.isEmpty();
	}

	/**
	 * Follows paths, as far as the child could not have changed where they lead.
	 * @return paths without symbolic links; those that do not exist are left out
	 * @throws IpcException if one leads out of these folders by way of a link in them
	 */
	List<Path> follow(Collection<Path> paths) throws IpcException {
		List<Path> ends = new ArrayList<>();
		for (Path path : paths) {
			Route route = Route.of(path);
			if (route != null) {
				check(path, route);
				ends.add(route.end());
			}
		}
		return ends;
	}

	private void check(Path path, Route route) throws IpcException {
		for (Path folder : this.folders) {
			for (Path link : route.links()) {
				if (link.startsWith(folder) && !route.end().startsWith(folder)) {
					throw new IpcException("The child must not be allowed " + path + ": the symbolic link " + link
							+ ", which leads to " + route.end() + ", is in the folder " + folder
							+ ", which it may write. An earlier instance may have put it there. If it is yours, allow "
							+ route.end() + " instead");
				}
			}
		}
	}

	/** A file of a program that the child may change, and its successors would run. */
	Optional<Path> changeable(Collection<Path> program) {
		return program.stream()
			.map(NeededPaths::real)
			.filter((path) -> this.folders.stream().anyMatch(path::startsWith) && Files.exists(path))
			.findFirst();
	}

	/** Where a path leads, and the symbolic links on the way. */
	private record Route(Path end, List<Path> links) {

		/** Null if the path does not exist, or is out of reach. */
		static @Nullable Route of(Path path) {
			List<Path> links = new ArrayList<>();
			Deque<Path> rest = new ArrayDeque<>();
			path.forEach(rest::add);
			Path root = path.getRoot();
			Path place = root;
			while (!rest.isEmpty()) {
				String name = rest.removeFirst().toString();
				Path next = place.resolve(name);
				if (name.equals("..")) {
					place = (place.getParent() != null) ? place.getParent() : root;
				}
				else if (!Files.isSymbolicLink(next)) {
					place = name.equals(".") ? place : next;
				}
				else if (links.size() == MAX_LINKS) {
					return null;
				}
				else {
					links.add(next);
					Path target = target(next);
					if (target == null) {
						return null;
					}
					List<Path> names = new ArrayList<>();
					target.forEach(names::add);
					for (int i = names.size() - 1; i >= 0; i--) {
						rest.addFirst(names.get(i));
					}
					place = target.isAbsolute() ? root : place;
				}
			}
			return Files.exists(place) ? new Route(place, links) : null;
		}

		private static @Nullable Path target(Path link) {
			try {
				return Files.readSymbolicLink(link);
			}
			catch (IOException ex) {
				return null;
			}
		}

	}

}
