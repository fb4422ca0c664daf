package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;

import dev.tinyipc.spring.ChildStartException;
import dev.tinyipc.ExitStatus;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcProcess;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A place in the pool of a child, which is kept filled with one running instance. Its
 * state changes only in the supervisor's thread; any thread may look at it.
 */
final class ChildSlot {

	private static final Logger logger = LoggerFactory.getLogger(IpcChild.class);

	private final String name;

	private final ChildSpec spec;

	private final ChildLauncher launcher;

	private final ChildSupervisor supervisor;

	private final Listener listener;

	private final RestartPlan plan;

	private final ChildLog log;

	private volatile ChildState state = ChildState.STOPPED;

	private volatile @Nullable ChildInstance current;

	/** The current instance, and earlier ones that have not ended yet. */
	private final Set<ChildInstance> alive = new HashSet<>();

	private volatile @Nullable ExitStatus lastExit;

	private volatile long restarts;

	private @Nullable Future<?> nextStart;

	ChildSlot(String name, ChildSpec spec, ChildLauncher launcher, ChildSupervisor supervisor, Listener listener) {
		this.name = name;
		this.spec = spec;
		this.launcher = launcher;
		this.supervisor = supervisor;
		this.listener = listener;
		this.plan = new RestartPlan(spec.settings().restart());
		this.log = new ChildLog(spec.name(), supervisor);
	}

	/** Describes its current state. */
	IpcChild.Instance look() {
		ChildInstance instance = this.current;
		ChildState state = this.state;
		boolean running = instance != null && state == ChildState.RUNNING;
		if (instance == null && state == ChildState.RUNNING) {
			// It has just ended, and what comes next is not decided yet.
			state = ChildState.BACKOFF;
		}
		return new IpcChild.Instance(state, running ? Optional.of(instance.process().pid()) : Optional.empty(),
				running ? Optional.of(instance.uptime()) : Optional.empty(), this.restarts,
				Optional.ofNullable(this.lastExit), running ? SocketState.of(instance.socket()) : Optional.empty());
	}

	/** Whether no instance will run here until somebody asks for one. */
	boolean isOver() {
		return this.state == ChildState.STOPPED || this.state == ChildState.FAILED;
	}

	/** The instance that messages can be sent to; null while there is none. */
	@Nullable ChildInstance current() {
		return this.current;
	}

	/**
	 * Starts an instance, with the application or because somebody asked for it, unless
	 * one is running.
	 * @throws ChildStartException if it cannot be started
	 */
	void start() {
		if (this.current == null) {
			cancelNextStart();
			this.plan.startOver();
			try {
				launch(false);
			}
			catch (ChildStartException ex) {
				changeState(ChildState.FAILED);
				throw ex;
			}
		}
	}

	private void launch(boolean again) {
		changeState(ChildState.STARTING);
		putIntoService(startProcess(), again);
	}

	private ChildInstance startProcess() {
		ChildLauncher.Launched launched = this.launcher.launch(this.log, this.supervisor);
		ChildInstance instance = new ChildInstance(this, launched.process(), launched.channel(), this.spec.oneWay(),
				exchangeLimit());
		this.alive.add(instance);
		launched.end().whenCompleteAsync((result, failure) -> ended(instance), this.supervisor);
		return instance;
	}

	private void putIntoService(ChildInstance instance, boolean again) {
		if (again) {
			this.restarts++; // before anybody can see the new process
		}
		this.current = instance;
		logger.info("Started {} (pid {})", this.name, instance.process().pid());
		changeState(ChildState.RUNNING);
		this.listener.started(instance);
	}

	/** Has a jitter, so that not all instances are replaced at once. */
	private long exchangeLimit() {
		long limit = this.spec.settings().maxExchanges();
		return (limit > 0) ? limit + ThreadLocalRandom.current().nextLong(limit / 10 + 1) : 0;
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
		ChildSettings.RestartPolicy policy = this.spec.settings().restart().policy();
		if (policy == ChildSettings.RestartPolicy.NEVER
				|| (policy == ChildSettings.RestartPolicy.ON_FAILURE && exit.isSuccess())) {
			logger.info("{} ended: {}", this.name, exit);
			changeState(exit.isSuccess() ? ChildState.STOPPED : ChildState.FAILED);
			return;
		}
		if (instance.requester().hasAnswered()) {
			this.plan.answered();
		}
		failed(this.plan.afterFailure(System.nanoTime(), instance.uptime()), "it ended: " + exit);
	}

	private void failed(@Nullable Duration delay, String reason) {
		if (delay == null) {
			ChildSettings.Restart restart = this.spec.settings().restart();
			logger.error("{} failed {} times within {} s and is not started again; the last time {}{}", this.name,
					restart.maxFailures(), restart.failureWindow().toSeconds(), reason, lastLines());
			changeState(ChildState.FAILED);
			return;
		}
		logger.warn("{} is started again in {} ms, because {}", this.name, delay.toMillis(), reason);
		changeState(ChildState.BACKOFF);
		this.nextStart = this.supervisor.schedule(delay, this::startAgain);
	}

	private String lastLines() {
		List<String> lines = this.log.lastLines();
		return lines.isEmpty() ? "" : ". Its last lines of output: " + String.join(" | ", lines);
	}

	private void startAgain() {
		this.nextStart = null;
		try {
			launch(true);
		}
		catch (ChildStartException ex) {
			failed(this.plan.afterFailure(System.nanoTime(), Duration.ZERO), String.valueOf(ex.getMessage()));
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
		if (instance.requester().hasAnswered() || this.spec.oneWay()) {
			this.plan.answered();
			logger.warn("{} is replaced, because {}", instance, reason);
			startAgain();
		}
		else {
			failed(this.plan.afterSilence(System.nanoTime()), reason + ", and it has never answered");
		}
	}

	/**
	 * Replaces an instance once its replacement has been started. If that fails, the
	 * instance stays.
	 * @return completed when the instance has ended
	 */
	CompletableFuture<?> replace(ChildInstance instance, String reason) {
		if (instance != this.current) {
			return CompletableFuture.completedFuture(null);
		}
		logger.info("{} (pid {}) is replaced: {}", this.name, instance.process().pid(), reason);
		try {
			putIntoService(startProcess(), true);
			return retire(instance);
		}
		catch (ChildStartException ex) {
			logger.warn("{} could not be replaced and stays in service", this.name, ex);
			return CompletableFuture.completedFuture(null);
		}
	}

	/** Lets an instance finish its exchange and then ends it. */
	private CompletableFuture<?> retire(ChildInstance instance) {
		this.listener.withdrawn(instance);
		if (instance.retire()) {
			terminate(instance);
		}
		return instance.onEnd();
	}

	/**
	 * Ends an instance gracefully: it sees the end of its socket, then gets SIGTERM, and
	 * finally SIGKILL.
	 */
	void terminate(ChildInstance instance) {
		IpcProcess process = instance.process();
		try {
			process.socket().shutdownOutput();
		}
		catch (IpcException ex) {
			logger.debug("{} has closed its socket already", this.name, ex);
		}
		Duration grace = this.spec.settings().shutdownTimeout();
		Future<?> term = this.supervisor.schedule(grace, process::destroy);
		Future<?> kill = this.supervisor.schedule(grace.multipliedBy(2), process::destroyForcibly);
		process.onExit(this.supervisor).thenRun(() -> {
			term.cancel(false);
			kill.cancel(false);
		});
	}

	/**
	 * Stops the current instance, and earlier ones that have not ended yet.
	 * @return completed when all their processes have ended
	 */
	CompletableFuture<?> stop() {
		cancelNextStart();
		this.current = null;
		changeState(this.alive.isEmpty() ? ChildState.STOPPED : ChildState.STOPPING);
		for (ChildInstance instance : this.alive) {
			this.listener.withdrawn(instance);
			instance.retire();
			// Without waiting for its exchange: an application that stops has already
			// done so.
			terminate(instance);
		}
		return CompletableFuture.allOf(this.alive.stream().map(ChildInstance::onEnd).toArray(CompletableFuture[]::new));
	}

	private void cancelNextStart() {
		Future<?> start = this.nextStart;
		this.nextStart = null;
		if (start != null) {
			start.cancel(false);
		}
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
