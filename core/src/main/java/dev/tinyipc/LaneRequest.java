package dev.tinyipc;

import java.io.Closeable;

import org.jspecify.annotations.Nullable;

/**
 * The request for a lane, or for memory that the messages of an open one go through.
 * Closing it closes what the peer gets, which has its own then, and also what is ours
 * unless the peer has agreed.
 */
final class LaneRequest implements Closeable {

	private final IpcChannel channel;

	/** Null if the lane is the one that the request goes over. */
	private final @Nullable IpcSocketPair pair;

	private final @Nullable SharedMemory file;

	/** Null if messages go through the socket. */
	private final @Nullable LaneMemory memory;

	private boolean granted;

	private LaneRequest(IpcChannel channel, boolean isForOpenLane, int ringSize) throws IpcException {
		this.channel = channel;
		this.file = (ringSize > 0) ? SharedMemory.create("tiny-ipc-lane") : null;
		LaneMemory memory = null;
		IpcSocketPair pair = null;
		boolean created = false;
		try {
			memory = (this.file != null) ? LaneMemory.create(this.file, ringSize) : null;
			pair = isForOpenLane ? null : IpcSocket.pair();
			created = true;
		}
		finally {
			this.memory = memory;
			this.pair = pair;
			if (!created) {
				close();
			}
		}
	}

	/** A lane whose messages go the same way as those of the channel. */
	static LaneRequest forLane(IpcChannel channel) throws IpcException {
		int ringSize = (channel.socket().sender() instanceof MemorySender memory) ? memory.ringSize() : 0;
		return new LaneRequest(channel, false, ringSize);
	}

	/**
	 * Memory for the messages of the channel.
	 * @param ringSize for each direction
	 */
	static LaneRequest forMemory(IpcChannel channel, int ringSize) throws IpcException {
		if (channel.socket().isShared()) {
			throw new IllegalStateException("The messages of " + channel.socket() + " go through memory already");
		}
		return new LaneRequest(channel, true, LaneMemory.checkRingSize(ringSize));
	}

	/**
	 * Sends the request, and waits until the peer agrees.
	 * @return the channel of the lane
	 */
	IpcChannel agree(IpcRequester requester, RequestSender sender, Deadline deadline) throws IpcException {
		if (this.pair != null) {
			return agreed(requester, sender, deadline);
		}
		// A message of somebody else must not go the old way when the peer expects the
		// new.
		sender.lock(deadline);
		try {
			return agreed(requester, sender, deadline);
		}
		finally {
			sender.unlock();
		}
	}

	private IpcChannel agreed(IpcRequester requester, RequestSender sender, Deadline deadline) throws IpcException {
		Exchange exchange = requester.begin(deadline);
		try {
			sender.sendBare(exchange, deadline, offered());
			awaitAgreement(exchange);
			return granted();
		}
		finally {
			if (this.pair == null && !this.granted && exchange.isRequestSent() && !exchange.isAnswered()) {
				this.channel.socket()
					.sender()
					.breakWith(
							new IpcException("It is not known whether the peer uses the memory that it was offered"));
			}
		}
	}

	private static void awaitAgreement(Exchange exchange) throws IpcException {
		try (IpcMessage<Object> reply = exchange.reply(Object.class)) {
			if (reply.payload() != null) {
				throw new IpcException(
						"The peer has answered the request for a lane, or for memory of one, with a value"
								+ " as if it were any other request: it must answer null, or an error");
			}
		}
	}

	private OwnedFd[] offered() {
		OwnedFd socket = (this.pair != null) ? this.pair.child().descriptor() : null;
		OwnedFd file = (this.file != null) ? this.file.descriptor() : null;
		return (socket == null) ? new OwnedFd[] { file }
				: (file == null) ? new OwnedFd[] { socket } : new OwnedFd[] { socket, file };
	}

	private IpcChannel granted() {
		this.granted = true;
		IpcSocket lane = (this.pair != null) ? this.pair.parent() : this.channel.socket();
		if (this.memory != null) {
			lane.receiver().spin.setLimit(this.channel.socket().receiver().spin.limit());
			lane.share(this.memory);
		}
		return (this.pair != null) ? this.channel.onLane(lane) : this.channel;
	}

	@Override
	public void close() {
		if (this.pair != null) {
			this.pair.child().close();
		}
		if (this.file != null) {
			this.file.close();
		}
		if (!this.granted && this.pair != null) {
			this.pair.parent().close();
		}
		if (!this.granted && this.memory != null) {
			this.memory.discard();
		}
	}

}
