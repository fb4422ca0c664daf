package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ThreadLocalRandom;

import org.jspecify.annotations.Nullable;

/**
 * Decides when an instance is restarted after a failure: after a delay that doubles each
 * time, with a jitter so that several do not start at once, and not at all once it has
 * failed too often. Not thread-safe.
 */
final class RestartPlan {

	private final ChildSettings.Restart settings;

	private final Deque<Long> failures = new ArrayDeque<>();

	private int inARow;

	/** The number of instances in a row that were killed because they never answered. */
	private int silentInARow;

	/** The number of instances in a row that ended before they were ready. */
	private int unreadyInARow;

	RestartPlan(ChildSettings.Restart settings) {
		this.settings = settings;
	}

	/**
	 * Records a failure.
	 * @param now {@link System#nanoTime()}
	 * @param uptime how long the instance had been running
	 * @return the delay before the restart; null if it failed too often
	 */
	@Nullable Duration afterFailure(long now, Duration uptime) {
		if (uptime.compareTo(this.settings.stableAfter()) >= 0) {
			this.inARow = 0;
		}
		this.failures.addLast(now);
		while (now - this.failures.getFirst() > this.settings.failureWindow().toNanos()) {
			this.failures.removeFirst();
		}
		if (this.failures.size() >= this.settings.maxFailures()) {
			return null;
		}
		return withJitter(delay(this.inARow++));
	}

	/**
	 * Records that an instance was killed because it never answered. These are counted in
	 * a row: each has its startup grace, so too few may fall into one window.
	 * @param now {@link System#nanoTime()}
	 * @return the delay before the restart; null if it failed too often
	 */
	@Nullable Duration afterSilence(long now) {
		return (++this.silentInARow < this.settings.maxFailures()) ? afterFailure(now, Duration.ZERO) : null;
	}

	/**
	 * Records that an instance was killed, or ended, before it was ready. These are
	 * counted in a row, too: the time to get ready may be longer than the window.
	 * @param now {@link System#nanoTime()}
	 * @return the delay before the restart; null if it failed too often
	 */
	@Nullable Duration afterUnready(long now) {
		return (++this.unreadyInARow < this.settings.maxFailures()) ? afterFailure(now, Duration.ZERO) : null;
	}

	/** Records that an instance was ready. */
	void ready() {
		this.unreadyInARow = 0;
	}

	/** Records that an instance has answered. */
	void answered() {
		this.silentInARow = 0;
	}

	/** Forgets all failures, because a start was requested. */
	void startOver() {
		this.silentInARow = 0;
		this.unreadyInARow = 0;
		this.failures.clear();
		this.inARow = 0;
	}

	private Duration delay(int doublings) {
		Duration delay = this.settings.initialDelay();
		for (int i = 0; i < doublings && delay.compareTo(this.settings.maxDelay()) < 0; i++) {
			delay = delay.multipliedBy(2);
		}
		return delay;
	}

	/** At most half as much again, and never more than the maximum delay. */
	private Duration withJitter(Duration delay) {
		Duration jittered = delay.plusNanos(ThreadLocalRandom.current().nextLong(delay.toNanos() / 2 + 1));
		return (jittered.compareTo(this.settings.maxDelay()) < 0) ? jittered : this.settings.maxDelay();
	}

}
