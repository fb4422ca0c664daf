package dev.tinyipc.spring;

import org.jspecify.annotations.Nullable;
import org.springframework.core.NestedRuntimeException;

/**
 * Whatever goes wrong with a message, unchecked. The subtypes are the cases in which a
 * caller may want to do something else than to give up.
 */
public abstract class IpcMessagingException extends NestedRuntimeException {

	private static final long serialVersionUID = 1L;

	/**
	 * Creates an exception.
	 * @param message what failed and why
	 * @param cause what brought it about
	 */
	protected IpcMessagingException(String message, @Nullable Throwable cause) {
		super(message, cause);
	}

}
