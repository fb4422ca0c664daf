package dev.tinyipc;

import java.nio.ByteBuffer;

/**
 * Says that a message over the limit was read and dropped: the next one is received as
 * usual.
 */
final class DroppedMessage extends IpcException.MessageTooLarge {

	private static final long serialVersionUID = 1L;

	private final transient ByteBuffer start;

	/**
	 * Creates an exception for one message.
	 * @param start the first bytes of its body, which tell whose it was
	 */
	DroppedMessage(String message, ByteBuffer start) {
		super(message);
		this.start = start;
	}

	/** The envelope around its payload, or nothing. */
	ByteBuffer envelope() {
		return this.start.duplicate().limit(this.start.position() + Prefix.size(this.start));
	}

}
