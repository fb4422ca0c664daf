package dev.tinyipc.spring;

/**
 * Thrown when there is no destination of the given name, or a call names none and there
 * is no default.
 */
public class UnknownDestinationException extends IpcMessagingException {

	private static final long serialVersionUID = 1L;

	/**
	 * Says which destinations there are instead.
	 * @param message the destination that was asked for, and those there are
	 */
	public UnknownDestinationException(String message) {
		super(message, null);
	}

}
