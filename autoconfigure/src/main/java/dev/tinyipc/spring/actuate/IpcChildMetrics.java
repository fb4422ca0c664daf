package dev.tinyipc.spring.actuate;

import java.util.Collection;
import java.util.function.ToLongFunction;

import dev.tinyipc.spring.child.ChildState;
import dev.tinyipc.spring.child.IpcChild;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;

/**
 * Metrics of child processes, with the tag {@code destination}:
 * {@code ipc.children.running}, {@code ipc.children.restarts},
 * {@code ipc.children.lanes}, {@code ipc.children.lanes.busy},
 * {@code ipc.children.quarantined} and {@code ipc.exchange.waiting}.
 */
public class IpcChildMetrics implements MeterBinder {

	private final Collection<IpcChild> children;

	/**
	 * Creates the metrics of some children.
	 * @param children the children
	 */
	public IpcChildMetrics(Collection<IpcChild> children) {
		this.children = children;
	}

	@Override
	public void bindTo(MeterRegistry registry) {
		for (IpcChild child : this.children) {
			Gauge.builder("ipc.children.running", child, IpcChildMetrics::running)
				.description("Instances that are running")
				.baseUnit("processes")
				.tag("destination", child.name())
				.register(registry);
			Gauge.builder("ipc.children.lanes", child, (one) -> sum(one, IpcChild.Instance::lanes))
				.description("Sockets that are open for requests")
				.baseUnit("lanes")
				.tag("destination", child.name())
				.register(registry);
			Gauge.builder("ipc.children.lanes.busy", child, (one) -> sum(one, IpcChild.Instance::busyLanes))
				.description("Sockets that carry a request")
				.baseUnit("lanes")
				.tag("destination", child.name())
				.register(registry);
			FunctionCounter.builder("ipc.children.restarts", child, IpcChildMetrics::restarts)
				.description("Restarts of instances")
				.baseUnit("restarts")
				.tag("destination", child.name())
				.register(registry);
			Gauge.builder("ipc.exchange.waiting", child, IpcChild::waitingCallers)
				.description("Callers waiting for an instance to become free")
				.baseUnit("callers")
				.tag("destination", child.name())
				.register(registry);
			Gauge.builder("ipc.children.quarantined", child, IpcChild::requestsInQuarantine)
				.description("Requests that are refused because processes have died of them")
				.baseUnit("requests")
				.tag("destination", child.name())
				.register(registry);
		}
	}

	private static double running(IpcChild child) {
		return child.instances().stream().filter((instance) -> instance.state() == ChildState.RUNNING).count();
	}

	private static double restarts(IpcChild child) {
		return sum(child, IpcChild.Instance::restarts);
	}

	private static long sum(IpcChild child, ToLongFunction<IpcChild.Instance> number) {
		return child.instances().stream().mapToLong(number).sum();
	}

}
