package dev.tinyipc;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;

/**
 * What is done with a descriptor's number just before it goes back to the kernel, or to a
 * new owner.
 */
final class CloseActions {

	/** By owner; created with the first one. */
	private Map<Object, IntConsumer> actions = Map.of();

	/** Must be called while the descriptor is borrowed. */
	synchronized void put(Object owner, IntConsumer action) {
		if (this.actions.isEmpty()) {
			this.actions = new HashMap<>();
		}
		this.actions.put(owner, action);
	}

	synchronized void remove(Object owner) {
		if (!this.actions.isEmpty()) {
			this.actions.remove(owner);
		}
	}

	void run(int number) {
		actions().forEach((action) -> action.accept(number));
	}

	private synchronized Collection<IntConsumer> actions() {
		return List.copyOf(this.actions.values());
	}

}
