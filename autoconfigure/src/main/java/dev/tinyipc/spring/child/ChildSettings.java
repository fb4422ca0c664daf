package dev.tinyipc.spring.child;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import dev.tinyipc.spring.ChildProcess;
import org.jspecify.annotations.Nullable;

import org.springframework.util.unit.DataSize;

/**
 * What can be said of a child in {@code ipc.children.<name>.*}. What is said here takes
 * precedence over {@link ChildProcess @ChildProcess}.
 */
public class ChildSettings {

	/**
	 * Whether the child is started with the application.
	 */
	private boolean enabled = true;

	/**
	 * Program to run and its arguments.
	 */
	private List<String> command = new ArrayList<>();

	/**
	 * Class on the application's own class path to run in a JVM of its own, instead of a
	 * program.
	 */
	private @Nullable String main;

	/**
	 * Arguments for the JVM that runs the main class, behind the defaults.
	 */
	private List<String> jvmArguments = new ArrayList<>();

	/**
	 * Variables to add to the child's environment.
	 */
	private Map<String, String> environment = new LinkedHashMap<>();

	/**
	 * Working directory of the child.
	 */
	private @Nullable Path directory;

	/**
	 * Number of processes that serve the child's destination.
	 */
	private @Nullable Integer instances;

	/**
	 * Where the child's standard output and error go.
	 */
	private Output output = Output.LOG;

	/**
	 * File that standard output and error are appended to, if output is "file".
	 */
	private @Nullable Path outputFile;

	/**
	 * Time that an exchange may take that names no time-out. By default that of the
	 * template.
	 */
	private @Nullable Duration exchangeTimeout;

	/**
	 * Whether an exchange whose instance died may be repeated once on another one.
	 */
	private boolean idempotent;

	/**
	 * Number of exchanges after which an instance is replaced, with a jitter of 10 %.
	 * Zero for no limit.
	 */
	private long maxExchanges;

	/**
	 * Resident size above which an instance is replaced, looked at between exchanges.
	 * Zero for no limit.
	 */
	private DataSize maxMemory = DataSize.ofBytes(0);

	/**
	 * Time for which a call asks for its reply again and again before it goes to sleep,
	 * and a child in Java for its next request, as long as that helps. Zero never to do
	 * so. Unless set, 50 microseconds if there are two processors for each instance.
	 */
	private @Nullable Duration spinTime;

	/**
	 * Time that the child has to end by itself after its socket has ended, before it gets
	 * SIGTERM, and after that again before it gets SIGKILL.
	 */
	private Duration shutdownTimeout = Duration.ofSeconds(5);

	private final Restart restart = new Restart();

	public boolean isEnabled() {
		return this.enabled;
	}

	public void setEnabled(boolean enabled) {
		this.enabled = enabled;
	}

	public List<String> getCommand() {
		return this.command;
	}

	public void setCommand(List<String> command) {
		this.command = command;
	}

	public @Nullable String getMain() {
		return this.main;
	}

	public void setMain(@Nullable String main) {
		this.main = main;
	}

	public List<String> getJvmArguments() {
		return this.jvmArguments;
	}

	public void setJvmArguments(List<String> jvmArguments) {
		this.jvmArguments = jvmArguments;
	}

	public Map<String, String> getEnvironment() {
		return this.environment;
	}

	public void setEnvironment(Map<String, String> environment) {
		this.environment = environment;
	}

	public @Nullable Path getDirectory() {
		return this.directory;
	}

	public void setDirectory(@Nullable Path directory) {
		this.directory = directory;
	}

	public @Nullable Integer getInstances() {
		return this.instances;
	}

	public void setInstances(@Nullable Integer instances) {
		this.instances = instances;
	}

	public Output getOutput() {
		return this.output;
	}

	public void setOutput(Output output) {
		this.output = output;
	}

	public @Nullable Path getOutputFile() {
		return this.outputFile;
	}

	public void setOutputFile(@Nullable Path outputFile) {
		this.outputFile = outputFile;
	}

	public @Nullable Duration getExchangeTimeout() {
		return this.exchangeTimeout;
	}

	public void setExchangeTimeout(@Nullable Duration exchangeTimeout) {
		this.exchangeTimeout = exchangeTimeout;
	}

	public boolean isIdempotent() {
		return this.idempotent;
	}

	public void setIdempotent(boolean idempotent) {
		this.idempotent = idempotent;
	}

	public long getMaxExchanges() {
		return this.maxExchanges;
	}

	public void setMaxExchanges(long maxExchanges) {
		this.maxExchanges = maxExchanges;
	}

	public DataSize getMaxMemory() {
		return this.maxMemory;
	}

	public void setMaxMemory(DataSize maxMemory) {
		this.maxMemory = maxMemory;
	}

	public @Nullable Duration getSpinTime() {
		return this.spinTime;
	}

	public void setSpinTime(@Nullable Duration spinTime) {
		this.spinTime = spinTime;
	}

	public Duration getShutdownTimeout() {
		return this.shutdownTimeout;
	}

	public void setShutdownTimeout(Duration shutdownTimeout) {
		this.shutdownTimeout = shutdownTimeout;
	}

	public Restart getRestart() {
		return this.restart;
	}

	/** Where a child's standard output and error go. */
	public enum Output {

		/** Line by line to the logger {@code ipc.child.<name>}. */
		LOG,

		/** Where this application's go. */
		INHERIT,

		/** Nowhere. */
		DISCARD,

		/** To a file, at its end. */
		FILE

	}

	/** When a child that ended is started again. */
	public enum RestartPolicy {

		/** Whenever it ended. */
		ALWAYS,

		/** When it ended otherwise than with exit code 0. */
		ON_FAILURE,

		/** Never. */
		NEVER

	}

	/** How a child that ended is started again. */
	public static class Restart {

		/**
		 * When a child that ended is started again.
		 */
		private RestartPolicy policy = RestartPolicy.ALWAYS;

		/**
		 * Delay before the first restart, which doubles with each further one.
		 */
		private Duration initialDelay = Duration.ofMillis(100);

		/**
		 * Longest delay before a restart.
		 */
		private Duration maxDelay = Duration.ofSeconds(30);

		/**
		 * Time after which a child that still runs is trusted, and delays start over.
		 */
		private Duration stableAfter = Duration.ofSeconds(10);

		/**
		 * Number of failures within the failure window after which the child is not
		 * started again.
		 */
		private int maxFailures = 5;

		/**
		 * Time within which failures count together.
		 */
		private Duration failureWindow = Duration.ofSeconds(60);

		public RestartPolicy getPolicy() {
			return this.policy;
		}

		public void setPolicy(RestartPolicy policy) {
			this.policy = policy;
		}

		public Duration getInitialDelay() {
			return this.initialDelay;
		}

		public void setInitialDelay(Duration initialDelay) {
			this.initialDelay = initialDelay;
		}

		public Duration getMaxDelay() {
			return this.maxDelay;
		}

		public void setMaxDelay(Duration maxDelay) {
			this.maxDelay = maxDelay;
		}

		public Duration getStableAfter() {
			return this.stableAfter;
		}

		public void setStableAfter(Duration stableAfter) {
			this.stableAfter = stableAfter;
		}

		public int getMaxFailures() {
			return this.maxFailures;
		}

		public void setMaxFailures(int maxFailures) {
			this.maxFailures = maxFailures;
		}

		public Duration getFailureWindow() {
			return this.failureWindow;
		}

		public void setFailureWindow(Duration failureWindow) {
			this.failureWindow = failureWindow;
		}

	}

}
