package dev.tinyipc;

import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

import org.jspecify.annotations.Nullable;

/** The sending direction of a memory lane: frames go into the ring. */
final class MemorySender extends SocketSender {

	/** In the ring, the number of descriptors precedes each frame. */
	static final int COUNT_SIZE = Long.BYTES;

	/** A peer that is awake makes room within this time, in nanoseconds. */
	private static final long SPIN_FOR_ROOM = 20_000;

	/** Between two looks for room that nobody announces. */
	private static final long PAUSE = 1_000_000;

	/**
	 * Between two looks whether a peer that hears no bell, as it is awake, still lives.
	 */
	private static final long LOOK_INTERVAL = 1_000_000;

	private final DoorBell bell;

	private final MemoryRing ring;

	private final NativeBuffer descriptorsPacket = NativeBuffer.zeroed(1);

	/** Behind where the last frames with descriptors begin; 0 if there were fewer. */
	private long[] withDescriptors = {};

	private int oldest;

	private final DoorBell.Sleeper untilThereIsRoom = this::hasRoom;

	/** When we looked last whether the peer lives. */
	private long looked = System.nanoTime();

	/** How much room the current call waits for. */
	private int wanted;

	private boolean freed;

	MemorySender(OwnedFd descriptor, AtomicReference<@Nullable IpcException> broken, DoorBell bell) {
		super(descriptor, broken);
		this.bell = bell;
		this.ring = bell.memory().outgoing();
		this.descriptorsPacket.bytes().put(0, DoorBell.DESCRIPTORS);
	}

	/** Parts of this size leave room to write one while the one before is read. */
	@Override
	int maxPacketSize() {
		return this.ring.size() / 2;
	}

	/** For each direction, in bytes. */
	int ringSize() {
		return this.ring.size();
	}

	@Override
	void send(FrameWindow frame, int length, OwnedFd[] descriptors) throws IpcException {
		if (this.descriptor.isClosed()) { // before which the memory is not freed
			throw new IpcException(this.descriptor + " is closed");
		}
		checkUsable();
		if (this.bell.isDeaf() || isShutDown() || hasPeerDied()) {
			throw peerClosed();
		}
		awaitRoom(COUNT_SIZE + length);
		if (descriptors.length > 0) {
			sendDescriptors(descriptors);
		}
		this.ring.writeLong(descriptors.length);
		write(frame, 0, length);
	}

	/**
	 * Looked at before anything is published, although the peer has to wait meanwhile:
	 * what nobody will read would be taken for one of the messages that were left unread.
	 */
	private boolean hasPeerDied() {
		long now = System.nanoTime();
		if (now - this.looked < LOOK_INTERVAL) {
			return false;
		}
		this.looked = now;
		return SocketOption.isHungUp(this.descriptor);
	}

	/** Before the frame, which says that they come. */
	private void sendDescriptors(OwnedFd[] descriptors) throws IpcException {
		if (this.withDescriptors.length == 0) {
			this.withDescriptors = new long[DoorBell.MAX_WAITING];
		}
		long read = this.withDescriptors[this.oldest];
		long position = this.ring.position();
		// As much room as there is once so much was read.
		awaitRoom((int) Math.max(this.wanted, this.ring.size() - (position - read)));
		sendPacket(this.descriptorsPacket, 1, descriptors);
		this.withDescriptors[this.oldest] = position + 1;
		this.oldest = (this.oldest + 1) % DoorBell.MAX_WAITING;
	}

	@Override
	void sendRest(FrameWindow frame, int from, int length) throws IpcException {
		awaitRoom(length);
		write(frame, from, length);
	}

	private void write(FrameWindow frame, int from, int length) throws IpcException {
		frame.writeTo(this.ring, from, length);
		this.ring.publish();
		this.bell.ring(this, LaneMemory.DATA);
		if (this.bell.isDeaf() && this.bell.hasLeftUnread(this)) {
			throw peerClosed();
		}
	}

	private void awaitRoom(int length) throws IpcException {
		this.wanted = length;
		if (hasRoom() || spinForRoom()) {
			return;
		}
		this.bell.await(this, this.untilThereIsRoom, LaneMemory.ROOM);
		if (!hasRoom()) {
			awaitRoomWithoutBell();
		}
	}

	/** The peer has ended its output, so it cannot ring, but may still read. */
	private void awaitRoomWithoutBell() throws IpcException {
		boolean interrupted = false;
		try {
			while (!hasRoom()) {
				if (SocketOption.isHungUp(this.descriptor)) {
					throw peerClosed();
				}
				checkInTime();
				LockSupport.parkNanos(PAUSE);
				// Unless it ends the wait, it must not keep the thread from parking.
				interrupted |= !isInterruptible() && Thread.interrupted();
			}
		}
		finally {
			if (interrupted) {
				Thread.currentThread().interrupt();
			}
		}
	}

	private boolean spinForRoom() throws IpcException {
		if (!Spin.POSSIBLE || !mayWaitInKernel()) {
			return false;
		}
		long end = System.nanoTime() + SPIN_FOR_ROOM;
		while (System.nanoTime() - end < 0) {
			if (hasRoom()) {
				return true;
			}
			Thread.onSpinWait();
		}
		return false;
	}

	private boolean hasRoom() throws IpcException {
		try {
			return this.ring.available(this.wanted) >= this.wanted;
		}
		catch (IpcException ex) {
			throw breakWith(ex);
		}
	}

	@Override
	void shutdown() throws IpcException {
		this.bell.endOutput();
		super.shutdown();
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
