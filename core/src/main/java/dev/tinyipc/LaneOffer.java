package dev.tinyipc;

import java.io.Closeable;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * What came with the request for a lane, or for memory that the messages of an open one
 * go through. Closing it closes what was not taken.
 */
final class LaneOffer implements Closeable {

	/** Null if the lane is the one that the request came over. */
	private @Nullable IpcSocket socket;

	/** Null if messages go through the socket. */
	private final @Nullable SharedMemory file;

	private LaneOffer(@Nullable IpcSocket socket, @Nullable SharedMemory file) {
		this.socket = socket;
		this.file = file;
	}

	/**
	 * Takes a socket, a memory file, or both out of a packet that has nothing else.
	 * @param lanes whether a socket is an offer at all
	 * @return null if nothing was taken
	 */
	static @Nullable LaneOffer takeFrom(Packet packet, boolean lanes) throws IpcException {
		List<OwnedFd> descriptors = packet.descriptors();
		if (descriptors.isEmpty() || descriptors.size() > 2) {
			return null;
		}
		int last = descriptors.size() - 1;
		boolean hasSocket = lanes && isSocket(descriptors.get(0));
		boolean hasMemory = LaneMemory.isOne(descriptors.get(last));
		if (descriptors.size() != (hasSocket ? 1 : 0) + (hasMemory ? 1 : 0)) {
			return null;
		}
		SharedMemory file = hasMemory ? SharedMemory.of(packet.take(last)) : null;
		return new LaneOffer(hasSocket ? IpcSocket.adopt(packet.take(0).detach()) : null, file);
	}

	private static boolean isSocket(OwnedFd descriptor) throws IpcException {
		return descriptor.kind() == OwnedFd.Kind.SOCKET && SocketOption.isSeqPacket(descriptor);
	}

	boolean isForOpenLane() {
		return this.socket == null;
	}

	/**
	 * Maps memory for a lane that is open.
	 * @throws IpcException if the lane has memory, or this is not as it must be
	 */
	LaneMemory map(IpcSocket lane) throws IpcException {
		if (lane.isShared() || this.file == null) {
			throw new IpcException("The messages of this lane go through memory already");
		}
		return LaneMemory.accept(this.file);
	}

	/**
	 * Takes the socket of the lane, whose messages go through the memory if there is any.
	 * @param other the one that the request came over, which spins as long
	 * @throws IpcException if the memory is not as it must be
	 */
	IpcSocket lane(IpcSocket other) throws IpcException {
		IpcSocket lane = this.socket;
		if (lane == null) {
			throw new IllegalStateException("The lane is open already");
		}
		if (this.file != null) {
			lane.receiver().spin.setLimit(other.receiver().spin.limit());
			lane.share(LaneMemory.accept(this.file));
		}
		this.socket = null;
		return lane;
	}

	@Override
	public void close() {
		if (this.socket != null) {
			this.socket.close();
		}
		if (this.file != null) {
			this.file.close();
		}
	}

}
