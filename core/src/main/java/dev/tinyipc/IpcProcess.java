package dev.tinyipc;

import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

import org.jspecify.annotations.Nullable;

/**
 * A child process, with this process's end of the socket to it. It keeps all promises of
 * {@link Process}. Its end is reported when the process ends, even while a grandchild
 * holds its output open.
 */
public final class IpcProcess extends Process implements Closeable {

	private final ChildHandle child;

	private final IpcSocket socket;

	private final ChildStreams streams;

	private final Protection protection;

	private final OutputStream input;

	private final InputStream output;

	private final InputStream error;

	IpcProcess(ChildHandle child, IpcSocket socket, ChildStreams streams, Protection protection) throws IpcException {
		this.protection = protection;
		this.child = child;
		this.socket = socket;
		this.streams = streams;
		OwnedFd inputEnd = streams.parentEnd(0);
		this.input = (inputEnd != null) ? inputEnd.outputStream() : OutputStream.nullOutputStream();
		this.output = stream(streams.parentEnd(1));
		this.error = stream(streams.parentEnd(2));
	}

	/**
	 * Runs a program in a thread of this JVM, in place of a child: for tests, which then
	 * need no process. It is like one for those who ask it, except that its process id is
	 * that of this JVM. What destroys it interrupts the thread, and closes the program's
	 * end of the socket.
	 * @param pair the socket pair, which is closed with the process
	 * @param program what to run
	 * @return the process
	 * @throws IpcException if the process cannot be created
	 */
	public static IpcProcess inThisJvm(IpcSocketPair pair, Program program) throws IpcException {
		InProcessChild child = new InProcessChild(pair.child(), program);
		IpcProcess process = new IpcProcess(child, pair.parent(), new ChildStreams(), Protection.NONE);
		child.start();
		return process;
	}

	private static InputStream stream(@Nullable OwnedFd end) throws IpcException {
		return (end != null) ? new BufferedInputStream(end.inputStream()) : InputStream.nullInputStream();
	}

	/**
	 * This process's end of the socket pair. What the child sent before it ended can
	 * still be received, followed by the end of the stream, even if a grandchild still
	 * holds the child's end.
	 * @return the socket, which {@link #close()} closes
	 */
	public IpcSocket socket() {
		return this.socket;
	}

	/**
	 * What protects this machine from the child.
	 * @return what is in force, as of its start
	 */
	public Protection protection() {
		return this.protection;
	}

	/**
	 * How the child ended, by an exit code or by a signal.
	 * @return empty while it runs
	 */
	public Optional<ExitStatus> exitStatus() {
		return Optional.ofNullable(this.child.status().getNow(null));
	}

	/**
	 * {@inheritDoc}
	 * @return an unbuffered stream, which never needs to be flushed
	 */
	@Override
	public OutputStream getOutputStream() {
		return this.input;
	}

	@Override
	public InputStream getInputStream() {
		return this.output;
	}

	@Override
	public InputStream getErrorStream() {
		return this.error;
	}

	@Override
	public int waitFor() throws InterruptedException {
		try {
			return this.child.status().get().exitValue();
		}
		catch (ExecutionException ex) {
			throw new IllegalStateException(ex.getCause());
		}
	}

	@Override
	public boolean waitFor(long timeout, TimeUnit unit) throws InterruptedException {
		try {
			this.child.status().get(Math.max(0, timeout), unit);
			return true;
		}
		catch (TimeoutException ex) {
			return false;
		}
		catch (ExecutionException ex) {
			throw new IllegalStateException(ex.getCause());
		}
	}

	@Override
	public int exitValue() {
		return exitStatus().orElseThrow(() -> new IllegalThreadStateException("Process has not ended")).exitValue();
	}

	@Override
	public boolean isAlive() {
		return !this.child.status().isDone();
	}

	@Override
	public long pid() {
		return this.child.pid();
	}

	@Override
	public ProcessHandle toHandle() {
		return this.child.handle();
	}

	@Override
	public CompletableFuture<Process> onExit() {
		// Not in the thread that watches all children, which dependents could block.
		return this.child.status().thenApplyAsync((status) -> this);
	}

	/**
	 * Returns a future for how the child ends, which completes once its lines have been
	 * consumed, too, see {@link IpcProcessBuilder#outputLines}.
	 * @param executor runs dependent actions; one that runs them in the calling thread
	 * delays the ends of all other children
	 * @return completed when the process has ended
	 */
	public CompletableFuture<ExitStatus> onExit(Executor executor) {
		return this.child.status().thenApplyAsync((status) -> status, executor);
	}

	@Override
	public boolean supportsNormalTermination() {
		return true;
	}

	/**
	 * Asks the child to end (SIGTERM), with its group if it is
	 * {@linkplain IpcProcessBuilder#contained contained}.
	 */
	@Override
	public void destroy() {
		signal(LibC.SIGTERM);
	}

	/**
	 * Ends the child (SIGKILL), with its group if it is
	 * {@linkplain IpcProcessBuilder#contained contained}.
	 */
	@Override
	public Process destroyForcibly() {
		signal(LibC.SIGKILL);
		return this;
	}

	/**
	 * Has a child that is a JVM print the stacks of its threads on its standard output
	 * (SIGQUIT, to the process only). A child that does not handle this signal ends.
	 */
	public void requestThreadDump() {
		requestThreadDump(LibC.SIGQUIT);
	}

	/**
	 * Has a child print the stacks of its threads (to the process only). A child that
	 * does not handle the signal may end.
	 * @param signal the one that its hello has named, see {@link IpcHello#stackSignal()}
	 */
	public void requestThreadDump(int signal) {
		try {
			this.child.signalAlone(signal);
		}
		catch (IpcException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	private void signal(int signal) {
		try {
			this.child.signal(signal);
		}
		catch (IpcException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	/**
	 * Closes the socket and the streams on this side. A child that reads its socket sees
	 * the end and exits; this neither waits for that nor forces it.
	 */
	@Override
	public void close() {
		this.socket.close();
		this.streams.closeParentEnds();
	}

	@Override
	public String toString() {
		return "process " + pid() + exitStatus().map(status -> ", ended with " + status).orElse("");
	}

	/** A program that runs in place of a child. */
	@FunctionalInterface
	public interface Program {

		/**
		 * Runs the program.
		 * @param socket the child's end of the socket, which is closed afterwards
		 * @return the exit code, 0 to 255
		 * @throws Exception if it failed, which is exit code 1
		 */
		int run(IpcSocket socket) throws Exception;

	}

}
