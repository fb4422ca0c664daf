package dev.tinyipc;

/**
 * What the messages of a channel may be like.
 *
 * @param maxMessageSize the largest body that is received, in bytes
 * @param items how many data items it may have; 0 if that depends on its size
 * @param maxSentSize the largest body that is sent, in bytes
 * @param maxBlocksSize how many bytes may be in blocks besides
 */
record ChannelLimits(int maxMessageSize, int items, int maxSentSize, int maxBlocksSize) {

	/** Fewer items than this are always accepted. */
	private static final int MIN_ITEMS = 100_000;

	private static final int BYTES_PER_ITEM = 16;

	int maxItems() {
		return (this.items > 0) ? this.items : Math.max(MIN_ITEMS, this.maxMessageSize / BYTES_PER_ITEM);
	}

}
