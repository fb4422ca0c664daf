package dev.tinyipc;

import java.io.IOException;

import org.jspecify.annotations.Nullable;

/**
 * Thrown when a system call fails or a peer breaks the protocol. The message names the
 * call, the error and, if there is one, the remedy. The nested types are for the cases
 * that a caller may want to handle.
 */
public class IpcException extends IOException {

	private static final long serialVersionUID = 1L;

	/**
	 * Creates an exception without a cause.
	 * @param message what failed and why
	 */
	public IpcException(String message) {
		super(message);
	}

	/**
	 * Creates an exception with a cause.
	 * @param message what failed and why
	 * @param cause the cause
	 */
	public IpcException(String message, @Nullable Throwable cause) {
		super(message, cause);
	}

	/** The other end of the socket is closed: its process closed it, or ended. */
	public static class PeerClosed extends IpcException {

		private static final long serialVersionUID = 1L;

		/**
		 * Creates an exception for a peer that is gone.
		 * @param message which end closed, and when
		 */
		public PeerClosed(String message) {
			super(message);
		}

	}

	/**
	 * The thread was interrupted while it waited with an
	 * {@linkplain Deadline#interruptible() interruptible} deadline. It stays interrupted.
	 */
	public static class Interrupted extends IpcException {

		private static final long serialVersionUID = 1L;

		/**
		 * Creates an exception for a wait that was interrupted.
		 * @param message what the thread waited for
		 */
		public Interrupted(String message) {
			super(message);
		}

	}

	/** The timeout passed before the operation was done. */
	public static class Timeout extends IpcException {

		private static final long serialVersionUID = 1L;

		/**
		 * Creates an exception for a wait that took too long.
		 * @param message what the thread waited for, and for how long
		 */
		public Timeout(String message) {
			super(message);
		}

	}

	/** A packet or message is larger than the kernel, the buffer or the limit allows. */
	public static class MessageTooLarge extends IpcException {

		private static final long serialVersionUID = 1L;

		/**
		 * Creates an exception for a size that is over a limit.
		 * @param message the size and the limit
		 */
		public MessageTooLarge(String message) {
			super(message);
		}

	}

	/**
	 * There are more descriptors than a message can carry, or a process may have open.
	 */
	public static class TooManyDescriptors extends IpcException {

		private static final long serialVersionUID = 1L;

		/**
		 * Creates an exception for a number that is over a limit.
		 * @param message the number and the limit
		 */
		public TooManyDescriptors(String message) {
			super(message);
		}

	}

	/**
	 * The peer answered with an error item instead of a reply, because the request
	 * failed. The channel is still usable. The message is one line, in which the peer's
	 * control characters are escaped.
	 */
	public static class Remote extends IpcException {

		private static final long serialVersionUID = 1L;

		/** The kind of error. */
		private final String type;

		/** What failed at the peer, and why. */
		private final String remoteMessage;

		/** The size of the error's message on the wire, in bytes. */
		private final long size;

		/**
		 * Creates an exception from the content of an error item.
		 * @param type the kind of error, in the peer's language
		 * @param remoteMessage what failed at the peer, and why
		 * @param size the size of the error's message on the wire, in bytes
		 */
		public Remote(String type, String remoteMessage, long size) {
			super("The peer answered with an error: "
					+ Printable.of(type + (remoteMessage.isEmpty() ? "" : ": " + remoteMessage)));
			this.type = type;
			this.remoteMessage = remoteMessage;
			this.size = size;
		}

		/**
		 * The kind of error.
		 * @return usually the name of an exception's class, in the peer's language
		 */
		public String type() {
			return this.type;
		}

		/**
		 * What failed at the peer, and why.
		 * @return the peer's own words, unescaped; may be empty. A received error has at
		 * most 16,384 characters
		 */
		public String remoteMessage() {
			return this.remoteMessage;
		}

		/**
		 * The size of the error's message on the wire, including its header of 8 bytes.
		 * @return bytes
		 */
		public long size() {
			return this.size;
		}

	}

	/**
	 * The library does not work on this machine: it is not 64-bit Linux, or the native
	 * part could not be loaded.
	 */
	public static class NativeUnavailable extends IpcException {

		private static final long serialVersionUID = 1L;

		/** Why the library does not work. */
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
		 * Why the library does not work.
		 * @return a sentence
		 */
		public String reason() {
			return this.reason;
		}

		/**
		 * What to do about it.
		 * @return a sentence
		 */
		public String remedy() {
			return this.remedy;
		}

	}

	/**
	 * The kernel, or a sandbox around this process, does not allow a required profile.
	 */
	public static class SandboxUnavailable extends IpcException {

		private static final long serialVersionUID = 1L;

		/** Why the profile cannot be enforced. */
		private final String reason;

		/** What to do about it. */
		private final String remedy;

		SandboxUnavailable(String reason, String remedy) {
			super("The child cannot be locked down here. " + reason + ' ' + remedy);
			this.reason = reason;
			this.remedy = remedy;
		}

		/**
		 * Why the profile cannot be enforced.
		 * @return a sentence
		 */
		public String reason() {
			return this.reason;
		}

		/**
		 * What to do about it.
		 * @return a sentence
		 */
		public String remedy() {
			return this.remedy;
		}

	}

}
