package dev.tinyipc.spring.child;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

import dev.tinyipc.Sandbox.EnvironmentPolicy;
import dev.tinyipc.Sandbox.Profile;
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
 * @param zygote Whether the processes are forked from one that has loaded everything and
 * serves nothing itself. The program must use the library for Python.
 * @param startTimeout Time that a new process has for its hello, if the child is declared
 * as ready, or a zygote until it can fork. After that, it is killed and counts as failed.
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
 * @param maxMemory Resident size above which an instance is replaced between two
 * exchanges, and killed in the middle of one. Zero for no limit.
 * @param spinTime Time for which both ends poll for the next message before they sleep,
 * as long as that helps. Zero never to poll. By default 50 microseconds, but zero for a
 * command if there are not two processors for each instance.
 * @param transport Way of the messages: through memory that both ends share, or through
 * sockets. With "auto", it is memory if the child's hello says that it can. By default,
 * that of all children.
 * @param ringSize Size of the memory for messages of a lane that were not received yet,
 * for each direction: a power of two from 4KB to 64MB.
 * @param blocks Size up to which the large byte arrays of one message go through memory
 * that both ends share, if the child's hello says that it can. Zero for none.
 * @param shutdownTimeout Time that the child has to exit by itself once its socket has
 * been closed, before it gets SIGTERM, and the same time again before it gets SIGKILL.
 * @param nice Number from 0 to 19 by which the priority of the child's processes is lower
 * than that of the application.
 * @param environmentPolicy Variables of the application that the child inherits. By
 * default, "clean" with a sandbox profile, otherwise "inherit".
 * @param sandbox What the child may do.
 * @param limits Limits of each of the child's processes.
 * @param restart Restart of a child that ended.
 */
public record ChildSettings(@DefaultValue("true") boolean enabled, @DefaultValue List<String> command,
		@Nullable String main, @DefaultValue List<String> jvmArguments, @DefaultValue Map<String, String> environment,
		@Nullable Path directory, @Nullable Integer instances, int spare, @Nullable Integer concurrency,
		@Nullable Boolean oneWay, @Nullable Boolean ready, @Nullable Boolean zygote,
		@DefaultValue("60s") Duration startTimeout, @DefaultValue("true") boolean awaitReady,
		@DefaultValue("log") Output output, @Nullable Path outputFile, @Nullable Duration exchangeTimeout,
		@Nullable Duration acquireTimeout, @Nullable Integer maxWaiting, @DefaultValue("10s") Duration startupGrace,
		@DefaultValue("2s") Duration cancelTimeout, boolean idempotent, @Nullable Duration quarantine,
		long maxExchanges, @DefaultValue("0") DataSize maxMemory, @Nullable Duration spinTime,
		@Nullable Transport transport, @DefaultValue("256KB") DataSize ringSize, @DefaultValue("0") DataSize blocks,
		@DefaultValue("5s") Duration shutdownTimeout, @Nullable Integer nice,
		@Nullable EnvironmentPolicy environmentPolicy, @DefaultValue Sandbox sandbox, @DefaultValue Limits limits,
		@DefaultValue Restart restart) {

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

	/** Way of the messages to a child and back. */
	public enum Transport {

		/** Memory if the child's hello says that it can, and sockets otherwise. */
		AUTO,

		/** Sockets. */
		SOCKET,

		/** Memory that both ends share. A child that cannot share it is not started. */
		MEMORY

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
	 * What a child may do.
	 *
	 * @param profile Profile that the kernel enforces from before the child's first
	 * instruction.
	 * @param read Further files and folders that a locked-down child may read. What its
	 * program needs is found out. Relative paths start at the child's directory.
	 * @param write Files and folders that a locked-down child may read and change.
	 * @param execute Further programs, or folders of them, that a locked-down child may
	 * execute.
	 * @param required Whether the child must not start if the kernel does not enforce the
	 * profile.
	 * @param audit Whether to list in the log what the profile would deny, instead of
	 * denying it. For development.
	 */
	public record Sandbox(@Nullable Profile profile, @DefaultValue List<Path> read, @DefaultValue List<Path> write,
			@DefaultValue List<Path> execute, @DefaultValue("true") boolean required, boolean audit) {

	}

	/**
	 * Limits of each of a child's processes, and of those that it starts. With any, it
	 * writes no core dumps.
	 *
	 * @param memory Size of a process's data, heap included. An allocation beyond it
	 * fails. It limits the resident size, too, as "max-memory" does. By default, there is
	 * no limit.
	 * @param cpuTime Processor time of a process, after which it is killed. By default,
	 * there is no limit.
	 * @param openFiles Number of descriptors that a process may have. By default, that of
	 * the application.
	 * @param processes Number of processes and threads that the child's user may have in
	 * all. It does not apply to a privileged user. By default, there is no limit.
	 * @param fileSize Size that a process may extend a file to. By default, there is no
	 * limit.
	 */
	public record Limits(@Nullable DataSize memory, @Nullable Duration cpuTime, @Nullable Integer openFiles,
			@Nullable Integer processes, @Nullable DataSize fileSize) {

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
