package dev.tinyipc.spring.child;

import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

import dev.tinyipc.spring.ChildStartException;
import org.jspecify.annotations.Nullable;

/**
 * The processes of a slot: that of the current instance, one that is starting, and
 * earlier ones that have not ended yet. Used in the supervisor's thread only.
 */
final class SlotProcesses {

	private final ChildSpec spec;

	private final ChildLauncher launcher;

	private final CallServer calls;

	private final ChildSupervisor supervisor;

	private final MemoryWatch memoryWatch;

	private final SlotHistory history;

	private final ChildLog log;

	private final Set<ChildInstance> alive = new HashSet<>();

	/** What the next start waits for. */
	private @Nullable CompletableFuture<?> preparation;

	SlotProcesses(ChildSpec spec, ChildLauncher launcher, CallServer calls, ChildSupervisor supervisor,
			MemoryWatch memoryWatch, SlotHistory history) {
		this.spec = spec;
		this.launcher = launcher;
		this.calls = calls;
		this.supervisor = supervisor;
		this.memoryWatch = memoryWatch;
		this.history = history;
		this.log = new ChildLog(spec, supervisor);
	}

	/** Whether a process can be started now. */
	boolean arePrepared() {
		CompletableFuture<?> preparation = this.launcher.prepare(this.log);
		return preparation.isDone() && !preparation.isCompletedExceptionally();
	}

	/**
	 * Runs an action that starts a process once that is possible, which may be now,
	 * unless another one or {@link #forgetStart} comes first.
	 * @param failed learns why the process cannot be started
	 */
	void startOncePrepared(Runnable start, Consumer<ChildStartException> failed) {
		CompletableFuture<?> preparation = this.launcher.prepare(this.log);
		this.preparation = preparation;
		if (preparation.isDone()) {
			preparation.whenComplete((nothing, failure) -> attempt(start, failure, failed));
			return;
		}
		preparation.whenCompleteAsync((nothing, failure) -> {
			if (this.preparation == preparation) {
				attempt(start, failure, failed);
			}
		}, this.supervisor);
	}

	private void attempt(Runnable start, @Nullable Throwable failure, Consumer<ChildStartException> failed) {
		this.preparation = null;
		try {
			if (failure instanceof ChildStartException unprepared) {
				throw unprepared;
			}
			start.run();
		}
		catch (ChildStartException ex) {
			failed.accept(ex);
		}
	}

	/** Does not run the action that waits. */
	void forgetStart() {
		this.preparation = null;
	}

	/**
	 * Starts a process, in place of one whose start still waits.
	 * @param slot of the instance
	 * @param ended called when it has ended
	 * @throws ChildStartException if it cannot be started
	 */
	ChildInstance start(ChildSlot slot, Consumer<ChildInstance> ended) {
		forgetStart();
		ChildLauncher.Launched launched = this.launcher.launch(this.log, this.supervisor);
		ChildInstance instance = new ChildInstance(slot, launched,
				this.calls.requester(launched.channel(), this.history.name()), this.spec, this.memoryWatch);
		this.alive.add(instance);
		this.history.starting(instance);
		launched.end().whenCompleteAsync((result, failure) -> {
			this.alive.remove(instance);
			try {
				ended.accept(instance);
			}
			finally {
				launched.group().remove();
			}
		}, this.supervisor);
		return instance;
	}

	boolean haveEnded() {
		return this.alive.isEmpty();
	}

	/** Those that have not ended yet. */
	Set<ChildInstance> alive() {
		return this.alive;
	}

	/** Ends a process gracefully. */
	void terminate(ChildInstance instance) {
		instance.terminate(this.spec.settings().shutdownTimeout(), this.supervisor);
	}

	/**
	 * Waits for the ends of all.
	 * @return completed when they have ended and their slot knows it
	 */
	CompletableFuture<?> onEnd() {
		return CompletableFuture.allOf(this.alive.stream().map(ChildInstance::onEnd).toArray(CompletableFuture[]::new));
	}

}
