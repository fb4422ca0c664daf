package dev.tinyipc.spring;

import org.jspecify.annotations.Nullable;
import org.springframework.core.NestedRuntimeException;

/**
 * The root of the unchecked exceptions thrown when messages are sent and received. Its
 * subtypes are the cases that a caller may want to handle differently.
 */
public abstract class IpcMessagingException extends NestedRuntimeException {

	private static final long serialVersionUID = 1L;

	/**
	 * Says what failed, with the failure that caused it.
	 * @param message what failed and why
	 * @param cause the underlying failure
	 */
	protected IpcMessagingException(String message, @Nullable Throwable cause) {
		super(message, cause);
	}

}
