package dev.tinyipc.spring;

import org.jspecify.annotations.Nullable;

/** A child process that could not be started. */
public class ChildStartException extends IpcMessagingException {

	private static final long serialVersionUID = 1L;

	private final String child;

	/**
	 * Creates an exception.
	 * @param child the child's name
	 * @param reason why it could not be started
	 * @param cause what brought it about
	 */
	public ChildStartException(String child, String reason, @Nullable Throwable cause) {
		super("Child process '" + child + "' could not be started: " + reason, cause);
		this.child = child;
	}

	/**
	 * Which child it is.
	 * @return its name
	 */
	public String child() {
		return this.child;
	}

}
