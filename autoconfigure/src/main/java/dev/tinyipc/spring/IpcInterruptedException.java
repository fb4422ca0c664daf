package dev.tinyipc.spring;

import org.jspecify.annotations.Nullable;

/**
 * The calling thread was interrupted while it waited, for an instance of the peer or for
 * its reply. The thread's interrupt flag is set.
 */
public class IpcInterruptedException extends IpcMessagingException {

	private static final long serialVersionUID = 1L;

	/**
	 * Creates an exception.
	 * @param message what was waited for
	 * @param cause the underlying failure
	 */
	public IpcInterruptedException(String message, @Nullable Throwable cause) {
		super(message, cause);
	}

}
