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
 * Lends the instances of a child that have nothing to do. Callers that wait for one are
 * served in the order in which they came. A caller that would have too little of its time
 * left to get an answer gets no instance: its request would be in vain, and keep the
 * instance from somebody whose is not.
 */
final class InstancePool {

	/** A shorter exchange moves the known time by this part of the difference. */
	private static final int WEIGHT = 8;

	private final ChildSpec spec;

	private final ReentrantLock lock = new ReentrantLock();

	private final Deque<ChildInstance> idle = new ArrayDeque<>();

	private final Deque<Waiter> waiters = new ArrayDeque<>();

	/** Why there is nothing to wait for. */
	private @Nullable String closed = "it is not running: children start and stop with the application";

	/** How long an exchange may take, in nanoseconds; 0 as long as none is known. */
	private volatile long exchangeTime;

	InstancePool(ChildSpec spec) {
		this.spec = spec;
	}

	/** Lets callers wait from now on. */
	void open() {
		this.lock.lock();
		try {
			this.closed = null;
		}
		finally {
			this.lock.unlock();
		}
	}

	/** Lets nobody wait from now on, and tells those who do the reason. */
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

	/** An instance has nothing to do: it goes to whoever has waited longest. */
	void offer(ChildInstance instance) {
		this.lock.lock();
		try {
			Waiter first = nextInTime();
			if (first == null) {
				this.idle.addLast(instance);
			}
			else {
				first.instance = instance;
				first.condition.signal();
			}
		}
		finally {
			this.lock.unlock();
		}
	}

	/** Those who are too late to begin are sent away, and not given an instance. */
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
	 * Withdraws an instance.
	 * @return whether it was idle
	 */
	boolean remove(ChildInstance instance) {
		this.lock.lock();
		try {
			return this.idle.remove(instance);
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * Takes note of how long an exchange took, or has taken by the time that it is given
	 * up. A longer one is remembered at once, and forgotten as shorter ones follow.
	 */
	void exchanged(long nanos) {
		long known = this.exchangeTime;
		this.exchangeTime = (nanos >= known) ? Math.max(1, nanos) : known + (nanos - known) / WEIGHT;
	}

	/**
	 * Lends an idle instance, or waits for one.
	 * @param timeout of the whole call
	 * @param deadline of the whole call
	 * @throws IpcBusyException if none became free in time, or too many callers wait
	 * @throws IpcException.PeerClosed if there is none to wait for
	 * @throws IpcException.Interrupted if the thread was interrupted while it waited
	 */
	ChildInstance acquire(Duration timeout, Deadline deadline) throws IpcException {
		while (true) {
			ChildInstance instance = next(timeout, deadline);
			if (instance.lend()) {
				return instance;
			}
			// It has just ended: its successor is offered when it is there.
		}
	}

	private ChildInstance next(Duration timeout, Deadline deadline) throws IpcException {
		this.lock.lock();
		try {
			checkOpen();
			ChildInstance instance = this.waiters.isEmpty() ? this.idle.pollFirst() : null;
			return (instance != null) ? instance : await(timeout, deadline);
		}
		finally {
			this.lock.unlock();
		}
	}

	private ChildInstance await(Duration timeout, Deadline deadline) throws IpcException {
		Integer maxWaiting = this.spec.settings().maxWaiting();
		if (maxWaiting != null && this.waiters.size() >= maxWaiting) {
			throw busy("no instance is free, and as many calls wait as may (" + maxWaiting + ", see ipc.children."
					+ this.spec.name() + ".max-waiting)");
		}
		Waiter waiter = new Waiter(this.lock.newCondition(), latestStart(timeout, deadline));
		this.waiters.addLast(waiter);
		try {
			while (waiter.instance == null) {
				long left = waiter.latestStart - System.nanoTime();
				if (left <= 0 || waiter.late) {
					throw busy("no instance was free within " + timeout + " (less the time that an answer takes), "
							+ (waiting() - (waiter.late ? 0 : 1)) + " other callers wait");
				}
				waiter.condition.await(left, TimeUnit.NANOSECONDS);
				if (waiter.instance == null) {
					checkOpen();
				}
			}
			return waiter.instance;
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
			giveOn(waiter);
			throw new IpcException.Interrupted("interrupted while waiting for an instance; nothing was sent");
		}
		finally {
			this.waiters.remove(waiter);
		}
	}

	/** When an exchange has to begin so that an answer can be expected in time. */
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

	/** What was handed to a caller who leaves goes to the next one. */
	private void giveOn(Waiter waiter) {
		if (waiter.instance != null) {
			offer(waiter.instance);
		}
	}

	private void checkOpen() throws IpcException {
		if (this.closed != null) {
			throw new IpcException.PeerClosed(this.closed);
		}
	}

	/** The instances that have nothing to do just now. */
	List<ChildInstance> idle() {
		this.lock.lock();
		try {
			return List.copyOf(this.idle);
		}
		finally {
			this.lock.unlock();
		}
	}

	/** How many callers wait. */
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

		private @Nullable ChildInstance instance;

		private boolean late;

		private Waiter(Condition condition, long latestStart) {
			this.condition = condition;
			this.latestStart = latestStart;
		}

	}

}
