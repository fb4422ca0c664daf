package dev.tinyipc;

import java.io.Closeable;

/**
 * The request for a lane. Closing it closes the end that the peer gets, which has its own
 * then, and also ours unless the peer has agreed.
 */
final class LaneRequest implements Closeable {

	private final IpcChannel channel;

	private final IpcSocketPair pair;

	private boolean granted;

	LaneRequest(IpcChannel channel) throws IpcException {
		this.channel = channel;
		this.pair = IpcSocket.pair();
	}

	OwnedFd peersEnd() {
		return this.pair.child().descriptor();
	}

	/** Called when the peer has agreed. */
	IpcChannel granted() {
		this.granted = true;
		return this.channel.onLane(this.pair.parent());
	}

	@Override
	public void close() {
		this.pair.child().close();
		if (!this.granted) {
			this.pair.parent().close();
		}
	}

}
