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
 * The settings {@code ipc.children.<name>.*} of a child. They take precedence over
 * {@link dev.tinyipc.spring.ChildProcess @ChildProcess}.
 *
 * @param enabled Whether to start the child with the application.
 * @param command Program to run and its arguments.
 * @param main Class to run in a JVM of its own, instead of a program. It must be on the
 * application's class path.
 * @param jvmArguments Arguments for the JVM that runs the main class, in addition to the
 * defaults.
 * @param environment Variables to add to the child's environment.
 * @param directory Working directory of the child.
 * @param instances Number of processes that serve the child's destination.
 * @param spare Number of further processes that stand by, each to take the place of one
 * that ended.
 * @param concurrency Number of requests that each process serves at a time, if its hello
 * says that it can.
 * @param oneWay Whether the child only receives messages or only sends them, and answers
 * no requests.
 * @param ready Whether the child says hello once it is ready. It gets no request before.
 * @param startTimeout Time that a new process has for its hello, if the child is declared
 * as ready. After that, it is killed and counts as failed.
 * @param awaitReady Whether the start of the application waits until all processes are
 * ready, and fails if one does not get ready.
 * @param output Destination of the child's standard output and error.
 * @param outputFile File to append standard output and error to, if output is "file".
 * @param exchangeTimeout Timeout of calls that name none. By default, that of the
 * template.
 * @param acquireTimeout Maximum time that a call waits for an instance to become free, as
 * part of its timeout. By default, all of it.
 * @param maxWaiting Maximum number of calls that wait for an instance at a time. Further
 * ones are refused at once. By default, there is no limit.
 * @param startupGrace Time that a new process has for its first answer. Until then, it is
 * not replaced because a call timed out.
 * @param cancelTimeout Time that a child that can be told to stop has to end a request
 * whose caller has given up. After that, it loses the lane, or is replaced if it has no
 * other.
 * @param idempotent Whether to retry a request once, on another instance, if the first
 * one dies.
 * @param quarantine Time for which a request is refused after processes have died of it
 * twice, or more often. By default, no request is refused for that.
 * @param maxExchanges Number of exchanges after which an instance is replaced, with a
 * jitter of 10%. Zero for no limit.
 * @param maxMemory Resident size above which an instance is replaced, checked between
 * exchanges. Zero for no limit.
 * @param spinTime Time for which both ends poll for the next message before they sleep,
 * as long as that helps. Zero never to poll. By default, 50 microseconds if there are two
 * processors for each instance.
 * @param shutdownTimeout Time that the child has to exit by itself once its socket has
 * been closed, before it gets SIGTERM, and the same time again before it gets SIGKILL.
 * @param restart Restart of a child that ended.
 */
public record ChildSettings(@DefaultValue("true") boolean enabled, @DefaultValue List<String> command,
		@Nullable String main, @DefaultValue List<String> jvmArguments, @DefaultValue Map<String, String> environment,
		@Nullable Path directory, @Nullable Integer instances, int spare, @Nullable Integer concurrency,
		@Nullable Boolean oneWay, @Nullable Boolean ready, @DefaultValue("60s") Duration startTimeout,
		@DefaultValue("true") boolean awaitReady, @DefaultValue("log") Output output, @Nullable Path outputFile,
		@Nullable Duration exchangeTimeout, @Nullable Duration acquireTimeout, @Nullable Integer maxWaiting,
		@DefaultValue("10s") Duration startupGrace, @DefaultValue("2s") Duration cancelTimeout, boolean idempotent,
		@Nullable Duration quarantine, long maxExchanges, @DefaultValue("0") DataSize maxMemory,
		@Nullable Duration spinTime, @DefaultValue("5s") Duration shutdownTimeout, @DefaultValue Restart restart) {

	/** The settings of a child without any properties. */
	static ChildSettings defaults() {
		return new Binder(List.of()).bindOrCreate("ipc.children", ChildSettings.class);
	}

	/** Destination of a child's standard output and error. */
	public enum Output {

		/** The logger {@code ipc.child.<name>}, line by line. */
		LOG,

		/** The standard output and error of this application. */
		INHERIT,

		/** Nowhere. */
		DISCARD,

		/** A file, to which they are appended. */
		FILE

	}

	/** When to restart a child that ended. */
	public enum RestartPolicy {

		/** Always. */
		ALWAYS,

		/** If its exit code was not 0, or it was ended by a signal. */
		ON_FAILURE,

		/** Never. */
		NEVER

	}

	/**
	 * Restart of a child that ended.
	 *
	 * @param policy When to restart a child that ended.
	 * @param initialDelay Delay before the first restart. It doubles with each further
	 * one.
	 * @param maxDelay Maximum delay before a restart.
	 * @param stableAfter Time after which a running child counts as stable, so that the
	 * delays start over.
	 * @param maxFailures Number of failures within the failure window after which the
	 * child is no longer restarted.
	 * @param failureWindow Time span within which failures are counted.
	 */
	public record Restart(@DefaultValue("always") RestartPolicy policy, @DefaultValue("100ms") Duration initialDelay,
			@DefaultValue("30s") Duration maxDelay, @DefaultValue("10s") Duration stableAfter,
			@DefaultValue("5") int maxFailures, @DefaultValue("60s") Duration failureWindow) {

	}

}
