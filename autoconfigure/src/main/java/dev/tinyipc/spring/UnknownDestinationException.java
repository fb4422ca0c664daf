package dev.tinyipc.spring;

/**
 * There is no destination of that name, or none was named where there is no default.
 */
public class UnknownDestinationException extends IpcMessagingException {

	private static final long serialVersionUID = 1L;

	/**
	 * Creates an exception.
	 * @param message which was asked for, and which there are
	 */
	public UnknownDestinationException(String message) {
		super(message, null);
	}

}
