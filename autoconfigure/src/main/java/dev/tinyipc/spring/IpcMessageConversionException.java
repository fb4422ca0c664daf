package dev.tinyipc.spring;

import org.jspecify.annotations.Nullable;

/**
 * A payload that cannot be written as CBOR, or a message that cannot be read as the type
 * that was asked for.
 */
public class IpcMessageConversionException extends IpcMessagingException {

	private static final long serialVersionUID = 1L;

	/**
	 * Creates an exception.
	 * @param message what failed and why
	 * @param cause what brought it about
	 */
	public IpcMessageConversionException(String message, @Nullable Throwable cause) {
		super(message, cause);
	}

}
