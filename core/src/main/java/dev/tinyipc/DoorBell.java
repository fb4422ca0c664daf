package dev.tinyipc;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

import org.jspecify.annotations.Nullable;

/**
 * How an end of a memory lane sleeps and is woken: by packets on the lane's socket, which
 * also shows that the peer is gone, and carries descriptors.
 * <p>
 * One thread at a time attends to the socket, for both that may wait at this end: one for
 * something to read, one for room. Whoever finds another one there waits for its signal,
 * and takes over if it is not done then. While somebody attends, nobody else takes
 * packets: the bell that is missed would not be rung again.
 */
final class DoorBell {

	/** The only byte of a packet that says: look at the memory. */
	static final byte RING = 0;

	/** The only byte of a packet with the descriptors of a frame. */
	static final byte DESCRIPTORS = 1;

	/**
	 * Frames with descriptors that were not read yet. Fewer packets than this always fit
	 * a socket, so that it can be emptied without reading a frame.
	 */
	static final int MAX_WAITING = 256;

	/** Packets that one look takes, which are all unless the socket is very large. */
	private static final int MAX_TAKEN = 1000;

	/**
	 * How long whoever attends may take to hand over a packet that was sent, in
	 * nanoseconds.
	 */
	private static final long TIME_TO_TAKE = 1_000_000_000;

	private final OwnedFd socket;

	private final LaneMemory memory;

	private final Watches watches;

	private final LanePackets packets;

	private final NativeBuffer ring = NativeBuffer.zeroed(1);

	private final ReentrantLock lock = new ReentrantLock();

	private final Condition signal = this.lock.newCondition();

	private boolean attended;

	/** Whether the peer no longer hears the bell. */
	private volatile boolean deaf;

	private volatile boolean outputEnded;

	/** Whether the memory must not be touched any more. */
	private boolean gone;

	DoorBell(OwnedFd socket, LaneMemory memory, Watches watches) {
		this.socket = socket;
		this.memory = memory;
		this.watches = watches;
		this.packets = new LanePackets(socket, memory);
		this.ring.bytes().put(0, RING);
	}

	LaneMemory memory() {
		return this.memory;
	}

	/** Whether the peer is known to send nothing more than what is in the memory. */
	boolean hasEnded() {
		return this.packets.hasEnded();
	}

	/** Whether the peer is known to read nothing more, or we have ended our output. */
	boolean isDeaf() {
		return this.deaf;
	}

	/**
	 * Wakes the peer, if it sleeps for this reason. What was published can be read by
	 * now, so this fails only if it breaks the lane.
	 */
	void ring(SocketSide call, int reason) throws IpcException {
		int fd = this.memory.mustRing(reason) ? this.socket.borrowUnlessClosed() : -1;
		if (fd < 0) {
			return; // of a socket that is closed, the peer sees the end
		}
		try {
			long sent = LibC.send(fd, this.ring.address(), 1, LibC.MSG_DONTWAIT | LibC.MSG_NOSIGNAL);
			int error = (sent < 0) ? Errno.last() : 0;
			if (error == Errno.EPIPE.number || error == Errno.ECONNRESET.number) {
				this.deaf = true;
			}
			// Without room, it has been rung already.
			else if (error != 0 && error != Errno.EAGAIN.number) {
				throw call.breakWith(Errno.failure("send", error));
			}
		}
		finally {
			this.socket.giveBack();
		}
	}

	/** Called before our output ends, which does not keep the peer from reading. */
	void endOutput() {
		this.outputEnded = true;
	}

	/**
	 * Whether the peer is gone, and has not read all that was published: it never will. A
	 * peer that has only ended its output may still read, and so may one that sees an end
	 * which is our doing.
	 */
	boolean hasLeftUnread(SocketSide call) {
		return SocketOption.isHungUp(this.socket) && !this.memory.outgoing().isAllRead() && !this.outputEnded
				&& !this.socket.isClosed() && !call.isBroken();
	}

	/**
	 * Waits until the sleeper has what it waits for, or no bell will ring any more.
	 * @param call whose deadline ends the wait
	 * @throws IpcException.Timeout if the deadline passes
	 */
	void await(SocketSide call, Sleeper sleeper, int reason) throws IpcException {
		boolean interrupted = false;
		this.lock.lock();
		try {
			this.memory.sleeps(reason);
			while (!sleeper.isReady() && !this.packets.hasEnded()) {
				call.checkInTime(); // a peer that rings for nothing must not keep us here
				if (this.attended) {
					interrupted |= call.await(this.signal);
				}
				else {
					attend(call);
				}
				if (sleeper.isReady()) {
					break;
				}
				this.memory.sleeps(reason);
			}
		}
		finally {
			this.memory.isAwake(reason);
			if (this.packets.isBellTaken() || reason == LaneMemory.DATA) {
				this.watches.tell(null); // the bit was theirs, too
			}
			this.lock.unlock();
			if (interrupted) {
				Thread.currentThread().interrupt();
			}
		}
	}

	private void attend(SocketSide call) throws IpcException {
		long received = LanePackets.NOTHING;
		this.attended = true;
		this.lock.unlock();
		try {
			if (call.mayWaitInKernel()) {
				// From there, the kernel wakes this thread without the help of another
				// one.
				received = this.packets.await();
			}
			if (received == LanePackets.NOTHING) {
				awaitReadiness(call);
				received = this.packets.receive(LibC.MSG_DONTWAIT);
			}
		}
		finally {
			this.lock.lock();
			this.attended = false;
			this.signal.signalAll();
		}
		this.packets.take(call, received);
		tellWatches(null);
	}

	private void awaitReadiness(SocketSide call) throws IpcException {
		int fd = this.socket.borrow();
		try {
			call.await(fd, LibC.POLLIN);
		}
		finally {
			this.socket.giveBack();
		}
	}

	/** Others who wait for a message would miss the bell that was taken here. */
	private void tellWatches(@Nullable Runnable but) {
		if (this.packets.isBellTaken()) {
			this.watches.tell(but);
		}
	}

	/**
	 * Takes what is on the socket, without waiting: the end may come after some bells.
	 * @param watch the one that looks; null if it is none
	 */
	void look(SocketSide call, @Nullable Runnable watch) throws IpcException {
		this.lock.lock();
		try {
			boolean more = !this.gone && !this.attended;
			for (int taken = 0; more && taken < MAX_TAKEN; taken++) {
				more = !this.packets.hasEnded() && this.packets.take(call);
			}
		}
		finally {
			tellWatches(watch);
			this.lock.unlock();
		}
	}

	/**
	 * Called before the socket is watched for something to read: from now on, the peer
	 * rings.
	 * @return false if something is there already, or the peer is gone
	 */
	boolean isAnnounced() {
		this.lock.lock();
		try {
			if (this.gone) {
				return false;
			}
			this.memory.sleeps(LaneMemory.DATA);
			return !MemoryReceiver.mayHaveBegun(this.memory.incoming()) && !this.packets.hasEnded();
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * Takes the descriptors of the frame that is read next. They were sent before it: at
	 * once, or never.
	 * @return null if there are none
	 */
	LanePackets.@Nullable Arrival takeDescriptors(SocketSide call) throws IpcException {
		boolean interrupted = false;
		this.lock.lock();
		try {
			long end = System.nanoTime() + TIME_TO_TAKE;
			boolean more = true;
			while (more && !this.packets.hasDescriptors() && System.nanoTime() - end < 0) {
				if (!this.attended) {
					more = !this.packets.hasEnded() && this.packets.take(call);
				}
				else {
					interrupted |= awaitAttendant(end);
				}
			}
			return this.packets.descriptors();
		}
		finally {
			tellWatches(null);
			this.lock.unlock();
			if (interrupted) {
				Thread.currentThread().interrupt();
			}
		}
	}

	/** Returns whether this thread was interrupted, and is no longer. */
	private boolean awaitAttendant(long end) {
		try {
			this.signal.awaitNanos(end - System.nanoTime());
			return false;
		}
		catch (InterruptedException ex) {
			return true;
		}
	}

	/** See {@link SocketSide#clearSlice()}. */
	void clearSlice() {
		this.lock.lock();
		try {
			if (!this.gone && !this.attended) {
				this.packets.clearSlice();
			}
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * Called once by each side that is closed. The last one frees the memory, and closes
	 * descriptors that nobody has taken.
	 */
	void release() {
		this.lock.lock();
		try {
			this.gone = this.memory.release();
			if (this.gone) {
				this.packets.free();
				this.ring.free();
			}
		}
		finally {
			this.lock.unlock();
		}
	}

	/** What waits. */
	@FunctionalInterface
	interface Sleeper {

		/** Whether it need not wait any more. */
		boolean isReady() throws IpcException;

	}

}
