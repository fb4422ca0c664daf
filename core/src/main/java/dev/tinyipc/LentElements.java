package dev.tinyipc;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

import org.jspecify.annotations.Nullable;

/**
 * The blocks of the elements of one streamed reply, of which the peer says that it has
 * read them while the stream goes on.
 */
final class LentElements extends BlockLending {

	/** Nobody else looks for what the peer says before an exchange has taken a while. */
	private static final long PAUSE = TimeUnit.MILLISECONDS.toNanos(20);

	/** One part of so many of a message is for what is not in large arrays. */
	private static final int MARGIN = 8;

	private final SharedBlocks blocks;

	private final int maxInMessage;

	private final BooleanSupplier lookForReads;

	/** How many messages with elements were sent. */
	private int sent;

	private Runnable beforeWait = () -> {
	};

	private volatile @Nullable Thread waiting;

	/**
	 * Begins a reply.
	 * @param maxSize how many bytes of its elements may be in blocks at a time
	 * @param request its number
	 * @param maxMessageSize the largest message, in bytes
	 * @param lookForReads has {@link #read} called, if the peer has said something, and
	 * returns whether it may still say more
	 */
	LentElements(SharedBlocks blocks, long maxSize, long request, int maxMessageSize, BooleanSupplier lookForReads) {
		super(maxSize, request);
		this.blocks = blocks;
		this.maxInMessage = maxMessageSize - maxMessageSize / MARGIN;
		this.lookForReads = lookForReads;
	}

	/** Sets what is done before an element waits: the peer may wait for others. */
	void beforeWait(Runnable action) {
		this.beforeWait = action;
	}

	/** Called when a message with elements was sent, with blocks or without. */
	void sent() {
		this.sent++;
	}

	@Override
	int element() {
		return this.sent + 1;
	}

	@Override
	void lookForReads() {
		if (this.blocks.hasLentElements(number())) {
			this.lookForReads.getAsBoolean();
		}
	}

	/** Does not wait if the message can be sent without blocks. */
	@Override
	boolean awaitReads(long inMessage) {
		boolean isInVain = !this.blocks.hasLentElements(number()) || Thread.currentThread().isInterrupted();
		if (inMessage <= this.maxInMessage || isInVain) {
			return false;
		}
		this.beforeWait.run();
		this.waiting = Thread.currentThread();
		try {
			if (!this.lookForReads.getAsBoolean()) {
				return false;
			}
			LockSupport.parkNanos(this, PAUSE);
			return true;
		}
		finally {
			this.waiting = null;
		}
	}

	/**
	 * Lets blocks be used again.
	 * @param count how many messages with elements the peer has read
	 */
	void read(int count) {
		this.blocks.elementsAreRead(number(), count);
		LockSupport.unpark(this.waiting);
	}

}
