package dev.tinyipc.spring;

import org.jspecify.annotations.Nullable;

/**
 * Any other failure of a socket; the message and the cause name it.
 */
public class UncategorizedIpcException extends IpcMessagingException {

	private static final long serialVersionUID = 1L;

	/**
	 * Creates an exception.
	 * @param message what failed and why
	 * @param cause what brought it about
	 */
	public UncategorizedIpcException(String message, @Nullable Throwable cause) {
		super(message, cause);
	}

}
