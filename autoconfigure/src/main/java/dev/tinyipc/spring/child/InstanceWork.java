package dev.tinyipc.spring.child;

/** How much an instance has done, and how much it is doing. */
final class InstanceWork {

	/** After that many exchanges it is replaced; 0 for no limit. */
	private final long exchangeLimit;

	private volatile long exchanges;

	private volatile int lanesAtWork;

	InstanceWork(long exchangeLimit) {
		this.exchangeLimit = exchangeLimit;
	}

	/** Counts a request that was sent, called by whoever has the instance. */
	synchronized void countExchange() {
		this.exchanges++;
	}

	boolean isDone() {
		return this.exchangeLimit > 0 && this.exchanges >= this.exchangeLimit;
	}

	synchronized void beginOnLane() {
		this.lanesAtWork++;
	}

	synchronized void endOnLane() {
		this.lanesAtWork--;
	}

	/** How many lanes carry an exchange, and be it a forgotten one. */
	int lanesAtWork() {
		return this.lanesAtWork;
	}

}
