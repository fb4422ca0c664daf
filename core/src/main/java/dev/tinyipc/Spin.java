package dev.tinyipc;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Decides whether a receive spins for a while before it goes to sleep: waking up takes
 * longer than all the rest of a short exchange. It learns from how long packets take to
 * arrive either way, and tries the other way from time to time. So a slow peer costs no
 * processor time, and nor do peers that need the processor themselves, because more
 * threads want to run than there are processors. One that spins offers its processor to
 * others in between, and if one takes it, goes to sleep.
 * <p>
 * Two ends that sleep must try to stay awake at the same time: to one that tries alone,
 * the other's waking up looks like slowness. They need not agree on when, because they
 * look at the same clock.
 * <p>
 * Not thread-safe: each socket guards its own by its receiving lock.
 */
final class Spin {

	/**
	 * Shorter than the wait of a call in the kernel, so that no deadline passes while
	 * spinning.
	 */
	static final Duration MAX_LIMIT = Duration.ofMillis(10);

	/** With a single processor, the peer could not run meanwhile. */
	static final boolean POSSIBLE = Runtime.getRuntime().availableProcessors() > 1;

	/** Of those that stay awake, one receive in this many sleeps, as a trial. */
	private static final int TRIAL_INTERVAL = 64;

	/** Such trials become as seldom as this while they teach nothing. */
	private static final int LONGEST_TRIAL_INTERVAL = 1024;

	/**
	 * Receives that begin within this time after a multiple of the period, in
	 * nanoseconds, stay awake, as a trial. That is long enough for the first ones, which
	 * have to wait until the peer is woken up, and for some more.
	 */
	private static final long TRIAL_WINDOW = 500_000;

	/**
	 * In nanoseconds, and a power of two. It is only ever doubled, so that all ends have
	 * some windows in common.
	 */
	private static final long TRIAL_PERIOD = 1 << 24;

	/**
	 * Such trials become as seldom as this while they teach nothing: one that offers the
	 * processor to a program that is busy gets it back after milliseconds.
	 */
	private static final long LONGEST_TRIAL_PERIOD = 1 << 26;

	/**
	 * A wait counts as at most this many limits, so that a pause is soon forgotten. A
	 * trial spins for as long, because the peer may have to be woken up first.
	 */
	private static final int LONGEST_WAIT = 4;

	/**
	 * A new wait moves a mean by one part in this many of the difference: so few that
	 * somebody who takes the processor once in a thousand times does not count.
	 */
	private static final int WEIGHT = 64;

	/** The same for a trial, of which there are few. */
	private static final int TRIAL_WEIGHT = 4;

	/** Spinning must save at least one part in this many to be worth a processor. */
	private static final int LEAST_GAIN = 4;

	/** A turn of the loop takes a microsecond unless somebody else runs meanwhile. */
	private static final long LONGEST_TURN = 10_000;

	/**
	 * How many threads may look at memory at a time, which the peers' threads do as well.
	 */
	private static final int MAX_SPINNING = Math.max(1, Runtime.getRuntime().availableProcessors() / 2);

	private static final AtomicInteger spinning = new AtomicInteger();

	private volatile long limit;

	private long meanAwake;

	private long meanAsleep;

	private int trialInterval = TRIAL_INTERVAL;

	private int receives;

	private long trialPeriod = TRIAL_PERIOD;

	/** The number of the window in which it was last tried to stay awake. */
	private long lastWindow;

	private boolean trial;

	private long last;

	/** When to go to sleep. */
	private long end;

	private boolean taken;

	static Duration checkLimit(Duration limit) {
		if (limit.isNegative() || limit.compareTo(MAX_LIMIT) > 0) {
			throw new IllegalArgumentException("A spin time is zero to " + MAX_LIMIT + ", not " + limit);
		}
		return limit;
	}

	void setLimit(long nanos) {
		this.limit = POSSIBLE ? nanos : 0;
	}

	long limit() {
		return this.limit;
	}

	boolean isOn() {
		return this.limit != 0;
	}

	/** Whether to stay awake for the next packet, at a {@link System#nanoTime()}. */
	boolean stayAwake(long now) {
		boolean pays = pays(this.meanAwake, this.meanAsleep);
		this.trial = pays ? ++this.receives >= this.trialInterval : isInWindow(now);
		if (pays && this.trial) {
			this.receives = 0;
		}
		return pays != this.trial;
	}

	/**
	 * The time is that of both processes ({@code CLOCK_MONOTONIC}), unless they are in
	 * different namespaces of time. Then they only learn more slowly.
	 */
	private boolean isInWindow(long now) {
		if ((now & (this.trialPeriod - 1)) >= TRIAL_WINDOW) {
			return false;
		}
		long window = Math.floorDiv(now, TRIAL_PERIOD);
		if (window != this.lastWindow) {
			this.lastWindow = window;
			this.trialPeriod = Math.min(2 * this.trialPeriod, LONGEST_TRIAL_PERIOD);
		}
		return true;
	}

	private boolean pays(long awake, long asleep) {
		return awake <= this.limit && awake <= asleep - asleep / LEAST_GAIN;
	}

	/**
	 * Whether another thread may look at memory all the time: it does not enter the
	 * kernel, which could share the processors out.
	 * @return if so, {@link #ended()} must follow
	 */
	static boolean isAffordable() {
		boolean affordable = spinning.incrementAndGet() <= MAX_SPINNING;
		if (!affordable) {
			spinning.decrementAndGet();
		}
		return affordable;
	}

	/** Makes room for another thread. */
	static void ended() {
		spinning.decrementAndGet();
	}

	/** Begins to spin, at a {@link System#nanoTime()}. */
	void begin(long now) {
		this.last = now;
		this.end = now + (this.trial ? Math.min(LONGEST_WAIT * this.limit, MAX_LIMIT.toNanos()) : this.limit);
		this.taken = false;
	}

	/**
	 * Whether to spin on: not at the limit, nor if somebody else has had the processor
	 * since this was last asked.
	 */
	boolean goesOn(long now) {
		this.taken = now - this.last >= LONGEST_TURN;
		this.last = now;
		return !this.taken && now - this.end < 0;
	}

	/** Records how long a packet took to arrive. */
	void waited(boolean awake, long nanos) {
		long longest = LONGEST_WAIT * this.limit;
		long wait = this.taken ? longest : Math.min(nanos, longest);
		this.taken = false;
		boolean paid = pays(this.meanAwake, this.meanAsleep);
		int weight = this.trial ? TRIAL_WEIGHT : WEIGHT;
		if (awake) {
			this.meanAwake += (wait - this.meanAwake) / weight;
		}
		else {
			this.meanAsleep += (wait - this.meanAsleep) / weight;
		}
		if (pays(this.meanAwake, this.meanAsleep) != paid
				|| (this.trial && pays(awake ? wait : this.meanAwake, awake ? this.meanAsleep : wait) != paid)) {
			this.trialInterval = TRIAL_INTERVAL;
			this.trialPeriod = TRIAL_PERIOD;
		}
		else if (this.trial && !awake) {
			this.trialInterval = Math.min(2 * this.trialInterval, LONGEST_TRIAL_INTERVAL);
		}
	}

}
