package dev.tinyipc.spring.child;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

/**
 * The folder of class archives. Whoever can write to an archive decides which code runs
 * in the JVMs that use it. The folder must therefore belong to this user, and nobody else
 * may be able to write to it, or to replace it.
 */
final class ArchiveFolder {

	private static final int MAX_ARCHIVES = 32;

	private static final Duration MAX_IDLE_TIME = Duration.ofDays(30);

	private static final String ARCHIVE = "[0-9a-f]+\\.jsa(\\..*)?";

	/** {@code inode(7)}. */
	private static final int STICKY = 01000;

	private static final int WRITABLE_BY_OTHERS = 0002;

	private static final int WRITABLE_BY_GROUP_OR_OTHERS = 0022;

	private static final int SEARCHABLE_BY_GROUP_OR_OTHERS = 0011;

	private final @Nullable Path folder;

	/**
	 * Uses a folder, which is created when it is first needed.
	 * @param folder the folder; null for {@code tiny-ipc} in the user's cache
	 */
	ArchiveFolder(@Nullable Path folder) {
		this.folder = (folder != null) ? folder.toAbsolutePath() : userFolder();
	}

	/**
	 * Follows the XDG Base Directory Specification. Null if the user has no home.
	 */
	private static @Nullable Path userFolder() {
		return Stream
			.of(Path.of(System.getenv().getOrDefault("XDG_CACHE_HOME", "")),
					Path.of(System.getProperty("user.home")).resolve(".cache"))
			.filter(Path::isAbsolute)
			.map((cache) -> cache.resolve("tiny-ipc"))
			.findFirst()
			.orElse(null);
	}

	/**
	 * Finds a file in the folder, and creates the folder if it does not exist.
	 * @param name the file's name
	 * @return its path, without symbolic links; the file need not exist
	 * @throws IOException if the folder or the file cannot be trusted or used
	 */
	Path file(String name) throws IOException {
		Path folder = open();
		Path file = folder.resolve(name);
		if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
			checkFile(file);
			checkPrivate(file);
			Files.setLastModifiedTime(file, FileTime.from(Instant.now())); // it is in use
		}
		else {
			makeRoom(folder);
		}
		return file;
	}

	/**
	 * Where to make a file of the folder, which is to be {@link #keep kept} if it is
	 * good.
	 */
	static Path unfinished(Path file) {
		return file.resolveSibling(file.getFileName() + "." + UUID.randomUUID());
	}

	/**
	 * Gives a file that is finished its name, and makes it read-only: it may have been
	 * made with the rights of a lenient umask.
	 * @param made its path until now, see {@link #unfinished}
	 * @throws IOException if it cannot be trusted, and was removed
	 */
	static void keep(Path made, Path file) throws IOException {
		try {
			checkFile(made);
			Files.setPosixFilePermissions(made, PosixFilePermissions.fromString("r--------"));
			Files.move(made, file, StandardCopyOption.ATOMIC_MOVE);
		}
		finally {
			Files.deleteIfExists(made);
		}
	}

	private Path open() throws IOException {
		if (this.folder == null || this.folder.getParent() == null) {
			throw new IOException("this user has no home directory; set ipc.class-sharing.directory");
		}
		Path folder = existing(this.folder.getParent()).resolve(this.folder.getFileName());
		if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
			create(folder);
		}
		check(folder, !Files.isSymbolicLink(folder), "it is a symbolic link");
		check(folder, Files.isDirectory(folder), "it is not a directory");
		checkPrivate(folder);
		return folder;
	}

	/**
	 * Resolves the links above the folder, and creates what is missing, but not below
	 * what others could replace.
	 */
	private static Path existing(Path directory) throws IOException {
		if (Files.exists(directory)) {
			Path real = directory.toRealPath();
			checkAll(real);
			return real;
		}
		Path missing = existing(directory.getParent()).resolve(directory.getFileName());
		create(missing);
		return missing;
	}

	/** Does not follow a link that somebody makes meanwhile. */
	private static void create(Path directory) throws IOException {
		try {
			Files.createDirectory(directory,
					PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
		}
		catch (FileAlreadyExistsException ex) {
			// Another application of this user's has been quicker.
			check(directory, Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS), "it is not a directory");
			checkPrivate(directory);
		}
	}

	/** From the root on: a group cannot write to what it cannot reach, such as a home. */
	private static void checkAll(Path directory) throws IOException {
		int user = user();
		boolean reachable = true;
		for (int names = 0; names <= directory.getNameCount(); names++) {
			Path path = (names == 0) ? directory.getRoot() : directory.getRoot().resolve(directory.subpath(0, names));
			int mode = attribute(path, "mode");
			int owner = attribute(path, "uid");
			check(path, owner == 0 || owner == user, "it belongs to another user, who could replace what is in it");
			int tooMuch = reachable ? WRITABLE_BY_GROUP_OR_OTHERS : WRITABLE_BY_OTHERS;
			check(path, (mode & tooMuch) == 0 || (mode & STICKY) != 0,
					"others can write to it, and could replace what is in it");
			reachable &= (mode & SEARCHABLE_BY_GROUP_OR_OTHERS) != 0;
		}
	}

	private static void checkFile(Path file) throws IOException {
		check(file, Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS), "it is not a regular file");
		check(file, attribute(file, "uid") == user(), "it belongs to another user");
		check(file, attribute(file, "nlink") == 1, "it has other names, by which it could be changed");
	}

	private static void checkPrivate(Path path) throws IOException {
		check(path, attribute(path, "uid") == user(), "it belongs to another user");
		check(path, (attribute(path, "mode") & WRITABLE_BY_GROUP_OR_OTHERS) == 0, "others can write to it");
	}

	private static void check(Path path, boolean trusted, String reason) throws IOException {
		if (!trusted) {
			throw new FileSystemException(path.toString(), null, reason);
		}
	}

	private static int attribute(Path path, String name) throws IOException {
		return (Integer) Files.getAttribute(path, "unix:" + name, LinkOption.NOFOLLOW_LINKS);
	}

	/** The effective user, see {@code proc_pid_status(5)}. */
	private static int user() throws IOException {
		try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
			return lines.filter((line) -> line.startsWith("Uid:"))
				.map((line) -> Integer.parseUnsignedInt(line.split("\\s+")[2]))
				.findFirst()
				.orElseThrow();
		}
	}

	/** Removes archives that have long been unused, and the oldest if there are many. */
	private static void makeRoom(Path folder) throws IOException {
		Map<Path, FileTime> archives = new HashMap<>();
		try (Stream<Path> files = Files.list(folder)) {
			for (Path file : files.filter((path) -> path.getFileName().toString().matches(ARCHIVE)).toList()) {
				archives.put(file, Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS));
			}
		}
		FileTime oldest = FileTime.from(Instant.now().minus(MAX_IDLE_TIME));
		int excess = archives.size() - (MAX_ARCHIVES - 1);
		for (Path archive : archives.keySet().stream().sorted(Comparator.comparing(archives::get)).toList()) {
			if (excess-- > 0 || archives.get(archive).compareTo(oldest) < 0) {
				Files.deleteIfExists(archive); // a JVM that uses it has it mapped
			}
		}
	}

}
