package dev.tinyipc.spring;

/**
 * Thrown when no instance of the peer became free in time, or too many callers are
 * already waiting for one. Nothing was sent, so the call can safely be made again.
 */
public class IpcBusyException extends IpcTimeoutException {

	private static final long serialVersionUID = 1L;

	/**
	 * Says why no instance was free, and that nothing was sent.
	 * @param destination the peer's name
	 * @param reason what the call waited for, and how long
	 */
	public IpcBusyException(String destination, String reason) {
		super("Destination '" + destination + "': " + reason + ". Nothing was sent", false, null);
	}

}
