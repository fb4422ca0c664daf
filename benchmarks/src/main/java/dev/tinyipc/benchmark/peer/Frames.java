package dev.tinyipc.benchmark.peer;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ByteChannel;

import org.jspecify.annotations.Nullable;

/**
 * Messages over a channel that has none, or only small ones: the length of the body, a
 * {@code u64} in native byte order, then the body. One buffer to send from and one to
 * receive into, both reused.
 */
final class Frames {

	static final int HEADER_SIZE = Long.BYTES;

	private static final int INITIAL_CAPACITY = 128 * 1024;

	private final ByteChannel channel;

	private final int maxWrite;

	/** What was received and not yet looked at, from its position to its limit. */
	private ByteBuffer received = allocate(INITIAL_CAPACITY).limit(0);

	/**
	 * For one channel, in blocking mode.
	 * @param channel a stream, or one of packets
	 * @param maxWrite how many bytes it takes at once
	 */
	Frames(ByteChannel channel, int maxWrite) {
		this.channel = channel;
		this.maxWrite = maxWrite;
	}

	static ByteBuffer allocate(int capacity) {
		return ByteBuffer.allocateDirect(capacity).order(ByteOrder.nativeOrder());
	}

	/** A whole frame with this body. */
	static ByteBuffer frame(byte[] body) {
		return allocate(HEADER_SIZE + body.length).putLong(body.length).put(body).flip();
	}

	/** Sends a whole frame, from 0 to its limit. */
	void send(ByteBuffer frame) throws IOException {
		int end = frame.limit();
		frame.position(0);
		while (frame.position() < end) {
			frame.limit(Math.min(end, frame.position() + this.maxWrite));
			this.channel.write(frame);
		}
		frame.limit(end);
	}

	/**
	 * Receives a whole frame.
	 * @return a view of it, header and all, that is good until the next one is received;
	 * or {@code null} if the peer closed
	 */
	@Nullable ByteBuffer receive() throws IOException {
		if (!fill(HEADER_SIZE)) {
			return null;
		}
		int size = Math.toIntExact(HEADER_SIZE + this.received.getLong(this.received.position()));
		if (!fill(size)) {
			throw new EOFException("the peer closed within a message");
		}
		int start = this.received.position();
		this.received.position(start + size);
		return this.received.slice(start, size).order(ByteOrder.nativeOrder());
	}

	private boolean fill(int size) throws IOException {
		while (this.received.remaining() < size) {
			makeRoom(size);
			int end = this.received.limit();
			this.received.limit(this.received.capacity());
			int count = this.channel.read(this.received.mark().position(end));
			this.received.reset().limit(end + Math.max(count, 0));
			if (count <= 0) {
				return false;
			}
		}
		return true;
	}

	/**
	 * A packet that finds no room is lost in part: there is always some behind a frame.
	 */
	private void makeRoom(int size) {
		if (this.received.capacity() < size) {
			this.received = allocate(size).put(this.received).flip();
		}
		else if (!this.received.hasRemaining()) {
			this.received.position(0).limit(0);
		}
		else if (this.received.capacity() - this.received.position() < size) {
			this.received.compact().flip();
		}
	}

}
