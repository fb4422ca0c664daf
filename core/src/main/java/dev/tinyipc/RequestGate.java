package dev.tinyipc;

import java.util.concurrent.CompletableFuture;

/**
 * Lets requests in to a server, or has them refused: so a server ends, or pauses, without
 * losing what it works on.
 *
 * <pre class="code">
 * RequestGate gate = new RequestGate();
 * IpcServer server = IpcServer.builder().handler(...).gate(gate).start();
 * ...
 * gate.close().join(); // what has been begun is answered, and what comes is refused
 * server.close();
 * </pre>
 *
 * A request that is refused gets an error item of the type {@code Unavailable}. Gates are
 * thread-safe.
 */
public final class RequestGate {

	private boolean open = true;

	private int inside;

	/** Completed when the last request has left after the gate was closed. */
	private CompletableFuture<Void> left = CompletableFuture.completedFuture(null);

	/** Creates a gate that is open. */
	public RequestGate() {
	}

	/**
	 * Whether requests are let in.
	 * @return whether they are
	 */
	public synchronized boolean isOpen() {
		return this.open;
	}

	/** Lets requests in. */
	public void open() {
		CompletableFuture<Void> left;
		synchronized (this) {
			this.open = true;
			left = this.left;
		}
		left.complete(null);
	}

	/**
	 * Refuses requests that come from now on.
	 * @return completed once those that were let in before have been answered, streams to
	 * their ends, or when the gate is opened again
	 */
	public synchronized CompletableFuture<?> close() {
		if (this.open) {
			this.open = false;
			this.left = (this.inside > 0) ? new CompletableFuture<>() : CompletableFuture.completedFuture(null);
		}
		return this.left.copy(); // whoever completes that completes nothing here
	}

	/** Whether a request may be worked on. If so, {@link #leave} is called afterwards. */
	synchronized boolean enter() {
		if (this.open) {
			this.inside++;
		}
		return this.open;
	}

	void leave() {
		CompletableFuture<Void> left;
		synchronized (this) {
			this.inside--;
			if (this.open || this.inside > 0) {
				return;
			}
			left = this.left;
		}
		left.complete(null);
	}

}
