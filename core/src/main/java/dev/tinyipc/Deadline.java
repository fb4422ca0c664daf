package dev.tinyipc;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The time until which a call may wait, for whatever it needs: its turn, room, each
 * packet of a message.
 */
public final class Deadline {

	/** Never passes. */
	public static final Deadline NONE = new Deadline(0, 0, false);

	/** The {@link System#nanoTime()} at which waiting ends, or 0 for never. */
	private final long end;

	private final long timeoutNanos;

	private final boolean interruptible;

	private Deadline(long end, long timeoutNanos, boolean interruptible) {
		this.end = end;
		this.timeoutNanos = timeoutNanos;
		this.interruptible = interruptible;
	}

	/**
	 * Creates a deadline.
	 * @param timeout the time from now; with zero or less, a call does what it can
	 * without waiting
	 * @return the deadline, which is not interruptible
	 */
	public static Deadline in(Duration timeout) {
		long nanos = Math.max(0, nanos(timeout));
		return new Deadline(endIn(nanos), nanos, false);
	}

	/** At most 146 years, so that sums do not overflow. */
	static long nanos(Duration timeout) {
		return Math.min(TimeUnit.NANOSECONDS.convert(timeout), Long.MAX_VALUE / 2);
	}

	/** The {@link #end()} of a deadline that passes after the given time. */
	static long endIn(long nanos) {
		long end = System.nanoTime() + nanos;
		return (end != 0) ? end : 1;
	}

	/**
	 * Lets {@link Thread#interrupt()} end the wait, too: the call then throws
	 * {@link IpcException.Interrupted}.
	 * @return an interruptible deadline that passes at the same time
	 */
	public Deadline interruptible() {
		return this.interruptible ? this : new Deadline(this.end, this.timeoutNanos, true);
	}

	/**
	 * The time that is left.
	 * @return nanoseconds, 0 once the deadline has passed; {@link Long#MAX_VALUE} if it
	 * never does
	 */
	public long remainingNanos() {
		return (this.end != 0) ? Math.max(0, this.end - System.nanoTime()) : Long.MAX_VALUE;
	}

	/**
	 * The time that is left, rounded up, so that it is not over before it is.
	 * @param otherwise what is returned if it never ends
	 */
	long remainingMillis(long otherwise) {
		long left = remainingNanos();
		return (left != Long.MAX_VALUE) ? TimeUnit.NANOSECONDS.toMillis(left + TimeUnit.MILLISECONDS.toNanos(1) - 1)
				: otherwise;
	}

	/**
	 * Whether no time is left.
	 * @return whether a call may no longer wait
	 */
	public boolean hasPassed() {
		return remainingNanos() == 0;
	}

	/**
	 * Waits for a lock.
	 * @param what what is busy, for the exception's message
	 */
	void lock(ReentrantLock lock, Object what) throws IpcException {
		if (lock.tryLock()) {
			return;
		}
		boolean interrupted = false;
		try {
			while (true) {
				try {
					if (lock.tryLock(remainingNanos(), TimeUnit.NANOSECONDS)) {
						return;
					}
					throw new IpcException.Timeout(
							what + ": busy with other messages for " + Duration.ofNanos(this.timeoutNanos));
				}
				catch (InterruptedException ex) {
					interrupted = true;
					if (this.interruptible) {
						throw new IpcException.Interrupted(what + ": interrupted while waiting for other messages");
					}
				}
			}
		}
		finally {
			if (interrupted) {
				Thread.currentThread().interrupt();
			}
		}
	}

	/** The {@link System#nanoTime()} at which waiting ends, or 0 for never. */
	long end() {
		return this.end;
	}

	/** The original timeout, or 0 if it never passes. */
	long timeoutNanos() {
		return this.timeoutNanos;
	}

	boolean isInterruptible() {
		return this.interruptible;
	}

	@Override
	public String toString() {
		return (this.end != 0) ? Duration.ofNanos(remainingNanos()) + " of " + Duration.ofNanos(this.timeoutNanos)
				: "no deadline";
	}

}
