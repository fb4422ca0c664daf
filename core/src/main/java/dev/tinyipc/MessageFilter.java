package dev.tinyipc;

import java.nio.ByteBuffer;

/** Decides about messages before they are decoded. */
@FunctionalInterface
interface MessageFilter {

	/** Wants every message. */
	MessageFilter ALL = (body, packet) -> Verdict.DELIVER;

	/**
	 * Decides about a message.
	 * @param body its body; what this leaves of it is decoded. Of an expected byte
	 * string, and of a message that was too large, it is only what precedes the payload
	 * @param packet has its descriptors; what is not taken goes with the message
	 * @return what to do with it
	 * @throws IpcException to drop it and stop receiving
	 */
	Verdict judge(ByteBuffer body, Packet packet) throws IpcException;

	/**
	 * Takes the elements that came in one message.
	 * @param elements of which there is at least one
	 */
	default void take(ReceivedElements elements) {
		throw new IllegalStateException("No elements are wanted");
	}

	/**
	 * Told that the message that was wanted may refer to blocks, and was decoded as far
	 * as possible.
	 * @param blocks closed once they were read
	 */
	default void refers(ReceivedBlocks.Message blocks) {
	}

	/** What to do with a message. */
	enum Verdict {

		/** Decode it and hand it on. */
		DELIVER,

		/** Give its elements to the filter. */
		GIVE,

		/** Drop it, and wait for the next one. */
		DROP,

		/** Drop it, and hand on that there is none: a stream has ended. */
		END

	}

}
