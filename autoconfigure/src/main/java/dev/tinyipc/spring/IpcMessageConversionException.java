package dev.tinyipc.spring;

import org.jspecify.annotations.Nullable;

/**
 * Thrown when a payload cannot be written as CBOR, or a message cannot be read as the
 * requested type.
 */
public class IpcMessageConversionException extends IpcMessagingException {

	private static final long serialVersionUID = 1L;

	/**
	 * Says what could not be converted.
	 * @param message what failed and why
	 * @param cause the underlying failure
	 */
	public IpcMessageConversionException(String message, @Nullable Throwable cause) {
		super(message, cause);
	}

}
