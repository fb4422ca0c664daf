package dev.tinyipc.spring.child;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;

import dev.tinyipc.IpcPoller;

/**
 * Which instances of a child serve, and which stand by to take the place of one that
 * ends. Used in the supervisor's thread only.
 */
final class Roster {

	private final ChildSpec spec;

	private final LaneKeeper keeper;

	private final IdleWatch watch;

	private final Set<ChildInstance> serving = new HashSet<>();

	private final Deque<ChildInstance> standingBy = new ArrayDeque<>();

	Roster(ChildSpec spec, LaneKeeper keeper, IdleWatch watch) {
		this.spec = spec;
		this.keeper = keeper;
		this.watch = watch;
	}

	/** Adds an instance that is ready. */
	void add(ChildInstance instance) {
		// Without spare ones, a successor serves before its predecessor is withdrawn.
		if (this.spec.settings().spare() == 0 || this.serving.size() < this.spec.instances()) {
			serve(instance);
		}
		else {
			this.standingBy.addLast(instance);
			// Once it serves, its keeper watches it.
			this.watch.watch(instance.socket(), IpcPoller.Interest.END, (event) -> this.keeper.closed(instance));
		}
	}

	private void serve(ChildInstance instance) {
		this.serving.add(instance);
		instance.serve();
		this.keeper.offer(instance);
	}

	/** Removes an instance, whose place is taken by one that stands by. */
	void remove(ChildInstance instance) {
		this.standingBy.remove(instance);
		if (this.serving.remove(instance) && this.serving.size() < this.spec.instances()) {
			ChildInstance next = this.standingBy.pollFirst();
			if (next != null) {
				this.watch.forget(next.socket());
				serve(next);
			}
		}
		this.keeper.withdraw(instance);
	}

	/** Removes all instances, so that none takes the place of another. */
	void clear() {
		this.serving.clear();
		this.standingBy.clear();
	}

}
