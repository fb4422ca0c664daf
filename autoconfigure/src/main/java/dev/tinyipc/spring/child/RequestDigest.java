package dev.tinyipc.spring.child;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import dev.tinyipc.OwnedFd;
import org.jspecify.annotations.Nullable;

/**
 * By what a request is known again: a digest of its method, its payload as it is sent,
 * with what is in blocks, and of what its descriptors refer to. Headers do not count.
 * <p>
 * Files are not read, which could take long, or take away what is in a pipe. A file
 * counts as the same if its place and size are, and if it has not been changed since.
 * Without that, all requests that differ only in their files would be the same.
 */
final class RequestDigest {

	/** Is in no text in UTF-8, and so separates one from what follows. */
	private static final byte SEPARATOR = (byte) 0xff;

	private static final String IDENTITY = "unix:dev,ino,mode,size,lastModifiedTime";

	private RequestDigest() {
	}

	/**
	 * Calculates a digest.
	 * @return to be compared by its content
	 */
	static ByteBuffer of(@Nullable String method, ByteBuffer payload, List<ByteBuffer> blocks,
			List<OwnedFd> descriptors) {
		MessageDigest digest = sha256();
		if (method != null) {
			digest.update(method.getBytes(StandardCharsets.UTF_8));
		}
		for (OwnedFd descriptor : descriptors) {
			digest.update(SEPARATOR);
			digest.update(identity(descriptor).getBytes(StandardCharsets.UTF_8));
		}
		digest.update(SEPARATOR);
		digest.update(payload);
		blocks.forEach(digest::update); // their sizes are in the payload
		return ByteBuffer.wrap(digest.digest());
	}

	private static String identity(OwnedFd descriptor) {
		try {
			Map<String, Object> attributes = Files.readAttributes(Path.of("/proc/self/fd/" + descriptor.fd()),
					IDENTITY);
			return new TreeMap<>(attributes).toString();
		}
		catch (IOException ex) {
			// It cannot be known again, and so neither can its request.
			return descriptor + "@" + System.nanoTime();
		}
	}

	private static MessageDigest sha256() {
		try {
			return MessageDigest.getInstance("SHA-256");
		}
		catch (NoSuchAlgorithmException ex) {
			throw new IllegalStateException(ex); // every JDK has it
		}
	}

}
