package dev.tinyipc.spring;

import org.jspecify.annotations.Nullable;

/**
 * Thrown when the calling thread is interrupted while it waits for an instance of the
 * peer or for its reply. The thread's interrupt flag is set.
 */
public class IpcInterruptedException extends IpcMessagingException {

	private static final long serialVersionUID = 1L;

	/**
	 * Says which wait was interrupted.
	 * @param message what the thread waited for
	 * @param cause the underlying failure
	 */
	public IpcInterruptedException(String message, @Nullable Throwable cause) {
		super(message, cause);
	}

}
