package dev.tinyipc.benchmark;

import java.time.Duration;

/**
 * Tells when a contender no longer becomes faster. A JVM gets there in its own time,
 * which is longer on a machine whose compiler threads have to wait.
 */
final class WarmUp {

	/** By so much a turn has to be faster than all before it, to count as progress. */
	private static final double PROGRESS = 0.95;

	private static final int TURNS_WITHOUT_PROGRESS = 4;

	/** Of the limit, because between two compilers there is a plateau. */
	private static final int LEAST_PART = 3;

	private final Duration limit;

	private double spent;

	private int withoutProgress;

	private double best = Double.MAX_VALUE;

	/**
	 * Starts.
	 * @param limit of time on a core, after which it is warm, whatever it looks like
	 */
	WarmUp(Duration limit) {
		this.limit = limit;
	}

	void add(Contender.Result result) {
		this.spent += result.more().get(ContenderProcess.CPU);
		double time = (double) result.nanoseconds() / result.operations();
		this.withoutProgress = (time < this.best * PROGRESS) ? 0 : this.withoutProgress + 1;
		this.best = Math.min(this.best, time);
	}

	boolean isOver() {
		return this.spent >= this.limit.toNanos()
				|| (this.spent >= this.limit.toNanos() / LEAST_PART && this.withoutProgress >= TURNS_WITHOUT_PROGRESS);
	}

}
