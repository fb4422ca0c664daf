package dev.tinyipc.spring;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

import dev.tinyipc.OwnedFd;
import org.jspecify.annotations.Nullable;

/**
 * The asynchronous calls of one destination, of which so many are made at a time as it
 * can serve. The others wait without a thread, in the order in which they came. A call
 * makes room as soon as its reply is there: what depends on its result may make another
 * call, and wait for that.
 */
final class CallQueue {

	private final String destination;

	private final int limit;

	private final Executor threads;

	private final Deque<Turn> waiting = new ArrayDeque<>();

	private int running;

	CallQueue(String destination, int limit, Executor threads) {
		this.destination = destination;
		this.limit = limit;
		this.threads = threads;
	}

	/** Makes a call, as {@link AsyncCalls} does. */
	<T> CompletableFuture<T> add(Duration timeout, OwnedFd[] copies, AsyncCalls.Call<T> call) {
		Turn turn = new Turn(timeout);
		AsyncCall<T> async = new AsyncCall<>(() -> call.run(turn.left(), copies), copies, this::startNext);
		turn.call = async;
		if (enter(turn)) {
			start(turn);
		}
		else {
			turn.timer.whenComplete((nothing, late) -> {
				if (late != null) {
					fail(turn);
				}
			});
			async.whenComplete((result, failure) -> {
				if (turn.timer.complete(null)) {
					remove(turn);
					async.drop();
				}
			});
		}
		return async;
	}

	/** Returns whether the call need not wait. */
	private synchronized boolean enter(Turn turn) {
		if (this.running < this.limit) {
			this.running++;
			return true;
		}
		turn.startTimer();
		this.waiting.addLast(turn);
		return false;
	}

	private void startNext() {
		Turn next = leave();
		if (next != null) {
			start(next);
		}
	}

	/** Makes room, and returns the call that takes it. */
	private synchronized @Nullable Turn leave() {
		Turn next = this.waiting.pollFirst();
		while (next != null && !next.timer.complete(null)) {
			next = this.waiting.pollFirst(); // that one is too late
		}
		if (next == null) {
			this.running--;
		}
		return next;
	}

	/** Returns how many are left. */
	private synchronized int remove(Turn turn) {
		this.waiting.remove(turn);
		return this.waiting.size();
	}

	private void start(Turn turn) {
		boolean started = false;
		try {
			turn.call.startIn(this.threads);
			started = true;
		}
		finally {
			if (!started) {
				synchronized (this) {
					this.running--;
				}
			}
		}
	}

	/** Called by the timer, whose thread is that of the whole JVM. */
	private void fail(Turn turn) {
		Runnable failing = () -> turn.call
			.completeExceptionally(new IpcBusyException(this.destination, "no instance was free within " + turn.timeout
					+ ", and " + remove(turn) + " other asynchronous calls are waiting"));
		boolean handedOver = false;
		try {
			this.threads.execute(failing);
			handedOver = true;
		}
		finally {
			if (!handedOver) {
				failing.run();
			}
		}
	}

	/** When a call is made. */
	private static final class Turn {

		private final Duration timeout;

		/** Ends with the wait, at the latest when the timeout has passed. */
		private final CompletableFuture<@Nullable Void> timer = new CompletableFuture<>();

		private @Nullable AsyncCall<?> call;

		/** When the wait began; 0 if there is none. */
		private long since;

		private Turn(Duration timeout) {
			this.timeout = timeout;
		}

		private void startTimer() {
			this.since = System.nanoTime();
			this.timer.orTimeout(this.timeout.toNanos(), TimeUnit.NANOSECONDS);
		}

		private Duration left() {
			if (this.since == 0) {
				return this.timeout;
			}
			Duration left = this.timeout.minusNanos(System.nanoTime() - this.since);
			return (left.toMillis() > 0) ? Duration.ofMillis(left.toMillis()) : Duration.ofMillis(1);
		}

	}

}
