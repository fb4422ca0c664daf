package dev.tinyipc;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One direction of a memory lane, as one of its ends sees it: a ring of bytes with one
 * writer and one reader, which are in different processes. A position counts all bytes
 * from the beginning, and never goes back. The writer publishes its own by a release, the
 * reader takes it by an acquire, and the other way round, so that bytes are there before
 * they are seen, and read before they are written again.
 * <p>
 * The other end is not trusted. Its position is read once, and refused unless it is
 * possible; our own is kept here, where nobody else can write.
 * <p>
 * The writer is guarded by the sending lock, the reader by the receiving lock.
 */
final class MemoryRing {

	private static final VarHandle POSITION = MethodHandles.byteBufferViewVarHandle(long[].class,
			ByteOrder.nativeOrder());

	private final ByteBuffer memory;

	private final int start;

	private final int size;

	private final int ownAt;

	private final int othersAt;

	/** How far the other end may be ahead of us: nothing for a reader, who is behind. */
	private final boolean writes;

	/**
	 * Up to where we have written or read, which is published afterwards. Others may look
	 * at it.
	 */
	private final AtomicLong own = new AtomicLong();

	/** Up to where the other end was when it was last looked at. */
	private long others;

	/** For numbers that go around the end of the ring. */
	private final ByteBuffer number = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder());

	private MemoryRing(ByteBuffer memory, int start, int size, int ownAt, int othersAt, boolean writes) {
		this.memory = memory;
		this.start = start;
		this.size = size;
		this.ownAt = ownAt;
		this.othersAt = othersAt;
		this.writes = writes;
	}

	/**
	 * The writer's end.
	 * @param memory all of the lane's
	 * @param start where the ring begins
	 * @param size of the ring in bytes, a power of two
	 * @param tailAt where the writer's position is
	 * @param headAt where the reader's position is
	 */
	static MemoryRing writer(ByteBuffer memory, int start, int size, int tailAt, int headAt) {
		return new MemoryRing(memory, start, size, tailAt, headAt, true);
	}

	/** The reader's end, see {@link #writer}. */
	static MemoryRing reader(ByteBuffer memory, int start, int size, int tailAt, int headAt) {
		return new MemoryRing(memory, start, size, headAt, tailAt, false);
	}

	int size() {
		return this.size;
	}

	/** Up to where we have written or read. */
	long position() {
		return this.own.getPlain();
	}

	/**
	 * How many bytes can be written, or read, without waiting.
	 * @param enough the other end is looked at only if it was not as far when last seen
	 * @throws IpcException if the other end's position is not possible
	 */
	int available(int enough) throws IpcException {
		int known = known();
		return (known >= enough) ? known : look();
	}

	private int known() {
		return this.writes ? this.size - (int) (position() - this.others) : (int) (this.others - position());
	}

	private int look() throws IpcException {
		long now = (long) POSITION.getAcquire(this.memory, this.othersAt);
		long limit = this.writes ? position() : position() + this.size;
		if (now < this.others || now > limit) {
			throw new IpcException("The peer's position in a memory lane went from " + this.others + " to " + now
					+ ", and may be " + limit + " at most: the peer is broken");
		}
		this.others = now;
		return known();
	}

	/**
	 * How many bytes the other end is ahead of us, unsigned. Any thread may ask, so this
	 * may be old, and what makes no sense is not refused.
	 */
	long lead() {
		return (long) POSITION.getAcquire(this.memory, this.othersAt) - this.own.getOpaque();
	}

	/** Up to where the other end says that it is. Any thread may ask. */
	long othersPosition() {
		return (long) POSITION.getOpaque(this.memory, this.othersAt);
	}

	/** Whether the other end has read all that was published. Any thread may ask. */
	boolean isAllRead() {
		return lead() == 0;
	}

	/** Whether unread bytes are all 0. Any thread may ask. */
	boolean isZero(int offset, int length) {
		long from = this.own.getOpaque() + offset;
		for (long i = from; i < from + length; i++) {
			if (this.memory.get(this.start + (int) (i & (this.size - 1))) != 0) {
				return false;
			}
		}
		return true;
	}

	/** Writes a number for which there is room, as {@link #write} does. */
	void writeLong(long value) {
		int at = index(0);
		if (at <= this.size - Long.BYTES) {
			this.memory.putLong(this.start + at, value);
			this.own.setOpaque(position() + Long.BYTES);
		}
		else {
			write(this.number.putLong(0, value), 0, Long.BYTES);
		}
	}

	/** Reads a number that is there, as {@link #read} does. */
	long readLong() {
		int at = index(0);
		if (at <= this.size - Long.BYTES) {
			long value = this.memory.getLong(this.start + at);
			this.own.setOpaque(position() + Long.BYTES);
			return value;
		}
		read(this.number, 0, Long.BYTES);
		return this.number.getLong(0);
	}

	/** Writes bytes for which there is room, without publishing them. */
	void write(ByteBuffer source, int from, int length) {
		int at = index(0);
		int first = Math.min(length, this.size - at);
		this.memory.put(this.start + at, source, from, first);
		if (first < length) {
			this.memory.put(this.start, source, from + first, length - first);
		}
		this.own.setOpaque(position() + length);
	}

	/** As {@link #write(ByteBuffer, int, int)}, from an array. */
	void write(byte[] source, int from, int length) {
		int at = index(0);
		int first = Math.min(length, this.size - at);
		this.memory.put(this.start + at, source, from, first);
		if (first < length) {
			this.memory.put(this.start, source, from + first, length - first);
		}
		this.own.setOpaque(position() + length);
	}

	/** As {@link #read(ByteBuffer, int, int)}, into an array. */
	void read(byte[] target, int at, int length) {
		int from = index(0);
		int first = Math.min(length, this.size - from);
		this.memory.get(this.start + from, target, at, first);
		if (first < length) {
			this.memory.get(this.start, target, at + first, length - first);
		}
		this.own.setOpaque(position() + length);
	}

	/** Reads bytes that are there, without giving up their place. */
	void read(ByteBuffer target, int at, int length) {
		copy(0, target, at, length);
		this.own.setOpaque(position() + length);
	}

	/** Copies bytes that are there, and leaves them unread. */
	void copy(int offset, ByteBuffer target, int at, int length) {
		int from = index(offset);
		int first = Math.min(length, this.size - from);
		target.put(at, this.memory, this.start + from, first);
		if (first < length) {
			target.put(at + first, this.memory, this.start, length - first);
		}
	}

	/** Lets the other end see how far we are. */
	void publish() {
		POSITION.setRelease(this.memory, this.ownAt, position());
	}

	private int index(int offset) {
		return (int) (position() + offset) & (this.size - 1);
	}

}
