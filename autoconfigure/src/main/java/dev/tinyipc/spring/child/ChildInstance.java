package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

import dev.tinyipc.ExitStatus;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcHello;
import dev.tinyipc.IpcProcess;
import dev.tinyipc.IpcRequester;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.spring.PostMortem;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One process of a child, from its start to its end. */
final class ChildInstance {

	private static final Logger logger = LoggerFactory.getLogger(IpcChild.class);

	private static final int MAX_LANES_GIVEN_UP = 3;

	/** For the stacks of thousands of threads. They do not run meanwhile. */
	private static final Duration TIME_FOR_THREAD_DUMP = Duration.ofMillis(500);

	/** The exit status usually follows the end of the socket within milliseconds. */
	static final Duration WAIT_FOR_EXIT_STATUS = Duration.ofMillis(500);

	private static final OptionalInt SIGKILL = OptionalInt.of(9);

	private static final AtomicLong numbers = new AtomicLong();

	private final ChildSlot slot;

	/** Differs from that of any other instance, as a process id need not. */
	private final long number = numbers.incrementAndGet();

	private final IpcProcess process;

	private final ChildLauncher.Launched launched;

	private final InstanceMemory memory;

	private final InstanceWork work;

	private final ChildLane firstLane;

	/** All lanes that may be lent, the first one included unless it was given up. */
	private final Set<ChildLane> lanes = new LinkedHashSet<>();

	/** The most lanes that there may be, as far as it is known. */
	private int maxLanes;

	/** How many lanes are being opened. */
	private int opening;

	/** The {@link System#nanoTime()} before which no further lane is opened. */
	private long growsFrom;

	private int lanesGivenUpInARow;

	private final long startedAt = System.nanoTime();

	/** When it last took a message, for those who wonder whether it takes any. */
	private volatile long lastSend = this.startedAt;

	/** Whether it is offered to callers, and does not stand by. */
	private volatile boolean serving;

	private boolean retired;

	private boolean ended;

	/** Whether this application has killed it. */
	private boolean killed;

	/** Whether it has closed its first socket, and should end by itself. */
	private boolean ending;

	/** Whether it was told to end while it ran, and had not begun to by itself. */
	private boolean told;

	private boolean terminated;

	private @Nullable PostMortem postMortem;

	private final CompletableFuture<?> end = new CompletableFuture<>();

	/**
	 * Creates an instance.
	 * @param requester asks it over its first socket
	 * @param memoryWatch looks at its memory
	 */
	ChildInstance(ChildSlot slot, ChildLauncher.Launched launched, IpcRequester requester, ChildSpec spec,
			MemoryWatch memoryWatch) {
		this.slot = slot;
		this.process = launched.process();
		this.launched = launched;
		this.memory = new InstanceMemory(spec.memoryLimit(), this.process.pid(), launched.group(), memoryWatch);
		this.firstLane = new ChildLane(this, requester);
		this.lanes.add(this.firstLane);
		this.maxLanes = spec.concurrency();
		this.work = new InstanceWork(spec.exchangeLimit());
		this.growsFrom = this.startedAt;
	}

	ChildSlot slot() {
		return this.slot;
	}

	long number() {
		return this.number;
	}

	IpcProcess process() {
		return this.process;
	}

	/** The process id of what it was forked from; null if it was not. */
	@Nullable Long zygote() {
		return this.launched.zygotePid();
	}

	/** Asks it over its first socket. */
	IpcRequester requester() {
		return this.firstLane.requester();
	}

	ChildLane firstLane() {
		return this.firstLane;
	}

	InstanceMemory memory() {
		return this.memory;
	}

	InstanceWork work() {
		return this.work;
	}

	IpcSocket socket() {
		return this.process.socket();
	}

	long startedAt() {
		return this.startedAt;
	}

	Duration uptime() {
		return Duration.ofNanos(System.nanoTime() - this.startedAt);
	}

	/** The {@link System#nanoTime()} at which it last took a message. */
	long lastSend() {
		return this.lastSend;
	}

	void tookMessage() {
		this.lastSend = System.nanoTime();
	}

	/** Puts it into service. Until then, it stands by. */
	void serve() {
		this.serving = true;
	}

	boolean isServing() {
		return this.serving;
	}

	/** Whether a lane may be lent: neither was given up, nor is the end near. */
	synchronized boolean has(ChildLane lane) {
		return this.lanes.contains(lane) && !isOver() && this.process.isAlive();
	}

	/**
	 * Whether another lane can be opened. Its hello, if it says one, has come.
	 * @return if so, {@link #endToGrow} must follow
	 */
	synchronized boolean beginToGrow() {
		int said = requester().hello().map(IpcHello::lanes).orElse(1);
		int open = this.lanes.size() + (this.lanes.contains(this.firstLane) ? 0 : 1);
		boolean may = open + this.opening < Math.min(this.maxLanes, said) && !isOver()
				&& System.nanoTime() - this.growsFrom >= 0;
		this.opening += may ? 1 : 0;
		return may;
	}

	/** Has no more lanes than now for a while. */
	synchronized void doNotGrowFor(Duration time) {
		this.growsFrom = System.nanoTime() + time.toNanos();
	}

	/**
	 * Adds a lane, in the place that was kept for it.
	 * @param requester asks over the lane; null if it could not be opened
	 * @return the lane; null if there is none, or the end is near, and its socket closed
	 */
	synchronized @Nullable ChildLane endToGrow(@Nullable IpcRequester requester) {
		this.opening--;
		if (requester == null) {
			return null;
		}
		if (isOver()) {
			requester.channel().socket().close();
			return null;
		}
		ChildLane lane = new ChildLane(this, requester);
		this.lanes.add(lane);
		return lane;
	}

	/** Has no more lanes than now, because it has refused another. */
	synchronized void limitLanes() {
		this.maxLanes = this.lanes.size();
	}

	/** Closes a lane that is not lent; the first one only stops being lent. */
	synchronized void remove(ChildLane lane) {
		this.lanes.remove(lane);
		if (lane != this.firstLane) {
			lane.socket().close();
			lane.closed();
		}
	}

	/**
	 * Removes a lane on which no reply comes.
	 * @return whether there are others, and not too many were removed in a row
	 */
	synchronized boolean giveUp(ChildLane lane) {
		remove(lane);
		return !this.lanes.isEmpty() && ++this.lanesGivenUpInARow < MAX_LANES_GIVEN_UP;
	}

	/** Brings the first lane back, whose late reply has come. */
	synchronized void restore(ChildLane lane) {
		this.lanes.add(lane);
	}

	/** Its lanes, a snapshot. */
	synchronized List<ChildLane> lanes() {
		return List.copyOf(this.lanes);
	}

	/** A reply has come: lanes that were given up before it do not count. */
	synchronized void answered() {
		this.lanesGivenUpInARow = 0;
	}

	/**
	 * Makes sure that it is not lent again.
	 * @return whether nobody has it now
	 */
	synchronized boolean retire() {
		this.retired = true;
		return !isLent();
	}

	/** Retires it, because it has closed its first socket: its process should end. */
	synchronized void ends() {
		this.ending = true;
		this.retired = true;
	}

	synchronized boolean isLent() {
		return this.firstLane.isLent() || this.lanes.stream().anyMatch(ChildLane::isLent);
	}

	synchronized boolean isRetired() {
		return this.retired;
	}

	/** Whether it is on its way out, or its process has ended. */
	synchronized boolean isOver() {
		return this.retired || this.ended;
	}

	/** Kills its process. */
	synchronized void kill() {
		this.killed |= this.process.isAlive();
		this.process.destroyForcibly();
	}

	/**
	 * Kills its process, which does not answer. One that can is told to print the stacks
	 * of its threads before.
	 * @param supervisor kills it then
	 */
	void killUnresponsive(ChildSupervisor supervisor) {
		int announced = requester().hello().map(IpcHello::stackSignal).orElse(0);
		if (this.launched.stacks() == ChildLauncher.Stacks.OF_JVM) {
			output().expectStacks();
			this.process.requestThreadDump();
		}
		else if (this.launched.stacks() == ChildLauncher.Stacks.IF_ANNOUNCED && announced > 0) {
			output().expectStacks();
			this.process.requestThreadDump(announced);
		}
		else {
			kill();
			return;
		}
		supervisor.schedule(TIME_FOR_THREAD_DUMP, this::kill);
	}

	/** What it prints, if that is logged. */
	ChildLog.Output output() {
		return this.launched.output();
	}

	/** What is known about its end; null while its process runs. */
	synchronized @Nullable PostMortem postMortem() {
		ExitStatus exit = this.process.exitStatus().orElse(null);
		if (this.postMortem == null && exit != null) {
			boolean killedByOther = exit.signal().equals(SIGKILL) && !this.killed;
			this.postMortem = new PostMortem(exit, output().lastLines(), killedByOther && this.memory.hasRunOut(),
					this.memory.excess().filter((reason) -> exit.signal().equals(SIGKILL)), output().stacks());
		}
		return this.postMortem;
	}

	/** Waits for the exit status of a process that has closed its socket. */
	void awaitExitStatus() {
		try {
			this.process.waitFor(WAIT_FOR_EXIT_STATUS.toMillis(), TimeUnit.MILLISECONDS);
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
		}
	}

	/** Whether a process that has closed its socket ends, and not because it was told. */
	boolean awaitOwnEnd() {
		awaitExitStatus();
		return hasEndedByItself();
	}

	/**
	 * Whether it has ended for what it did, or will in a moment, and not because this
	 * application had other reasons. One that was dying may have been killed as well.
	 */
	synchronized boolean hasEndedByItself() {
		ExitStatus exit = this.process.exitStatus().orElse(null);
		boolean killed = this.killed && exit != null && exit.signal().equals(SIGKILL);
		return !this.told && (this.memory.hasExceeded() || (exit != null && !killed));
	}

	/** Tells it that its process ended. Whoever has it can still read what it sent. */
	void end() {
		synchronized (this) {
			this.ended = true;
			closeIfDone();
		}
		this.end.complete(null);
	}

	/** Completed when its process has ended and its slot knows of it. */
	CompletableFuture<?> onEnd() {
		return this.end;
	}

	synchronized void closeIfDone() {
		if (this.ended && !isLent()) {
			List.copyOf(this.lanes).forEach(this::remove);
			this.process.close();
		}
	}

	/**
	 * Ends its process gracefully: it sees the end of its socket, then gets SIGTERM, and
	 * finally SIGKILL.
	 * @param grace before SIGTERM, and again before SIGKILL
	 */
	void terminate(Duration grace, ChildSupervisor supervisor) {
		synchronized (this) {
			if (this.terminated) {
				return;
			}
			this.terminated = true;
			this.told = !this.ending && this.process.isAlive();
		}
		try {
			this.process.socket().shutdownOutput();
		}
		catch (IpcException ex) {
			logger.debug("{} has closed its socket already", this, ex);
		}
		Future<?> term = supervisor.schedule(grace, this.process::destroy);
		Future<?> kill = supervisor.schedule(grace.multipliedBy(2), this::kill);
		this.process.onExit(supervisor).thenRun(() -> {
			term.cancel(false);
			kill.cancel(false);
		});
	}

	boolean isWornOut() {
		return this.work.isDone() || this.memory.isWornOutAfterExchange();
	}

	@Override
	public String toString() {
		return this.slot + " (pid " + this.process.pid() + ')';
	}

}
