package dev.tinyipc.spring;

import org.jspecify.annotations.Nullable;

/**
 * The peer was sent a request, and was gone before it replied: it may have done what it
 * was asked to, and may have died of it.
 */
public class IpcReplyLostException extends IpcPeerUnavailableException {

	private static final long serialVersionUID = 1L;

	/**
	 * Creates an exception.
	 * @param message what failed and why
	 * @param cause what brought it about
	 */
	public IpcReplyLostException(String message, @Nullable Throwable cause) {
		super(message, cause);
	}

}
