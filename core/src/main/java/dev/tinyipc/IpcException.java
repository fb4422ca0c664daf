package dev.tinyipc;

import java.io.IOException;

import org.jspecify.annotations.Nullable;

/**
 * A system call that failed, or a peer that does not keep to the protocol. The message
 * names the call, the error and, where there is one, the remedy. The nested types are the
 * cases in which a caller may want to do something else than to give up.
 */
public class IpcException extends IOException {

	private static final long serialVersionUID = 1L;

	/**
	 * Creates an exception.
	 * @param message what failed and why
	 */
	public IpcException(String message) {
		super(message);
	}

	/**
	 * Creates an exception that another one brought about.
	 * @param message what failed and why
	 * @param cause what brought it about
	 */
	public IpcException(String message, @Nullable Throwable cause) {
		super(message, cause);
	}

	/** The other end of the socket is closed: its process ended, or it closed it. */
	public static class PeerClosed extends IpcException {

		private static final long serialVersionUID = 1L;

		/**
		 * Creates an exception.
		 * @param message which end closed, and when
		 */
		public PeerClosed(String message) {
			super(message);
		}

	}

	/**
	 * The thread was interrupted while it waited, and its deadline ends on that
	 * ({@link Deadline#interruptible()}). It stays interrupted.
	 */
	public static class Interrupted extends IpcException {

		private static final long serialVersionUID = 1L;

		/**
		 * Creates an exception.
		 * @param message what was waited for
		 */
		public Interrupted(String message) {
			super(message);
		}

	}

	/** The timeout passed before the operation could be done. */
	public static class Timeout extends IpcException {

		private static final long serialVersionUID = 1L;

		/**
		 * Creates an exception.
		 * @param message what was waited for, and how long
		 */
		public Timeout(String message) {
			super(message);
		}

	}

	/**
	 * A packet or message that is larger than the kernel, the buffer or the limit allows.
	 */
	public static class MessageTooLarge extends IpcException {

		private static final long serialVersionUID = 1L;

		/**
		 * Creates an exception.
		 * @param message the size and the limit
		 */
		public MessageTooLarge(String message) {
			super(message);
		}

	}

	/**
	 * More descriptors than a message can carry, or than one of the two processes may
	 * hold.
	 */
	public static class TooManyDescriptors extends IpcException {

		private static final long serialVersionUID = 1L;

		/**
		 * Creates an exception.
		 * @param message the number and the limit
		 */
		public TooManyDescriptors(String message) {
			super(message);
		}

	}

	/**
	 * The peer could not do its work, and said so with an error item instead of a reply.
	 * The channel can be used again. The message is one line, in which control characters
	 * of the peer's are escaped.
	 */
	public static class Remote extends IpcException {

		private static final long serialVersionUID = 1L;

		/** What kind of error. */
		private final String type;

		/** What failed there and why. */
		private final String remoteMessage;

		/** Of the message that said so, in bytes. */
		private final long size;

		/**
		 * Creates an exception.
		 * @param type what kind of error, in the peer's language
		 * @param remoteMessage what failed there and why
		 * @param size the size of the message that said so, on the wire, in bytes
		 */
		public Remote(String type, String remoteMessage, long size) {
			super("The peer answered with an error: "
					+ Printable.of(type + (remoteMessage.isEmpty() ? "" : ": " + remoteMessage)));
			this.type = type;
			this.remoteMessage = remoteMessage;
			this.size = size;
		}

		/**
		 * Says what kind of error it was.
		 * @return usually the name of an exception's class, in the peer's language
		 */
		public String type() {
			return this.type;
		}

		/**
		 * Says what failed there and why.
		 * @return the peer's own words, as they came; of a received error at most 16 384
		 * characters. May be empty
		 */
		public String remoteMessage() {
			return this.remoteMessage;
		}

		/**
		 * The size of the message that brought the error, its header of 8 included.
		 * @return bytes
		 */
		public long size() {
			return this.size;
		}

	}

	/**
	 * This machine cannot run the library: it is not a 64-bit Linux, or the native part
	 * could not be loaded.
	 */
	public static class NativeUnavailable extends IpcException {

		private static final long serialVersionUID = 1L;

		/** Why. */
		private final String reason;

		/** What to do about it. */
		private final String remedy;

		NativeUnavailable(String reason, String remedy, @Nullable Throwable cause) {
			super("Unix sockets cannot be used here. " + reason + ' ' + remedy, cause);
			this.reason = reason;
			this.remedy = remedy;
		}

		NativeUnavailable(NativeUnavailable first) {
			this(first.reason, first.remedy, first);
		}

		/**
		 * Says why.
		 * @return a sentence
		 */
		public String reason() {
			return this.reason;
		}

		/**
		 * Says what to do about it.
		 * @return a sentence
		 */
		public String remedy() {
			return this.remedy;
		}

	}

}
