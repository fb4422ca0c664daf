package dev.tinyipc.spring;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;

import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;
import org.jspecify.annotations.Nullable;

/**
 * A call that a thread of its own makes and waits for. To cancel it is to interrupt that
 * thread: the exchange tells the peer then, as for any caller. A {@link FutureTask} sees
 * to it that the interrupt hits this call, and no later one of the thread.
 *
 * @param <T> the type of the result
 */
final class AsyncCall<T> extends CompletableFuture<T> implements Runnable {

	private final FutureTask<T> task;

	private final Runnable whenReturned;

	/** What the call returned, even if it was cancelled by then. */
	private @Nullable T returned;

	private volatile boolean mayInterrupt = true;

	/**
	 * Prepares a call.
	 * @param call returns the result
	 * @param descriptors to be closed once they are not needed
	 * @param whenReturned is told that the call has returned, before anybody gets the
	 * result
	 */
	AsyncCall(Callable<T> call, OwnedFd[] descriptors, Runnable whenReturned) {
		this.task = new FutureTask<>(() -> {
			T result = call.call();
			this.returned = result;
			return result;
		}) {

			@Override
			protected void done() {
				for (OwnedFd descriptor : descriptors) {
					descriptor.close();
				}
			}

		};
		this.whenReturned = whenReturned;
		whenComplete((result, failure) -> {
			if (this.mayInterrupt) {
				this.task.cancel(true); // unless that is how it has ended
			}
		});
	}

	/** Makes the call in another thread. If there is none, the descriptors are closed. */
	void startIn(Executor threads) {
		boolean started = false;
		try {
			threads.execute(this);
			started = true;
		}
		finally {
			if (!started) {
				cancel(true);
			}
		}
	}

	/** Says that nobody will run a call that is not wanted any more. */
	void drop() {
		this.task.cancel(false);
	}

	@Override
	public void run() {
		this.task.run();
		if (this.task.isCancelled()) {
			// It was meant for this call, and the thread may make others.
			Thread.interrupted();
		}
		try {
			this.whenReturned.run();
		}
		finally {
			deliver();
		}
	}

	private void deliver() {
		if (this.task.isCancelled()) {
			discard(this.returned);
			return;
		}
		try {
			T result = this.task.get();
			if (!complete(result)) {
				discard(result);
			}
		}
		catch (ExecutionException ex) {
			completeExceptionally(ex.getCause());
		}
		catch (InterruptedException ex) {
			throw new IllegalStateException("A task that is done does not wait", ex);
		}
	}

	private static void discard(@Nullable Object result) {
		if (result instanceof IpcMessage<?> message) {
			message.close();
		}
	}

	@Override
	public boolean cancel(boolean mayInterruptIfRunning) {
		this.mayInterrupt = mayInterruptIfRunning;
		return super.cancel(mayInterruptIfRunning);
	}

}
