package dev.tinyipc;

/** Until when the blocks of a message belong to the peer, and how many there may be. */
class BlockLending {

	/** To a peer that accepts no blocks. */
	static final BlockLending NONE = new BlockLending(0, 0);

	private final long maxSize;

	private final long number;

	/**
	 * Of a message with a number.
	 * @param maxSize how many of its bytes may be in blocks, with those that the peer has
	 * not read yet
	 * @param number of the request, until whose answer they are lent; of a reply, the
	 * number of its request
	 */
	BlockLending(long maxSize, long number) {
		this.maxSize = maxSize;
		this.number = number;
	}

	/** 0 if there may be none. */
	final long maxSize() {
		return this.maxSize;
	}

	final long number() {
		return this.number;
	}

	/** Which message with elements of its reply this is, from 1; 0 for all others. */
	int element() {
		return 0;
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
