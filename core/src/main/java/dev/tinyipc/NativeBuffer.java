package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.charset.Charset;

/**
 * A block of native memory with its address and a view of its bytes. It is not zeroed, so
 * that the pages of a generous block cost nothing until they are used, and it is freed
 * with the object: whoever hands {@link #address()} to native code must keep the object
 * in a field or behind a reachability fence until the call returns.
 */
final class NativeBuffer {

	/** The encoding in which the JVM hands paths and arguments to the system. */
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

	/** Allocates bytes that are zero. */
	static NativeBuffer zeroed(int capacity) {
		NativeBuffer buffer = new NativeBuffer(capacity);
		for (int at = 0; at < capacity; at += ZEROES.length) {
			buffer.bytes.put(at, ZEROES, 0, Math.min(ZEROES.length, capacity - at));
		}
		return buffer;
	}

	/**
	 * A NUL-terminated C string in the system's encoding.
	 * @throws IllegalArgumentException if the text holds a NUL, at which C would end it
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

	long address() {
		return this.address;
	}

	/**
	 * All bytes, in native order. Position and limit belong to whoever uses the block.
	 */
	ByteBuffer bytes() {
		return this.bytes;
	}

	int capacity() {
		return this.bytes.capacity();
	}

	/** Gives the memory back now. Nobody may use the block afterwards. */
	void free() {
		this.block.free().run();
	}

}
