package dev.tinyipc.spring.child;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * What {@code ipc.children.<name>.*} says of a child. It takes precedence over
 * {@link dev.tinyipc.spring.ChildProcess @ChildProcess}.
 *
 * @param enabled Whether the child is started with the application.
 * @param command Program to run and its arguments.
 * @param main Class on the application's own class path to run in a JVM of its own,
 * instead of a program.
 * @param jvmArguments Arguments for the JVM that runs the main class, in addition to the
 * defaults.
 * @param environment Variables to add to the child's environment.
 * @param directory Working directory of the child.
 * @param instances Number of processes that serve the child's destination.
 * @param oneWay Whether the child only takes messages or only sends them, and answers no
 * requests.
 * @param output Where the child's standard output and error go.
 * @param outputFile File that standard output and error are appended to, if output is
 * "file".
 * @param exchangeTimeout Timeout of a call that names none. By default that of the
 * template.
 * @param acquireTimeout Time that a call may wait for an instance to become free, as part
 * of its timeout. By default all of it.
 * @param maxWaiting Number of calls that may wait for an instance at a time; a further
 * one is refused at once. By default there is no limit.
 * @param startupGrace Time that a new process has for its first answer. A call that times
 * out earlier does not cost the instance.
 * @param idempotent Whether a request is retried once, on another instance, if the first
 * one dies.
 * @param maxExchanges Number of exchanges after which an instance is replaced, with a
 * jitter of 10 %. Zero for no limit.
 * @param maxMemory Resident size above which an instance is replaced, checked between
 * exchanges. Zero for no limit.
 * @param spinTime Time for which both ends poll for the next message before they go to
 * sleep, as long as that helps. Zero to never poll. By default 50 microseconds if there
 * are two processors for each instance.
 * @param shutdownTimeout Time that the child has to exit by itself after its socket has
 * ended, before it gets SIGTERM, and after that again before it gets SIGKILL.
 * @param restart When and how a child that ended is started again.
 */
public record ChildSettings(@DefaultValue("true") boolean enabled, @DefaultValue List<String> command,
		@Nullable String main, @DefaultValue List<String> jvmArguments, @DefaultValue Map<String, String> environment,
		@Nullable Path directory, @Nullable Integer instances, @Nullable Boolean oneWay,
		@DefaultValue("log") Output output, @Nullable Path outputFile, @Nullable Duration exchangeTimeout,
		@Nullable Duration acquireTimeout, @Nullable Integer maxWaiting, @DefaultValue("10s") Duration startupGrace,
		boolean idempotent, long maxExchanges, @DefaultValue("0") DataSize maxMemory, @Nullable Duration spinTime,
		@DefaultValue("5s") Duration shutdownTimeout, @DefaultValue Restart restart) {

	/** The settings of a child of which no property says anything. */
	static ChildSettings defaults() {
		return new Binder(List.of()).bindOrCreate("ipc.children", ChildSettings.class);
	}

	/** Where a child's standard output and error go. */
	public enum Output {

		/** Line by line to the logger {@code ipc.child.<name>}. */
		LOG,

		/** Where this application's go. */
		INHERIT,

		/** Nowhere. */
		DISCARD,

		/** Appended to a file. */
		FILE

	}

	/** When a child that ended is started again. */
	public enum RestartPolicy {

		/** Whenever it ended. */
		ALWAYS,

		/** When its exit code was not 0, or a signal ended it. */
		ON_FAILURE,

		/** Never. */
		NEVER

	}

	/**
	 * When and how a child that ended is started again.
	 *
	 * @param policy When a child that ended is started again.
	 * @param initialDelay Delay before the first restart; it doubles with each further
	 * one.
	 * @param maxDelay Longest delay before a restart.
	 * @param stableAfter Time after which a child that still runs counts as stable, and
	 * the delays start over.
	 * @param maxFailures Number of failures within the failure window after which the
	 * child is not started again.
	 * @param failureWindow Time within which failures are counted together.
	 */
	public record Restart(@DefaultValue("always") RestartPolicy policy, @DefaultValue("100ms") Duration initialDelay,
			@DefaultValue("30s") Duration maxDelay, @DefaultValue("10s") Duration stableAfter,
			@DefaultValue("5") int maxFailures, @DefaultValue("60s") Duration failureWindow) {

	}

}
