package dev.tinyipc;

import java.io.OutputStream;

import org.jspecify.annotations.Nullable;

/**
 * Native memory for one frame, header included, that grows as the frame is written or
 * received, and that its socket uses again for the next one.
 */
final class FrameBuffer extends OutputStream implements Frame.Window {

	/** Room for any first packet. Pages that are not used cost nothing. */
	private static final int INITIAL_CAPACITY = Frame.MAX_PACKET_SIZE;

	private final NativeBuffer own = NativeBuffer.allocate(INITIAL_CAPACITY);

	/** Its own, or for a larger frame some that is shared. */
	private NativeBuffer memory = this.own;

	private int size;

	private int maxSize;

	private long wanted;

	/** Starts a frame that is written: the header's place first. */
	FrameBuffer begin(int maxBodySize) {
		return begin(maxBodySize, 0);
	}

	/** As {@link #begin(int)}, behind the first bytes of the body, which are there. */
	FrameBuffer begin(int maxBodySize, int prefixSize) {
		this.size = Frame.HEADER_SIZE + prefixSize;
		this.maxSize = Frame.HEADER_SIZE + maxBodySize;
		this.wanted = this.size;
		return this;
	}

	@Override
	public NativeBuffer memory() {
		return this.memory;
	}

	@Override
	public int bring(int from, int size) {
		return from;
	}

	@Override
	public void expect(int length, int there) {
		grow(length, there);
	}

	@Override
	public int placeOf(int from) {
		return from;
	}

	@Override
	public void take(int from, int size) {
		// It is where it stays.
	}

	/** The bytes that the body would have, had it not been cut at the limit. */
	long wantedBodySize() {
		return this.wanted - Frame.HEADER_SIZE;
	}

	@Override
	public void write(int value) {
		if (reserve(1)) {
			this.memory.bytes().put(this.size++, (byte) value);
		}
	}

	@Override
	public void write(byte[] source, int offset, int length) {
		if (reserve(length)) {
			this.memory.bytes().put(this.size, source, offset, length);
			this.size += length;
		}
	}

	/**
	 * What is over the limit is only counted, so that the error can name the full size.
	 */
	private boolean reserve(int length) {
		this.wanted += length;
		if (this.wanted > this.maxSize) {
			return false;
		}
		if (this.wanted > this.memory.capacity()) {
			long doubled = Math.min(2L * this.memory.capacity(), this.maxSize);
			grow((int) Math.max(doubled, this.wanted), this.size);
		}
		return true;
	}

	/** Makes the memory at least so large, and keeps its first bytes. */
	private void grow(int capacity, int used) {
		if (capacity > this.memory.capacity()) {
			NativeBuffer larger = LargeMemory.take(capacity);
			larger.bytes().put(0, this.memory.bytes(), 0, used);
			shrink();
			this.memory = larger;
		}
	}

	private void shrink() {
		if (this.memory != this.own) {
			LargeMemory.giveBack(this.memory);
			this.memory = this.own;
		}
	}

	/**
	 * Where the buffer is kept between two frames. Whoever takes it has it alone; a
	 * second taker, such as a serializer that sends, gets another one.
	 */
	static final class Slot {

		private @Nullable FrameBuffer spare;

		private boolean closed;

		synchronized FrameBuffer take() {
			FrameBuffer buffer = this.spare;
			this.spare = null;
			return (buffer != null) ? buffer : new FrameBuffer();
		}

		synchronized void giveBack(FrameBuffer buffer) {
			buffer.shrink();
			if (this.closed || this.spare != null) {
				buffer.own.free();
			}
			else {
				this.spare = buffer;
			}
		}

		synchronized void close() {
			this.closed = true;
			if (this.spare != null) {
				this.spare.own.free();
				this.spare = null;
			}
		}

	}

}
