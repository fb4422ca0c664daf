package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

import dev.tinyipc.spring.ChildStartException;
import dev.tinyipc.ExitStatus;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A place in the pool of a child, which is kept filled with one running instance. Its
 * state changes only in the supervisor's thread; any thread may look at it.
 */
final class ChildSlot implements HelloWait.Listener {

	private static final Logger logger = LoggerFactory.getLogger(IpcChild.class);

	private final String name;

	private final ChildSpec spec;

	private final ChildLauncher launcher;

	private final ChildSupervisor supervisor;

	private final IdleWatch watch;

	private final CallServer calls;

	private final Listener listener;

	private final ChildLog log;

	private final RestartSchedule schedule;

	private volatile ChildState state = ChildState.STOPPED;

	private volatile @Nullable ChildInstance current;

	private long inServiceSince;

	/** For an instance that runs and is not ready, to become the current one. */
	private volatile @Nullable HelloWait starting;

	/**
	 * The current instance, one that is starting, and earlier ones that have not ended
	 * yet.
	 */
	private final Set<ChildInstance> alive = new HashSet<>();

	private volatile @Nullable ExitStatus lastExit;

	private volatile long restarts;

	ChildSlot(String name, ChildSpec spec, ChildLauncher launcher, ChildSupervisor supervisor, IdleWatch watch,
			CallServer calls, Listener listener) {
		this.name = name;
		this.spec = spec;
		this.launcher = launcher;
		this.supervisor = supervisor;
		this.watch = watch;
		this.calls = calls;
		this.listener = listener;
		this.log = new ChildLog(spec.name(), supervisor);
		this.schedule = new RestartSchedule(name, spec.settings().restart(), supervisor, this.log, this::startAgain);
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
		return IpcChild.Instance.of(state, standby, running ? instance : null, this.restarts, this.lastExit);
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
			try {
				launch(false);
			}
			catch (ChildStartException ex) {
				changeState(ChildState.FAILED);
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
		ChildInstance instance = startProcess();
		if (again) {
			this.restarts++; // before anybody can see the new process
		}
		if (this.spec.ready()) {
			awaitHello(instance);
		}
		else {
			putIntoService(instance);
		}
	}

	private ChildInstance startProcess() {
		ChildLauncher.Launched launched = this.launcher.launch(this.log, this.supervisor);
		ChildInstance instance = new ChildInstance(this, launched.process(),
				this.calls.requester(launched.channel(), this.name), this.spec.concurrency(),
				this.spec.exchangeLimit());
		this.alive.add(instance);
		launched.end().whenCompleteAsync((result, failure) -> ended(instance), this.supervisor);
		return instance;
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
			this.restarts++;
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
		wait.instance().process().destroyForcibly();
		unready(wait, reason, null);
	}

	private void unready(HelloWait wait, String reason, @Nullable ExitStatus exit) {
		String withOutput = reason + this.schedule.lastLines();
		this.starting = null;
		this.listener.withdrawn(wait.instance());
		if (this.current != null) {
			this.schedule.replacementFailed(withOutput, null);
		}
		else {
			changeState(wait.isRequired() ? ChildState.FAILED : this.schedule.afterUnready(reason, exit));
		}
		wait.fail(withOutput);
	}

	private void putIntoService(ChildInstance instance) {
		this.current = instance;
		this.inServiceSince = System.nanoTime();
		logger.info("Started {} (pid {})", this.name, instance.process().pid());
		changeState(ChildState.RUNNING);
		this.listener.started(instance);
	}

	private void ended(ChildInstance instance) {
		try {
			this.alive.remove(instance);
			this.listener.withdrawn(instance); // again, if a late reply was awaited
			ExitStatus exit = instance.process().exitStatus().orElseThrow();
			this.lastExit = exit;
			if (instance == this.current) {
				this.current = null;
				endedByItself(instance, exit);
			}
			else if (this.starting != null && instance == this.starting.instance()) {
				this.starting.cancel();
				unready(this.starting, "it ended before it was ready: " + exit, exit);
			}
			else if (this.state == ChildState.STOPPING && this.alive.isEmpty()) {
				logger.info("Stopped {}: {}", this.name, instance.process());
				changeState(ChildState.STOPPED);
			}
		}
		finally {
			instance.end(); // whatever happened: others wait for it
		}
	}

	private void endedByItself(ChildInstance instance, ExitStatus exit) {
		if (hasSuccessor("it ended: " + exit)) {
			return;
		}
		if (instance.requester().hasAnswered()) {
			this.schedule.answered();
		}
		changeState(this.schedule.afterEnd(exit, Duration.ofNanos(System.nanoTime() - this.inServiceSince)));
	}

	/** Whether the process that was to replace an instance takes its place anyway. */
	private boolean hasSuccessor(String reason) {
		if (this.starting == null) {
			return false;
		}
		logger.warn("{} has to wait for its new process, which was to replace one that failed: {}", this.name, reason);
		this.restarts++;
		changeState(ChildState.STARTING);
		return true;
	}

	private void startAgain() {
		try {
			launch(true);
		}
		catch (ChildStartException ex) {
			changeState(this.schedule.afterFailedStart(String.valueOf(ex.getMessage())));
		}
	}

	/**
	 * Kills an instance that is unusable, and replaces it: at once if it has answered
	 * before, and otherwise like one that crashed.
	 */
	void discard(ChildInstance instance, String reason) {
		instance.retire();
		instance.process().destroyForcibly();
		if (instance != this.current) {
			return;
		}
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
			changeState(this.schedule.afterSilence(reason + ", and it has never answered"));
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
			logger.info("{} (pid {}) is replaced: {}", this.name, instance.process().pid(), reason);
			try {
				ChildInstance started = startProcess();
				if (!this.spec.ready()) {
					this.restarts++;
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
		if (instance.retire()) {
			terminate(instance);
		}
		return instance.onEnd();
	}

	/** Ends an instance gracefully. */
	void terminate(ChildInstance instance) {
		instance.terminate(this.spec.settings().shutdownTimeout(), this.supervisor);
	}

	/**
	 * Stops the current instance, and earlier ones that have not ended yet.
	 * @return completed when all their processes have ended
	 */
	CompletableFuture<?> stop() {
		this.schedule.cancel();
		HelloWait starting = this.starting;
		this.starting = null;
		this.current = null;
		changeState(this.alive.isEmpty() ? ChildState.STOPPED : ChildState.STOPPING);
		for (ChildInstance instance : this.alive) {
			this.listener.withdrawn(instance);
			instance.retire();
			// Without waiting for its exchange: an application that stops has already
			// done so.
			terminate(instance);
		}
		if (starting != null) {
			starting.cancel();
			starting.fail("it was stopped before it was ready");
		}
		return CompletableFuture.allOf(this.alive.stream().map(ChildInstance::onEnd).toArray(CompletableFuture[]::new));
	}

	private void changeState(ChildState state) {
		this.state = state;
		this.listener.stateChanged();
	}

	@Override
	public String toString() {
		return this.name;
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
