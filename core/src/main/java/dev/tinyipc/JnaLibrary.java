package dev.tinyipc;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * JNA's native library, unpacked for children in Java. JNA unpacks it into a folder that
 * it can write to, of which a child that is locked down has none. So this process does it
 * once for all of them, in the place where JNA does it here, and names the folder by the
 * property that JNA asks first. The folder is called by the library's content and is this
 * user's alone. It is looked at before each start: something that cleans up may have
 * removed it, and a child that may write there may have changed it.
 */
final class JnaLibrary {

	private static final Logger logger = LoggerFactory.getLogger(JnaLibrary.class);

	private static final String PROPERTY = "jna.boot.library.path";

	private static final String NAME = "libjnidispatch.so";

	private static final Set<PosixFilePermission> PRIVATE = PosixFilePermissions.fromString("rwx------");

	private static byte @Nullable [] content;

	private static boolean told;

	private JnaLibrary() {
	}

	/** Adds the library's folder to a command of {@code java}, unless it names one. */
	static void addTo(List<String> command) {
		String option = "-D" + PROPERTY + '=';
		Path folder = command.stream().anyMatch((argument) -> argument.startsWith(option)) ? null : folder();
		if (folder != null) {
			command.add(1, option + folder);
		}
	}

	private static synchronized @Nullable Path folder() {
		String given = System.getProperty(PROPERTY, "");
		if (!given.isEmpty() && Files.exists(Path.of(given, NAME))) {
			return Path.of(given).toAbsolutePath();
		}
		return unpack();
	}

	/** Null if it can be unpacked nowhere; JNA will say so in the child. */
	private static @Nullable Path unpack() {
		IOException failure = new IOException("no folder is writable");
		for (Path folder : folders()) {
			try {
				byte[] library = content();
				return (library != null) ? unpack(library, folder) : null;
			}
			catch (IOException ex) {
				failure = ex;
			}
		}
		if (!told) {
			told = true;
			logger.warn("Children in Java that are locked down cannot use JNA, whose library could not be unpacked"
					+ " for them ({}). Name a folder with -Djna.tmpdir", failure.toString());
		}
		return null;
	}

	/** Null if JNA comes without libraries. */
	private static byte @Nullable [] content() throws IOException {
		if (content == null) {
			try (InputStream resource = JnaLibrary.class.getResourceAsStream(Machine.JNA_FOLDER + NAME)) {
				content = (resource != null) ? resource.readAllBytes() : null;
			}
		}
		return content;
	}

	/** Where JNA unpacks it, and so a library can be loaded from there. */
	private static List<Path> folders() {
		String cache = Objects.requireNonNullElse(System.getenv("XDG_CACHE_HOME"), "").strip();
		Path user = cache.isEmpty() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(cache);
		return Stream
			.of(Path.of(System.getProperty("jna.tmpdir", "")), user.resolve("JNA/temp"),
					Path.of(System.getProperty("java.io.tmpdir")))
			.filter((path) -> !path.toString().isEmpty() && Files.isWritable(path))
			.map(Path::toAbsolutePath)
			.toList();
	}

	private static Path unpack(byte[] content, Path parent) throws IOException {
		Path folder = parent.resolve("tiny-ipc-" + digest(content));
		try {
			Files.createDirectory(folder, PosixFilePermissions.asFileAttribute(PRIVATE));
		}
		catch (FileAlreadyExistsException ex) {
			// by another process of this user, which is checked below
		}
		if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
				|| !Files.getPosixFilePermissions(folder, LinkOption.NOFOLLOW_LINKS).equals(PRIVATE)) {
			throw new FileSystemException(folder.toString(), null, "not a private folder");
		}
		Path making = Files.createTempFile(folder, NAME, null);
		try {
			if (!owner(folder).equals(owner(making))) {
				throw new FileSystemException(folder.toString(), null, "belongs to another user");
			}
			Path library = folder.resolve(NAME);
			if (!Files.isRegularFile(library, LinkOption.NOFOLLOW_LINKS)
					|| !Arrays.equals(Files.readAllBytes(library), content)) {
				Files.write(making, content);
				Files.move(making, library, StandardCopyOption.ATOMIC_MOVE);
			}
		}
		finally {
			Files.deleteIfExists(making);
		}
		return folder;
	}

	private static Object owner(Path path) throws IOException {
		return Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS);
	}

	private static String digest(byte[] content) {
		try {
			return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content), 0, 16);
		}
		catch (NoSuchAlgorithmException ex) {
			throw new IllegalStateException("Every Java platform has it", ex);
		}
	}

}
