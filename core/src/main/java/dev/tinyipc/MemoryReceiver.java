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

	/**
	 * Of the body, with the start of a frame: from there, it is copied to where it
	 * belongs. What follows is read to its place.
	 */
	private static final int MAX_FIRST = 64 * 1024;

	/** Enough to tell the end of the stream. */
	private static final OptionalInt ENDED = OptionalInt.of(0);

	/** Between two offers of the processor to others. */
	private static final int LOOKS_PER_TURN = 40;

	/** How long so many looks take at most, about, in nanoseconds. */
	private static final long TURN = 2000;

	private final DoorBell bell;

	private final MemoryRing ring;

	private final NativeBuffer start = NativeBuffer.zeroed(START_SIZE);

	private final DoorBell.Sleeper untilThereIsSomething = this::isThere;

	/** Parts of this size leave room to write one while another is read. */
	private final int largestPart;

	/** How many bytes the current call waits for. */
	private int wanted;

	/** How many bytes of a frame that has begun were not read yet. */
	private long left;

	/**
	 * When the wait for the next message began, whose time is to be learned, even if the
	 * lane was left to a watch; 0 if there is none.
	 */
	private long begun;

	private boolean awake;

	private boolean freed;

	MemoryReceiver(OwnedFd descriptor, AtomicReference<@Nullable IpcException> broken, DoorBell bell) {
		super(descriptor, broken);
		this.bell = bell;
		this.ring = bell.memory().incoming();
		this.largestPart = this.ring.size() / 4;
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
		long descriptors = this.ring.readLong();
		long length = this.ring.readLong();
		target.bytes().putLong(0, length);
		int room = Math.min(MAX_FIRST, target.capacity() - Frame.HEADER_SIZE);
		// What is no length is refused by the frame, which then breaks the lane.
		this.left = Math.max(0, length);
		int size = (int) Math.min(this.left, Math.min(available(1), room));
		this.ring.read(target.bytes(), Frame.HEADER_SIZE, size);
		taken(size);
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
		this.ring.read(target.bytes(), offset, size);
		taken(size);
		return new Packet(size, List.of());
	}

	@Override
	@Nullable Packet receiveRest(FrameWindow frame, int there, int length) throws IpcException {
		if (!await(1)) {
			checkNotClosedHere();
			return null;
		}
		int size = Math.min((int) this.left, Math.min(available(1), this.largestPart));
		frame.readFrom(this.ring, there, size);
		taken(size);
		return new Packet(size, List.of());
	}

	/** Gives up the place of what was read of a frame. */
	private void taken(int size) throws IpcException {
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
		learn(); // if a watch has waited
		if (isThere()) {
			return true;
		}
		if (!spin()) {
			this.bell.await(this, this.untilThereIsSomething, LaneMemory.DATA);
			learn();
		}
		return isThere();
	}

	/**
	 * Looks at the memory for a while, if that is worth it. Whether it was is learned at
	 * the latest when the message has come.
	 */
	private boolean spin() throws IpcException {
		this.begun = 0;
		if (!this.spin.isOn() || !mayWaitInKernel()) {
			return false;
		}
		long now = System.nanoTime();
		this.awake = this.spin.stayAwake(now);
		if (this.awake && look()) {
			// Or less, but a look at the clock would only make it longer.
			this.spin.waited(true, Math.min(TURN, this.spin.limit()));
			return true;
		}
		boolean spins = this.awake && Spin.isAffordable();
		this.begun = (spins == this.awake) ? now : 0;
		boolean there = spins && spin(now);
		if (there) {
			learn();
		}
		return there;
	}

	/** How long it took, and awake or asleep. */
	private void learn() {
		if (this.begun != 0) {
			this.spin.waited(this.awake, System.nanoTime() - this.begun);
			this.begun = 0;
		}
	}

	/** Looks at the memory until somebody else wants the processor, or time is up. */
	private boolean spin(long begun) throws IpcException {
		this.spin.begin(begun);
		try {
			do {
				if (look()) {
					return true;
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

	private boolean look() throws IpcException {
		for (int i = 0; i < LOOKS_PER_TURN; i++) {
			if (isThere()) {
				return true;
			}
			Thread.onSpinWait();
		}
		return false;
	}

	/** Before the lane is left to a watch, as {@link #await} does before it sleeps. */
	@Override
	boolean hasMore() throws IpcException {
		lock(Deadline.NONE);
		try {
			checkMapped();
			learn();
			this.wanted = FIRST_SIZE;
			return isThere() || spin() || lookForStart() || this.bell.hasEnded();
		}
		finally {
			unlock();
		}
	}

	@Override
	boolean isAnnounced() {
		return this.bell.isAnnounced();
	}

	/** Whoever attends to the bell receives from the socket, for either direction. */
	@Override
	void clearSlice() {
		this.bell.clearSlice();
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
