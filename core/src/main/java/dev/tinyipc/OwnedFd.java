package dev.tinyipc;

import java.io.Closeable;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Locale;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One file descriptor of this process, to be closed by whoever holds it. All descriptors
 * that are created here are close-on-exec.
 *
 * <p>
 * The number is never used after it was closed, not even by a call in another thread:
 * calls borrow it, {@link #close()} lets no new one in, and the number goes back to the
 * kernel with the last borrower. All methods may be called from any thread.
 *
 * <p>
 * A descriptor that is forgotten stays open. To find such leaks, set the system property
 * {@code tinyipc.leak-detection} to {@code true}: a descriptor that is garbage collected
 * unclosed is then logged at WARN, with the stack trace of its creation.
 *
 * <p>
 * Streams and channels work on any descriptor, even of a file that this process could not
 * open by its path. On a file they keep their own position, starting at 0, and never move
 * the offset that the descriptor shares with the process it came from.
 */
public final class OwnedFd implements Closeable {

	private static final Logger logger = LoggerFactory.getLogger(OwnedFd.class);

	private static final VarHandle STATE;

	static {
		try {
			STATE = MethodHandles.lookup().findVarHandle(OwnedFd.class, "state", int.class);
		}
		catch (ReflectiveOperationException ex) {
			throw new ExceptionInInitializerError(ex);
		}
	}

	/**
	 * The sign bit of the state. The low half counts the borrowers, which use the
	 * descriptor in a call, and the bits between those to whom it is lent, which only
	 * send it.
	 */
	private static final int CLOSED = Integer.MIN_VALUE;

	private static final int BORROWED = 1;

	private static final int LENT = 1 << 16;

	private final int number;

	private final boolean socket;

	@SuppressWarnings("unused") // through STATE
	private volatile int state;

	private final CloseActions closeActions = new CloseActions();

	private final LeakDetector leak;

	private OwnedFd(int number, boolean socket) {
		this.number = number;
		this.socket = socket;
		this.leak = LeakDetector.watch(this);
	}

	/**
	 * Takes ownership of an open descriptor.
	 * @param number the descriptor's number
	 * @return the descriptor
	 * @throws IpcException if it is not open ({@code fcntl(2)})
	 */
	public static OwnedFd adopt(int number) throws IpcException {
		NativeAccess.require();
		Errno.check("fcntl(" + number + ", F_GETFD)", LibC.fcntl(number, LibC.F_GETFD, 0));
		return new OwnedFd(number, false);
	}

	/** For a number that the kernel has just returned. */
	static OwnedFd of(int number) {
		return new OwnedFd(number, false);
	}

	/** As {@link #of}, but closing it wakes threads that are blocked in a call on it. */
	static OwnedFd ofSocket(int number) {
		return new OwnedFd(number, true);
	}

	/**
	 * Opens a file, as {@code open(2)} does.
	 * @param path the file
	 * @param options any {@link StandardOpenOption} and {@link LinkOption}, with their
	 * usual meaning; without any, {@code READ}. {@code DELETE_ON_CLOSE} removes the name
	 * at once; the file lives on until its last descriptor is closed. A new file is
	 * readable and writable for everyone, less the process's umask.
	 * @return the descriptor
	 * @throws IpcException if the file cannot be opened, or is not in the default file
	 * system (but in an archive, say)
	 */
	public static OwnedFd open(Path path, OpenOption... options) throws IpcException {
		return FileOpening.open(path, options);
	}

	/**
	 * Creates a pipe ({@code pipe2(2)}).
	 * @return its two ends
	 * @throws IpcException if there are too many open files
	 */
	public static Pipe pipe() throws IpcException {
		return FileOpening.pipe();
	}

	/**
	 * The two ends of a pipe.
	 *
	 * @param source the end that is read
	 * @param sink the end that is written
	 */
	public record Pipe(OwnedFd source, OwnedFd sink) implements Closeable {

		/** Closes both ends. */
		@Override
		public void close() {
			this.source.close();
			this.sink.close();
		}

	}

	/**
	 * Creates a second descriptor of the same open file ({@code F_DUPFD_CLOEXEC} of
	 * {@code fcntl(2)}).
	 * @return the new descriptor, to be closed independently of this one
	 * @throws IpcException if this one is closed or there are too many open files
	 */
	public OwnedFd duplicate() throws IpcException {
		return of(duplicateFrom(0));
	}

	/** As {@link #duplicate()}, with at least the given number. */
	int duplicateFrom(int lowest) throws IpcException {
		int fd = borrow();
		try {
			return Errno.check("fcntl(F_DUPFD_CLOEXEC)", LibC.fcntl(fd, LibC.F_DUPFD_CLOEXEC, lowest));
		}
		finally {
			giveBack();
		}
	}

	/**
	 * The number, for a native call of your own. It is valid until {@link #close()}.
	 * @return the descriptor's number
	 * @throws IllegalStateException if this descriptor is closed
	 */
	public int fd() {
		if (isClosed()) {
			throw new IllegalStateException(closedMessage());
		}
		return this.number;
	}

	/**
	 * Gives up ownership: this object is closed, and the caller closes the number.
	 * @return the descriptor's number
	 * @throws IllegalStateException if it is closed, or in use by another thread
	 */
	public int detach() {
		if (!STATE.compareAndSet(this, 0, CLOSED)) {
			throw new IllegalStateException(
					isClosed() ? closedMessage() : this + " is in use by another thread and cannot be detached");
		}
		this.leak.forget();
		this.closeActions.run(this.number);
		return this.number;
	}

	/**
	 * Asks the kernel what this descriptor refers to. Ask before you read a descriptor
	 * that should be a file: a terminal, or a pipe that nobody writes to, can block for
	 * ever.
	 * @return the kind of file
	 * @throws IpcException if this descriptor is closed
	 */
	public Kind kind() throws IpcException {
		return DescriptorStatus.of(this).kind();
	}

	/** What a descriptor can refer to. */
	public enum Kind {

		/** A regular file. */
		FILE,
		/** Memory, such as that of {@link SharedMemory}. */
		MEMORY,
		/** A directory. */
		DIRECTORY,
		/** A pipe, with or without a name. */
		PIPE,
		/** A socket of any kind. */
		SOCKET,
		/** A device, such as a terminal or {@code /dev/null}. */
		DEVICE,
		/** Anything else, such as an event counter. */
		OTHER;

		/** Such as {@code a pipe}. */
		String description() {
			return switch (this) {
				case MEMORY -> "memory";
				case OTHER -> "something other than a file";
				default -> "a " + name().toLowerCase(Locale.ROOT);
			};
		}

	}

	/**
	 * Reads a file from its start, anything else from its current position. A read may
	 * block.
	 * @return a stream that closes this descriptor when it is closed
	 * @throws IpcException if this descriptor is closed
	 */
	public InputStream inputStream() throws IpcException {
		return new DescriptorInputStream(DescriptorIo.on(this));
	}

	/**
	 * As {@link #inputStream()}, but a read throws an {@link IpcException.Timeout} if
	 * nothing arrives in time, and can then be retried. Files never time out.
	 * @param timeout how long each read may wait, at least 1 ns
	 * @return a stream that closes this descriptor when it is closed
	 * @throws IpcException if this descriptor is closed
	 */
	public InputStream inputStream(Duration timeout) throws IpcException {
		return new DescriptorInputStream(DescriptorIo.on(this).withReadTimeout(timeout));
	}

	/**
	 * Writes a file from its start, over its content (or at its end, if it was opened to
	 * append), anything else at its current position.
	 * @return an unbuffered stream that closes this descriptor when it is closed
	 * @throws IpcException if this descriptor is closed
	 */
	public OutputStream outputStream() throws IpcException {
		return new DescriptorOutputStream(DescriptorIo.on(this));
	}

	/**
	 * Reads and writes a file at the channel's own position, starting at 0
	 * ({@code pread(2)}, {@code pwrite(2)}).
	 * @return a channel that closes this descriptor when it is closed
	 * @throws IpcException if this descriptor has no position, such as that of a pipe, a
	 * socket, a directory or a terminal, or is closed
	 */
	public SeekableByteChannel channel() throws IpcException {
		return new DescriptorChannel(DescriptorIo.onFile(this));
	}

	/**
	 * Whether this descriptor is unusable.
	 * @return true after {@link #close()} or {@link #detach()}
	 */
	public boolean isClosed() {
		return this.state < 0;
	}

	/**
	 * Refuses further calls, and closes the descriptor as soon as none is using it, but
	 * never before. Closing twice does nothing.
	 */
	@Override
	public void close() {
		int seen = this.state;
		while (seen >= 0) {
			// To wake the borrowers, the number must stay ours for one more call.
			boolean wake = this.socket && seen % LENT > 0;
			if (STATE.compareAndSet(this, seen, (wake ? seen + BORROWED : seen) | CLOSED)) {
				this.leak.forget();
				if (wake) {
					LibC.shutdown(this.number, LibC.SHUT_RDWR);
					giveBack();
				}
				else if (seen == 0) {
					closeNumber();
				}
				return;
			}
			seen = this.state;
		}
	}

	static void closeAll(Iterable<OwnedFd> descriptors) {
		for (OwnedFd descriptor : descriptors) {
			descriptor.close();
		}
	}

	/** The number, for one call; {@link #giveBack()} must follow, whatever happens. */
	int borrow() throws IpcException {
		int fd = borrowUnlessClosed();
		if (fd < 0) {
			throw new IpcException(closedMessage());
		}
		return fd;
	}

	/** As {@link #borrow()}, but returns a negative number if this is closed. */
	int borrowUnlessClosed() {
		return use(BORROWED);
	}

	/**
	 * The number, to be sent over another descriptor; {@link #takeBack()} must follow,
	 * whatever happens. Closing a socket does not wake such a call: that would shut the
	 * socket down for its receiver, too.
	 */
	int lend() throws IpcException {
		int fd = use(LENT);
		if (fd < 0) {
			throw new IpcException(closedMessage());
		}
		return fd;
	}

	private int use(int unit) {
		int seen = this.state;
		while (seen >= 0) {
			if (STATE.compareAndSet(this, seen, seen + unit)) {
				return this.number;
			}
			seen = this.state;
		}
		return -1;
	}

	void giveBack() {
		leave(BORROWED);
	}

	void takeBack() {
		leave(LENT);
	}

	private void leave(int unit) {
		if ((int) STATE.getAndAdd(this, -unit) - unit == CLOSED) {
			closeNumber();
		}
	}

	/** Run when the number is no longer this object's. */
	CloseActions closeActions() {
		return this.closeActions;
	}

	private void closeNumber() {
		try {
			this.closeActions.run(this.number);
		}
		finally {
			// EINTR is not a failure: Linux has released the number by then, see
			// close(2).
			if (LibC.close(this.number) < 0 && !Errno.interrupted()) {
				logger.warn("{}", Errno.failure("close(" + this.number + ')', Errno.last()).getMessage());
			}
		}
	}

	private String closedMessage() {
		return this + ": it was closed on this side";
	}

	@Override
	public String toString() {
		return (this.socket ? "socket " : "descriptor ") + this.number;
	}

}
