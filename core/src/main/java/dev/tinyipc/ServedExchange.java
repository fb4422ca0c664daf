package dev.tinyipc;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;

import org.jspecify.annotations.Nullable;

/** A request that is being worked on, in one thread, and that another may cancel. */
final class ServedExchange {

	private final Thread thread = Thread.currentThread();

	private final long begun = System.nanoTime();

	private boolean cancelled;

	private boolean obstructed;

	private boolean ended;

	private volatile boolean streaming;

	/** Interrupts the handler, unless it has returned. */
	synchronized void cancel() {
		if (!this.ended) {
			this.cancelled = true;
			this.thread.interrupt();
		}
	}

	/** Called by the thread of the handler once the reply was sent. */
	synchronized void end() {
		this.ended = true;
		if (this.cancelled) {
			Thread.interrupted(); // meant for this exchange only
		}
	}

	synchronized boolean isCancelled() {
		return this.cancelled;
	}

	/**
	 * Waits for the result of a handler that returns it later. That takes a thread from
	 * nobody: there are as many as lanes, and the lane has one exchange at a time.
	 * @return a result that is there
	 * @throws Exception why there is none
	 */
	static @Nullable Object await(@Nullable Object result) throws Exception {
		if (!(result instanceof CompletionStage<?> later)) {
			return result;
		}
		CompletableFuture<?> future = later.toCompletableFuture();
		try {
			return future.get();
		}
		catch (InterruptedException ex) {
			if (future.cancel(true) || future.isCompletedExceptionally()) {
				throw ex;
			}
			Thread.currentThread().interrupt();
			return future.join(); // it has just come, perhaps with descriptors
		}
		catch (ExecutionException ex) {
			if (ex.getCause() instanceof Error error) {
				throw error;
			}
			throw (ex.getCause() instanceof Exception failure) ? failure : ex;
		}
	}

	void checkCancelled() {
		if (isCancelled()) {
			throw new CancellationException("The caller no longer waits for the reply");
		}
	}

	/** Called when the first element of a streamed reply is sent. */
	void streaming() {
		this.streaming = true;
	}

	/** Whether the caller has the first element: it waits on, past its deadline. */
	boolean isStreaming() {
		return this.streaming;
	}

	/** Whether it has taken so long that somebody should look for a cancel. */
	synchronized boolean mayBeCancelledAfter(long nanos) {
		return !this.cancelled && !this.obstructed && System.nanoTime() - this.begun >= nanos;
	}

	/** Something else has arrived, so that no cancel can be seen any more. */
	synchronized void cannotBeCancelled() {
		this.obstructed = true;
	}

}
