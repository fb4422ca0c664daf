package dev.tinyipc.spring.actuate;

import java.util.Collection;
import java.util.EnumSet;
import java.util.List;

import dev.tinyipc.spring.child.ChildState;
import dev.tinyipc.spring.child.IpcChild;

import org.springframework.boot.health.contributor.AbstractHealthIndicator;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.Status;

/**
 * The health of child processes. It is DOWN if an instance has failed for good, or if no
 * instance of a child that should run is running. If none is running because they are
 * still starting, it is OUT_OF_SERVICE.
 */
public class IpcHealthIndicator extends AbstractHealthIndicator {

	private final Collection<IpcChild> children;

	/**
	 * Creates the indicator of some children.
	 * @param children the children
	 */
	public IpcHealthIndicator(Collection<IpcChild> children) {
		super("The state of child processes could not be determined");
		this.children = children;
	}

	@Override
	protected void doHealthCheck(Health.Builder builder) {
		Status status = Status.UP;
		for (IpcChild child : this.children) {
			List<IpcChild.Instance> instances = child.instances();
			Status ofChild = status(instances);
			if (status != Status.DOWN && ofChild != Status.UP) {
				status = ofChild;
			}
			builder.withDetail(child.name(), instances.stream().map(InstanceDetails::withoutOutput).toList());
		}
		builder.status(status);
	}

	private static Status status(List<IpcChild.Instance> instances) {
		List<ChildState> states = instances.stream().map(IpcChild.Instance::state).toList();
		boolean stopped = EnumSet.of(ChildState.STOPPING, ChildState.STOPPED).containsAll(states);
		if (stopped) {
			return Status.UP;
		}
		if (states.contains(ChildState.FAILED)) {
			return Status.DOWN;
		}
		if (states.contains(ChildState.RUNNING)) {
			return Status.UP;
		}
		return states.contains(ChildState.STARTING) ? Status.OUT_OF_SERVICE : Status.DOWN;
	}

}
