package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

import dev.tinyipc.spring.ChildStartException;
import dev.tinyipc.ExitStatus;
import dev.tinyipc.spring.PostMortem;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A place in the pool of a child, which is kept filled with one running instance. Its
 * state changes only in the supervisor's thread; any thread may look at it.
 */
final class ChildSlot implements HelloWait.Listener {

	private static final Logger logger = LoggerFactory.getLogger(IpcChild.class);

	private final SlotHistory history;

	private final ChildSpec spec;

	private final ChildSupervisor supervisor;

	private final IdleWatch watch;

	private final Listener listener;

	private final SlotProcesses processes;

	private final RestartSchedule schedule;

	private volatile ChildState state = ChildState.STOPPED;

	private volatile @Nullable ChildInstance current;

	private long inServiceSince;

	/** For an instance that runs and is not ready, to become the current one. */
	private volatile @Nullable HelloWait starting;

	/** Why that one is to replace the current one. */
	private String reasonToReplace = "";

	ChildSlot(SlotHistory history, ChildSpec spec, SlotProcesses processes, ChildSupervisor supervisor, IdleWatch watch,
			Listener listener) {
		this.history = history;
		this.spec = spec;
		this.processes = processes;
		this.supervisor = supervisor;
		this.watch = watch;
		this.listener = listener;
		this.schedule = new RestartSchedule(history.name(), spec.settings().restart(), supervisor, this::startAgain);
	}

	/** Describes its current state. */
	IpcChild.Instance look() {
		ChildState state = this.state;
		HelloWait starting = this.starting;
		ChildInstance instance = (state == ChildState.STARTING && starting != null) ? starting.instance()
				: this.current;
		boolean running = instance != null && (state == ChildState.RUNNING || state == ChildState.STARTING);
		boolean standby = running && state == ChildState.RUNNING && !instance.isServing();
		if (instance == null && state == ChildState.RUNNING) {
			// It has just ended, and what comes next is not decided yet.
			state = ChildState.BACKOFF;
		}
		return IpcChild.Instance.of(state, standby, running ? instance : null, this.history.restarts(),
				this.history.lastEnd());
	}

	/** Whether no instance will run here until somebody asks for one. */
	boolean isOver() {
		return this.state == ChildState.STOPPED || this.state == ChildState.FAILED;
	}

	/** The instance that messages can be sent to; null while none serves. */
	@Nullable ChildInstance current() {
		ChildInstance instance = this.current;
		return (instance != null && instance.isServing()) ? instance : null;
	}

	/**
	 * Starts an instance, with the application or because somebody asked for it, unless
	 * one is running.
	 * @param required whether the caller waits until it is ready: if it does not get
	 * ready, no other is started
	 * @return completed when there is nothing more to wait for; exceptionally if a
	 * required instance does not get ready
	 * @throws ChildStartException if it cannot be started
	 */
	CompletableFuture<?> start(boolean required) {
		if (this.current == null && this.starting == null) {
			this.schedule.startOver();
			if (!this.processes.arePrepared()) {
				startOncePrepared(false); // whoever waits for the start has it prepared
				return CompletableFuture.completedFuture(null);
			}
			try {
				launch(false);
			}
			catch (ChildStartException ex) {
				changeState(ChildState.FAILED, String.valueOf(ex.getMessage()));
				throw ex;
			}
		}
		HelloWait starting = this.starting;
		if (!required || starting == null || this.current != null) {
			return CompletableFuture.completedFuture(null);
		}
		return starting.require();
	}

	private void launch(boolean again) {
		changeState(ChildState.STARTING);
		ChildInstance instance = this.processes.start(this, this::ended);
		if (again) {
			this.history.restarted(); // before anybody can see the new process
		}
		if (this.spec.ready()) {
			awaitHello(instance);
		}
		else {
			putIntoService(instance);
		}
	}

	private HelloWait awaitHello(ChildInstance instance) {
		HelloWait wait = new HelloWait(instance, this.spec, this.supervisor, this.watch, this);
		this.starting = wait;
		wait.begin();
		return wait;
	}

	@Override
	public void ready(HelloWait wait) {
		ChildInstance replaced = this.current;
		this.schedule.ready();
		if (replaced != null) {
			this.history.restarted();
		}
		putIntoService(wait.instance());
		this.starting = null;
		if (replaced != null) {
			retire(replaced);
		}
		wait.outcome().complete(null);
	}

	@Override
	public void notReady(HelloWait wait, String reason) {
		wait.instance().kill();
		this.history.replaced(wait.instance(), reason);
		unready(wait, reason + wait.instance().output().asSentence(), null);
	}

	private void unready(HelloWait wait, String reason, @Nullable ExitStatus exit) {
		this.starting = null;
		this.listener.withdrawn(wait.instance());
		if (this.current != null) {
			this.schedule.replacementFailed(reason, null);
		}
		else {
			changeState(wait.isRequired() ? ChildState.FAILED : this.schedule.afterUnready(reason, exit), reason);
		}
		wait.fail(reason);
	}

	private void putIntoService(ChildInstance instance) {
		this.current = instance;
		this.inServiceSince = System.nanoTime();
		logger.info("Started {} (pid {})", this.history.name(), instance.process().pid());
		changeState(ChildState.RUNNING);
		this.listener.started(instance);
		this.history.ready(instance);
	}

	private void ended(ChildInstance instance) {
		try {
			this.listener.withdrawn(instance); // again, if a late reply was awaited
			PostMortem end = Objects.requireNonNull(instance.postMortem());
			String how = end.cause() + instance.output().asSentence();
			this.history.exited(instance, end);
			if (instance == this.current) {
				this.current = null;
				endedByItself(instance, end.exitStatus(), how);
			}
			else if (this.starting != null && instance == this.starting.instance()) {
				this.starting.cancel();
				unready(this.starting, "it ended before it was ready: " + how, end.exitStatus());
			}
			else if (this.state == ChildState.STOPPING && this.processes.haveEnded()) {
				logger.info("Stopped {}: {}", this.history.name(), instance.process());
				changeState(ChildState.STOPPED);
			}
		}
		finally {
			instance.end(); // whatever happened: others wait for it
		}
	}

	private void endedByItself(ChildInstance instance, ExitStatus exit, String how) {
		String reason = "it ended: " + how;
		if (hasSuccessor(reason)) {
			return;
		}
		if (instance.requester().hasAnswered()) {
			this.schedule.answered();
		}
		Duration inService = Duration.ofNanos(System.nanoTime() - this.inServiceSince);
		changeState(this.schedule.afterEnd(exit, reason, inService), reason);
	}

	/** Whether the process that was to replace an instance takes its place anyway. */
	private boolean hasSuccessor(String reason) {
		if (this.starting == null) {
			return false;
		}
		logger.warn("{} has to wait for its new process, which was to replace one that failed: {}", this.history.name(),
				reason);
		this.history.restarted();
		changeState(ChildState.STARTING);
		return true;
	}

	private void startAgain() {
		startOncePrepared(true);
	}

	private void startOncePrepared(boolean again) {
		changeState(ChildState.STARTING);
		this.processes.startOncePrepared(() -> launch(again),
				(ex) -> changeState(this.schedule.afterFailedStart(ex), String.valueOf(ex.getMessage())));
	}

	/**
	 * Kills an instance that is unusable, and replaces it: at once if it has answered
	 * before, and otherwise like one that crashed.
	 */
	void discard(ChildInstance instance, String reason) {
		instance.retire();
		instance.kill();
		replaceDiscarded(instance, reason);
	}

	/** Does the same with one that does not answer, after a look at what it is doing. */
	void discardUnresponsive(ChildInstance instance, String reason) {
		instance.retire();
		instance.killUnresponsive(this.supervisor);
		replaceDiscarded(instance, reason);
	}

	private void replaceDiscarded(ChildInstance instance, String reason) {
		if (instance != this.current) {
			return;
		}
		this.history.replaced(instance, reason);
		this.current = null;
		this.listener.withdrawn(instance);
		if (hasSuccessor(reason)) {
			return;
		}
		if (instance.requester().hasAnswered() || this.spec.oneWay()) {
			this.schedule.answered();
			logger.warn("{} is replaced, because {}", instance, reason);
			startAgain();
		}
		else {
			String silent = reason + ", and it has never answered" + instance.output().asSentence();
			changeState(this.schedule.afterSilence(silent), silent);
		}
	}

	/** Stops the use of an instance whose socket has come to its end. */
	void withdraw(ChildInstance instance) {
		this.listener.withdrawn(instance);
	}

	/**
	 * Replaces an instance that is worn out, unless that has just failed. It stays until
	 * its successor is ready.
	 */
	void replace(ChildInstance instance, String reason) {
		if (instance == this.current && this.starting == null && this.schedule.mayReplace()) {
			startSuccessor(instance, reason);
		}
	}

	/**
	 * Replaces the current instance because somebody asked for it, or starts one.
	 * @return completed when the replaced instance has ended, or stays
	 * @throws ChildStartException if there is none, and none can be started
	 */
	CompletableFuture<?> restart(String reason) {
		ChildInstance instance = this.current;
		return (instance != null) ? startSuccessor(instance, reason) : start(false);
	}

	private CompletableFuture<?> startSuccessor(ChildInstance instance, String reason) {
		HelloWait successor = this.starting;
		if (successor == null) {
			logger.info("{} (pid {}) is replaced: {}", this.history.name(), instance.process().pid(), reason);
			try {
				this.reasonToReplace = reason;
				ChildInstance started = this.processes.start(this, this::ended);
				if (!this.spec.ready()) {
					this.history.restarted();
					putIntoService(started);
					return retire(instance);
				}
				successor = awaitHello(started);
			}
			catch (ChildStartException ex) {
				this.schedule.replacementFailed(String.valueOf(ex.getMessage()), ex);
				return CompletableFuture.completedFuture(null);
			}
		}
		return successor.outcome()
			.handle((nothing, failure) -> (failure == null) ? instance.onEnd()
					: CompletableFuture.completedFuture(null))
			.thenCompose((end) -> end);
	}

	/** Lets an instance finish its exchange and then ends it. */
	private CompletableFuture<?> retire(ChildInstance instance) {
		this.listener.withdrawn(instance);
		this.history.replaced(instance, this.reasonToReplace);
		if (instance.retire()) {
			this.processes.terminate(instance);
		}
		return instance.onEnd();
	}

	/**
	 * Stops the current instance, and earlier ones that have not ended yet.
	 * @return completed when all their processes have ended
	 */
	CompletableFuture<?> stop() {
		this.schedule.cancel();
		this.processes.forgetStart();
		HelloWait starting = this.starting;
		this.starting = null;
		this.current = null;
		changeState(this.processes.haveEnded() ? ChildState.STOPPED : ChildState.STOPPING);
		for (ChildInstance instance : this.processes.alive()) {
			this.listener.withdrawn(instance);
			instance.retire();
			// Without waiting for its exchange: an application that stops has already
			// done so.
			this.processes.terminate(instance);
		}
		if (starting != null) {
			starting.cancel();
			starting.fail("it was stopped before it was ready");
		}
		return this.processes.onEnd();
	}

	private void changeState(ChildState state, String reason) {
		changeState(state);
		if (state == ChildState.FAILED) {
			this.history.failed(reason);
		}
	}

	private void changeState(ChildState state) {
		this.state = state;
		this.listener.stateChanged();
	}

	@Override
	public String toString() {
		return this.history.name();
	}

	/** Learns what happens to a slot, in the supervisor's thread. */
	interface Listener {

		/** An instance is running and can be lent. */
		void started(ChildInstance instance);

		/** An instance must no longer be lent. */
		void withdrawn(ChildInstance instance);

		/** The state of the slot has changed. */
		void stateChanged();

	}

}
