package dev.tinyipc.spring.child;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

import dev.tinyipc.spring.ChildStartException;
import org.jspecify.annotations.Nullable;

/** A thread's wait for the start of a child. A shutdown of the application ends it. */
final class StartWait {

	/** Forever, but with a limit. */
	private static final long MAX_DAYS = 365;

	private final String child;

	private final CompletableFuture<?> start;

	/**
	 * Creates a wait for a start.
	 * @param start completed when there is nothing more to wait for
	 */
	StartWait(String child, CompletableFuture<?> start) {
		this.child = child;
		this.start = start;
	}

	/**
	 * Waits.
	 * @param untilReady whether that may take long
	 * @throws ChildStartException if an instance cannot be started, or does not get ready
	 */
	void await(boolean untilReady) {
		// The shutdown of an application waits for its start, which has to end first.
		Thread whenShutDown = new Thread(() -> this.start
			.completeExceptionally(failure("the application was stopped before it was ready", null)));
		try {
			if (untilReady) {
				addShutdownHook(whenShutDown);
			}
			// Not join(): Spring assumes that a thread waiting without a limit hangs,
			// and skips the shutdown if the application is stopped during its start.
			this.start.get(MAX_DAYS, TimeUnit.DAYS);
		}
		catch (ExecutionException ex) {
			throw (ex.getCause() instanceof ChildStartException failure) ? failure
					: new IllegalStateException(ex.getCause());
		}
		catch (TimeoutException ex) {
			throw new IllegalStateException(ex);
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
			throw failure("the thread was interrupted while waiting for its start", ex);
		}
		finally {
			removeShutdownHook(whenShutDown);
		}
	}

	private void addShutdownHook(Thread hook) {
		try {
			Runtime.getRuntime().addShutdownHook(hook);
		}
		catch (IllegalStateException ex) {
			throw failure("the application is being stopped", ex);
		}
	}

	private static void removeShutdownHook(Thread hook) {
		try {
			Runtime.getRuntime().removeShutdownHook(hook);
		}
		catch (IllegalStateException ex) {
			// It runs, or has run.
		}
	}

	private ChildStartException failure(String reason, @Nullable Exception cause) {
		return new ChildStartException(this.child, reason, cause);
	}

}
