package dev.tinyipc.spring;

import org.jspecify.annotations.Nullable;

/**
 * The peer could not do what was asked for, and answered with an error. It serves the
 * next request as usual.
 */
public class IpcRemoteException extends IpcMessagingException {

	private static final long serialVersionUID = 1L;

	/** What kind of error. */
	private final String remoteType;

	/** What failed there and why. */
	private final String remoteMessage;

	/**
	 * Creates an exception.
	 * @param message what failed and why
	 * @param remoteType what kind of error, in the peer's language
	 * @param remoteMessage what failed there and why
	 * @param cause what brought it about
	 */
	public IpcRemoteException(String message, String remoteType, String remoteMessage, @Nullable Throwable cause) {
		super(message, cause);
		this.remoteType = remoteType;
		this.remoteMessage = remoteMessage;
	}

	/**
	 * Says what kind of error it was.
	 * @return usually the name of an exception's class, in the peer's language
	 */
	public String remoteType() {
		return this.remoteType;
	}

	/**
	 * Says what failed there and why.
	 * @return the peer's own words; may be empty
	 */
	public String remoteMessage() {
		return this.remoteMessage;
	}

}
