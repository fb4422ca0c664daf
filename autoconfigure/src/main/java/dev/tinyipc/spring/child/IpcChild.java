package dev.tinyipc.spring.child;

import java.lang.reflect.Type;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import dev.tinyipc.spring.ChildStartException;
import dev.tinyipc.spring.IpcDestination;
import dev.tinyipc.spring.PostMortem;
import dev.tinyipc.ExitStatus;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcHello;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.Protection;
import org.jspecify.annotations.Nullable;

import org.springframework.context.SmartLifecycle;

/**
 * A declared child, and the destination of that name. Its process, or several identical
 * ones, are started with the application before the web server accepts requests, kept
 * running, and stopped after the web server has answered the last one.
 */
public final class IpcChild implements IpcDestination, SmartLifecycle {

	/**
	 * Lower than the phases in which Boot starts web servers and shuts them down.
	 */
	static final int PHASE = SmartLifecycle.DEFAULT_PHASE - 4096;

	private final ChildSpec spec;

	private final ChildSupervisor supervisor;

	private final ChildLauncher launcher;

	/** Of what the instances need in common. */
	private final ChildLog log;

	private final List<ChildSlot> slots;

	private final LanePool pool;

	private final LaneKeeper keeper;

	private final CallServer calls;

	private final ChildEvents events;

	private final Roster roster;

	private final @Nullable Quarantine quarantine;

	private final LaneLender lender;

	private volatile boolean running;

	/** Whether instances should run. Used in the supervisor's thread only. */
	private boolean wanted;

	/** How often it was stopped: a start that still waits must not follow. */
	private final AtomicInteger stops = new AtomicInteger();

	/** How often it was started: a stop that still waits must not undo that. */
	private final AtomicInteger starts = new AtomicInteger();

	IpcChild(ChildSpec spec, ChildLauncher launcher, ChildSupervisor supervisor, IdleWatch watch,
			MemoryWatch memoryWatch, CallServer calls, ChildEvents events) {
		this.calls = calls;
		this.events = events;
		this.spec = spec;
		this.supervisor = supervisor;
		this.launcher = launcher;
		this.log = new ChildLog(spec, supervisor);
		this.pool = new LanePool(spec);
		this.keeper = new LaneKeeper(spec, this.pool, supervisor, watch);
		this.roster = new Roster(spec, this.keeper, watch);
		SlotListener listener = new SlotListener();
		this.slots = IntStream.range(0, spec.processes()).mapToObj((index) -> {
			SlotHistory history = new SlotHistory(spec, index, events);
			return new ChildSlot(history, spec,
					new SlotProcesses(spec, launcher, calls, supervisor, memoryWatch, history), supervisor, watch,
					listener);
		}).toList();
		Duration quarantine = spec.settings().quarantine();
		this.quarantine = (quarantine != null) ? new Quarantine(spec.name(), quarantine, InstantSource.system()) : null;
		this.lender = new LaneLender(spec, this.slots, this.pool, this.keeper, this.quarantine);
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
	 * As many as there are lanes, unless there is a limit for those that wait for one.
	 */
	@Override
	public int asyncThreads() {
		return (this.spec.settings().maxWaiting() != null) ? Integer.MAX_VALUE
				: this.spec.instances() * this.spec.concurrency();
	}

	@Override
	public Optional<List<String>> methods() {
		return this.slots.stream()
			.map(ChildSlot::current)
			.filter(Objects::nonNull)
			.flatMap((instance) -> instance.requester().hello().flatMap(IpcHello::methods).stream())
			.findFirst();
	}

	/**
	 * Describes the instances.
	 * @return their current states, in a fixed order
	 */
	public List<Instance> instances() {
		return this.slots.stream().map(ChildSlot::look).toList();
	}

	/**
	 * The number of callers that are waiting for an instance to become free.
	 * @return a snapshot of that number
	 */
	public int waitingCallers() {
		return this.pool.waiting();
	}

	/**
	 * The number of requests that are refused because processes have died of them.
	 * @return a snapshot of that number; 0 without a quarantine
	 */
	public int requestsInQuarantine() {
		return (this.quarantine != null) ? this.quarantine.size() : 0;
	}

	/**
	 * Starts the instances that are not running, and forgets that they failed, unless the
	 * child is not to be started with the application. If they say when they are ready,
	 * and the application is to wait for that, this does.
	 * @throws ChildStartException if one cannot be started, or does not get ready
	 */
	@Override
	public void start() {
		this.running = true;
		String reasonNotToStart = this.spec.reasonNotToStart();
		if (reasonNotToStart == null) {
			startInstances(this.spec.ready() && this.spec.settings().awaitReady());
		}
		else {
			this.pool.close(reasonNotToStart);
		}
	}

	/**
	 * Starts the instances that are not running, even if the child is not enabled, and
	 * forgets that they failed. They may not be ready yet when this returns.
	 * @throws ChildStartException if one cannot be started
	 */
	public void startInstances() {
		startInstances(false);
	}

	private void startInstances(boolean untilReady) {
		this.calls.prepare();
		this.starts.incrementAndGet();
		int stops = this.stops.get();
		boolean later = this.spec.ready() && !untilReady;
		CompletableFuture<?> prepared = later ? CompletableFuture.completedFuture(null)
				: this.launcher.prepare(this.log);
		boolean waits = !prepared.isDone();
		CompletableFuture<?> start = prepared.thenCompose((nothing) -> inSupervisor(() -> {
			if (waits) {
				requireNotStoppedSince(stops);
			}
			want();
			return allOrFirstFailure(this.slots.stream().map((slot) -> slot.start(untilReady)).toList());
		}));
		new StartWait(this.spec.name(), start).await(untilReady || this.spec.zygote());
	}

	private void requireNotStoppedSince(int stops) {
		if (stops != this.stops.get()) {
			throw new ChildStartException(this.spec.name(), "it was stopped before it was started", null);
		}
	}

	private static CompletableFuture<?> allOrFirstFailure(List<? extends CompletableFuture<?>> each) {
		CompletableFuture<?> all = CompletableFuture.allOf(each.toArray(CompletableFuture[]::new));
		each.forEach((one) -> one.exceptionally((failure) -> {
			all.completeExceptionally(failure);
			return null;
		}));
		return all;
	}

	/**
	 * Stops all instances.
	 * @return completed when their processes have ended
	 */
	public CompletableFuture<?> stopInstances() {
		this.stops.incrementAndGet();
		int starts = this.starts.get();
		return inSupervisor(() -> {
			this.wanted = false;
			this.pool.close("it was stopped");
			this.roster.clear();
			return CompletableFuture.allOf(this.slots.stream().map(ChildSlot::stop).toArray(CompletableFuture[]::new))
				.thenCompose((stopped) -> (starts == this.starts.get()) ? this.launcher.end()
						: CompletableFuture.completedFuture(null));
		});
	}

	/**
	 * Replaces the instances one after the other, each once its replacement has been
	 * started and is ready, and starts those that are not running. A stop cancels what is
	 * left to do.
	 * @return completed when the last one has been replaced
	 */
	public CompletableFuture<?> restartInstances() {
		this.calls.prepare();
		this.starts.incrementAndGet();
		int stops = this.stops.get();
		CompletableFuture<?> prepared = this.launcher.prepareAnew(this.log);
		boolean waits = !prepared.isDone();
		CompletableFuture<?> chain = prepared.thenCompose((nothing) -> inSupervisor(() -> {
			if (waits) {
				requireNotStoppedSince(stops);
			}
			want();
			return CompletableFuture.completedFuture(null);
		}));
		for (ChildSlot slot : this.slots) {
			chain = chain.thenCompose((previous) -> inSupervisor(() -> restart(slot)));
		}
		return chain;
	}

	private CompletableFuture<?> restart(ChildSlot slot) {
		return this.wanted ? slot.restart("a restart was requested") : CompletableFuture.completedFuture(null);
	}

	private void want() {
		this.wanted = true;
		this.pool.open();
	}

	@Override
	public void stop() {
		this.running = false;
		stopInstances().thenCompose((result) -> this.events.delivered()).join();
		this.calls.close();
	}

	@Override
	public void stop(Runnable callback) {
		this.running = false;
		stopInstances().thenCompose((result) -> this.events.delivered()).whenComplete((result, failure) -> {
			this.calls.close();
			callback.run();
		});
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
	public <R> R exchange(Duration timeout, boolean idempotent, ExchangeAction<R> action) throws IpcException {
		return this.lender.exchange(timeout, idempotent, action);
	}

	@Override
	public OpenExchange open(Duration timeout, boolean idempotent, ExchangeAction<?> request) throws IpcException {
		return this.lender.open(timeout, idempotent, request);
	}

	@Override
	public <T> IpcMessage<T> receive(Type type, Duration timeout) throws IpcException {
		return this.lender.receive(type, timeout);
	}

	@Override
	public long send(Object payload, Duration timeout, OwnedFd... descriptors) throws IpcException {
		return this.lender.send(payload, timeout, descriptors);
	}

	private CompletableFuture<?> inSupervisor(Supplier<CompletableFuture<?>> task) {
		return CompletableFuture.supplyAsync(task, this.supervisor).thenCompose((result) -> result);
	}

	@Override
	public String toString() {
		return this.spec.toString();
	}

	private final class SlotListener implements ChildSlot.Listener {

		@Override
		public void started(ChildInstance instance) {
			IpcChild.this.roster.add(instance);
		}

		@Override
		public void withdrawn(ChildInstance instance) {
			IpcChild.this.roster.remove(instance);
		}

		/** Sends waiting callers away once no instance will come. */
		@Override
		public void stateChanged() {
			if (IpcChild.this.slots.stream().allMatch(ChildSlot::isOver)) {
				IpcChild.this.pool.close("it is not running: "
						+ instances().stream().map(Instance::toString).collect(Collectors.joining("; ")));
			}
		}

	}

	/**
	 * Describes one instance of a child.
	 *
	 * @param state its state
	 * @param standby whether it runs, and stands by to take the place of another one
	 * @param pid the process id; empty while it does not run
	 * @param zygote the process id of the zygote that it was forked from; empty if it was
	 * not forked, and while it does not run
	 * @param uptime how long it has been running; empty while it does not run
	 * @param restarts how often it was restarted
	 * @param lastEnd how the previous process ended; empty if none has
	 * @param socket this side's end of the socket to it; empty while it does not run
	 * @param lanes how many sockets to it are open for requests
	 * @param busyLanes how many of them carry a request
	 * @param transports the way of the messages of each lane
	 * @param protection what protects this machine from it; empty while it does not run
	 */
	public record Instance(ChildState state, boolean standby, Optional<Long> pid, Optional<Long> zygote,
			Optional<Duration> uptime, long restarts, Optional<PostMortem> lastEnd, Optional<SocketState> socket,
			int lanes, int busyLanes, List<ChildSettings.Transport> transports, Optional<Protection> protection) {

		static Instance of(ChildState state, boolean standby, @Nullable ChildInstance running, long restarts,
				@Nullable PostMortem lastEnd) {
			Optional<ChildInstance> instance = Optional.ofNullable(running);
			List<ChildLane> lanes = instance.map(ChildInstance::lanes).orElse(List.of());
			return new Instance(state, standby, instance.map((one) -> one.process().pid()),
					instance.map(ChildInstance::zygote), instance.map(ChildInstance::uptime), restarts,
					Optional.ofNullable(lastEnd), instance.flatMap((one) -> SocketState.of(one.socket())), lanes.size(),
					(int) lanes.stream().filter(ChildLane::isLent).count(),
					lanes.stream().map(ChildLane::transport).toList(),
					instance.map((one) -> one.process().protection()));
		}

		/**
		 * How the previous process ended.
		 * @return an exit code or a signal; empty if none has ended
		 */
		public Optional<ExitStatus> lastExit() {
			return this.lastEnd.map(PostMortem::exitStatus);
		}

		/** Such as {@code FAILED, ended with exit code 3}. */
		@Override
		public String toString() {
			return this.state + this.pid.map((pid) -> ", pid " + pid).orElse("")
					+ lastExit().map((exit) -> ", ended with " + exit).orElse("");
		}

	}

}
