package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;

/**
 * Looks at the memory of those instances that have a limit and are at work, all at a
 * time, and at each once more when it has come to rest, or for some seconds after a
 * one-way message. While none is at work, it does nothing. An instance that has grown too
 * large is killed in the middle of an exchange, and replaced otherwise.
 */
final class MemoryWatch {

	/** A look takes some ten microseconds for each instance. */
	static final Duration PERIOD = Duration.ofMillis(100);

	private static final Duration AFTER_MESSAGE = Duration.ofSeconds(10);

	private final ChildSupervisor supervisor;

	private final Set<ChildInstance> atWork = ConcurrentHashMap.newKeySet();

	private final AtomicBoolean scheduled = new AtomicBoolean();

	MemoryWatch(ChildSupervisor supervisor) {
		this.supervisor = supervisor;
	}

	/** An instance that has a limit was lent, or sent a one-way message. */
	void watch(ChildInstance instance) {
		if (this.atWork.add(instance)) {
			lookSoon();
		}
	}

	private void lookSoon() {
		if (this.scheduled.compareAndSet(false, true)) {
			this.supervisor.schedule(PERIOD, this::look);
		}
	}

	private void look() {
		this.scheduled.set(false);
		for (ChildInstance instance : this.atWork) {
			// A shorter exchange is over before anybody could look, or is looked at next
			// time: its end is soon enough for an instance that has done enough.
			if (isAtWork(instance, PERIOD)) {
				instance.memory().exceed().ifPresent((reason) -> instance.slot().discard(instance, reason));
			}
			else if (!isAtWork(instance, Duration.ZERO)) {
				rest(instance);
			}
		}
		if (!this.atWork.isEmpty()) {
			lookSoon();
		}
	}

	private void rest(ChildInstance instance) {
		// Nobody knows how long it works on a one-way message.
		boolean mayWork = System.nanoTime() - instance.lastSend() < AFTER_MESSAGE.toNanos();
		if (instance.memory().isWornOut()) {
			instance.slot().replace(instance, "it has done enough");
		}
		else if (mayWork && instance.process().isAlive()) {
			return;
		}
		this.atWork.remove(instance);
		if (isAtWork(instance, Duration.ZERO)) {
			this.atWork.add(instance); // it was lent just now
		}
	}

	/** Whether it has worked on an exchange for a time, and be it a forgotten one. */
	private static boolean isAtWork(ChildInstance instance, Duration time) {
		// The first lane works on after it was given up.
		return instance.process().isAlive() && Stream.concat(Stream.of(instance.firstLane()), instance.lanes().stream())
			.anyMatch((lane) -> lane.isAtWorkFor(time.toNanos()));
	}

}
