package dev.tinyipc;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * What comes over the socket of a memory lane: bells, descriptors, and the end. Guarded
 * by the lock of its {@link DoorBell}. Whoever attends to the socket receives without it:
 * nobody else does meanwhile.
 */
final class LanePackets {

	/**
	 * Bells without anything new in the memory. Some are left over from when we found
	 * what we waited for before they came, but no more than a socket holds.
	 */
	private static final int MAX_NEEDLESS = 50_000;

	/** No packet was received. */
	static final long NOTHING = -Errno.EAGAIN.number;

	private final OwnedFd socket;

	private final LaneMemory memory;

	private final NativeBuffer packet = NativeBuffer.zeroed(1);

	private final MsgHdr header = MsgHdr.create();

	private final Deque<Arrival> arrivals = new ArrayDeque<>();

	/**
	 * How far the peer was when its last bell was taken, and how often that changed
	 * nothing.
	 */
	private long progress;

	private int needless;

	private boolean bellTaken;

	/** Whether we have set a timeout for receives that wait. */
	private boolean sliced;

	private volatile boolean ended;

	LanePackets(OwnedFd socket, LaneMemory memory) {
		this.socket = socket;
		this.memory = memory;
	}

	/** Whether the peer is known to send nothing more. Any thread may ask. */
	boolean hasEnded() {
		return this.ended;
	}

	/** Whether a bell was taken since this was last asked. */
	boolean isBellTaken() {
		boolean taken = this.bellTaken;
		this.bellTaken = false;
		return taken;
	}

	boolean hasDescriptors() {
		return !this.arrivals.isEmpty();
	}

	/** Those that came first; null if none are there. */
	@Nullable Arrival descriptors() {
		return this.arrivals.poll();
	}

	/** Takes one packet, if one is there. */
	boolean take(SocketSide call) throws IpcException {
		return take(call, receive(LibC.MSG_DONTWAIT));
	}

	/**
	 * Waits for a packet, but not for long.
	 * @return what is to be taken; {@link #NOTHING} if none has come
	 */
	long await() throws IpcException {
		if (!this.sliced) {
			SocketOption.setTimeout(this.socket, LibC.SO_RCVTIMEO, SocketSide.SLICE);
			this.sliced = true;
		}
		return receive(0);
	}

	/** Removes the timeout, also one that was set before the socket had this memory. */
	void clearSlice() {
		try {
			this.sliced = false;
			SocketOption.setTimeout(this.socket, LibC.SO_RCVTIMEO, Duration.ZERO);
		}
		catch (IpcException ex) {
			// It is closed, and cannot be passed on.
		}
	}

	/**
	 * Receives a packet, which is then to be taken.
	 * @param waiting MSG_DONTWAIT or 0
	 * @return its length, or the number of the error, which is negative
	 */
	long receive(int waiting) throws IpcException {
		this.header.scatter(this.packet.address(), 1);
		int fd = this.socket.borrow();
		try {
			long length = LibC.recvmsg(fd, this.header.address(), waiting | LibC.MSG_CMSG_CLOEXEC | LibC.MSG_TRUNC);
			return (length >= 0) ? length : -Errno.last();
		}
		finally {
			this.socket.giveBack();
		}
	}

	/**
	 * Takes what was received.
	 * @return false if it was nothing
	 */
	boolean take(SocketSide call, long received) throws IpcException {
		if (received >= 0) {
			accept(call, received);
			return true;
		}
		// ECONNRESET is told once, before the end.
		if (received == NOTHING || received == -Errno.EINTR.number || received == -Errno.ECONNRESET.number) {
			return received != NOTHING;
		}
		throw Errno.failure("recvmsg", (int) -received);
	}

	private void accept(SocketSide call, long length) throws IpcException {
		List<OwnedFd> descriptors = this.header.hasControlData() ? this.header.descriptors() : List.of();
		if (length == 0 && descriptors.isEmpty()) {
			this.ended = true;
			return;
		}
		byte kind = this.packet.bytes().get(0);
		// One more, because a reader says that it has read a frame before it takes its
		// descriptors.
		boolean expected = (kind == DoorBell.RING) ? descriptors.isEmpty()
				: kind == DoorBell.DESCRIPTORS && this.arrivals.size() <= DoorBell.MAX_WAITING;
		if (length != 1 || !expected) {
			OwnedFd.closeAll(descriptors);
			closeArrivals();
			throw call.breakWith(new IpcException("A packet of " + length + " bytes with " + descriptors.size()
					+ " descriptors on the socket of a memory lane is neither a bell nor the descriptors of a message,"
					+ " or more than " + DoorBell.MAX_WAITING + " messages with descriptors wait: the peer is broken"));
		}
		if (kind == DoorBell.RING) {
			this.bellTaken = true;
			checkNeeded(call);
		}
		else {
			this.arrivals.add(new Arrival(descriptors, this.header.hasFlag(LibC.MSG_CTRUNC)));
		}
	}

	/** A peer that does nothing but ring would keep whoever is woken busy for ever. */
	private void checkNeeded(SocketSide call) throws IpcException {
		long now = this.memory.incoming().othersPosition() + this.memory.outgoing().othersPosition();
		this.needless = (now == this.progress) ? this.needless + 1 : 0;
		this.progress = now;
		if (this.needless > MAX_NEEDLESS) {
			throw call.breakWith(new IpcException("The bell of a memory lane rang " + this.needless
					+ " times, and nothing was new in the memory: the peer is broken"));
		}
	}

	private void closeArrivals() {
		this.arrivals.forEach((arrival) -> OwnedFd.closeAll(arrival.descriptors()));
		this.arrivals.clear();
	}

	/** Closes descriptors that nobody has taken, and frees memory. */
	void free() {
		closeArrivals();
		MsgHdr.free(this.header);
		this.packet.free();
	}

	/**
	 * Descriptors that have come.
	 *
	 * @param isCut whether there were more than this process may have open
	 */
	record Arrival(List<OwnedFd> descriptors, boolean isCut) {

	}

}
