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

	/** Of a channel that nobody has configured. */
	static ChannelLimits ofMessages(int maxSize) {
		return new ChannelLimits(maxSize, 0, maxSize, 0);
	}

	ChannelLimits withMaxMessageSize(int bytes) {
		return new ChannelLimits(bytes, this.items, bytes, this.maxBlocksSize);
	}

	/** For a peer that accepts less than this end does. */
	ChannelLimits withMaxSentSize(long bytes) {
		return new ChannelLimits(this.maxMessageSize, this.items, (int) Math.min(bytes, this.maxMessageSize),
				this.maxBlocksSize);
	}

	ChannelLimits withItems(int count) {
		return new ChannelLimits(this.maxMessageSize, count, this.maxSentSize, this.maxBlocksSize);
	}

	ChannelLimits withMaxBlocksSize(int bytes) {
		return new ChannelLimits(this.maxMessageSize, this.items, this.maxSentSize, bytes);
	}

	int maxItems() {
		return (this.items > 0) ? this.items : Math.max(MIN_ITEMS, this.maxMessageSize / BYTES_PER_ITEM);
	}

}
