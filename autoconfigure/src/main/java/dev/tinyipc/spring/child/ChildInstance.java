package dev.tinyipc.spring.child;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.stream.Stream;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcProcess;
import dev.tinyipc.IpcRequester;
import dev.tinyipc.IpcSocket;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One process of a child, from its start to its end. */
final class ChildInstance {

	private static final Logger logger = LoggerFactory.getLogger(IpcChild.class);

	private final ChildSlot slot;

	private final IpcProcess process;

	private final IpcRequester requester;

	private final long startedAt = System.nanoTime();

	/** The number of exchanges after which it is replaced; 0 for no limit. */
	private final long exchangeLimit;

	private volatile long exchanges;

	private long timesLent;

	/** {@link #timesLent} when it was last asked whether it is idle; -1 before that. */
	private long timesLentWhenAsked = -1;

	/** When it last took a message, for those who wonder whether it takes any. */
	private volatile long lastSend = this.startedAt;

	/** Whether it is offered to callers, and does not stand by. */
	private volatile boolean serving;

	private boolean lent;

	private boolean retired;

	private boolean ended;

	private final CompletableFuture<?> end = new CompletableFuture<>();

	ChildInstance(ChildSlot slot, IpcProcess process, IpcChannel channel, boolean oneWay, long exchangeLimit) {
		this.slot = slot;
		this.process = process;
		this.requester = oneWay ? IpcRequester.uncounted(channel, slot.toString())
				: IpcRequester.over(channel, slot.toString());
		this.exchangeLimit = exchangeLimit;
	}

	ChildSlot slot() {
		return this.slot;
	}

	IpcProcess process() {
		return this.process;
	}

	IpcRequester requester() {
		return this.requester;
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

	/** Whether it has not been lent since this was last asked. */
	synchronized boolean isStillIdle() {
		boolean idle = this.timesLent == this.timesLentWhenAsked;
		this.timesLentWhenAsked = this.timesLent;
		return idle;
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

	/**
	 * Lends it, unless it is on its way out.
	 * @return whether it was lent
	 */
	synchronized boolean lend() {
		this.lent = !this.retired && !this.ended && this.process.isAlive();
		this.timesLent++;
		return this.lent;
	}

	/** Counts a request that was sent to it, called by whoever has it. */
	void countExchange() {
		this.exchanges++;
	}

	/**
	 * Takes it back.
	 * @return whether it may be lent again
	 */
	synchronized boolean takeBack() {
		this.lent = false;
		closeIfDone();
		return !this.retired && !this.ended;
	}

	/**
	 * Makes sure that it is not lent again.
	 * @return whether nobody has it now
	 */
	synchronized boolean retire() {
		this.retired = true;
		return !this.lent;
	}

	synchronized boolean isLent() {
		return this.lent;
	}

	synchronized boolean isRetired() {
		return this.retired;
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

	private void closeIfDone() {
		if (this.ended && !this.lent) {
			this.process.close();
		}
	}

	/**
	 * Ends its process gracefully: it sees the end of its socket, then gets SIGTERM, and
	 * finally SIGKILL.
	 * @param grace before SIGTERM, and again before SIGKILL
	 */
	void terminate(Duration grace, ChildSupervisor supervisor) {
		try {
			this.process.socket().shutdownOutput();
		}
		catch (IpcException ex) {
			logger.debug("{} has closed its socket already", this, ex);
		}
		Future<?> term = supervisor.schedule(grace, this.process::destroy);
		Future<?> kill = supervisor.schedule(grace.multipliedBy(2), this.process::destroyForcibly);
		this.process.onExit(supervisor).thenRun(() -> {
			term.cancel(false);
			kill.cancel(false);
		});
	}

	boolean isWornOut(long maxMemory) {
		return (this.exchangeLimit > 0 && this.exchanges >= this.exchangeLimit)
				|| (maxMemory > 0 && residentSize() > maxMemory);
	}

	/** {@code VmRSS} of {@code proc_pid_status(5)}, in bytes. */
	private long residentSize() {
		Path status = Path.of("/proc", Long.toString(this.process.pid()), "status");
		try (Stream<String> lines = Files.lines(status)) {
			return lines.filter((line) -> line.startsWith("VmRSS:"))
				.mapToLong((line) -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
				.findFirst()
				.orElse(0);
		}
		catch (IOException | UncheckedIOException ex) {
			return 0; // it has just ended, which its slot learns elsewhere
		}
	}

	@Override
	public String toString() {
		return this.slot + " (pid " + this.process.pid() + ')';
	}

}
