package dev.tinyipc.spring.child;

import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

import dev.tinyipc.spring.ChildStartException;
import dev.tinyipc.spring.IpcChannelFactory;
import dev.tinyipc.spring.IpcSocketFactory;
import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcProcess;
import dev.tinyipc.IpcProcessBuilder;
import dev.tinyipc.IpcServer;
import org.jspecify.annotations.Nullable;

import org.springframework.util.ClassUtils;

/** Starts processes of one child, as its settings say. */
final class ChildLauncher {

	private static final File NULL_DEVICE = new File("/dev/null");

	private static final Duration DEFAULT_SPIN_TIME = Duration.ofNanos(50_000);

	private final ChildSpec spec;

	private final IpcSocketFactory socketFactory;

	private final IpcChannelFactory channelFactory;

	private final JavaCommand java;

	private final Duration spinTime;

	ChildLauncher(ChildSpec spec, IpcSocketFactory socketFactory, IpcChannelFactory channelFactory, JavaCommand java) {
		this.spec = spec;
		this.socketFactory = socketFactory;
		this.channelFactory = channelFactory;
		this.java = java;
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
		try {
			JavaCommand.Prepared prepared = prepare();
			IpcProcessBuilder builder = new IpcProcessBuilder(prepared.command())
				.redirectInput(Redirect.from(NULL_DEVICE))
				.contained()
				.spinTime(this.spinTime);
			direct(builder, log);
			if (!this.spec.oneWay()) {
				builder.environment().put(IpcServer.HELLO_VARIABLE, "1");
			}
			builder.environment().putAll(this.spec.environment());
			Path directory = this.spec.settings().directory();
			builder.directory((directory != null) ? directory.toFile() : null);
			IpcProcess process = builder.socketPair(this.socketFactory.createSocketPair()).start();
			return new Launched(process, this.channelFactory.createChannel(process.socket()),
					process.onExit(Runnable::run).thenAccept(prepared.afterwards()));
		}
		catch (ChildStartException ex) {
			throw ex;
		}
		catch (IOException | RuntimeException ex) {
			throw new ChildStartException(this.spec.name(), String.valueOf(ex.getMessage()), ex);
		}
	}

	/**
	 * A process that was started.
	 *
	 * @param process the process
	 * @param channel the channel to it
	 * @param end completed when it has ended, and nothing of its start is left to do
	 */
	record Launched(IpcProcess process, IpcChannel channel, CompletableFuture<?> end) {
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

	private JavaCommand.Prepared prepare() throws IOException {
		List<String> command = this.spec.command();
		String main = this.spec.main();
		if (command.isEmpty() == (main == null)) {
			throw new ChildStartException(this.spec.name(),
					(main == null) ? "neither a command nor a main class is declared"
							: "a command and a main class are declared, and one of them is wanted",
					null);
		}
		if (main == null) {
			return new JavaCommand.Prepared(command, (exit) -> {
			});
		}
		if (!ClassUtils.isPresent(main, null)) {
			throw new ChildStartException(this.spec.name(),
					"its main class " + main + " is not on the class path of this application", null);
		}
		return this.java.prepare(main, this.spec.jvmArguments());
	}

}
