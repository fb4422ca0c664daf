package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

import dev.tinyipc.Deadline;
import dev.tinyipc.IpcException;
import dev.tinyipc.spring.IpcBusyException;
import org.jspecify.annotations.Nullable;

/**
 * Lends the idle lanes of a child's instances: of an instance with as little to do as
 * any, the lane that was used last, whose process and caches are warm. Callers that wait
 * for one are served in the order in which they came. A caller with too little time left
 * to get a reply gets no lane: its request would be in vain, and would keep the lane from
 * somebody else.
 */
final class LanePool {

	/** A shorter exchange moves the known time by this fraction of the difference. */
	private static final int WEIGHT = 8;

	private final ChildSpec spec;

	private final ReentrantLock lock = new ReentrantLock();

	/** Those that were used last come first. */
	private final Deque<ChildLane> idle = new ArrayDeque<>();

	private final Deque<Waiter> waiters = new ArrayDeque<>();

	/** Why no lane will be free; null if one may be. */
	private @Nullable String closed = "it is not running: children start and stop with the application";

	/** How long an exchange may take, in nanoseconds; 0 until one is known. */
	private volatile long exchangeTime;

	LanePool(ChildSpec spec) {
		this.spec = spec;
	}

	/** Lets callers wait for lanes. */
	void open() {
		this.lock.lock();
		try {
			this.closed = null;
		}
		finally {
			this.lock.unlock();
		}
	}

	/** Stops all lending and waiting, and tells callers the reason. */
	void close(String reason) {
		this.lock.lock();
		try {
			this.closed = reason;
			this.idle.clear();
			this.waiters.forEach((waiter) -> waiter.condition.signal());
		}
		finally {
			this.lock.unlock();
		}
	}

	/** Adds a lane that has not been used yet, or not for a while. */
	void offer(ChildLane lane) {
		offer(lane, false);
	}

	/**
	 * Adds a lane that was used just now. If that ended with an error, others come before
	 * it: an instance that always fails, and quickly, must not get all requests.
	 * @param preferred whether its instance is to be used on
	 */
	void giveBack(ChildLane lane, boolean preferred) {
		offer(lane, preferred && lane.isWell());
	}

	/** Adds an idle lane, which goes to whoever has waited longest. */
	private void offer(ChildLane lane, boolean first) {
		this.lock.lock();
		try {
			Waiter waiter = nextInTime();
			if (waiter != null) {
				waiter.lane = lane;
				waiter.condition.signal();
			}
			else if (first) {
				this.idle.addFirst(lane);
			}
			else {
				this.idle.addLast(lane);
			}
		}
		finally {
			this.lock.unlock();
		}
	}

	/** Finds who has waited longest, and sends away those who are too late to begin. */
	private @Nullable Waiter nextInTime() {
		long now = System.nanoTime();
		Waiter waiter = this.waiters.pollFirst();
		while (waiter != null && waiter.latestStart - now < 0) {
			waiter.late = true;
			waiter.condition.signal();
			waiter = this.waiters.pollFirst();
		}
		return waiter;
	}

	/**
	 * Removes a lane.
	 * @return whether it was idle
	 */
	boolean remove(ChildLane lane) {
		this.lock.lock();
		try {
			return this.idle.remove(lane);
		}
		finally {
			this.lock.unlock();
		}
	}

	/** Whether the next caller would have to wait. */
	boolean isExhausted() {
		this.lock.lock();
		try {
			return this.idle.isEmpty();
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * Records how long an exchange took, or had taken when it was given up. A longer one
	 * counts at once, and is forgotten as shorter ones follow.
	 */
	void exchanged(long nanos) {
		long known = this.exchangeTime;
		this.exchangeTime = (nanos >= known) ? Math.max(1, nanos) : known + (nanos - known) / WEIGHT;
	}

	/**
	 * Lends an idle lane, or waits for one.
	 * @param timeout of the whole call
	 * @param deadline of the whole call
	 * @throws IpcBusyException if none became free in time, or too many callers are
	 * waiting
	 * @throws IpcException.PeerClosed if there is none to wait for
	 * @throws IpcException.Interrupted if the thread is interrupted while it waits
	 */
	ChildLane acquire(Duration timeout, Deadline deadline) throws IpcException {
		while (true) {
			ChildLane lane = next(timeout, deadline);
			if (lane.lend()) {
				return lane;
			}
			// It has just ended: its successor is offered once it has been started.
		}
	}

	private ChildLane next(Duration timeout, Deadline deadline) throws IpcException {
		this.lock.lock();
		try {
			checkOpen();
			ChildLane lane = this.waiters.isEmpty() ? pollMostSuitable() : null;
			return (lane != null) ? lane : await(timeout, deadline);
		}
		finally {
			this.lock.unlock();
		}
	}

	/** An instance whose lanes are not all at work may still have less to do. */
	private @Nullable ChildLane pollMostSuitable() {
		ChildLane best = this.idle.peekFirst();
		if (best == null || best.instance().work().lanesAtWork() == 0) {
			return this.idle.pollFirst();
		}
		for (ChildLane lane : this.idle) {
			if (lane.instance().work().lanesAtWork() < best.instance().work().lanesAtWork()) {
				best = lane;
			}
		}
		this.idle.remove(best);
		return best;
	}

	private ChildLane await(Duration timeout, Deadline deadline) throws IpcException {
		Integer maxWaiting = this.spec.settings().maxWaiting();
		if (maxWaiting != null && this.waiters.size() >= maxWaiting) {
			throw busy("no instance is free, and the limit of " + maxWaiting
					+ " waiting calls is reached (see ipc.children." + this.spec.name() + ".max-waiting)");
		}
		Waiter waiter = new Waiter(this.lock.newCondition(), latestStart(timeout, deadline));
		this.waiters.addLast(waiter);
		try {
			while (waiter.lane == null) {
				long left = waiter.latestStart - System.nanoTime();
				if (left <= 0 || waiter.late) {
					throw busy("no instance was free within " + timeout + " (less the time that a reply takes), and "
							+ (waiting() - (waiter.late ? 0 : 1)) + " other callers are waiting");
				}
				waiter.condition.await(left, TimeUnit.NANOSECONDS);
				if (waiter.lane == null) {
					checkOpen();
				}
			}
			return waiter.lane;
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
			passOn(waiter);
			throw new IpcException.Interrupted("interrupted while waiting for an instance");
		}
		finally {
			this.waiters.remove(waiter);
		}
	}

	/** When an exchange has to begin so that a reply can be expected in time. */
	private long latestStart(Duration timeout, Deadline deadline) {
		long half = timeout.toNanos() / 2;
		long known = this.exchangeTime;
		long wait = deadline.remainingNanos() - Math.min(half, (known != 0) ? known + known / 4 : half / 5);
		Duration acquireTimeout = this.spec.settings().acquireTimeout();
		return System.nanoTime() + ((acquireTimeout != null) ? Math.min(acquireTimeout.toNanos(), wait) : wait);
	}

	private IpcBusyException busy(String reason) {
		return new IpcBusyException(this.spec.name(), reason);
	}

	/** A lane that was handed to a caller who leaves goes to the next one. */
	private void passOn(Waiter waiter) {
		if (waiter.lane != null) {
			offer(waiter.lane);
		}
	}

	private void checkOpen() throws IpcException {
		if (this.closed != null) {
			throw new IpcException.PeerClosed(this.closed);
		}
	}

	/** The lanes that are idle at the moment. */
	List<ChildLane> idle() {
		this.lock.lock();
		try {
			return List.copyOf(this.idle);
		}
		finally {
			this.lock.unlock();
		}
	}

	/** The number of callers that are waiting. */
	int waiting() {
		this.lock.lock();
		try {
			return this.waiters.size();
		}
		finally {
			this.lock.unlock();
		}
	}

	private static final class Waiter {

		private final Condition condition;

		private final long latestStart;

		private @Nullable ChildLane lane;

		private boolean late;

		private Waiter(Condition condition, long latestStart) {
			this.condition = condition;
			this.latestStart = latestStart;
		}

	}

}
