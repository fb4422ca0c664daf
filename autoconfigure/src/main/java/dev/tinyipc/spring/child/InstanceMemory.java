package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.Optional;

/**
 * The resident size of an instance's process, without what it has started, and what
 * becomes of an instance whose process is too large: it is replaced if that is found
 * between two exchanges, and killed if it is found in the middle of one. One that is to
 * be replaced works on until its successor is ready, and may still grow by half of its
 * limit.
 */
final class InstanceMemory {

	private static final int MIB = 1024 * 1024;

	/** A look can take longer than an exchange. */
	private static final long BETWEEN_LOOKS = Duration.ofMillis(10).toNanos();

	private final Limit limit;

	private final long pid;

	private final ControlGroup group;

	private final MemoryWatch watch;

	private final OutOfMemoryKills kernelsKills;

	/** The {@link System#nanoTime()} of the last look after an exchange. */
	private volatile long looked = System.nanoTime() - BETWEEN_LOOKS;

	/** The size above which it is killed. */
	private volatile long bearable;

	private volatile Optional<String> excess = Optional.empty();

	InstanceMemory(Limit limit, long pid, ControlGroup group, MemoryWatch watch) {
		// A program that runs in this JVM has no memory of its own.
		this.limit = (pid != ProcessHandle.current().pid()) ? limit : new Limit(0, limit.property());
		this.pid = pid;
		this.group = group;
		this.watch = watch;
		this.kernelsKills = OutOfMemoryKills.during(pid);
		this.bearable = this.limit.bytes();
	}

	/** Called whenever the instance begins to work. */
	void watch(ChildInstance instance) {
		if (this.limit.bytes() > 0) {
			this.watch.watch(instance);
		}
	}

	/** Whether it should be replaced, asked after each exchange. */
	boolean isWornOutAfterExchange() {
		long now = System.nanoTime();
		if (this.limit.bytes() == 0 || now - this.looked < BETWEEN_LOOKS) {
			return false;
		}
		this.looked = now;
		return isWornOut();
	}

	/** Whether one that has a limit should be replaced, asked between two exchanges. */
	boolean isWornOut() {
		long size = ProcessMemory.residentSize(this.pid);
		if (size <= this.limit.bytes()) {
			return false;
		}
		if (this.bearable == this.limit.bytes()) {
			this.bearable = size + this.limit.bytes() / 2;
		}
		return true;
	}

	/**
	 * Whether it must be killed, asked in the middle of an exchange.
	 * @return the reason, which {@link #excess()} keeps; empty if it need not, or was
	 * told to before
	 */
	Optional<String> exceed() {
		long size = ProcessMemory.residentSize(this.pid);
		if (size <= this.bearable || this.excess.isPresent()) {
			return Optional.empty();
		}
		this.excess = Optional.of("it used " + size / MIB + " MiB, more than " + this.limit);
		return this.excess;
	}

	/** Whether the kernel has killed for lack of memory, if it was killed by somebody. */
	boolean hasRunOut() {
		return this.kernelsKills.any();
	}

	/** Whether it was killed for its memory, by this application or in its own group. */
	boolean hasExceeded() {
		return this.excess.isPresent() || this.group.hasRunOut();
	}

	/** Why it was killed; empty unless it was killed for its size. */
	Optional<String> excess() {
		return this.excess;
	}

	/**
	 * A limit of the resident size.
	 *
	 * @param bytes the limit; 0 for none
	 * @param property the name of the property that it comes from
	 */
	record Limit(long bytes, String property) {

		@Override
		public String toString() {
			return this.property + " (" + this.bytes / MIB + " MiB)";
		}

	}

}
