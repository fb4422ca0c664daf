package dev.tinyipc;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.IntPredicate;

import org.jspecify.annotations.Nullable;

/**
 * The messages with elements of a streamed reply, as the requester has received and read
 * them. The peer is told how many were read, so that it can use their blocks again.
 */
final class ElementReads {

	/** Those with descriptors that have come and were not read yet, in order. */
	private final Deque<Element> unread = new ArrayDeque<>();

	private final IntPredicate peer;

	private int received;

	/** Of those with descriptors, which may be blocks, the number of the last one. */
	private int lastWithDescriptors;

	/** How many were read, as the peer knows. */
	private int told;

	/**
	 * Begins a reply.
	 * @param peer is told how many messages were read, and returns whether it was
	 */
	ElementReads(IntPredicate peer) {
		this.peer = peer;
	}

	/**
	 * Called when a message has come. It counts even if it cannot be decoded.
	 * @param hasDescriptors whether it may refer to blocks
	 */
	synchronized void came(boolean hasDescriptors) {
		this.received++;
		if (hasDescriptors) {
			this.lastWithDescriptors = this.received;
			this.unread.add(new Element(this.received));
		}
	}

	/** Called when the message that came last was decoded as far as possible. */
	void refers(ReceivedBlocks.Message blocks) {
		Element last;
		synchronized (this) {
			last = this.unread.peekLast();
			if (last == null || last.number != this.received) {
				return;
			}
			last.blocks = blocks;
		}
		blocks.whenRead(this::tell);
	}

	/** Called when nobody decodes the message that came last any more. */
	synchronized void decoded() {
		Element last = this.unread.peekLast();
		if (last != null && last.blocks == null) {
			this.unread.removeLast();
		}
	}

	/**
	 * Tells the peer, if there is anything that it does not know. If that fails, the next
	 * call does it.
	 */
	synchronized void tell() {
		while (!this.unread.isEmpty() && this.unread.peek().isRead()) {
			this.unread.remove();
		}
		Element oldest = this.unread.peek();
		int read = (oldest != null) ? oldest.number - 1 : this.received;
		if (read > this.told && this.lastWithDescriptors > this.told && this.peer.test(read)) {
			this.told = read;
		}
	}

	/** A message that is decoded, or of whose blocks there are views. */
	private static final class Element {

		private final int number;

		/** Null until it was decoded. */
		private ReceivedBlocks.@Nullable Message blocks;

		Element(int number) {
			this.number = number;
		}

		boolean isRead() {
			return this.blocks != null && this.blocks.isRead();
		}

	}

}
