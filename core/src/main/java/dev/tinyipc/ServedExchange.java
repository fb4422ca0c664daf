package dev.tinyipc;

import java.util.concurrent.CancellationException;

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

	void checkCancelled() {
		if (isCancelled()) {
			throw new CancellationException("The caller does not wait for the reply any more");
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
