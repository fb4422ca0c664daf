package dev.tinyipc;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.IntConsumer;

/**
 * The elements of a streamed reply that refer to blocks. The peer is told how many of
 * them were read, so that it can use their blocks again.
 */
final class ElementReads {

	/** In the order in which they came. */
	private final Deque<ReceivedBlocks.Message> unread = new ArrayDeque<>();

	private final IntConsumer peer;

	private int read;

	ElementReads(IntConsumer peer) {
		this.peer = peer;
	}

	/** Adds an element, whose blocks may have been read by now. */
	void add(ReceivedBlocks.Message element) {
		synchronized (this) {
			this.unread.add(element);
		}
		element.whenRead(this::tell);
	}

	/** An element that was read before an earlier one counts once that was read. */
	private synchronized void tell() {
		int before = this.read;
		while (!this.unread.isEmpty() && this.unread.peek().isRead()) {
			this.unread.remove();
			this.read++;
		}
		if (this.read > before) {
			this.peer.accept(this.read);
		}
	}

}
