package dev.tinyipc.spring;

import org.jspecify.annotations.Nullable;

/**
 * The peer is gone: it ended, closed its socket, or is not running.
 */
public class IpcPeerUnavailableException extends IpcMessagingException {

	private static final long serialVersionUID = 1L;

	/**
	 * Creates an exception.
	 * @param message what failed and why
	 * @param cause what brought it about
	 */
	public IpcPeerUnavailableException(String message, @Nullable Throwable cause) {
		super(message, cause);
	}

}
