package dev.tinyipc.spring;

import org.jspecify.annotations.Nullable;

/**
 * Thrown when the peer did not reply, or did not make room for a message, within the
 * timeout.
 */
public class IpcTimeoutException extends IpcMessagingException {

	private static final long serialVersionUID = 1L;

	private final boolean requestSent;

	/**
	 * Says whether the peer may have got the message.
	 * @param message what the call waited for, and how long
	 * @param requestSent whether the peer may have got the message
	 * @param cause the underlying failure
	 */
	public IpcTimeoutException(String message, boolean requestSent, @Nullable Throwable cause) {
		super(message, cause);
		this.requestSent = requestSent;
	}

	/**
	 * Whether the message was sent, at least in part. If it was, the peer may have acted
	 * on it, or may still do so.
	 * @return false if the call can safely be made again
	 */
	public boolean requestSent() {
		return this.requestSent;
	}

}
