package dev.tinyipc.spring.child;

import java.util.Optional;

import dev.tinyipc.spring.PostMortem;
import org.jspecify.annotations.Nullable;

/**
 * What has happened to a slot, for operators who look and for listeners. It is written in
 * the supervisor's thread only; any thread may read it.
 */
final class SlotHistory {

	private final String name;

	private final String child;

	private final int index;

	private final ChildEvents events;

	private volatile @Nullable PostMortem lastEnd;

	private volatile long restarts;

	SlotHistory(ChildSpec spec, int index, ChildEvents events) {
		this.name = spec + ((spec.processes() > 1) ? " " + index : "");
		this.child = spec.name();
		this.index = index;
		this.events = events;
	}

	/** The slot's, for the log. */
	String name() {
		return this.name;
	}

	/** How the process that ended last has ended; null if none has. */
	@Nullable PostMortem lastEnd() {
		return this.lastEnd;
	}

	long restarts() {
		return this.restarts;
	}

	/** Counts a process that takes the place of an earlier one. */
	void restarted() {
		this.restarts++;
	}

	void starting(ChildInstance instance) {
		publish(IpcChildEvent.Type.STARTING, instance, null, null);
	}

	void ready(ChildInstance instance) {
		publish(IpcChildEvent.Type.READY, instance, null, null);
	}

	void replaced(ChildInstance instance, String reason) {
		publish(IpcChildEvent.Type.REPLACED, instance, null, reason);
	}

	void exited(ChildInstance instance, PostMortem end) {
		this.lastEnd = end;
		publish(IpcChildEvent.Type.EXITED, instance, end, null);
	}

	void failed(String reason) {
		publish(IpcChildEvent.Type.FAILED, null, null, reason);
	}

	private void publish(IpcChildEvent.Type type, @Nullable ChildInstance instance, @Nullable PostMortem end,
			@Nullable String reason) {
		this.events.publish(new IpcChildEvent(type, this.child, this.index,
				Optional.ofNullable(instance).map((one) -> one.process().pid()), Optional.ofNullable(end),
				Optional.ofNullable(reason)));
	}

}
