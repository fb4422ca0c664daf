package dev.tinyipc.spring.actuate;

import java.time.Duration;

import dev.tinyipc.ExitStatus;
import dev.tinyipc.spring.child.ChildState;
import dev.tinyipc.spring.child.IpcChild;
import dev.tinyipc.spring.child.SocketState;
import org.jspecify.annotations.Nullable;

/**
 * What operators are told of one instance of a child.
 *
 * @param state its state
 * @param pid the process id, while it runs
 * @param uptime how long it has run, while it does
 * @param restarts how often it was started again
 * @param lastExit how the process before it ended: an exit code or a signal
 * @param socket the socket to it, while it runs
 */
public record InstanceDetails(ChildState state, @Nullable Long pid, @Nullable Duration uptime, long restarts,
		@Nullable String lastExit, @Nullable SocketState socket) {

	static InstanceDetails of(IpcChild.Instance instance) {
		return new InstanceDetails(instance.state(), instance.pid().orElse(null), instance.uptime().orElse(null),
				instance.restarts(), instance.lastExit().map(ExitStatus::toString).orElse(null),
				instance.socket().orElse(null));
	}

}
