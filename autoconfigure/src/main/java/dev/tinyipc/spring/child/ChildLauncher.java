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

import dev.tinyipc.spring.ChildStartException;
import dev.tinyipc.spring.IpcSocketFactory;
import dev.tinyipc.ExitStatus;
import dev.tinyipc.IpcProcess;
import dev.tinyipc.IpcProcessBuilder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import org.springframework.util.ClassUtils;

/** Starts processes of one child, as its settings say. */
final class ChildLauncher {

	private static final Logger logger = LoggerFactory.getLogger(ChildLauncher.class);

	/** Invites the child to say what it can do. */
	private static final String HELLO_VARIABLE = "TINY_IPC_HELLO";

	private static final String MAX_MESSAGE_SIZE_VARIABLE = "TINY_IPC_MAX_MESSAGE_SIZE";

	private static final File NULL_DEVICE = new File("/dev/null");

	private static final Duration DEFAULT_SPIN_TIME = Duration.ofNanos(50_000);

	private final ChildSpec spec;

	private final IpcSocketFactory socketFactory;

	private final @Nullable JavaCommand java;

	private final int maxMessageSize;

	private final Duration spinTime;

	private boolean debuggerTold;

	/**
	 * Launches one child.
	 * @param archives where classes are shared between starts, or null not to
	 * @param maxMessageSize largest message that this application sends, in bytes
	 */
	ChildLauncher(ChildSpec spec, IpcSocketFactory socketFactory, @Nullable ClassArchives archives,
			int maxMessageSize) {
		this.spec = spec;
		this.socketFactory = socketFactory;
		String main = spec.main();
		this.java = (main != null) ? new JavaCommand(spec, main, archives) : null;
		this.maxMessageSize = maxMessageSize;
		this.spinTime = spinTime(spec.settings().spinTime(), spec.instances());
	}

	/** Who stays awake needs a processor at either end, or takes it from another. */
	private static Duration spinTime(@Nullable Duration configured, int instances) {
		if (configured != null) {
			return configured;
		}
		return (2 * instances <= Runtime.getRuntime().availableProcessors()) ? DEFAULT_SPIN_TIME : Duration.ZERO;
	}

	/**
	 * Starts one.
	 * @param log takes what it writes, if it is to be logged
	 * @throws ChildStartException if it cannot be started
	 */
	Launched launch(ChildLog log) {
		JavaCommand.Start start = null;
		IpcProcess process = null;
		try {
			check();
			IpcProcessBuilder builder = new IpcProcessBuilder(this.spec.command())
				.redirectInput(Redirect.from(NULL_DEVICE))
				.contained()
				.spinTime(this.spinTime);
			prepare(builder.environment());
			if (this.java != null) {
				start = this.java.prepare(builder.environment());
				builder.command().addAll(start.command());
			}
			log.startOver();
			direct(builder, log);
			Path directory = this.spec.settings().directory();
			builder.directory((directory != null) ? directory.toFile() : null);
			process = builder.socketPair(this.socketFactory.createSocketPair()).start();
			return new Launched(process, end(process, start, log));
		}
		catch (ChildStartException ex) {
			throw ex;
		}
		catch (IOException | RuntimeException ex) {
			throw new ChildStartException(this.spec.name(), String.valueOf(ex.getMessage()), ex);
		}
		finally {
			if (process == null && start != null) {
				start.cancel();
			}
		}
	}

	private CompletableFuture<?> end(IpcProcess process, JavaCommand.@Nullable Start start, ChildLog log) {
		CompletableFuture<ExitStatus> end = process.onExit(Runnable::run);
		if (start == null) {
			return end;
		}
		long startedAt = System.nanoTime();
		Duration stableAfter = this.spec.settings().restart().stableAfter();
		return end.thenAccept((exit) -> start.ended(exit, System.nanoTime() - startedAt < stableAfter.toNanos(),
				log.saysThatThereIsNoJvm()));
	}

	private void prepare(Map<String, String> environment) {
		environment.remove(HELLO_VARIABLE); // which may be of our own parent's
		if (!this.spec.oneWay()) {
			environment.put(HELLO_VARIABLE, "1");
		}
		environment.put(MAX_MESSAGE_SIZE_VARIABLE, Integer.toString(this.maxMessageSize));
		List<String> variables = InheritedDebugger.removeFrom(environment, this.spec.environment());
		if (!variables.isEmpty() && !this.debuggerTold) {
			this.debuggerTold = true;
			logger.warn(
					"{} does not inherit the debugger's option in {}, because this application uses the address."
							+ " To debug the child, set ipc.children.{}.environment.{}, with another address",
					this.spec, variables, this.spec.name(), variables.get(0));
		}
		environment.putAll(this.spec.environment());
	}

	/**
	 * A process that was started.
	 *
	 * @param process the process
	 * @param end completed when it has ended, and nothing of its start is left to do
	 */
	record Launched(IpcProcess process, CompletableFuture<?> end) {
	}

	private void direct(IpcProcessBuilder builder, ChildLog log) {
		switch (this.spec.settings().output()) {
			case LOG -> builder.outputLines(log::output).errorLines(log::error);
			case INHERIT -> direct(builder, Redirect.INHERIT);
			case DISCARD -> direct(builder, Redirect.DISCARD);
			case FILE -> direct(builder, Redirect.appendTo(outputFile().toFile()));
		}
	}

	private static void direct(IpcProcessBuilder builder, Redirect destination) {
		builder.redirectOutput(destination).redirectError(destination);
	}

	private Path outputFile() {
		return Objects.requireNonNull(this.spec.settings().outputFile()); // checked at
																			// the start
	}

	private void check() {
		boolean hasCommand = !this.spec.command().isEmpty();
		String main = this.spec.main();
		if (hasCommand == (main != null)) {
			throw failure(hasCommand ? "a command and a main class are declared, and one of them is wanted"
					: "neither a command nor a main class is declared");
		}
		if (main != null && !ClassUtils.isPresent(main, null)) {
			throw failure("its main class " + main + " is not on the class path of this application");
		}
	}

	private ChildStartException failure(String reason) {
		return new ChildStartException(this.spec.name(), reason, null);
	}

}
