package dev.tinyipc.spring.child;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.stream.Stream;

/**
 * A digest of the jars of a class path. It covers only their central directories, which
 * hold a checksum of each file and are read quickly.
 */
final class JarContents {

	/** The end record ({@code APPNOTE.TXT}, 4.3.16) without its comment. */
	private static final int END_SIZE = 22;

	private static final int END_SIGNATURE = 0x06054b50;

	private static final int END_DIRECTORY_SIZE = 12;

	private static final int END_COMMENT_SIZE = 20;

	private static final int MAX_COMMENT_SIZE = 0xFFFF;

	/** Found in a jar that is so large that its sizes are stored elsewhere. */
	private static final int ZIP64_LOCATOR_SIGNATURE = 0x07064b50;

	private static final int ZIP64_LOCATOR_SIZE = 20;

	private static final int BLOCK_SIZE = 64 * 1024;

	private final Map<Path, Jar> jars = new ConcurrentHashMap<>();

	/**
	 * Digests all jars of a class path, and those that their manifests refer to.
	 * @return the digest; empty if there is a folder among them
	 */
	Optional<byte[]> digest(ClassPath classPath) throws IOException {
		Set<Path> found = new LinkedHashSet<>();
		if (!collect(classPath.entries(), found)) {
			return Optional.empty();
		}
		MessageDigest digest = newDigest();
		for (Path jar : found) {
			digest.update(jar(jar).digest());
		}
		return Optional.of(digest.digest());
	}

	private boolean collect(Collection<Path> entries, Set<Path> found) throws IOException {
		for (Path entry : entries) {
			if (Files.isDirectory(entry)) {
				return false;
			}
			if (Files.isRegularFile(entry) && found.add(entry) && !collect(jar(entry).classPath(), found)) {
				return false;
			}
		}
		return true;
	}

	/** Reads a jar again only if it has changed. */
	private Jar jar(Path path) throws IOException {
		Map<String, Object> version = Files.readAttributes(path, "unix:ino,size,lastModifiedTime,ctime");
		Jar known = this.jars.get(path);
		if (known != null && known.version().equals(version)) {
			return known;
		}
		Jar jar = new Jar(version, digest(path), classPath(path));
		this.jars.put(path, jar);
		return jar;
	}

	private static Collection<Path> classPath(Path path) throws IOException {
		try (JarFile jar = new JarFile(path.toFile(), false)) {
			Manifest manifest = jar.getManifest();
			String classPath = (manifest != null) ? manifest.getMainAttributes().getValue(Attributes.Name.CLASS_PATH)
					: null;
			return (classPath == null) ? Set.of()
					: Stream.of(classPath.trim().split(" +"))
						.map((entry) -> Path.of(path.toUri().resolve(entry)))
						.toList();
		}
	}

	private static byte[] digest(Path jar) throws IOException {
		try (FileChannel file = FileChannel.open(jar)) {
			MessageDigest digest = newDigest();
			file.position(centralDirectory(file));
			ByteBuffer block = ByteBuffer.allocate(BLOCK_SIZE);
			while (file.read(block) >= 0) {
				digest.update(block.flip());
				block.clear();
			}
			return digest.digest();
		}
	}

	/** Its offset; 0, and so the whole file, if it cannot be found. */
	private static long centralDirectory(FileChannel file) throws IOException {
		int tail = (int) Math.min(file.size(), END_SIZE + MAX_COMMENT_SIZE);
		ByteBuffer bytes = ByteBuffer.allocate(tail).order(ByteOrder.LITTLE_ENDIAN);
		file.position(file.size() - tail);
		while (bytes.hasRemaining() && file.read(bytes) >= 0) {
			// read the rest
		}
		for (int end = tail - END_SIZE; end >= 0; end--) {
			if (bytes.getInt(end) == END_SIGNATURE
					&& end + END_SIZE + Short.toUnsignedInt(bytes.getShort(end + END_COMMENT_SIZE)) == tail) {
				boolean zip64 = end >= ZIP64_LOCATOR_SIZE
						&& bytes.getInt(end - ZIP64_LOCATOR_SIZE) == ZIP64_LOCATOR_SIGNATURE;
				long size = Integer.toUnsignedLong(bytes.getInt(end + END_DIRECTORY_SIZE));
				return zip64 ? 0 : Math.max(0, file.size() - tail + end - size);
			}
		}
		return 0;
	}

	static MessageDigest newDigest() {
		try {
			return MessageDigest.getInstance("SHA-256");
		}
		catch (NoSuchAlgorithmException ex) {
			throw new IllegalStateException("Every Java platform has it", ex);
		}
	}

	/**
	 * A jar that was read.
	 *
	 * @param version changes whenever the file does
	 * @param digest the digest of its central directory
	 * @param classPath the class path of its manifest
	 */
	private record Jar(Map<String, Object> version, byte[] digest, Collection<Path> classPath) {

	}

}
