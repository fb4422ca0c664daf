package dev.tinyipc;

import java.util.Set;
import java.util.concurrent.CopyOnWriteArraySet;

import org.jspecify.annotations.Nullable;

/**
 * Those who watch a socket for messages. The kernel tells them of a bell only as long as
 * nobody has taken it, and of a message in memory not at all. So whoever takes a bell, or
 * needs none from now on, has them look again.
 */
final class Watches {

	/** Few sockets are watched by more than one. */
	private final Set<Runnable> watches = new CopyOnWriteArraySet<>();

	/**
	 * Adds a watch.
	 * @param look called in any thread, and must be short: has its owner look again
	 */
	void add(Runnable look) {
		this.watches.add(look);
	}

	void remove(Runnable look) {
		this.watches.remove(look);
	}

	/**
	 * Has all of them look again.
	 * @param but one that looks anyway; null for none
	 */
	void tell(@Nullable Runnable but) {
		for (Runnable look : this.watches) {
			if (look != but) {
				look.run();
			}
		}
	}

}
