package dev.tinyipc;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;

/**
 * What is done with a descriptor's number as the last thing before it goes back to the
 * kernel, or to somebody else.
 */
final class CloseActions {

	/** By who wants it; made when there is somebody. */
	private Map<Object, IntConsumer> actions = Map.of();

	/** To be called while the descriptor is borrowed. */
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
