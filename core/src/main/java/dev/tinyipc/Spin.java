package dev.tinyipc;

import java.time.Duration;

/**
 * Decides whether a receive asks again and again for a while before it goes to sleep: to
 * be woken takes longer than all the rest of a short exchange. It learns from how long
 * packets take to arrive either way, and tries the other one now and then. So a peer that
 * is slow costs no processor time, and neither do peers that need the processor
 * themselves, because more threads want to run than there are processors.
 * <p>
 * Not thread-safe: each socket has one behind its receiving lock.
 */
final class Spin {

	/**
	 * Less than a call waits in the kernel, so that no deadline passes while spinning.
	 */
	static final Duration MAX_LIMIT = Duration.ofMillis(10);

	/** With one processor the peer could not work meanwhile. */
	private static final boolean POSSIBLE = Runtime.getRuntime().availableProcessors() > 1;

	/** One receive in so many is done the other way. */
	private static final int TRIAL_INTERVAL = 64;

	/** How many limits one wait may count as, so that a pause is soon forgotten. */
	private static final int LONGEST_WAIT = 4;

	/** A mean moves by this part of what a new wait differs from it. */
	private static final int WEIGHT = 8;

	/** What spinning must save to be worth a processor: one part in so many. */
	private static final int LEAST_GAIN = 4;

	private volatile long limit;

	private long meanAwake;

	private long meanAsleep;

	private int receives;

	static Duration checkLimit(Duration limit) {
		if (limit.isNegative() || limit.compareTo(MAX_LIMIT) > 0) {
			throw new IllegalArgumentException("A spin time is zero to " + MAX_LIMIT + ", not " + limit);
		}
		return limit;
	}

	void setLimit(long nanos) {
		this.limit = POSSIBLE ? nanos : 0;
	}

	boolean isOn() {
		return this.limit != 0;
	}

	/** Whether to stay awake for the next packet. */
	boolean stayAwake() {
		boolean better = this.meanAwake <= this.limit
				&& this.meanAwake <= this.meanAsleep - this.meanAsleep / LEAST_GAIN;
		return better != (++this.receives % TRIAL_INTERVAL == 0);
	}

	/** The {@link System#nanoTime()} at which to go to sleep. */
	long deadline(long start) {
		return start + this.limit;
	}

	/** Takes note of how long a packet took to arrive. */
	void waited(boolean awake, long nanos) {
		long wait = Math.min(nanos, LONGEST_WAIT * this.limit);
		if (awake) {
			this.meanAwake += (wait - this.meanAwake) / WEIGHT;
		}
		else {
			this.meanAsleep += (wait - this.meanAsleep) / WEIGHT;
		}
	}

}
