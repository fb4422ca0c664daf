package dev.tinyipc;

import java.util.concurrent.atomic.AtomicReference;

import org.jspecify.annotations.Nullable;

/** Both directions of a socket: over the socket itself first, later perhaps in memory. */
final class SocketDirections {

	private final OwnedFd descriptor;

	private final AtomicReference<@Nullable IpcException> broken = new AtomicReference<>();

	private final Watches watches = new Watches();

	private volatile SocketSender sender;

	private volatile SocketReceiver receiver;

	SocketDirections(OwnedFd descriptor) {
		this.descriptor = descriptor;
		this.sender = new SocketSender(descriptor, this.broken);
		this.receiver = new SocketReceiver(descriptor, this.broken);
	}

	/**
	 * Has messages go through memory, as the peer does at the same time: the socket is
	 * the bell. Nobody else must be sending or receiving.
	 * @param memory is unmapped once the socket is closed
	 */
	void share(LaneMemory memory) {
		DoorBell bell = new DoorBell(this.descriptor, memory, this.watches);
		MemorySender sender = new MemorySender(this.descriptor, this.broken, bell);
		MemoryReceiver receiver = new MemoryReceiver(this.descriptor, this.broken, bell);
		sender.takeOver(this.sender);
		receiver.takeOver(this.receiver);
		receiver.spin.setLimit(this.receiver.spin.limit());
		this.sender = sender;
		this.receiver = receiver;
		if (this.descriptor.isClosed()) {
			release(); // closed meanwhile, so that nobody else does
		}
		this.watches.tell(null);
	}

	boolean isShared() {
		return this.receiver instanceof MemoryReceiver;
	}

	Watches watches() {
		return this.watches;
	}

	SocketSender sender() {
		return this.sender;
	}

	SocketReceiver receiver() {
		return this.receiver;
	}

	/** For single packets. */
	SocketSender packetSender() {
		checkNotShared();
		return this.sender;
	}

	/** For single packets. */
	SocketReceiver packetReceiver() {
		checkNotShared();
		return this.receiver;
	}

	private void checkNotShared() {
		if (isShared()) {
			throw new IllegalStateException(
					this.descriptor + " takes no packets, because its messages go through shared"
							+ " memory: send and receive them over its channel");
		}
	}

	/** See {@link SocketSide#clearSlice()}. */
	void clearSlices() {
		this.sender.clearSlice();
		this.receiver.clearSlice();
	}

	/** Frees memory once the socket is closed. */
	void release() {
		this.sender.release();
		this.receiver.release();
	}

}
