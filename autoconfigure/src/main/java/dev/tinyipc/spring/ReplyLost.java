package dev.tinyipc.spring;

import dev.tinyipc.IpcException;

/** The peer closed its socket after it had been sent a request, and before it replied. */
final class ReplyLost extends IpcException.PeerClosed {

	private static final long serialVersionUID = 1L;

	ReplyLost(IpcException.PeerClosed cause) {
		super("no reply came: " + cause.getMessage());
		initCause(cause);
	}

}
