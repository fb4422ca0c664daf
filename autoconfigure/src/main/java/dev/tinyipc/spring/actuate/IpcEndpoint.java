package dev.tinyipc.spring.actuate;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import dev.tinyipc.spring.child.IpcChild;
import dev.tinyipc.spring.child.ParentDestination;
import dev.tinyipc.spring.child.SocketState;
import org.jspecify.annotations.Nullable;

import org.springframework.boot.actuate.endpoint.InvalidEndpointRequestException;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.actuate.endpoint.annotation.Selector;
import org.springframework.boot.actuate.endpoint.annotation.WriteOperation;

/**
 * The Actuator endpoint {@code ipc}. It lists the children and the sockets to them and to
 * the parent, and starts, stops and restarts children.
 */
@Endpoint(id = "ipc")
public class IpcEndpoint {

	private final Map<String, IpcChild> children = new TreeMap<>();

	private final @Nullable ParentDestination parent;

	/**
	 * Creates the endpoint of some children.
	 * @param children the children
	 * @param parent the parent; null if this process is not itself a child
	 */
	public IpcEndpoint(Collection<IpcChild> children, @Nullable ParentDestination parent) {
		this.parent = parent;
		children.forEach((child) -> this.children.put(child.name(), child));
	}

	/**
	 * Lists all children, and the sockets to them and to the parent.
	 * @return the children, by name, and the parent
	 */
	@ReadOperation
	public Destinations destinations() {
		Map<String, Child> descriptions = new TreeMap<>();
		this.children.forEach((name, child) -> descriptions.put(name, describe(child)));
		return new Destinations(descriptions,
				(this.parent != null) ? this.parent.socketState().map(Parent::new).orElse(null) : null);
	}

	/**
	 * Describes one child.
	 * @param child its name
	 * @return the child; null if there is none of that name
	 */
	@ReadOperation
	public @Nullable Child child(@Selector String child) {
		IpcChild found = this.children.get(child);
		return (found != null) ? describe(found) : null;
	}

	/**
	 * Restarts, stops or starts one child. A restart and a stop go on after this returns,
	 * and so does a start until the child is ready.
	 * @param child its name
	 * @param action {@code restart}, {@code stop} or {@code start}
	 * @return the child's state at that moment
	 * @throws InvalidEndpointRequestException if there is no such child or action
	 */
	@WriteOperation
	public Child act(@Selector String child, String action) {
		IpcChild found = this.children.get(child);
		if (found == null) {
			// Null would pass for a success over HTTP, where it is "no content".
			throw new InvalidEndpointRequestException("There is no child '" + child + '\'',
					"There is no child of that name");
		}
		switch (action) {
			case "restart" -> found.restartInstances();
			case "stop" -> found.stopInstances();
			case "start" -> found.startInstances();
			default -> throw new InvalidEndpointRequestException(
					"There is no action '" + action + "': use restart, stop or start",
					"There is no action of that name: use restart, stop or start");
		}
		return describe(found);
	}

	private static Child describe(IpcChild child) {
		return new Child(child.instances().stream().map(InstanceDetails::of).toList(), child.waitingCallers(),
				child.requestsInQuarantine());
	}

	/**
	 * The processes that this one has a socket to.
	 *
	 * @param children by name
	 * @param parent the parent; null if there is none, or its socket is closed
	 */
	public record Destinations(Map<String, Child> children, @Nullable Parent parent) {

	}

	/**
	 * The process that started this one.
	 *
	 * @param socket the inherited socket
	 */
	public record Parent(SocketState socket) {

	}

	/**
	 * One child.
	 *
	 * @param instances its processes, each with a socket
	 * @param waitingCallers the number of callers waiting for one to become free
	 * @param requestsInQuarantine the number of requests that are refused because
	 * processes have died of them
	 */
	public record Child(List<InstanceDetails> instances, int waitingCallers, int requestsInQuarantine) {

	}

}
