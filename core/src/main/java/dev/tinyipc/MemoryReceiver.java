package dev.tinyipc;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicReference;

import org.jspecify.annotations.Nullable;

/**
 * The receiving direction of a memory lane: frames come through the ring, and are copied
 * before anybody looks at them.
 */
final class MemoryReceiver extends SocketReceiver {

	/** What precedes the body of a frame. */
	private static final int START_SIZE = MemorySender.COUNT_SIZE + Frame.HEADER_SIZE;

	/** With the first byte of the body, as in the first packet of a frame. */
	private static final int FIRST_SIZE = START_SIZE + 1;

	/** Enough to tell the end of the stream. */
	private static final OptionalInt ENDED = OptionalInt.of(0);

	/** Between two offers of the processor to others. It takes about 2 microseconds. */
	private static final int LOOKS_PER_TURN = 40;

	private final DoorBell bell;

	private final MemoryRing ring;

	private final NativeBuffer start = NativeBuffer.zeroed(START_SIZE);

	private final DoorBell.Sleeper untilThereIsSomething = this::isThere;

	/** How many bytes the current call waits for. */
	private int wanted;

	/** How many bytes of a frame that has begun were not read yet. */
	private long left;

	/** When the lane was left to a watch, and how; 0 if it was not. */
	private long watchedSince;

	private boolean wasAwake;

	private boolean freed;

	MemoryReceiver(OwnedFd descriptor, AtomicReference<@Nullable IpcException> broken, DoorBell bell) {
		super(descriptor, broken);
		this.bell = bell;
		this.ring = bell.memory().incoming();
	}

	@Override
	@Nullable Packet receive(NativeBuffer target) throws IpcException {
		checkMapped();
		return await(FIRST_SIZE) ? takeFirst(target) : atEnd();
	}

	@Override
	@Nullable Packet tryReceive(NativeBuffer target) throws IpcException {
		checkMapped();
		if (lookForStart()) {
			return takeFirst(target);
		}
		if (this.bell.hasEnded()) {
			atEnd();
			throw new IpcException.PeerClosed(this.descriptor + ": the peer closed");
		}
		return null;
	}

	/** Whether a frame has begun to arrive. If not, the end may have come. */
	private boolean lookForStart() throws IpcException {
		this.wanted = FIRST_SIZE;
		if (!isThere()) {
			this.bell.look(this, null);
		}
		return isThere();
	}

	/** The first part of a frame that has begun to arrive. */
	private Packet takeFirst(NativeBuffer target) throws IpcException {
		ByteBuffer start = this.start.bytes();
		this.ring.read(start, 0, START_SIZE);
		long descriptors = start.getLong(0);
		long length = start.getLong(MemorySender.COUNT_SIZE);
		target.bytes().putLong(0, length);
		// What is no length is refused by the frame, which then breaks the lane.
		this.left = Math.max(0, length);
		int size = (int) Math.min(this.left, Math.min(available(1), target.capacity() - Frame.HEADER_SIZE));
		read(target.bytes(), Frame.HEADER_SIZE, size);
		this.lastLength = Frame.HEADER_SIZE + size;
		return new Packet(this.lastLength, (descriptors == 0) ? List.of() : takeDescriptors(descriptors));
	}

	@Override
	@Nullable Packet receiveAt(NativeBuffer target, int offset, int room) throws IpcException {
		if (!await(1)) {
			checkNotClosedHere();
			return null;
		}
		int size = (int) Math.min(this.left, Math.min(available(1), room));
		read(target.bytes(), offset, size);
		return new Packet(size, List.of());
	}

	private void read(ByteBuffer target, int offset, int size) throws IpcException {
		this.ring.read(target, offset, size);
		this.left -= size;
		this.ring.publish();
		this.bell.ring(this, LaneMemory.ROOM);
		if (this.left == 0) {
			// A peer that has seen our end before it saw how far we are takes the message
			// for one that nobody reads, and may send it elsewhere.
			checkNotClosedHere();
			checkUsable();
		}
	}

	private List<OwnedFd> takeDescriptors(long count) throws IpcException {
		LanePackets.Arrival arrival = this.bell.takeDescriptors(this);
		int there = (arrival != null) ? arrival.descriptors().size() : 0;
		if (arrival == null || (there != count && !arrival.isCut())) {
			OwnedFd.closeAll((arrival != null) ? arrival.descriptors() : List.of());
			throw breakWith(new IpcException("A message said that it has " + Long.toUnsignedString(count)
					+ " descriptors, but " + there + " came: the peer is broken"));
		}
		if (arrival.isCut()) {
			OwnedFd.closeAll(arrival.descriptors());
			throw new IpcException.TooManyDescriptors("A message carried more descriptors than this process may have"
					+ " open (RLIMIT_NOFILE, see `ulimit -n`); the " + there
					+ " that arrived were closed, the others are lost");
		}
		return arrival.descriptors();
	}

	private @Nullable Packet atEnd() throws IpcException {
		checkNotClosedHere();
		checkUsable();
		if (available(1) > 0) {
			throw breakWith(new IpcException("The peer closed in the middle of a message"));
		}
		this.leftUnread |= this.bell.hasLeftUnread(this);
		return null;
	}

	/** Waits for so many bytes; false if they will never come. */
	private boolean await(int bytes) throws IpcException {
		this.wanted = bytes;
		learnFromWatch();
		if (isThere()) {
			return true;
		}
		if (!this.spin.isOn() || !mayWaitInKernel()) {
			this.bell.await(this, this.untilThereIsSomething, LaneMemory.DATA);
			return isThere();
		}
		boolean awake = this.spin.stayAwake();
		boolean spins = awake && Spin.isAffordable();
		long begun = System.nanoTime();
		if (!spins || !spin(begun)) {
			this.bell.await(this, this.untilThereIsSomething, LaneMemory.DATA);
		}
		if (spins == awake) {
			this.spin.waited(awake, System.nanoTime() - begun);
		}
		return isThere();
	}

	/** Looks at the memory until somebody else wants the processor, or time is up. */
	private boolean spin(long begun) throws IpcException {
		this.spin.begin(begun);
		try {
			do {
				for (int i = 0; i < LOOKS_PER_TURN; i++) {
					if (isThere()) {
						return true;
					}
					Thread.onSpinWait();
				}
				Thread.yield();
			}
			while (this.spin.goesOn(System.nanoTime()));
			return isThere();
		}
		finally {
			Spin.ended();
		}
	}

	/** Before the lane is left to a watch, as {@link #await} does before it sleeps. */
	@Override
	boolean hasMore() throws IpcException {
		lock(Deadline.NONE);
		try {
			checkMapped();
			learnFromWatch();
			this.wanted = FIRST_SIZE;
			return isThere() || (this.spin.isOn() && mayWaitInKernel() && spinBeforeWatch()) || lookForStart()
					|| this.bell.hasEnded();
		}
		finally {
			unlock();
		}
	}

	private boolean spinBeforeWatch() throws IpcException {
		boolean awake = this.spin.stayAwake();
		boolean spins = awake && Spin.isAffordable();
		long begun = System.nanoTime();
		if (spins && spin(begun)) {
			this.spin.waited(true, System.nanoTime() - begun);
			return true;
		}
		this.watchedSince = (spins == awake) ? begun : 0;
		this.wasAwake = awake;
		return false;
	}

	private void learnFromWatch() {
		if (this.watchedSince != 0) {
			this.spin.waited(this.wasAwake, System.nanoTime() - this.watchedSince);
			this.watchedSince = 0;
		}
	}

	@Override
	boolean isAnnounced() {
		return this.bell.isAnnounced();
	}

	/** Takes the bells off a socket that is watched. */
	@Override
	void takeBells(@Nullable Runnable own) throws IpcException {
		this.bell.look(this, own);
	}

	private int available(int enough) throws IpcException {
		try {
			return this.ring.available(enough);
		}
		catch (IpcException ex) {
			throw breakWith(ex);
		}
	}

	private boolean isThere() throws IpcException {
		int there = available(this.wanted);
		return there >= this.wanted || (this.wanted == FIRST_SIZE && isEmptyFrame(this.ring, there));
	}

	/** A body that will never begin: the frame is refused, and must not be waited for. */
	private static boolean isEmptyFrame(MemoryRing ring, long there) {
		return there == START_SIZE && ring.isZero(MemorySender.COUNT_SIZE, Frame.HEADER_SIZE);
	}

	/**
	 * Whether a frame has to be looked at, even if it makes no sense. Any thread may ask.
	 * The start of one that the peer does not go on with is no reason to look again and
	 * again.
	 */
	static boolean mayHaveBegun(MemoryRing ring) {
		long there = ring.lead();
		return Long.compareUnsigned(there, FIRST_SIZE) >= 0 || isEmptyFrame(ring, there);
	}

	@Override
	OptionalInt pendingSize() throws IpcException {
		return peek(this.start);
	}

	/**
	 * As if what has come of the next frame were a packet. Empty if another thread is
	 * about to receive it.
	 */
	@Override
	OptionalInt peek(NativeBuffer target) throws IpcException {
		if (!tryLock()) {
			return OptionalInt.empty();
		}
		try {
			checkMapped();
			if (!lookForStart()) {
				return this.bell.hasEnded() ? ENDED : OptionalInt.empty();
			}
			int there = available(Integer.MAX_VALUE) - MemorySender.COUNT_SIZE;
			this.ring.copy(MemorySender.COUNT_SIZE, target.bytes(), 0, Math.min(there, target.capacity()));
			long length = target.bytes().getLong(0);
			return OptionalInt.of((int) Math.min(there, Math.max(0, Math.min(length, there)) + Frame.HEADER_SIZE));
		}
		finally {
			unlock();
		}
	}

	/** Memory that is gone must not be touched. */
	private void checkMapped() throws IpcException {
		if (this.freed) {
			throw new IpcException(this.descriptor + " is closed");
		}
		checkUsable();
	}

	@Override
	void freeMemory() {
		super.freeMemory();
		if (!this.freed) {
			this.freed = true;
			this.bell.release();
		}
	}

}
