package dev.tinyipc.spring;

import org.jspecify.annotations.Nullable;

/** Thrown when a child process could not be started. */
public class ChildStartException extends IpcMessagingException {

	private static final long serialVersionUID = 1L;

	private final String child;

	/**
	 * Says which child could not be started, and why.
	 * @param child the child's name
	 * @param reason why it could not be started
	 * @param cause the underlying failure; null if there is none
	 */
	public ChildStartException(String child, String reason, @Nullable Throwable cause) {
		super("Child process '" + child + "' could not be started: " + reason, cause);
		this.child = child;
	}

	/**
	 * The child that could not be started.
	 * @return its name
	 */
	public String child() {
		return this.child;
	}

}
