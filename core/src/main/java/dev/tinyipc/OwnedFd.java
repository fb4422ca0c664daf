package dev.tinyipc;

import java.io.Closeable;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.lang.ref.Reference;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntConsumer;

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

	private static final int OWNER_READS_AND_WRITES = 0600;

	private static final int OTHERS_READ_AND_WRITE = 0066;

	private final int number;

	private final boolean socket;

	@SuppressWarnings("unused") // through STATE
	private volatile int state;

	/** Of the pollers that watch it; made when there is one. */
	private Map<Object, IntConsumer> beforeClose = Map.of();

	private OwnedFd(int number, boolean socket) {
		this.number = number;
		this.socket = socket;
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
	 * @throws IpcException if the file cannot be opened
	 */
	public static OwnedFd open(Path path, OpenOption... options) throws IpcException {
		NativeAccess.require();
		Set<OpenOption> wanted = Set.copyOf(List.of(options));
		NativeBuffer name = NativeBuffer.string("Path", path.toString());
		int number;
		do {
			number = LibC.open(name.address(), openFlags(wanted), OWNER_READS_AND_WRITES | OTHERS_READ_AND_WRITE);
		}
		while (number < 0 && Errno.interrupted());
		Reference.reachabilityFence(name);
		Errno.check("open(" + path + ')', number);
		if (wanted.contains(StandardOpenOption.DELETE_ON_CLOSE)) {
			// As the JDK does it: the name goes now, the file with its last descriptor.
			path.toFile().delete();
		}
		return of(number);
	}

	private static int openFlags(Set<OpenOption> options) {
		boolean write = options.contains(StandardOpenOption.WRITE) || options.contains(StandardOpenOption.APPEND);
		boolean read = options.contains(StandardOpenOption.READ) || !write;
		int flags = LibC.O_CLOEXEC | (read ? (write ? LibC.O_RDWR : LibC.O_RDONLY) : LibC.O_WRONLY);
		for (OpenOption option : options) {
			flags |= openFlag(option, write);
		}
		return flags;
	}

	private static int openFlag(OpenOption option, boolean write) {
		if (option == LinkOption.NOFOLLOW_LINKS) {
			return Machine.O_NOFOLLOW;
		}
		if (option instanceof StandardOpenOption standard) {
			return switch (standard) {
				case READ, WRITE, SPARSE, DELETE_ON_CLOSE -> 0;
				case APPEND -> LibC.O_APPEND;
				case SYNC -> LibC.O_SYNC;
				case DSYNC -> LibC.O_DSYNC;
				// Without WRITE the JDK ignores these three, and open(2) would truncate.
				case CREATE -> write ? LibC.O_CREAT : 0;
				case CREATE_NEW -> write ? (LibC.O_CREAT | LibC.O_EXCL) : 0;
				case TRUNCATE_EXISTING -> write ? LibC.O_TRUNC : 0;
			};
		}
		throw new UnsupportedOperationException("Cannot open a descriptor with the option " + option);
	}

	/**
	 * Makes a pipe, as {@code pipe2(2)} does.
	 * @return its two ends
	 * @throws IpcException if there are too many open files
	 */
	public static Pipe pipe() throws IpcException {
		NativeAccess.require();
		NativeBuffer ends = NativeBuffer.allocate(2 * Integer.BYTES);
		Errno.check("pipe2", LibC.pipe2(ends.address(), LibC.O_CLOEXEC));
		return new Pipe(of(ends.bytes().getInt(0)), of(ends.bytes().getInt(Integer.BYTES)));
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
		beforeClose().forEach((action) -> action.accept(this.number));
		return this.number;
	}

	/**
	 * Reads: a file from its start, anything else from where it is.
	 * @return a stream that closes this descriptor when it is closed
	 * @throws IpcException if this descriptor is closed
	 */
	public InputStream inputStream() throws IpcException {
		return new DescriptorInputStream(DescriptorIo.on(this));
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
	 * @throws IpcException if this is no file, but a pipe or a socket, or if it is closed
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

	/**
	 * Has something done with the number as the last thing before it is no longer this
	 * object's. To be called while it is borrowed.
	 */
	synchronized void beforeClose(Object owner, IntConsumer action) {
		if (this.beforeClose.isEmpty()) {
			this.beforeClose = new HashMap<>();
		}
		this.beforeClose.put(owner, action);
	}

	synchronized void forgetBeforeClose(Object owner) {
		if (!this.beforeClose.isEmpty()) {
			this.beforeClose.remove(owner);
		}
	}

	private synchronized Collection<IntConsumer> beforeClose() {
		return List.copyOf(this.beforeClose.values());
	}

	private void closeNumber() {
		try {
			beforeClose().forEach((action) -> action.accept(this.number));
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
