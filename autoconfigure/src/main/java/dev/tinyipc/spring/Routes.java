package dev.tinyipc.spring;

import java.util.Collection;
import java.util.SortedMap;
import java.util.TreeMap;

import dev.tinyipc.IpcInstrumentation;
import org.springframework.util.Assert;

/** The destinations of a template. */
final class Routes {

	private final SortedMap<String, Route> byName = new TreeMap<>();

	Routes(Collection<? extends IpcDestination> destinations, IpcObserver observer,
			IpcInstrumentation instrumentation) {
		IpcInstrumentation guarded = IpcInstrumentation.guarded(instrumentation);
		for (IpcDestination destination : destinations) {
			Route route = new Route(destination, GuardedObserver.of(observer, destination.name()), guarded);
			Route other = this.byName.put(destination.name(), route);
			Assert.state(other == null, () -> "Two destinations are named '" + destination.name() + '\'');
		}
	}

	/**
	 * Finds a route.
	 * @throws UnknownDestinationException if there is none
	 */
	Route to(String destination) {
		Route route = this.byName.get(destination);
		if (route == null) {
			throw new UnknownDestinationException("There is no destination '" + destination + "'. " + available());
		}
		return route;
	}

	/**
	 * Finds the only route.
	 * @throws UnknownDestinationException if there is none, or there are several
	 */
	Route only() {
		if (this.byName.size() != 1) {
			throw new UnknownDestinationException(
					"The call names no destination, and there is no default. " + available());
		}
		return to(this.byName.firstKey()); // without an iterator, for each message
	}

	private String available() {
		return this.byName.isEmpty()
				? "There are none: declare a child process with @ChildProcess or ipc.children.<name>.command."
				: "There are: " + String.join(", ", this.byName.keySet()) + '.';
	}

}
