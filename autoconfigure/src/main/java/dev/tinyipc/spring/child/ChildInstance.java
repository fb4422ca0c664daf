package dev.tinyipc.spring.child;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcProcess;
import dev.tinyipc.IpcRequester;
import dev.tinyipc.IpcSocket;

/** One process of a child, from its start to its end. */
final class ChildInstance {

	private final ChildSlot slot;

	private final IpcProcess process;

	private final IpcRequester requester;

	private final long startedAt = System.nanoTime();

	/** After how many exchanges it is to be replaced. */
	private final long exchangeLimit;

	private volatile long exchanges;

	/** Of {@link #exchanges}, when somebody last asked whether it is idle. */
	private long exchangesSeen = -1;

	/** When a message was last sent to it, for those who wonder whether it takes any. */
	private volatile long lastSend = this.startedAt;

	/** How often it was waited for a late reply; negated while it is. */
	private long settled;

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

	/** Whether its socket has come to an end, and nothing is left to be received. */
	boolean hasEnded() {
		try {
			return socket().pendingSize().equals(OptionalInt.of(0));
		}
		catch (IpcException ex) {
			return true; // closed here
		}
	}

	Duration uptime() {
		return Duration.ofNanos(System.nanoTime() - this.startedAt);
	}

	/** Whether it had no exchange since this was asked for the last time. */
	synchronized boolean isStillIdle() {
		boolean idle = this.exchanges == this.exchangesSeen;
		this.exchangesSeen = this.exchanges;
		return idle;
	}

	/** When a message was last sent to it, in {@link System#nanoTime()}. */
	long lastSend() {
		return this.lastSend;
	}

	void sent() {
		this.lastSend = System.nanoTime();
	}

	/** Lends it to one exchange, unless it is on its way out. */
	synchronized boolean lend() {
		this.lent = !this.retired && !this.ended && this.process.isAlive();
		return this.lent;
	}

	/**
	 * Takes it back.
	 * @return whether it may be lent again
	 */
	synchronized boolean takeBack() {
		this.lent = false;
		this.exchanges++;
		closeIfDone();
		return !this.retired && !this.ended;
	}

	/**
	 * Lends it no more.
	 * @return whether nobody has it now
	 */
	synchronized boolean retire() {
		this.retired = true;
		return !this.lent;
	}

	/**
	 * Its caller has given up, and the late reply is waited for.
	 * @return which time it is
	 */
	synchronized long beginSettling() {
		this.settled = -(Math.abs(this.settled) + 1);
		return -this.settled;
	}

	/** The late reply has come. */
	synchronized void endSettling() {
		this.settled = Math.abs(this.settled);
	}

	/** Whether the late reply is still waited for, that time. */
	synchronized boolean isSettling(long time) {
		return this.settled == -time;
	}

	synchronized boolean isLent() {
		return this.lent;
	}

	synchronized boolean isRetired() {
		return this.retired;
	}

	/** Its process ended. Whoever has it still may read what it sent before. */
	void end() {
		synchronized (this) {
			this.ended = true;
			closeIfDone();
		}
		this.end.complete(null);
	}

	/** Completed when its process has ended and its slot knows. */
	CompletableFuture<?> onEnd() {
		return this.end;
	}

	private void closeIfDone() {
		if (this.ended && !this.lent) {
			this.process.close();
		}
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
			return 0; // it has just ended, which is told elsewhere
		}
	}

	@Override
	public String toString() {
		return this.slot + " (pid " + this.process.pid() + ')';
	}

}
