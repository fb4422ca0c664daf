package dev.tinyipc.spring.child;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;

import dev.tinyipc.IpcSocket;
import dev.tinyipc.Sandbox;
import dev.tinyipc.spring.CborMessageTemplate;
import org.jspecify.annotations.Nullable;

import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.util.unit.DataSize;

/**
 * A child as it will run: its declaration, overridden by its settings. Invalid values are
 * refused here, with their key and the reason.
 *
 * @param name the child's name
 * @param command the program and its arguments; empty if a main class is run
 * @param main the main class; null if a program is run
 * @param jvmArguments arguments of the main class's JVM
 * @param instances the number of processes, at least 1
 * @param concurrency the number of exchanges that each process has at a time, at least 1
 * @param oneWay whether it answers no requests
 * @param ready whether it says hello once it is ready, and is not to be used before
 * @param zygote whether its processes are forked from one that has loaded everything
 * @param transport the way of its messages
 * @param profile what it may do
 * @param environment the variables to add to the child's environment
 * @param reasonNotToStart why the child is not started with the application; null if it
 * is
 * @param settings the settings, of which some have no counterpart in a declaration
 */
record ChildSpec(String name, List<String> command, @Nullable String main, List<String> jvmArguments, int instances,
		int concurrency, boolean oneWay, boolean ready, boolean zygote, ChildSettings.Transport transport,
		Sandbox.Profile profile, Map<String, String> environment, @Nullable String reasonNotToStart,
		ChildSettings settings) {

	private static final long SMALLEST_RING = 4 * 1024;

	private static final long LARGEST_RING = 64 * 1024 * 1024;

	ChildSpec {
		command = List.copyOf(command);
		jvmArguments = List.copyOf(jvmArguments);
		environment = Map.copyOf(environment);
		require(name, instances > 0, ".instances", instances, "There must be at least one.");
		require(name, concurrency > 0, ".concurrency", concurrency, "It must be at least one.");
		require(name, concurrency == 1 || !oneWay, ".concurrency", concurrency,
				"A one-way child has no exchanges: remove 'concurrency' or 'one-way' from its declaration.");
		positive(name, ".cancel-timeout", settings.cancelTimeout());
		require(name, settings.spare() >= 0, ".spare", settings.spare(), "It must not be negative; zero is none.");
		require(name, !oneWay || settings.transport() != ChildSettings.Transport.MEMORY, ".transport",
				settings.transport(),
				"A one-way child is not invited to say hello, and cannot say that it shares memory:"
						+ " remove 'transport', or 'one-way' from its declaration.");
		require(name, !ready || !oneWay, ".ready", ready, "A one-way child is not invited to say hello, and would"
				+ " never be ready: remove 'ready' or 'one-way' from its declaration.");
		require(name, !zygote || main == null, ".zygote", zygote, "A JVM cannot fork: remove 'zygote' from the"
				+ " declaration of a main class. It is for programs in Python.");
		positive(name, ".start-timeout", settings.startTimeout());
		positive(name, ".exchange-timeout", settings.exchangeTimeout());
		positive(name, ".acquire-timeout", settings.acquireTimeout());
		positive(name, ".startup-grace", settings.startupGrace());
		positive(name, ".shutdown-timeout", settings.shutdownTimeout());
		positive(name, ".quarantine", settings.quarantine());
		require(name, settings.quarantine() == null || !oneWay, ".quarantine", settings.quarantine(),
				"A one-way child has no exchanges: remove 'quarantine' or 'one-way' from its declaration.");
		Integer maxWaiting = settings.maxWaiting();
		require(name, maxWaiting == null || maxWaiting >= 0, ".max-waiting", maxWaiting,
				"It must not be negative; omit it for no limit.");
		require(name, settings.maxExchanges() >= 0, ".max-exchanges", settings.maxExchanges(),
				"It must not be negative; zero is no limit.");
		require(name, settings.maxMemory().toBytes() >= 0, ".max-memory", settings.maxMemory(),
				"It must not be negative; zero is no limit.");
		long blocks = settings.blocks().toBytes();
		require(name, blocks >= 0 && blocks <= Integer.MAX_VALUE, ".blocks", settings.blocks(),
				"It must be less than 2 GB, and not negative; zero is none.");
		Duration spinTime = settings.spinTime();
		require(name, spinTime == null || (!spinTime.isNegative() && spinTime.compareTo(IpcSocket.MAX_SPIN_TIME) <= 0),
				".spin-time", spinTime, "It must be between zero and 10 ms; zero never to poll.");
		require(name, isRingSize(settings.ringSize().toBytes()), ".ring-size", settings.ringSize(),
				"It must be a power of two from 4KB to 64MB.");
		require(name, (settings.output() == ChildSettings.Output.FILE) == (settings.outputFile() != null),
				".output-file", settings.outputFile(), "It must be set if, and only if, 'output' is 'file'.");
		require(name, settings.nice() == null || (settings.nice() >= 0 && settings.nice() <= 19), ".nice",
				settings.nice(), "It must be between 0, for the priority of the application, and 19.");
		check(name, profile, settings.sandbox());
		check(name, settings.limits());
		check(name, settings.restart());
	}

	private static boolean isRingSize(long bytes) {
		return bytes >= SMALLEST_RING && bytes <= LARGEST_RING && Long.bitCount(bytes) == 1;
	}

	private static void check(String name, Sandbox.Profile profile, ChildSettings.Sandbox sandbox) {
		requirePathsUsed(name, profile, sandbox, ".sandbox.read", sandbox.read());
		requirePathsUsed(name, profile, sandbox, ".sandbox.write", sandbox.write());
		requirePathsUsed(name, profile, sandbox, ".sandbox.execute", sandbox.execute());
		require(name, !sandbox.audit() || profile != Sandbox.Profile.NONE, ".sandbox.audit", true,
				"Without a profile, nothing is refused: set 'sandbox.profile' to the one that the child is to have.");
	}

	/** Somebody believes that they restrict the child. */
	private static void requirePathsUsed(String name, Sandbox.Profile profile, ChildSettings.Sandbox sandbox,
			String key, List<Path> paths) {
		boolean switchedOff = sandbox.profile() == Sandbox.Profile.NONE;
		require(name, paths.isEmpty() || profile == Sandbox.Profile.LOCKED_DOWN || switchedOff, key, paths,
				"It restricts nothing unless 'sandbox.profile' is 'locked-down': any other child may use all files"
						+ " of the application's user.");
	}

	private static void check(String name, ChildSettings.Limits limits) {
		DataSize memory = limits.memory();
		require(name, memory == null || memory.toBytes() > 0, ".limits.memory", memory,
				"It must be more than zero; omit it for no limit.");
		positive(name, ".limits.cpu-time", limits.cpuTime());
		Integer openFiles = limits.openFiles();
		require(name, openFiles == null || openFiles > 3, ".limits.open-files", openFiles,
				"It must be at least 4: the child has its input, output, error and socket open.");
		Integer processes = limits.processes();
		require(name, processes == null || processes > 0, ".limits.processes", processes,
				"It must be more than zero; omit it for no limit.");
		DataSize fileSize = limits.fileSize();
		require(name, fileSize == null || fileSize.toBytes() >= 0, ".limits.file-size", fileSize,
				"It must not be negative; omit it for no limit.");
	}

	private static void check(String name, ChildSettings.Restart restart) {
		positive(name, ".restart.max-delay", restart.maxDelay());
		positive(name, ".restart.initial-delay", restart.initialDelay());
		positive(name, ".restart.stable-after", restart.stableAfter());
		positive(name, ".restart.failure-window", restart.failureWindow());
		require(name, restart.maxDelay().compareTo(restart.initialDelay()) >= 0, ".restart.max-delay",
				restart.maxDelay(), "It must not be shorter than the initial delay.");
		require(name, restart.maxFailures() > 0, ".restart.max-failures", restart.maxFailures(),
				"It must be more than zero; to never restart the child, set the policy to 'never'.");
	}

	/** How many bytes of a message may be in blocks. */
	int maxBlocksSize() {
		return this.oneWay ? 0 : (int) this.settings.blocks().toBytes();
	}

	private static void positive(String name, String key, @Nullable Duration value) {
		require(name, value == null || value.compareTo(Duration.ZERO) > 0, key, value, "It must be more than zero.");
		require(name, value == null || value.compareTo(CborMessageTemplate.MAX_TIMEOUT) <= 0, key, value,
				"It must be at most 100 years.");
	}

	private static void require(String name, boolean valid, String key, @Nullable Object value, String reason) {
		if (!valid) {
			throw new InvalidConfigurationPropertyValueException("ipc.children." + name + key, value, reason);
		}
	}

	/** The number of processes in all, those that stand by included. */
	int processes() {
		return this.instances + this.settings.spare();
	}

	/**
	 * The number of exchanges after which an instance is replaced, zero for no limit. It
	 * has a jitter, so that not all instances are replaced at once.
	 */
	long exchangeLimit() {
		long limit = this.settings.maxExchanges();
		return (limit > 0) ? limit + ThreadLocalRandom.current().nextLong(limit / 10 + 1) : 0;
	}

	/** The resident size that no process of the child may exceed: the lower of two. */
	InstanceMemory.Limit memoryLimit() {
		long maxMemory = this.settings.maxMemory().toBytes();
		DataSize data = this.settings.limits().memory();
		boolean lower = data != null && (maxMemory == 0 || data.toBytes() < maxMemory);
		return new InstanceMemory.Limit(lower ? data.toBytes() : maxMemory,
				"ipc.children." + this.name + (lower ? ".limits.memory" : ".max-memory"));
	}

	/**
	 * The memory that a process and what it starts may use together, in bytes; null for
	 * no limit. An instance that is to be replaced for its size needs more than that.
	 */
	@Nullable Long memoryOfGroup() {
		DataSize data = this.settings.limits().memory();
		long maxMemory = this.settings.maxMemory().toBytes();
		return (data != null) ? Long.valueOf(data.toBytes()) : (maxMemory > 0) ? Long.valueOf(maxMemory * 2) : null;
	}

	@Override
	public String toString() {
		return "child process '" + this.name + '\'';
	}

}
