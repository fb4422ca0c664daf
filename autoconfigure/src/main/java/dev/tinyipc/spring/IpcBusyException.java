package dev.tinyipc.spring;

/**
 * No instance of the peer became free in time, or too many callers wait for one already.
 * Nothing was sent, so that the call can be made again.
 */
public class IpcBusyException extends IpcTimeoutException {

	private static final long serialVersionUID = 1L;

	/**
	 * Creates an exception.
	 * @param destination the peer's name
	 * @param reason what was waited for, and how long
	 */
	public IpcBusyException(String destination, String reason) {
		super("Destination '" + destination + "': " + reason + ". Nothing was sent", false, null);
	}

}
