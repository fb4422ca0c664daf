package dev.tinyipc;

import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicReference;

import org.jspecify.annotations.Nullable;

/**
 * Native memory for one frame with its header. It grows as the frame is written or
 * received, and its socket reuses it for the next frame.
 */
final class FrameBuffer extends OutputStream implements FrameWindow {

	/** Room for any first packet. Unused pages cost nothing. */
	private static final int INITIAL_CAPACITY = Frame.MAX_PACKET_SIZE;

	private final Slot home;

	private final NativeBuffer own = NativeBuffer.allocate(INITIAL_CAPACITY);

	/** Its own, or shared memory for a larger frame. */
	private NativeBuffer memory = this.own;

	private final CborCheck check = new CborCheck();

	private final SmallBodies.Kept smallBodies = new SmallBodies.Kept();

	private int size;

	private int maxSize;

	private long wanted;

	private FrameBuffer(Slot home) {
		this.home = home;
	}

	/** Begins to write a frame, after room for the header. */
	FrameBuffer begin(int maxBodySize) {
		return begin(maxBodySize, 0);
	}

	/**
	 * As {@link #begin(int)}, after the first bytes of the body, which are there already.
	 */
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

	/** Looks at what was received. */
	CborCheck check() {
		return this.check;
	}

	/** Read what was received. */
	SmallBodies.Kept smallBodies() {
		return this.smallBodies;
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
		// It is already in place.
	}

	/** Forgets what was written behind the first bytes of the body. */
	void cut(long bodySize) {
		this.size = Frame.HEADER_SIZE + (int) bodySize;
		this.wanted = this.size;
	}

	/** Moves what is behind some of the body to another place, and forgets the rest. */
	void move(int from, int to, int maxBodySize) {
		int length = this.size - Frame.HEADER_SIZE - from;
		ByteBuffer bytes = this.memory.bytes();
		bytes.put(Frame.HEADER_SIZE + to, bytes, Frame.HEADER_SIZE + from, length);
		begin(maxBodySize, to + length);
	}

	/** Whether bytes over the limit were only counted. */
	boolean isCut() {
		return this.wanted > this.maxSize;
	}

	/** The size that the body would have if it were not cut at the limit. */
	long wantedBodySize() {
		return this.wanted - Frame.HEADER_SIZE;
	}

	/** What was written of the body, from an offset on. */
	ByteBuffer body(int offset) {
		int start = Frame.HEADER_SIZE + offset;
		return this.memory.bytes().slice(start, this.size - start).asReadOnlyBuffer();
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
	 * Bytes over the limit are only counted, so that the error can name the full size.
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

	/** Grows the memory to at least the given size, and keeps its first bytes. */
	private void grow(int capacity, int used) {
		if (capacity > this.memory.capacity()) {
			NativeBuffer larger = LargeMemory.take(capacity);
			larger.bytes().put(0, this.memory.bytes(), 0, used);
			shrink();
			this.memory = larger;
		}
	}

	/** Ends its use: whoever took it has no access to it any more. */
	void giveBack() {
		shrink();
		this.home.keep(this);
	}

	private void shrink() {
		if (this.memory != this.own) {
			LargeMemory.giveBack(this.memory);
			this.memory = this.own;
		}
	}

	/**
	 * Keeps the buffer between two frames. One taker has it alone; a second one, such as
	 * a serializer that sends, gets another buffer.
	 */
	static final class Slot {

		private final AtomicReference<@Nullable FrameBuffer> spare = new AtomicReference<>();

		private volatile boolean closed;

		FrameBuffer take() {
			FrameBuffer buffer = this.spare.getAndSet(null);
			return (buffer != null) ? buffer : new FrameBuffer(this);
		}

		private void keep(FrameBuffer buffer) {
			if (!this.spare.compareAndSet(null, buffer)) {
				buffer.own.free();
			}
			else if (this.closed) {
				freeSpare();
			}
		}

		void close() {
			this.closed = true;
			freeSpare();
		}

		private void freeSpare() {
			FrameBuffer buffer = this.spare.getAndSet(null);
			if (buffer != null) {
				buffer.own.free();
			}
		}

	}

}
