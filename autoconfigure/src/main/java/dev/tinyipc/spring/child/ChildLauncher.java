package dev.tinyipc.spring.child;

import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

import dev.tinyipc.Deadline;
import dev.tinyipc.ExitStatus;
import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcProcess;
import dev.tinyipc.IpcProcessBuilder;
import dev.tinyipc.IpcServer;
import dev.tinyipc.IpcSocketPair;
import dev.tinyipc.IpcZygote;
import dev.tinyipc.ResourceLimits;
import dev.tinyipc.Sandbox;
import dev.tinyipc.spring.ChildStartException;
import dev.tinyipc.spring.IpcChannelFactory;
import dev.tinyipc.spring.IpcSocketFactory;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import org.springframework.util.ClassUtils;

/** Starts the processes of one child according to its settings. */
final class ChildLauncher {

	private static final Logger logger = LoggerFactory.getLogger(ChildLauncher.class);

	private static final File NULL_DEVICE = new File("/dev/null");

	private static final Duration DEFAULT_SPIN_TIME = Duration.ofNanos(50_000);

	private final ChildSpec spec;

	private final IpcSocketFactory socketFactory;

	private final IpcChannelFactory channelFactory;

	private final @Nullable JavaCommand java;

	private final IpcProcess.@Nullable Program program;

	private final Duration spinTime;

	private final Sandbox sandbox;

	private final ControlGroup.Factory groups;

	private final ProtectionLog protectionLog;

	/** Null if each instance is started by itself. */
	private final @Nullable ZygoteKeeper zygotes;

	/** Null if the sandbox is in force. */
	private final @Nullable SandboxAuditLog auditLog;

	private boolean debuggerTold;

	/**
	 * Creates a launcher for one child.
	 * @param archives shares classes between starts; null not to share any
	 * @param program runs in this JVM, in place of processes; null to start processes
	 * @param groups has processes with limits in groups of their own
	 * @param executor learns of the end of a zygote
	 */
	ChildLauncher(ChildSpec spec, IpcSocketFactory socketFactory, IpcChannelFactory channelFactory,
			@Nullable ClassArchives archives, IpcProcess.@Nullable Program program, ControlGroup.Factory groups,
			Executor executor) {
		this.spec = spec;
		this.socketFactory = socketFactory;
		this.channelFactory = channelFactory;
		String main = spec.main();
		this.program = program;
		this.java = (main != null && program == null) ? new JavaCommand(spec, main, archives) : null;
		this.spinTime = spinTime(spec);
		this.sandbox = ChildSandbox.of(spec);
		this.groups = groups;
		this.zygotes = (spec.zygote() && program == null) ? new ZygoteKeeper(spec, this::startZygote, executor) : null;
		this.protectionLog = new ProtectionLog(spec, this.sandbox);
		this.auditLog = spec.settings().sandbox().audit() ? new SandboxAuditLog(spec, this.sandbox) : null;
		if (program != null) {
			logger.debug("{} runs in this JVM, without its profile, limits and environment: {}", spec, this.sandbox);
		}
	}

	/**
	 * How long both ends poll: our own library sees at either end whether others need the
	 * processor. Another one may not, and polls only where there are enough.
	 */
	private static Duration spinTime(ChildSpec spec) {
		Duration configured = spec.settings().spinTime();
		if (configured != null) {
			return configured;
		}
		boolean ours = spec.main() != null;
		return (ours || 2 * spec.instances() <= Runtime.getRuntime().availableProcessors()) ? DEFAULT_SPIN_TIME
				: Duration.ZERO;
	}

	/**
	 * Prepares what the start of a process needs.
	 * @param log gets the output of a zygote, if that is to be logged
	 * @return completed when processes can be started; exceptionally, with a
	 * {@link ChildStartException}, if that is not possible
	 */
	CompletableFuture<?> prepare(ChildLog log) {
		return (this.zygotes != null) ? this.zygotes.prepare(log) : CompletableFuture.completedFuture(null);
	}

	/**
	 * Prepares the same anew, because the program may have changed. If that fails, what
	 * was prepared before stays.
	 */
	CompletableFuture<?> prepareAnew(ChildLog log) {
		if (this.zygotes == null) {
			return CompletableFuture.completedFuture(null);
		}
		CompletableFuture<?> replacement = this.zygotes.replace(log);
		replacement.exceptionally((failure) -> {
			logger.warn("{} is not restarted, and goes on as before: {}", this.spec, failure.getMessage());
			return null;
		});
		return replacement;
	}

	/**
	 * Ends what was prepared. All processes that were started must have ended.
	 * @return completed when it has ended
	 */
	CompletableFuture<?> end() {
		return (this.zygotes != null) ? this.zygotes.close() : CompletableFuture.completedFuture(null);
	}

	/**
	 * Starts a process.
	 * @param log gets its output, if that is to be logged
	 * @param executor cleans up after the process has ended
	 * @throws ChildStartException if it cannot be started
	 */
	Launched launch(ChildLog log, Executor executor) {
		ChildLog.Output output = log.ofProcess();
		if (this.program != null) {
			return launchHere(this.program, output, executor);
		}
		JavaCommand.Start start = null;
		IpcSocketPair pair = null;
		IpcProcess process = null;
		try {
			check();
			pair = this.socketFactory.createSocketPair();
			IpcChannel channel = channelTo(pair);
			IpcProcessBuilder builder = builder(this.sandbox, output).socketPair(pair);
			IpcZygote zygote = (this.zygotes != null) ? this.zygotes.get(log) : null;
			if (zygote != null) {
				process = zygote.fork(builder);
			}
			else {
				program(builder, channel, log);
				if (this.java != null) {
					start = this.java.prepare(builder.environment());
					builder.command().addAll(start.command());
				}
				process = builder.start();
			}
			ControlGroup group = this.groups.put(process.pid(), this.spec.memoryOfGroup(),
					this.sandbox.limits().processes());
			Launched launched = new Launched(process, zygote, group, channel, output, stacks(),
					end(process, start, output, executor));
			this.protectionLog.started(process);
			return launched;
		}
		catch (ChildStartException ex) {
			throw ex;
		}
		catch (IOException | RuntimeException ex) {
			if (process != null) {
				process.destroyForcibly(); // nobody would know of it
			}
			throw new ChildStartException(this.spec.name(), String.valueOf(ex.getMessage()), ex);
		}
		finally {
			if (process == null) {
				cancel(start, pair);
			}
		}
	}

	/** Starts the process that others are forked from. */
	private IpcZygote startZygote(ChildLog log, ChildLog.Output output) throws IOException {
		check();
		IpcSocketPair pair = this.socketFactory.createSocketPair();
		try {
			ResourceLimits limits = this.sandbox.limits();
			// The others are for each process, or would keep it from forking.
			IpcProcessBuilder builder = builder(
					this.sandbox.limits(new ResourceLimits(limits.memory(), null, null, null, limits.fileSize(), null)),
					output);
			program(builder, channelTo(pair), log);
			return IpcZygote.start(builder.socketPair(pair),
					Deadline.in(this.spec.settings().startTimeout()).interruptible());
		}
		catch (IOException | RuntimeException | Error ex) {
			pair.close();
			throw ex;
		}
	}

	private IpcProcessBuilder builder(Sandbox sandbox, ChildLog.Output output) {
		IpcProcessBuilder builder = new IpcProcessBuilder(this.spec.command()).redirectInput(Redirect.from(NULL_DEVICE))
			.contained()
			.spinTime(this.spinTime)
			.sandbox(sandbox); // before variables are set: these stay
		direct(builder, output);
		return builder;
	}

	private void program(IpcProcessBuilder builder, IpcChannel channel, ChildLog log) {
		prepare(builder.environment(), channel);
		Path directory = this.spec.settings().directory();
		builder.directory((directory != null) ? directory.toFile() : null);
		if (this.auditLog != null) {
			SandboxAuditLog auditLog = this.auditLog;
			builder.auditSandbox((need) -> auditLog.needed(need, log));
		}
	}

	private IpcChannel channelTo(IpcSocketPair pair) {
		return this.channelFactory.createChannel(pair.parent()).withBlocks(this.spec.maxBlocksSize());
	}

	private Launched launchHere(IpcProcess.Program program, ChildLog.Output output, Executor executor) {
		IpcSocketPair pair = null;
		IpcProcess process = null;
		try {
			pair = this.socketFactory.createSocketPair();
			IpcChannel channel = channelTo(pair);
			process = IpcProcess.inThisJvm(pair, program);
			return new Launched(process, null, ControlGroup.NONE, channel, output, Stacks.NEVER,
					process.onExit(executor));
		}
		catch (IOException ex) {
			throw new ChildStartException(this.spec.name(), String.valueOf(ex.getMessage()), ex);
		}
		finally {
			if (process == null) {
				cancel(null, pair);
			}
		}
	}

	private static void cancel(JavaCommand.@Nullable Start start, @Nullable IpcSocketPair pair) {
		if (start != null) {
			start.cancel();
		}
		if (pair != null) {
			pair.close();
		}
	}

	private CompletableFuture<?> end(IpcProcess process, JavaCommand.@Nullable Start start, ChildLog.Output output,
			Executor executor) {
		CompletableFuture<ExitStatus> end = process.onExit(executor);
		if (this.auditLog != null) {
			end.thenRun(this.auditLog::ended);
		}
		if (start == null) {
			return end;
		}
		long startedAt = System.nanoTime();
		Duration stableAfter = this.spec.settings().restart().stableAfter();
		return end.thenAccept((exit) -> start.ended(exit, System.nanoTime() - startedAt < stableAfter.toNanos(),
				output.saysThatThereIsNoJvm()));
	}

	private Stacks stacks() {
		if (this.spec.settings().output() == ChildSettings.Output.DISCARD) {
			return Stacks.NEVER;
		}
		// With -Xrs, a JVM does not handle the signal.
		boolean isJvm = this.java != null && !this.spec.jvmArguments().contains("-Xrs");
		return isJvm ? Stacks.OF_JVM : Stacks.IF_ANNOUNCED;
	}

	/** When a process can be told to print the stacks of its threads. */
	enum Stacks {

		/** Never: nobody would read them. */
		NEVER,

		/** Always: it is a JVM. */
		OF_JVM,

		/**
		 * If its hello has named a signal for that. Any other program would end by one.
		 */
		IF_ANNOUNCED

	}

	private void prepare(Map<String, String> environment, IpcChannel channel) {
		if (!this.spec.oneWay()) {
			environment.put(IpcServer.HELLO_VARIABLE, "1");
		}
		if (this.spec.settings().output() == ChildSettings.Output.LOG) {
			environment.put(IpcServer.LOG_PREFIX_VARIABLE, "1");
		}
		if (this.spec.maxBlocksSize() > 0) {
			environment.put(IpcServer.BLOCKS_VARIABLE, Integer.toString(this.spec.maxBlocksSize()));
		}
		environment.put(IpcServer.MAX_MESSAGE_SIZE_VARIABLE, Integer.toString(channel.maxMessageSize()));
		List<String> variables = InheritedDebugger.removeFrom(environment, this.spec.environment());
		if (!variables.isEmpty() && !this.debuggerTold) {
			this.debuggerTold = true;
			logger.warn(
					"{} does not inherit the debugger option in {}, because this application uses its address."
							+ " To debug the child, set ipc.children.{}.environment.{} with another address",
					this.spec, variables, this.spec.name(), variables.get(0));
		}
		environment.putAll(this.spec.environment());
	}

	/**
	 * A process that was started.
	 *
	 * @param process the process
	 * @param zygote what it was forked from; null if it was started by itself
	 * @param group the group that it is in
	 * @param channel the channel to it
	 * @param output what it prints, if that is to be logged
	 * @param stacks when it prints the stacks of its threads
	 * @param end completed when it has ended and has been cleaned up after
	 */
	record Launched(IpcProcess process, @Nullable IpcZygote zygote, ControlGroup group, IpcChannel channel,
			ChildLog.Output output, Stacks stacks, CompletableFuture<?> end) {

		@Nullable Long zygotePid() {
			return (this.zygote != null) ? this.zygote.process().pid() : null;
		}

	}

	private void direct(IpcProcessBuilder builder, ChildLog.Output output) {
		switch (this.spec.settings().output()) {
			case LOG -> builder.outputLines(output::output).errorLines(output::error);
			case INHERIT -> direct(builder, Redirect.INHERIT);
			case DISCARD -> direct(builder, Redirect.DISCARD);
			case FILE -> direct(builder, Redirect.appendTo(outputFile().toFile()));
		}
	}

	private static void direct(IpcProcessBuilder builder, Redirect destination) {
		builder.redirectOutput(destination).redirectError(destination);
	}

	private Path outputFile() {
		// Checked by the specification's constructor.
		return Objects.requireNonNull(this.spec.settings().outputFile());
	}

	private void check() {
		boolean hasCommand = !this.spec.command().isEmpty();
		String main = this.spec.main();
		if (hasCommand == (main != null)) {
			throw failure(hasCommand ? "both a command and a main class are declared: use only one of them"
					: "neither a command nor a main class is declared");
		}
		if (main != null && System.getProperty("java.home") == null) {
			throw failure("its main class " + main + " needs a Java installation, and a native image has none:"
					+ " declare a command instead");
		}
		if (main != null && !ClassUtils.isPresent(main, null)) {
			throw failure("its main class " + main + " is not on the class path of this application");
		}
	}

	private ChildStartException failure(String reason) {
		return new ChildStartException(this.spec.name(), reason, null);
	}

}
