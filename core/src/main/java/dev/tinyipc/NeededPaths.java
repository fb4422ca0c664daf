package dev.tinyipc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

/** Collects what a program needs. */
final class NeededPaths {

	/** What lies in them belongs to many programs. */
	private static final Set<String> SHARED = Set.of("/", "/boot", "/dev", "/etc", "/home", "/media", "/mnt", "/opt",
			"/proc", "/root", "/run", "/srv", "/sys", "/tmp", "/usr", "/usr/local", "/usr/share", "/var");

	private static final Path HOMES = Path.of("/home");

	private static final Set<String> PROGRAMS = Set.of("bin", "sbin");

	/** {@code inode(7)}: others may put files there. */
	private static final int WRITABLE_BY_OTHERS = 0002;

	private final Path directory;

	private final Map<String, String> environment;

	private final Set<Path> readable = new LinkedHashSet<>();

	private final Set<Path> executable = new LinkedHashSet<>();

	/**
	 * Collects for one start.
	 * @param directory the child's working directory, an absolute path
	 * @param environment the child's environment
	 */
	NeededPaths(Path directory, Map<String, String> environment) {
		this.directory = directory;
		this.environment = environment;
	}

	Set<Path> readable() {
		return this.readable;
	}

	Set<Path> executable() {
		return this.executable;
	}

	Path directory() {
		return this.directory;
	}

	/** A variable of the child; empty if it is not set. */
	String variable(String name) {
		return this.environment.getOrDefault(name, "");
	}

	/**
	 * The path that the child would open.
	 * @return an absolute path; null if the text cannot be one
	 */
	@Nullable Path path(String path) {
		try {
			return path.isEmpty() ? null : withoutDots(this.directory.resolve(path));
		}
		catch (InvalidPathException ex) {
			return null;
		}
	}

	/**
	 * Leaves out what changes nothing. The parent of a symbolic link is not the folder
	 * that it lies in, so where a path goes up it stays as it is.
	 */
	static Path withoutDots(Path path) {
		for (Path name : path) {
			if (name.toString().equals("..")) {
				return path;
			}
		}
		return path.normalize();
	}

	/** The child may read a file, or all that is below a folder. */
	void read(@Nullable Path path) {
		if (path != null) {
			this.readable.add(path);
		}
	}

	/** The child may read each path of a list, whose empty parts are ignored. */
	void readAll(String list, String separator) {
		Stream.of(list.split(separator)).map(this::path).forEach(this::read);
	}

	/** The child may execute a file. */
	void execute(Path file) {
		this.executable.add(file);
	}

	/**
	 * The child may read a file and all that is beside it, such as the modules that a
	 * script imports. If the folder is not the file's own, the file only. Its own path is
	 * kept, too: who may change a link on the way is looked at later.
	 */
	void readWithSiblings(Path file) {
		Path real = real(file);
		read(file);
		read(real);
		readUnlessShared(real.getParent());
	}

	/** The child may read all that is below a folder, unless others share it. */
	void readUnlessShared(@Nullable Path folder) {
		if (folder != null && !isShared(folder)) {
			read(folder);
		}
	}

	/**
	 * Whether things of many programs lie in a folder: it is a home folder or above one,
	 * a well-known one of the system, one for programs, or one in which anybody may put
	 * files.
	 */
	boolean isShared(Path folder) {
		Path real = real(folder);
		if (SHARED.contains(real.toString()) || HOMES.equals(real.getParent())
				|| PROGRAMS.contains(String.valueOf(real.getFileName()))) {
			return true;
		}
		if (Stream.of(System.getProperty("user.home", ""), variable("HOME"))
			.map(this::path)
			.filter(Objects::nonNull)
			.anyMatch((home) -> real(home).startsWith(real))) {
			return true;
		}
		try {
			return ((Integer) Files.getAttribute(real, "unix:mode") & WRITABLE_BY_OTHERS) != 0;
		}
		catch (IOException ex) {
			return true;
		}
	}

	/** Without symbolic links, as far as it exists. */
	static Path real(Path path) {
		try {
			return path.toRealPath();
		}
		catch (IOException ex) {
			return path.normalize();
		}
	}

}
