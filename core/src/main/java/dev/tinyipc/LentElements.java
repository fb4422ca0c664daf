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

	private final SharedBlocks blocks;

	private final int maxMessageSize;

	private final BooleanSupplier lookForReads;

	/** The number of the last element of earlier replies. */
	private final long before;

	private volatile @Nullable Thread waiting;

	/**
	 * Begins a reply.
	 * @param maxSize how many bytes of its elements may be in blocks at a time
	 * @param maxMessageSize how many there may be in a message otherwise
	 * @param lookForReads has {@link #read} called, if the peer has said something, and
	 * returns whether it may still say more
	 */
	LentElements(SharedBlocks blocks, long maxSize, int maxMessageSize, BooleanSupplier lookForReads) {
		super(maxSize, 0);
		this.blocks = blocks;
		this.maxMessageSize = maxMessageSize;
		this.lookForReads = lookForReads;
		this.before = blocks.lastElement();
	}

	@Override
	long number() {
		return this.blocks.nextElement();
	}

	@Override
	void lookForReads() {
		this.lookForReads.getAsBoolean();
	}

	/** Does not wait if the message can be sent without blocks. */
	@Override
	boolean awaitReads(long inMessage) {
		boolean isInVain = !this.blocks.hasLent() || Thread.currentThread().isInterrupted();
		if (inMessage <= this.maxMessageSize || isInVain) {
			return false;
		}
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
	 * Has blocks used again.
	 * @param count how many elements with blocks the peer has read
	 */
	void read(int count) {
		this.blocks.giveBack(this.before + 1, this.before + count);
		LockSupport.unpark(this.waiting);
	}

}
