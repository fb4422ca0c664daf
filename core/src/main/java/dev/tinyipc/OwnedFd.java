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
 * One file descriptor that belongs to this process: whoever holds it closes it. All that
 * are made here are close-on-exec.
 *
 * <p>
 * The number is never used after it was closed, not even by a call that is under way in
 * another thread: calls borrow it, {@link #close()} lets no new one in, and the number
 * goes back to the kernel when the last borrower has left. All methods may be called from
 * any thread.
 *
 * <p>
 * A descriptor that is forgotten stays open. To find out where, set the system property
 * {@code tinyipc.leak-detection} to {@code true}: what is garbage collected unclosed is
 * then logged at WARN with the stack trace of its creation.
 *
 * <p>
 * Streams and channels work on any descriptor, also on a file that this process could not
 * open by its path. On a file they keep a position of their own, starting at 0, and never
 * move the offset that the descriptor shares with the process it came from.
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
	 * The sign bit of the state. The low half counts the borrowers, who use the
	 * descriptor in a call of their own, the bits between those to whom it is lent, who
	 * only send it.
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
	 * Takes ownership of an open descriptor, as it is.
	 * @param number the descriptor's number
	 * @return the descriptor
	 * @throws IpcException if it is not open ({@code fcntl(2)})
	 */
	public static OwnedFd adopt(int number) throws IpcException {
		NativeAccess.require();
		Errno.check("fcntl(" + number + ", F_GETFD)", LibC.fcntl(number, LibC.F_GETFD, 0));
		return new OwnedFd(number, false);
	}

	/** For numbers that the kernel has just given out. */
	static OwnedFd of(int number) {
		return new OwnedFd(number, false);
	}

	/** Closing this one wakes whoever is blocked in a call on it. */
	static OwnedFd ofSocket(int number) {
		return new OwnedFd(number, true);
	}

	/**
	 * Opens a file, as {@code open(2)} does.
	 * @param path the file
	 * @param options of {@link StandardOpenOption} and {@link LinkOption}, with their
	 * usual meaning; none stands for {@code READ}. {@code DELETE_ON_CLOSE} removes the
	 * name at once, the file lives as long as somebody holds a descriptor of it. A file
	 * that is created is readable and writable for all whom the process's umask lets.
	 * @return the descriptor
	 * @throws IpcException if the file cannot be opened, or is not in the host's file
	 * system, but in an archive, say
	 */
	public static OwnedFd open(Path path, OpenOption... options) throws IpcException {
		return FileOpening.open(path, options);
	}

	/**
	 * Makes a pipe, as {@code pipe2(2)} does.
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
	 * Makes a second descriptor of the same open file ({@code F_DUPFD_CLOEXEC} of
	 * {@code fcntl(2)}).
	 * @return the new descriptor, to be closed apart from this one
	 * @throws IpcException if this one is closed or there are too many open files
	 */
	public OwnedFd duplicate() throws IpcException {
		return of(duplicateFrom(0));
	}

	/** As {@link #duplicate()}, with a number that is not below the given one. */
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
	 * The number, for a call of yours that needs it. It stays this object's: it is valid
	 * until {@link #close()}.
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
	 * Gives ownership up: afterwards this object counts as closed, and whoever called
	 * closes the number.
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
	 * Asks the kernel what this descriptor is open on. Whoever receives a descriptor
	 * where a file is expected asks before reading: a terminal, or a pipe that nobody
	 * writes to, can be waited on for ever.
	 * @return what it is
	 * @throws IpcException if this descriptor is closed
	 */
	public Kind kind() throws IpcException {
		return DescriptorStatus.of(this).kind();
	}

	/** What a descriptor can be open on. */
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

		/** As in "it is a pipe". */
		String description() {
			return switch (this) {
				case MEMORY -> "memory";
				case OTHER -> "something else than a file";
				default -> "a " + name().toLowerCase(Locale.ROOT);
			};
		}

	}

	/**
	 * Reads: a file from its start, anything else from where it is. A read waits until
	 * something comes, however long that takes.
	 * @return a stream that closes this descriptor when it is closed
	 * @throws IpcException if this descriptor is closed
	 */
	public InputStream inputStream() throws IpcException {
		return new DescriptorInputStream(DescriptorIo.on(this));
	}

	/**
	 * As {@link #inputStream()}, but a read throws an {@link IpcException.Timeout} if
	 * nothing comes in time, after which it can be tried again. A file never makes a
	 * reader wait.
	 * @param timeout how long each read waits, at least 1 ns
	 * @return a stream that closes this descriptor when it is closed
	 * @throws IpcException if this descriptor is closed
	 */
	public InputStream inputStream(Duration timeout) throws IpcException {
		return new DescriptorInputStream(DescriptorIo.on(this).withReadTimeout(timeout));
	}

	/**
	 * Writes: a file from its start, over what is there (or at its end, if it was opened
	 * to append), anything else where it is.
	 * @return a stream, without a buffer of its own, that closes this descriptor when it
	 * is closed
	 * @throws IpcException if this descriptor is closed
	 */
	public OutputStream outputStream() throws IpcException {
		return new DescriptorOutputStream(DescriptorIo.on(this));
	}

	/**
	 * Reads and writes a file at a position of its own, starting at 0 ({@code pread(2)},
	 * {@code pwrite(2)}).
	 * @return a channel that closes this descriptor when it is closed
	 * @throws IpcException if this is something without a position, such as a pipe, a
	 * socket, a directory or a terminal, or if it is closed
	 */
	public SeekableByteChannel channel() throws IpcException {
		return new DescriptorChannel(DescriptorIo.onFile(this));
	}

	/**
	 * Whether {@link #close()} or {@link #detach()} was called.
	 * @return whether this descriptor can no longer be used
	 */
	public boolean isClosed() {
		return this.state < 0;
	}

	/**
	 * Lets nobody use the descriptor any more, and closes it as soon as no call is under
	 * way on it: never while one is. Closing twice does nothing.
	 */
	@Override
	public void close() {
		int seen = this.state;
		while (seen >= 0) {
			// To wake the borrowers the number must stay ours for one call more.
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

	/**
	 * The number, for one call; {@link #giveBack()} must follow, whatever happens.
	 */
	int borrow() throws IpcException {
		int fd = borrowUnlessClosed();
		if (fd < 0) {
			throw new IpcException(closedMessage());
		}
		return fd;
	}

	/** As {@link #borrow()}, or a negative number, with which nothing is borrowed. */
	int borrowUnlessClosed() {
		return use(BORROWED);
	}

	/**
	 * The number, to be sent in a call on another descriptor; {@link #takeBack()} must
	 * follow, whatever happens. Closing a socket does not disturb such a call: it would
	 * shut the socket down for its receiver, too.
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

	/** What pollers do when the number is no longer this object's. */
	CloseActions closeActions() {
		return this.closeActions;
	}

	private void closeNumber() {
		try {
			this.closeActions.run(this.number);
		}
		finally {
			// EINTR is no failure: Linux has released the number by then, see close(2).
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
