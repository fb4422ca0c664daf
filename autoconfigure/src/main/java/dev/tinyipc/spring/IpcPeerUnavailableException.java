package dev.tinyipc.spring;

import org.jspecify.annotations.Nullable;

/**
 * Thrown when the peer is gone: it ended, closed its socket, or is not running.
 */
public class IpcPeerUnavailableException extends IpcMessagingException {

	private static final long serialVersionUID = 1L;

	/**
	 * Says how the peer turned out to be gone.
	 * @param message what failed and why
	 * @param cause what brought it about
	 */
	public IpcPeerUnavailableException(String message, @Nullable Throwable cause) {
		super(message, cause);
	}

}
