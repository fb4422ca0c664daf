package dev.tinyipc;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The memory of a lane that two processes share: a page with its header, and a ring for
 * each direction. See docs/wire-format.md, "Memory lanes".
 *
 * <pre>
 *    0  magic, u64                  256  tail of the first ring, u64
 *    8  version, u32                384  head of the first ring, u64
 *   12  size of the header, u32     512  tail of the second ring, u64
 *   16  size of the first ring, u64 640  head of the second ring, u64
 *   24  size of the second, u64     768  why the opener sleeps, u32
 *                                   896  why the other end sleeps, u32
 * </pre>
 *
 * The opener writes into the first ring. What both ends write is 128 bytes apart, because
 * processors fetch cache lines in pairs. The file cannot be made smaller, so an access
 * never fails.
 */
final class LaneMemory {

	/** Of the ring for each direction, in bytes. */
	static final int DEFAULT_RING_SIZE = 256 * 1024;

	static final int MIN_RING_SIZE = 4096;

	static final int MAX_RING_SIZE = 64 * 1024 * 1024;

	/** "tinyipcM" as bytes in memory on a little-endian machine. */
	private static final long MAGIC = 0x4d63_7069_796e_6974L;

	private static final int VERSION = 1;

	private static final int HEADER_SIZE = 4096;

	private static final int MAGIC_AT = 0, VERSION_AT = 8, HEADER_SIZE_AT = 12, FIRST_SIZE_AT = 16, SECOND_SIZE_AT = 24;

	private static final int FIRST_TAIL_AT = 256, FIRST_HEAD_AT = 384, SECOND_TAIL_AT = 512, SECOND_HEAD_AT = 640;

	private static final int OPENER_SLEEPS_AT = 768, OTHER_SLEEPS_AT = 896;

	/** Why an end sleeps: it waits for something to read, or for room to write. */
	static final int DATA = 1, ROOM = 2;

	private static final VarHandle WORD = MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());

	private final long address;

	private final long length;

	private final ByteBuffer bytes;

	private final MemoryRing outgoing;

	private final MemoryRing incoming;

	private final int ownSleepAt;

	private final int peersSleepAt;

	/** By the sending and by the receiving side. */
	private int users = 2;

	private LaneMemory(long address, long length, boolean opener, int firstSize, int secondSize) {
		this.address = address;
		this.length = length;
		this.bytes = LibC.bufferAt(address, (int) length);
		int second = HEADER_SIZE + firstSize;
		this.outgoing = opener ? MemoryRing.writer(this.bytes, HEADER_SIZE, firstSize, FIRST_TAIL_AT, FIRST_HEAD_AT)
				: MemoryRing.writer(this.bytes, second, secondSize, SECOND_TAIL_AT, SECOND_HEAD_AT);
		this.incoming = opener ? MemoryRing.reader(this.bytes, second, secondSize, SECOND_TAIL_AT, SECOND_HEAD_AT)
				: MemoryRing.reader(this.bytes, HEADER_SIZE, firstSize, FIRST_TAIL_AT, FIRST_HEAD_AT);
		this.ownSleepAt = opener ? OPENER_SLEEPS_AT : OTHER_SLEEPS_AT;
		this.peersSleepAt = opener ? OTHER_SLEEPS_AT : OPENER_SLEEPS_AT;
	}

	/**
	 * Whether a descriptor, such as one that came with a message, is the memory of a
	 * lane, or pretends to be. Whether it is as it must be is checked by {@link #accept}.
	 */
	static boolean isOne(OwnedFd descriptor) throws IpcException {
		int fd = descriptor.borrow();
		try {
			if (LibC.fcntl(fd, LibC.F_GET_SEALS, 0) < 0) {
				return false;
			}
			NativeBuffer magic = NativeBuffer.zeroed(Long.BYTES);
			long read = LibC.pread(fd, magic.address(), Long.BYTES, MAGIC_AT);
			Reference.reachabilityFence(magic);
			return read == Long.BYTES && magic.bytes().getLong(0) == MAGIC;
		}
		finally {
			descriptor.giveBack();
		}
	}

	/**
	 * Maps memory for a lane that this process opens, and writes its header.
	 * @param file empty, and not sealed; it is sealed afterwards
	 * @param ringSize for each direction, a power of two
	 */
	static LaneMemory create(SharedMemory file, int ringSize) throws IpcException {
		long length = HEADER_SIZE + 2L * ringSize;
		OwnedFd descriptor = file.descriptor();
		int fd = descriptor.borrow();
		try {
			Errno.check("ftruncate", LibC.ftruncate(fd, length));
			Errno.check("fcntl(F_ADD_SEALS)", LibC.fcntl(fd, LibC.F_ADD_SEALS, SharedMemory.SIZE_SEALS));
			LaneMemory memory = new LaneMemory(map(fd, length), length, true, ringSize, ringSize);
			memory.bytes.putLong(MAGIC_AT, MAGIC)
				.putInt(VERSION_AT, VERSION)
				.putInt(HEADER_SIZE_AT, HEADER_SIZE)
				.putLong(FIRST_SIZE_AT, ringSize)
				.putLong(SECOND_SIZE_AT, ringSize);
			return memory;
		}
		finally {
			descriptor.giveBack();
		}
	}

	/**
	 * Maps memory that the peer has opened a lane with.
	 * @throws IpcException if it is not sealed, or its header is not as it must be
	 */
	static LaneMemory accept(SharedMemory file) throws IpcException {
		if (!SharedMemory.isSizeSealed(file.seals())) {
			throw refused("it is not sealed against shrinking, growing and further seals");
		}
		OwnedFd descriptor = file.descriptor();
		int fd = descriptor.borrow();
		try {
			NativeBuffer header = NativeBuffer.zeroed(HEADER_SIZE);
			long read = Errno.check("pread", LibC.pread(fd, header.address(), HEADER_SIZE, 0));
			Reference.reachabilityFence(header);
			return accept(fd, file.size(), header.bytes(), read);
		}
		finally {
			descriptor.giveBack();
		}
	}

	private static LaneMemory accept(int fd, long length, ByteBuffer header, long read) throws IpcException {
		if (read < HEADER_SIZE || header.getLong(MAGIC_AT) != MAGIC) {
			throw refused("it does not begin with the header of a lane");
		}
		if (header.getInt(VERSION_AT) != VERSION || header.getInt(HEADER_SIZE_AT) != HEADER_SIZE) {
			throw refused("its version is " + header.getInt(VERSION_AT) + " with a header of "
					+ header.getInt(HEADER_SIZE_AT) + " bytes, and must be " + VERSION + " with " + HEADER_SIZE);
		}
		int first = ringSize(header.getLong(FIRST_SIZE_AT));
		int second = ringSize(header.getLong(SECOND_SIZE_AT));
		if (length != (long) HEADER_SIZE + first + second) {
			throw refused("it has " + length + " bytes, and rings of " + first + " and " + second);
		}
		return new LaneMemory(map(fd, length), length, false, first, second);
	}

	static int checkRingSize(int size) {
		if (!isRingSize(size)) {
			throw new IllegalArgumentException("The size of a ring is a power of two from " + MIN_RING_SIZE + " to "
					+ MAX_RING_SIZE + " bytes, not " + size);
		}
		return size;
	}

	private static boolean isRingSize(long size) {
		return size >= MIN_RING_SIZE && size <= MAX_RING_SIZE && Long.bitCount(size) == 1;
	}

	private static int ringSize(long size) throws IpcException {
		if (!isRingSize(size)) {
			throw refused("a ring has " + Long.toUnsignedString(size) + " bytes, and must have a power of two from "
					+ MIN_RING_SIZE + " to " + MAX_RING_SIZE);
		}
		return (int) size;
	}

	private static IpcException refused(String why) {
		return new IpcException("The memory of a lane is refused: " + why);
	}

	private static long map(int fd, long length) throws IpcException {
		return Errno.check("mmap(" + length + " bytes)",
				LibC.mmap(0, length, LibC.PROT_READ | LibC.PROT_WRITE, LibC.MAP_SHARED, fd, 0));
	}

	/** What this end writes. */
	MemoryRing outgoing() {
		return this.outgoing;
	}

	/** What this end reads. */
	MemoryRing incoming() {
		return this.incoming;
	}

	/**
	 * Says that a thread of this end is about to sleep. What it looks at afterwards is
	 * not older.
	 * @param reason {@link #DATA} or {@link #ROOM}
	 */
	void sleeps(int reason) {
		WORD.getAndBitwiseOr(this.bytes, this.ownSleepAt, reason);
		VarHandle.fullFence();
	}

	/** Says that this end is awake, and wants no bell. */
	void isAwake(int reason) {
		WORD.getAndBitwiseAnd(this.bytes, this.ownSleepAt, ~reason);
	}

	/**
	 * Whether the peer sleeps until there is what was just published, and this is the
	 * first to see it: then its bell must be rung.
	 */
	boolean mustRing(int reason) {
		VarHandle.fullFence();
		return ((int) WORD.getOpaque(this.bytes, this.peersSleepAt) & reason) != 0
				&& ((int) WORD.getAndBitwiseAnd(this.bytes, this.peersSleepAt, ~reason) & reason) != 0;
	}

	/** Unmaps memory that was never used. */
	void discard() {
		release();
		release();
	}

	/**
	 * Called once by each side that does not use the memory any more.
	 * @return whether the memory is gone, as this was the last one
	 */
	synchronized boolean release() {
		this.users--;
		if (this.users == 0) {
			// The peer rings from now on, and so notices that nobody is there.
			sleeps(DATA | ROOM);
			LibC.munmap(this.address, this.length);
		}
		return this.users == 0;
	}

}
