package dev.tinyipc.spring.child;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcZygote;
import dev.tinyipc.spring.ChildStartException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the zygote of a child, from which its instances are forked: starts one when it is
 * needed, in a thread of its own because that takes as long as the program takes to load
 * everything, and ends it with the child. If it ends earlier, its instances go on, and
 * the next start of one starts another zygote.
 */
final class ZygoteKeeper {

	private static final Logger logger = LoggerFactory.getLogger(IpcChild.class);

	private final ChildSpec spec;

	private final Starter starter;

	private final Executor executor;

	private @Nullable IpcZygote current;

	private @Nullable Start starting;

	/** The current one, and those before it whose last instances have not ended yet. */
	private final Set<IpcZygote> alive = new HashSet<>();

	/**
	 * Creates a keeper without a zygote.
	 * @param executor learns of the end of a zygote
	 */
	ZygoteKeeper(ChildSpec spec, Starter starter, Executor executor) {
		this.spec = spec;
		this.starter = starter;
		this.executor = executor;
	}

	/**
	 * Starts a zygote, unless there is one.
	 * @param log gets its output, if that is to be logged
	 * @return completed when there is one; exceptionally, with a
	 * {@link ChildStartException}, if it cannot be started or is not wanted any more
	 */
	synchronized CompletableFuture<?> prepare(ChildLog log) {
		if (this.current != null && this.current.isUsable()) {
			return CompletableFuture.completedFuture(null);
		}
		retire();
		return replace(log);
	}

	/**
	 * Starts a zygote that takes the place of the current one once it can fork.
	 * @param log gets its output, if that is to be logged
	 * @return completed as that of {@link #prepare}; if exceptionally, the current one
	 * stays
	 */
	synchronized CompletableFuture<?> replace(ChildLog log) {
		if (this.starting != null) {
			return this.starting.outcome;
		}
		Start start = new Start(log);
		try {
			start.thread.start();
		}
		catch (OutOfMemoryError ex) {
			return CompletableFuture.failedFuture(failure("there is no thread for the start of its zygote", ex));
		}
		this.starting = start;
		return start.outcome;
	}

	/**
	 * The zygote.
	 * @param log gets the output of the next one
	 * @throws ChildStartException if there is none: then the next one is started
	 */
	synchronized IpcZygote get(ChildLog log) {
		if (this.current == null || !this.current.isUsable()) {
			prepare(log);
			throw failure("its zygote has ended, and the next one is not ready yet", null);
		}
		return this.current;
	}

	/**
	 * Forks nothing more from the current zygote, which ends when its last instance has
	 * ended.
	 */
	private void retire() {
		IpcZygote retired = this.current;
		this.current = null;
		if (retired != null) {
			retired.close();
		}
	}

	/**
	 * Ends the zygote, or its start, when all instances have ended.
	 * @return completed when its process has ended, and those of earlier zygotes
	 */
	synchronized CompletableFuture<?> close() {
		Start start = this.starting;
		this.starting = null;
		retire();
		List<CompletableFuture<?>> ends = new ArrayList<>();
		this.alive.forEach((zygote) -> ends.add(zygote.process().onExit(this.executor)));
		if (start != null) {
			start.thread.interrupt();
			ends.add(start.end);
		}
		return CompletableFuture.allOf(ends.toArray(CompletableFuture[]::new));
	}

	/** Returns whether it is still wanted. */
	private synchronized boolean end(Start start, @Nullable IpcZygote zygote) {
		boolean wanted = start == this.starting;
		if (wanted) {
			this.starting = null;
			if (zygote != null) {
				retire();
				this.current = zygote;
				this.alive.add(zygote);
			}
		}
		return wanted;
	}

	private void watch(IpcZygote zygote) {
		logger.info("Started the zygote of {} (pid {})", this.spec, zygote.process().pid());
		zygote.process().onExit(this.executor).thenAccept((status) -> {
			if (endCurrent(zygote)) {
				logger.warn("The zygote of {} has ended: {}. Instances that were forked from it go on; the next one"
						+ " that is started gets a new zygote", this.spec, zygote.process());
			}
		});
	}

	/** Returns whether one that has ended is still the current one. */
	private synchronized boolean endCurrent(IpcZygote zygote) {
		this.alive.remove(zygote);
		return zygote == this.current;
	}

	private ChildStartException failure(String reason, @Nullable Throwable cause) {
		return new ChildStartException(this.spec.name(), reason, cause);
	}

	/** A start of a zygote. */
	private final class Start implements Runnable {

		private final ChildLog log;

		private final ChildLog.Output output;

		private final Thread thread = new Thread(this, "ipc-zygote-" + ZygoteKeeper.this.spec.name());

		private final CompletableFuture<Void> outcome = new CompletableFuture<>();

		/**
		 * Completed when there is nothing left of a start that is not wanted any more.
		 */
		private final CompletableFuture<?> end = new CompletableFuture<>();

		Start(ChildLog log) {
			this.log = log;
			this.output = log.ofProcess();
			this.thread.setDaemon(true);
			this.thread.setContextClassLoader(ZygoteKeeper.class.getClassLoader());
		}

		@Override
		public void run() {
			IpcZygote zygote = null;
			ChildStartException failure = null;
			CompletableFuture<?> end = CompletableFuture.completedFuture(null);
			try {
				zygote = ZygoteKeeper.this.starter.start(this.log, this.output);
			}
			catch (IOException | RuntimeException | Error ex) {
				failure = describe(ex);
			}
			if (!end(this, zygote)) {
				failure = failure("it was stopped before its zygote was ready", null);
				if (zygote != null) {
					zygote.close();
					end = zygote.process().onExit(ZygoteKeeper.this.executor);
				}
			}
			else if (zygote != null) {
				watch(zygote);
			}
			if (failure == null) {
				this.outcome.complete(null);
			}
			else {
				this.outcome.completeExceptionally(failure);
			}
			end.thenRun(() -> this.end.complete(null));
		}

		private ChildStartException describe(Throwable ex) {
			if (ex instanceof ChildStartException failure) {
				return failure;
			}
			String key = "ipc.children." + ZygoteKeeper.this.spec.name();
			String advice = (ex instanceof IpcException.Timeout)
					? ". Raise " + key + ".start-timeout, or set " + key + ".zygote to false" : "";
			return failure("its zygote cannot be started: " + ex.getMessage() + advice + this.output.asSentence(), ex);
		}

	}

	/** Starts a zygote, and waits until it can fork. */
	@FunctionalInterface
	interface Starter {

		IpcZygote start(ChildLog log, ChildLog.Output output) throws IOException;

	}

}
