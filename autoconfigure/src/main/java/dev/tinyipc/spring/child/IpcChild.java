package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import dev.tinyipc.spring.ChildStartException;
import dev.tinyipc.spring.IpcDestination;
import dev.tinyipc.ExitStatus;
import dev.tinyipc.IpcException;
import org.jspecify.annotations.Nullable;

import org.springframework.context.SmartLifecycle;

/**
 * A child that was declared, and the destination of its name: one process, or several
 * alike, that are started with the application, before the web server accepts a request,
 * kept running, and stopped after the web server has answered the last one.
 */
public final class IpcChild implements IpcDestination, SmartLifecycle {

	/**
	 * Below the phases in which Boot starts web servers, and waits for their requests.
	 */
	static final int PHASE = SmartLifecycle.DEFAULT_PHASE - 4096;

	/** How long an instance may live on that has closed its socket. */
	private static final Duration GRACE_WITHOUT_SOCKET = Duration.ofSeconds(1);

	private final ChildSpec spec;

	private final ChildSupervisor supervisor;

	private final List<ChildSlot> slots;

	private final IdleInstances idle = new IdleInstances();

	private final AtomicInteger nextSlot = new AtomicInteger();

	private volatile boolean running;

	/** Whether instances are to run, in the supervisor's thread. */
	private boolean wanted;

	IpcChild(ChildSpec spec, ChildLauncher launcher, ChildSupervisor supervisor) {
		this.spec = spec;
		this.supervisor = supervisor;
		this.slots = IntStream.range(0, spec.instances())
			.mapToObj((index) -> new ChildSlot(spec + ((spec.instances() > 1) ? " " + index : ""), spec.settings(),
					launcher, supervisor, this))
			.toList();
	}

	@Override
	public String name() {
		return this.spec.name();
	}

	@Override
	public @Nullable Duration timeout() {
		return this.spec.settings().exchangeTimeout();
	}

	/**
	 * What the instances are doing.
	 * @return one for each, in a fixed order
	 */
	public List<Instance> instances() {
		return this.slots.stream().map(ChildSlot::look).toList();
	}

	/**
	 * How many callers wait for an instance to become free.
	 * @return a number that is out of date soon
	 */
	public int waitingCallers() {
		return this.idle.waiting();
	}

	/**
	 * Starts the instances that do not run, and forgets that they failed. Does nothing
	 * for the others.
	 * @throws ChildStartException if one cannot be started
	 */
	@Override
	public void start() {
		this.running = true;
		String reasonNotToStart = this.spec.reasonNotToStart();
		if (reasonNotToStart == null) {
			startInstances();
		}
		else {
			this.idle.close(reasonNotToStart);
		}
	}

	/**
	 * Starts the instances that do not run, also if the child is not enabled.
	 * @throws ChildStartException if one cannot be started
	 */
	public void startInstances() {
		try {
			inSupervisor(() -> {
				want();
				this.slots.forEach(ChildSlot::start);
				return CompletableFuture.completedFuture(null);
			}).join();
		}
		catch (CompletionException ex) {
			throw (ex.getCause() instanceof ChildStartException failure) ? failure : ex;
		}
	}

	/**
	 * Stops all instances.
	 * @return completed when their processes have ended
	 */
	public CompletableFuture<?> stopInstances() {
		return inSupervisor(() -> {
			this.wanted = false;
			this.idle.close("it was stopped");
			return CompletableFuture.allOf(this.slots.stream().map(ChildSlot::stop).toArray(CompletableFuture[]::new));
		});
	}

	/**
	 * Replaces the instances one after the other, each after its replacement has been
	 * started, and starts those that do not run. A stop ends this.
	 * @return completed when the last one has been replaced
	 */
	public CompletableFuture<?> restartInstances() {
		CompletableFuture<?> chain = inSupervisor(() -> {
			want();
			return CompletableFuture.completedFuture(null);
		});
		for (ChildSlot slot : this.slots) {
			chain = chain.thenCompose((previous) -> inSupervisor(() -> restart(slot)));
		}
		return chain;
	}

	private CompletableFuture<?> restart(ChildSlot slot) {
		ChildInstance instance = slot.current();
		if (instance != null) {
			return slot.replace(instance, "a restart was asked for");
		}
		if (this.wanted) {
			slot.start();
		}
		return CompletableFuture.completedFuture(null);
	}

	private void want() {
		this.wanted = true;
		this.idle.open();
	}

	@Override
	public void stop() {
		this.running = false;
		stopInstances().join();
	}

	@Override
	public void stop(Runnable callback) {
		this.running = false;
		stopInstances().whenComplete((result, failure) -> callback.run());
	}

	@Override
	public boolean isRunning() {
		return this.running;
	}

	@Override
	public int getPhase() {
		return PHASE;
	}

	@Override
	public <R> R exchange(Duration timeout, boolean idempotent, Action<R> action) throws IpcException {
		long deadline = System.nanoTime() + timeout.toNanos();
		try {
			return alone(timeout, deadline, true, action);
		}
		catch (IpcException.PeerClosed ex) {
			if (!(idempotent || this.spec.settings().idempotent()) || deadline - System.nanoTime() <= 0) {
				throw ex;
			}
			return alone(timeout, deadline, true, action);
		}
	}

	@Override
	public <R> R receive(Duration timeout, Action<R> action) throws IpcException {
		return alone(timeout, System.nanoTime() + timeout.toNanos(), false, action);
	}

	/** Sends to the instances in turn. */
	@Override
	public <R> R send(Duration timeout, Action<R> action) throws IpcException {
		long deadline = System.nanoTime() + timeout.toNanos();
		int first = this.nextSlot.getAndIncrement();
		for (int i = 0; i < this.slots.size(); i++) {
			ChildInstance instance = this.slots.get(Math.floorMod(first + i, this.slots.size())).current();
			if (instance != null && !instance.isRetired()) {
				return send(instance, new Connection(instance.socket(), deadline), action);
			}
		}
		// None runs just now: one that will is waited for.
		return alone(timeout, deadline, true, action);
	}

	private static <R> R send(ChildInstance instance, Connection connection, Action<R> action) throws IpcException {
		try {
			return action.run(connection);
		}
		catch (IpcException ex) {
			if (instance.socket().isClosed()) {
				throw new IpcException.PeerClosed("it has just ended");
			}
			throw ex;
		}
	}

	/**
	 * Runs an action with an instance that nobody else has.
	 * @param mustAnswer whether an instance that lets the time pass is given up
	 */
	private <R> R alone(Duration timeout, long deadline, boolean mustAnswer, Action<R> action) throws IpcException {
		ChildInstance instance = this.idle.take(timeout, deadline);
		Connection connection = new Connection(instance.socket(), deadline);
		boolean silent = false;
		try {
			return action.run(connection);
		}
		catch (IpcException.Timeout ex) {
			silent = mustAnswer;
			throw ex;
		}
		catch (IpcException.PeerClosed ex) {
			// It ends, and its slot will know why; or it closed its socket and goes on.
			instance.retire();
			this.supervisor.schedule(GRACE_WITHOUT_SOCKET, instance.process()::destroyForcibly);
			connection.setInStep(true);
			throw ex;
		}
		finally {
			takeBack(instance, silent || !connection.isInStep());
		}
	}

	private void takeBack(ChildInstance instance, boolean discarded) {
		ChildSlot slot = instance.slot();
		if (discarded) {
			instance.retire();
		}
		boolean usable = instance.takeBack();
		if (discarded) {
			this.supervisor.execute(() -> slot.discard(instance));
		}
		else if (usable) {
			this.idle.offer(instance);
			if (instance.isWornOut(this.spec.settings().maxMemory().toBytes())) {
				this.supervisor.execute(() -> slot.replace(instance, "it has done enough"));
			}
		}
		else {
			this.supervisor.execute(() -> slot.terminate(instance));
		}
	}

	void offer(ChildInstance instance) {
		this.idle.offer(instance);
	}

	void withdraw(ChildInstance instance) {
		this.idle.remove(instance);
	}

	/** Whoever waits for an instance need not, once there is none to come. */
	void stateChanged() {
		if (this.slots.stream().allMatch(ChildSlot::isOver)) {
			this.idle.close("it is not running: "
					+ instances().stream().map(Instance::toString).collect(Collectors.joining("; ")));
		}
	}

	private CompletableFuture<?> inSupervisor(Supplier<CompletableFuture<?>> task) {
		return CompletableFuture.supplyAsync(task, this.supervisor).thenCompose((result) -> result);
	}

	@Override
	public String toString() {
		return this.spec.toString();
	}

	/**
	 * What one process of a child is doing.
	 *
	 * @param state its state
	 * @param pid the process id; empty while it does not run
	 * @param uptime how long it has run; empty while it does not
	 * @param restarts how often it was started again
	 * @param lastExit how the process before it ended; empty if none has
	 * @param socket this side's end of the socket to it; empty while it does not run
	 */
	public record Instance(ChildState state, Optional<Long> pid, Optional<Duration> uptime, long restarts,
			Optional<ExitStatus> lastExit, Optional<SocketState> socket) {

		/** Such as {@code FAILED, ended by exit code 3}. */
		@Override
		public String toString() {
			return this.state + this.pid.map((pid) -> ", pid " + pid).orElse("")
					+ this.lastExit.map((exit) -> ", ended by " + exit).orElse("");
		}

	}

}
