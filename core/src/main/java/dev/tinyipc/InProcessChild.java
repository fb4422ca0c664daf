package dev.tinyipc;

import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A program that runs in a thread of this JVM, in place of a child. Any signal ends it:
 * it is interrupted, and its end of the socket closed.
 */
final class InProcessChild implements ChildHandle {

	private static final Logger logger = LoggerFactory.getLogger(IpcProcess.class);

	/** Of a program that throws, as of a JVM whose {@code main} does. */
	private static final int FAILURE = 1;

	private final IpcSocket socket;

	private final IpcProcess.Program program;

	private final Thread thread = new Thread(this::run, "tiny-ipc-in-process");

	private final CompletableFuture<ExitStatus> status = new CompletableFuture<>();

	/**
	 * Creates a child that does not run yet.
	 * @param socket the program's end, which is closed when it ends
	 */
	InProcessChild(IpcSocket socket, IpcProcess.Program program) {
		this.socket = socket;
		this.program = program;
		this.thread.setDaemon(true);
	}

	void start() {
		this.thread.start();
	}

	private void run() {
		int code = FAILURE;
		try {
			code = this.program.run(this.socket);
		}
		catch (Exception | Error ex) { // whatever it is, the program has ended
			if (!this.status.isDone()) {
				logger.warn("A program that runs in place of a child has failed", ex);
			}
		}
		end(new ExitStatus(OptionalInt.of(code), OptionalInt.empty()));
	}

	private void end(ExitStatus how) {
		// Before its status: what it sent can be received, and then comes the end.
		this.socket.close();
		this.status.complete(how);
	}

	@Override
	public int pid() {
		return Math.toIntExact(handle().pid());
	}

	@Override
	public ProcessHandle handle() {
		return ProcessHandle.current();
	}

	@Override
	public CompletableFuture<ExitStatus> status() {
		return this.status;
	}

	@Override
	public void signal(int signal) {
		if (!this.status.isDone()) {
			end(new ExitStatus(OptionalInt.empty(), OptionalInt.of(signal)));
			this.thread.interrupt();
		}
	}

	@Override
	public void signalAlone(int signal) {
		signal(signal);
	}

}
