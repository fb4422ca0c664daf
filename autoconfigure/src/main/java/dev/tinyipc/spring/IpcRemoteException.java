package dev.tinyipc.spring;

import org.jspecify.annotations.Nullable;

/**
 * Thrown when the peer answered a request with an error. It serves the next request as
 * usual.
 */
public class IpcRemoteException extends IpcMessagingException {

	private static final long serialVersionUID = 1L;

	private final String remoteType;

	private final String remoteMessage;

	/**
	 * Passes on the error that the peer answered with.
	 * @param message what failed and why
	 * @param remoteType the kind of error, usually the name of an exception's class
	 * @param remoteMessage what failed at the peer, and why
	 * @param cause the underlying failure
	 */
	public IpcRemoteException(String message, String remoteType, String remoteMessage, @Nullable Throwable cause) {
		super(message, cause);
		this.remoteType = remoteType;
		this.remoteMessage = remoteMessage;
	}

	/**
	 * The kind of error.
	 * @return usually the name of an exception's class, in the peer's language
	 */
	public String remoteType() {
		return this.remoteType;
	}

	/**
	 * What failed at the peer, and why.
	 * @return the peer's own words; may be empty
	 */
	public String remoteMessage() {
		return this.remoteMessage;
	}

}
