package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.charset.Charset;

/**
 * A block of native memory with its address and a view of its bytes. It is not zeroed, so
 * that the pages of a generous block cost nothing until they are used. It is freed with
 * the object: whoever passes {@link #address()} to native code must keep the object
 * reachable, by a field or a fence, until the call returns.
 */
final class NativeBuffer {

	/** The encoding in which the JVM passes paths and arguments to the system. */
	private static final Charset SYSTEM_CHARSET = Charset
		.forName(System.getProperty("sun.jnu.encoding", Charset.defaultCharset().name()));

	private static final byte[] ZEROES = new byte[1024];

	private final LibC.Block block;

	private final long address;

	private final ByteBuffer bytes;

	private NativeBuffer(int capacity) {
		this.block = LibC.allocate(capacity);
		this.address = this.block.address();
		this.bytes = this.block.bytes();
	}

	/** Allocates bytes whose content is undefined. */
	static NativeBuffer allocate(int capacity) {
		return new NativeBuffer(capacity);
	}

	/** Allocates zeroed bytes. */
	static NativeBuffer zeroed(int capacity) {
		NativeBuffer buffer = new NativeBuffer(capacity);
		for (int at = 0; at < capacity; at += ZEROES.length) {
			buffer.bytes.put(at, ZEROES, 0, Math.min(ZEROES.length, capacity - at));
		}
		return buffer;
	}

	/**
	 * A NUL-terminated C string in the system's encoding.
	 * @throws IllegalArgumentException if the text contains a NUL, which would end it in
	 * C
	 */
	static NativeBuffer string(String what, String text) {
		byte[] encoded = encode(what, text);
		NativeBuffer buffer = new NativeBuffer(encoded.length + 1);
		buffer.bytes.put(0, encoded).put(encoded.length, (byte) 0);
		return buffer;
	}

	static byte[] encode(String what, String text) {
		if (text.indexOf('\0') >= 0) {
			throw new IllegalArgumentException(
					what + " contains a NUL character: \"" + text.replace("\0", "\\0") + '"');
		}
		return text.getBytes(SYSTEM_CHARSET);
	}

	/** The text of a path or an argument that the system has passed. */
	static String decode(byte[] encoded) {
		return new String(encoded, SYSTEM_CHARSET);
	}

	long address() {
		return this.address;
	}

	/** All bytes, in native order. The user of the block may move position and limit. */
	ByteBuffer bytes() {
		return this.bytes;
	}

	int capacity() {
		return this.bytes.capacity();
	}

	/** Frees the memory now. The block must not be used afterwards. */
	void free() {
		this.block.free().run();
	}

}
