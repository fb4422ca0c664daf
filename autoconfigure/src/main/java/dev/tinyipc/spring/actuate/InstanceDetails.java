package dev.tinyipc.spring.actuate;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

import dev.tinyipc.ExitStatus;
import dev.tinyipc.Protection;
import dev.tinyipc.spring.PostMortem;
import dev.tinyipc.spring.child.ChildSettings;
import dev.tinyipc.spring.child.ChildState;
import dev.tinyipc.spring.child.IpcChild;
import dev.tinyipc.spring.child.SocketState;
import org.jspecify.annotations.Nullable;

/**
 * Describes one instance of a child to operators.
 *
 * @param state its state
 * @param standby whether it stands by to take the place of another one, and gets no
 * messages
 * @param pid the process id; null while it does not run
 * @param zygote the process id of the zygote that it was forked from; null if it was not
 * forked, and while it does not run
 * @param uptime how long it has been running; null while it does not run
 * @param restarts how often it was restarted
 * @param lastExit how the previous process ended: an exit code or a signal; null if none
 * has ended
 * @param lastLines the last lines of output of that process; null if none has ended, or
 * they are not shown
 * @param probablyOutOfMemory whether the kernel probably killed that process because
 * memory ran out; null if none has ended
 * @param killedBecause why this application killed that process while it worked on a
 * request; null if none has ended, or it was not killed for that
 * @param stacks the stacks of that process's threads, which it printed before it was
 * killed because it did not answer; null if none has ended, or they are not shown
 * @param socket the socket to it; null while it does not run
 * @param lanes how many sockets to it are open for requests
 * @param busyLanes how many of them carry a request
 * @param transports the way of the messages of each of these sockets: through memory that
 * is shared, or through the socket itself
 * @param protection what protects this machine from it, as the kernel says; null while it
 * does not run
 */
public record InstanceDetails(ChildState state, boolean standby, @Nullable Long pid, @Nullable Long zygote,
		@Nullable Duration uptime, long restarts, @Nullable String lastExit, @Nullable List<String> lastLines,
		@Nullable Boolean probablyOutOfMemory, @Nullable String killedBecause, @Nullable List<String> stacks,
		@Nullable SocketState socket, int lanes, int busyLanes, List<ChildSettings.Transport> transports,
		@Nullable Protection protection) {

	static InstanceDetails of(IpcChild.Instance instance) {
		return of(instance, true);
	}

	/** For those who may not see what a child prints. */
	static InstanceDetails withoutOutput(IpcChild.Instance instance) {
		return of(instance, false);
	}

	private static InstanceDetails of(IpcChild.Instance instance, boolean withOutput) {
		Optional<PostMortem> shown = instance.lastEnd().filter((end) -> withOutput);
		return new InstanceDetails(instance.state(), instance.standby(), instance.pid().orElse(null),
				instance.zygote().orElse(null), instance.uptime().orElse(null), instance.restarts(),
				instance.lastExit().map(ExitStatus::toString).orElse(null),
				shown.map(PostMortem::lastLines).orElse(null),
				instance.lastEnd().map(PostMortem::probablyOutOfMemory).orElse(null),
				instance.lastEnd().flatMap(PostMortem::killedBecause).orElse(null),
				shown.map(PostMortem::stacks).orElse(null), instance.socket().orElse(null), instance.lanes(),
				instance.busyLanes(), instance.transports(), instance.protection().orElse(null));
	}

}
