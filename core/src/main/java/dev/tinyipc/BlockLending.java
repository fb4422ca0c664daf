package dev.tinyipc;

/** Until when the blocks of a message belong to the peer, and how many there may be. */
class BlockLending {

	/** To a peer that accepts no blocks. */
	static final BlockLending NONE = new BlockLending(0, 0);

	private final long maxSize;

	private final long number;

	/**
	 * Of a message with a number.
	 * @param maxSize how many of its bytes may be in blocks
	 * @param number of the answer after which its blocks can be written again
	 */
	BlockLending(long maxSize, long number) {
		this.maxSize = maxSize;
		this.number = number;
	}

	/** How many bytes of a message may be in blocks; 0 for none. */
	final long maxSize() {
		return this.maxSize;
	}

	/** The number of the message that is about to be sent. */
	long number() {
		return this.number;
	}

	/** Called before a new block is made, as the peer may have read some others. */
	void lookForReads() {
	}

	/**
	 * Called when there is no room for a block, and its data may be more than a message
	 * can have.
	 * @param inMessage how many bytes the message would have instead, or more
	 * @return whether the peer may have read others since then
	 */
	boolean awaitReads(long inMessage) {
		return false;
	}

}
