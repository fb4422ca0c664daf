package dev.tinyipc.spring;

import org.jspecify.annotations.Nullable;

/**
 * Thrown when a call fails in a way that has no exception of its own. The message and the
 * cause say what happened.
 */
public class UncategorizedIpcException extends IpcMessagingException {

	private static final long serialVersionUID = 1L;

	/**
	 * Says what failed, as the cause does.
	 * @param message what failed and why
	 * @param cause the underlying failure
	 */
	public UncategorizedIpcException(String message, @Nullable Throwable cause) {
		super(message, cause);
	}

}
