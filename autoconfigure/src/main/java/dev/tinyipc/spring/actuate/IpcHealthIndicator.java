package dev.tinyipc.spring.actuate;

import java.util.Collection;
import java.util.EnumSet;
import java.util.List;

import dev.tinyipc.spring.child.ChildState;
import dev.tinyipc.spring.child.IpcChild;

import org.springframework.boot.health.contributor.AbstractHealthIndicator;
import org.springframework.boot.health.contributor.Health;

/**
 * The health of child processes. It is DOWN if an instance has failed for good, or if no
 * instance of a child that should run is running.
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
		builder.up();
		for (IpcChild child : this.children) {
			List<IpcChild.Instance> instances = child.instances();
			if (!isWell(instances)) {
				builder.down();
			}
			builder.withDetail(child.name(), instances.stream().map(InstanceDetails::of).toList());
		}
	}

	private static boolean isWell(List<IpcChild.Instance> instances) {
		List<ChildState> states = instances.stream().map(IpcChild.Instance::state).toList();
		boolean stopped = EnumSet.of(ChildState.STOPPING, ChildState.STOPPED).containsAll(states);
		return stopped || (states.contains(ChildState.RUNNING) && !states.contains(ChildState.FAILED));
	}

}
