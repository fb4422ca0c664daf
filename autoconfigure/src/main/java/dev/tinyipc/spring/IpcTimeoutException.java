package dev.tinyipc.spring;

import org.jspecify.annotations.Nullable;

/**
 * The peer did not answer, or did not make room for a message, within the time-out.
 */
public class IpcTimeoutException extends IpcMessagingException {

	private static final long serialVersionUID = 1L;

	/**
	 * Creates an exception.
	 * @param message what failed and why
	 * @param cause what brought it about
	 */
	public IpcTimeoutException(String message, @Nullable Throwable cause) {
		super(message, cause);
	}

}
