package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

import dev.tinyipc.IpcException;
import org.jspecify.annotations.Nullable;

/**
 * The instances of a child that have nothing to do, and the callers that wait for one,
 * who get theirs in the order in which they came.
 */
final class IdleInstances {

	private final ReentrantLock lock = new ReentrantLock();

	private final Deque<ChildInstance> idle = new ArrayDeque<>();

	private final Deque<Waiter> waiters = new ArrayDeque<>();

	/** Why there is nothing to wait for. */
	private @Nullable String closed = "it is not running: children start and stop with the application";

	/** From now on waiting makes sense. */
	void open() {
		this.lock.lock();
		try {
			this.closed = null;
		}
		finally {
			this.lock.unlock();
		}
	}

	/** From now on nobody need wait, and those who do are told why. */
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
			Waiter first = this.waiters.pollFirst();
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

	/** Takes an instance out that is not to be used any more. */
	void remove(ChildInstance instance) {
		this.lock.lock();
		try {
			this.idle.remove(instance);
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * Takes an idle instance, which is lent to the caller, or waits for one.
	 * @param timeout for the message of a failure
	 * @param deadline the {@link System#nanoTime()} at which waiting ends
	 */
	ChildInstance take(Duration timeout, long deadline) throws IpcException {
		while (true) {
			ChildInstance instance = next(timeout, deadline);
			if (instance.lend()) {
				return instance;
			}
			// It has just ended: its successor is offered when it is there.
		}
	}

	private ChildInstance next(Duration timeout, long deadline) throws IpcException {
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

	private ChildInstance await(Duration timeout, long deadline) throws IpcException {
		Waiter waiter = new Waiter(this.lock.newCondition());
		this.waiters.addLast(waiter);
		try {
			while (waiter.instance == null) {
				long left = deadline - System.nanoTime();
				if (left <= 0) {
					throw new IpcException.Timeout("no instance was free within " + timeout + ", "
							+ (this.waiters.size() - 1) + " other callers wait");
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
			throw new IpcException("interrupted while waiting for an instance", ex);
		}
		finally {
			this.waiters.remove(waiter);
		}
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

		private @Nullable ChildInstance instance;

		private Waiter(Condition condition) {
			this.condition = condition;
		}

	}

}
