package dev.tinyipc.spring;

import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcProcess;
import dev.tinyipc.IpcProcessBuilder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import org.springframework.context.SmartLifecycle;
import org.springframework.util.ClassUtils;

/**
 * A child process that was declared, and the destination of its name. It starts and stops
 * with the application: before the web server accepts a request, and after it has
 * answered the last one.
 */
public final class IpcChild implements IpcDestination, SmartLifecycle {

	/**
	 * Below the phases in which Boot starts web servers, and waits for their requests.
	 */
	static final int PHASE = SmartLifecycle.DEFAULT_PHASE - 4096;

	private static final Logger logger = LoggerFactory.getLogger(IpcChild.class);

	private static final File NULL_DEVICE = new File("/dev/null");

	private static final Duration SHUTDOWN_TIMEOUT = Duration.ofSeconds(1);

	private final String name;

	private final ChildSettings settings;

	private final IpcSocketFactory socketFactory;

	/** One exchange at a time, in the order in which they came. */
	private final ReentrantLock exchanges = new ReentrantLock(true);

	private volatile @Nullable IpcProcess process;

	IpcChild(String name, ChildSettings settings, IpcSocketFactory socketFactory) {
		this.name = name;
		this.settings = settings;
		this.socketFactory = socketFactory;
	}

	@Override
	public String name() {
		return this.name;
	}

	/**
	 * The process id.
	 * @return empty while the child does not run
	 */
	public OptionalLong pid() {
		IpcProcess process = this.process;
		return (process != null && process.isAlive()) ? OptionalLong.of(process.pid()) : OptionalLong.empty();
	}

	@Override
	public void start() {
		try {
			IpcProcessBuilder builder = new IpcProcessBuilder(command()).redirectInput(Redirect.from(NULL_DEVICE))
				.redirectOutput(Redirect.INHERIT)
				.redirectError(Redirect.INHERIT);
			builder.environment().putAll(this.settings.getEnvironment());
			Path directory = this.settings.getDirectory();
			builder.directory((directory != null) ? directory.toFile() : null);
			IpcProcess process = builder.socketPair(this.socketFactory.createSocketPair()).start();
			this.process = process;
			logger.info("Started child process '{}' (pid {})", this.name, process.pid());
		}
		catch (IOException ex) {
			throw new ChildStartException(this.name, String.valueOf(ex.getMessage()), ex);
		}
	}

	private List<String> command() throws IOException {
		List<String> command = this.settings.getCommand();
		String main = this.settings.getMain();
		if (command.isEmpty() == (main == null)) {
			throw new ChildStartException(this.name, (main == null) ? "neither a command nor a main class is declared"
					: "a command and a main class are declared, and one of them is wanted", null);
		}
		if (main == null) {
			return command;
		}
		if (!ClassUtils.isPresent(main, null)) {
			throw new ChildStartException(this.name,
					"its main class " + main + " is not on the class path of this application", null);
		}
		return JavaCommand.of(main, this.settings.getJvmArguments());
	}

	@Override
	public void stop() {
		IpcProcess process = this.process;
		if (process == null) {
			return;
		}
		this.process = null;
		try (process) {
			if (process.isAlive()) {
				// The child reads the end of its socket, and ends itself.
				process.socket().shutdownOutput();
				if (!process.waitFor(SHUTDOWN_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
					process.destroy();
				}
				if (!process.waitFor(SHUTDOWN_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
					process.destroyForcibly().waitFor();
				}
			}
			logger.info("Stopped child process '{}': {}", this.name, process);
		}
		catch (IOException ex) {
			logger.warn("Child process '{}' could not be stopped in order", this.name, ex);
			process.destroyForcibly();
		}
		catch (InterruptedException ex) {
			process.destroyForcibly();
			Thread.currentThread().interrupt();
		}
	}

	@Override
	public boolean isRunning() {
		return this.process != null;
	}

	@Override
	public int getPhase() {
		return PHASE;
	}

	@Override
	public <R> R exchange(Duration timeout, SocketAction<R> action) throws IpcException {
		return alone(timeout, (process, left) -> {
			try {
				return action.run(process.socket(), left);
			}
			catch (IpcException.Timeout ex) {
				// Its late reply must reach nobody.
				process.destroyForcibly();
				throw ex;
			}
		});
	}

	@Override
	public <R> R receive(Duration timeout, SocketAction<R> action) throws IpcException {
		return alone(timeout, (process, left) -> action.run(process.socket(), left));
	}

	@Override
	public <R> R send(Duration timeout, SocketAction<R> action) throws IpcException {
		return action.run(running().socket(), timeout);
	}

	private <R> R alone(Duration timeout, ProcessAction<R> action) throws IpcException {
		long end = System.nanoTime() + timeout.toNanos();
		try {
			if (!this.exchanges.tryLock(timeout.toNanos(), TimeUnit.NANOSECONDS)) {
				throw new IpcException.Timeout("busy with other requests for " + timeout);
			}
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
			throw new IpcException("interrupted while waiting for other requests", ex);
		}
		try {
			return action.run(running(), Duration.ofNanos(Math.max(1, end - System.nanoTime())));
		}
		finally {
			this.exchanges.unlock();
		}
	}

	private IpcProcess running() throws IpcException {
		IpcProcess process = this.process;
		if (process == null) {
			throw new IpcException.PeerClosed("it is not running: children start and stop with the application");
		}
		return process;
	}

	@Override
	public String toString() {
		return "child process '" + this.name + '\'';
	}

	@FunctionalInterface
	private interface ProcessAction<R> {

		R run(IpcProcess process, Duration timeout) throws IpcException;

	}

}
