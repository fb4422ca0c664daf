package dev.tinyipc;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

import org.jspecify.annotations.Nullable;

/**
 * Reads and writes a descriptor at a position that nobody else can move: by {@code pread}
 * and {@code pwrite} on a file, by {@code read} and {@code write} on anything without a
 * position. Bytes pass through a block of native memory, so that heap arrays need not be
 * pinned.
 */
final class DescriptorIo {

	private static final int BLOCK_SIZE = 64 * 1024;

	/** This much can be written to a ready pipe without waiting, see pipe(7). */
	private static final int PIPE_BUF = 4096;

	private final OwnedFd descriptor;

	private final boolean seekable;

	/** Whether the kernel writes at the end, regardless of the position. */
	private final boolean appends;

	/** Not a monitor, for which a virtual thread would pin its carrier. */
	private final ReentrantLock lock = new ReentrantLock();

	private @Nullable Duration readTimeout;

	private boolean leavesOpen;

	private volatile boolean closed;

	private NativeBuffer block = NativeBuffer.allocate(8);

	private long position;

	private DescriptorIo(OwnedFd descriptor, boolean seekable, boolean appends) {
		this.descriptor = descriptor;
		this.seekable = seekable;
		this.appends = appends;
	}

	static DescriptorIo on(OwnedFd descriptor) throws IpcException {
		return of(descriptor, DescriptorStatus.of(descriptor));
	}

	static DescriptorIo onFile(OwnedFd descriptor) throws IpcException {
		DescriptorStatus status = DescriptorStatus.of(descriptor);
		if (!status.hasPosition()) {
			throw new IpcException(descriptor + " is " + status.kind().description()
					+ ", which has no position: use a stream instead of a channel");
		}
		return of(descriptor, status);
	}

	private static DescriptorIo of(OwnedFd descriptor, DescriptorStatus status) throws IpcException {
		int fd = descriptor.borrow();
		try {
			int flags = Errno.check("fcntl(F_GETFL)", LibC.fcntl(fd, LibC.F_GETFL, 0));
			return new DescriptorIo(descriptor, status.hasPosition(), (flags & LibC.O_APPEND) != 0);
		}
		finally {
			descriptor.giveBack();
		}
	}

	/** Sets how long each read may wait. */
	DescriptorIo withReadTimeout(Duration timeout) {
		if (timeout.isNegative() || timeout.isZero()) {
			throw new IllegalArgumentException("A read timeout is at least 1 ns, not " + timeout);
		}
		this.readTimeout = timeout;
		return this;
	}

	/** Lets {@link #close()} leave the descriptor open. */
	DescriptorIo leavingOpen() {
		this.leavesOpen = true;
		return this;
	}

	/**
	 * Reads into the remaining bytes of the buffer, as much as is there.
	 * @return the number of bytes read, 0 at the end
	 */
	int read(ByteBuffer target) throws IpcException {
		this.lock.lock();
		try {
			checkOpen();
			int wanted = prepare(target.remaining());
			int fd = this.descriptor.borrow();
			long count;
			try {
				boolean waitsBefore = !this.seekable && (this.readTimeout != null || Readiness.mustPark());
				long deadline = deadline();
				if (waitsBefore) {
					awaitInput(fd, deadline);
				}
				do {
					count = this.seekable ? LibC.pread(fd, this.block.address(), wanted, this.position)
							: (waitsBefore ? readNow(fd, wanted) : LibC.read(fd, this.block.address(), wanted));
				}
				while (count < 0 && mayReadAgain(fd, deadline));
				Errno.check("read(" + this.descriptor + ')', count);
			}
			finally {
				this.descriptor.giveBack();
			}
			target.put(this.block.bytes().position(0).limit((int) count));
			this.position += count;
			return (int) count;
		}
		finally {
			this.lock.unlock();
		}
	}

	/** In the form of {@link Readiness#await}: 0 for never. */
	private long deadline() {
		// The conversion saturates: such a long timeout is no limit.
		long nanos = (this.readTimeout != null) ? TimeUnit.NANOSECONDS.convert(this.readTimeout) : Long.MAX_VALUE;
		return (nanos != Long.MAX_VALUE) ? System.nanoTime() + nanos : 0;
	}

	private boolean mayReadAgain(int fd, long deadline) throws IpcException {
		int error = Errno.last();
		return (error == Errno.EAGAIN.number) ? awaitInput(fd, deadline) : error == Errno.EINTR.number;
	}

	private boolean awaitInput(int fd, long deadline) throws IpcException {
		if (!Readiness.await(fd, LibC.POLLIN, deadline)) {
			throw new IpcException.Timeout("Nothing arrived from " + this.descriptor + " within " + this.readTimeout);
		}
		return true;
	}

	/** Reads without waiting, because another reader may have been faster. */
	private long readNow(int fd, int wanted) {
		NativeBuffer vector = NativeBuffer.allocate(2 * Long.BYTES);
		vector.bytes().putLong(0, this.block.address()).putLong(Long.BYTES, wanted);
		long count = LibC.preadv2(fd, vector.address(), 1, -1, LibC.RWF_NOWAIT);
		Reference.reachabilityFence(vector);
		// Some devices do not support this, and never wait anyway.
		boolean unknown = count < 0 && Errno.last() == Errno.EOPNOTSUPP.number;
		return unknown ? LibC.read(fd, this.block.address(), wanted) : count;
	}

	/** Writes all remaining bytes of the buffer. */
	void write(ByteBuffer source) throws IpcException {
		this.lock.lock();
		try {
			while (source.hasRemaining()) {
				int count = writePart(source);
				source.position(source.position() + count);
				this.position = (this.seekable && this.appends) ? size(this.descriptor) : this.position + count;
			}
		}
		finally {
			this.lock.unlock();
		}
	}

	private int writePart(ByteBuffer source) throws IpcException {
		checkOpen();
		boolean parks = !this.seekable && Readiness.mustPark();
		int wanted = prepare(parks ? Math.min(PIPE_BUF, source.remaining()) : source.remaining());
		this.block.bytes().clear().put(0, source, source.position(), wanted);
		int fd = this.descriptor.borrow();
		long count;
		try {
			if (parks) {
				Readiness.await(fd, LibC.POLLOUT, 0);
			}
			do {
				count = this.seekable ? LibC.pwrite(fd, this.block.address(), wanted, this.position)
						: LibC.write(fd, this.block.address(), wanted);
			}
			while (count < 0 && mayWriteAgain(fd));
			if (count < 0 && Errno.last() == Errno.EPIPE.number) {
				throw new IpcException.PeerClosed(
						Errno.failure("write(" + this.descriptor + ')', Errno.last()).getMessage());
			}
			return (int) Errno.check("write(" + this.descriptor + ')', count);
		}
		finally {
			this.descriptor.giveBack();
		}
	}

	/**
	 * A descriptor from elsewhere may be non-blocking. That flag belongs to everybody who
	 * shares the open file, so it is not changed: this waits instead.
	 */
	private static boolean mayWriteAgain(int fd) throws IpcException {
		int error = Errno.last();
		return (error == Errno.EAGAIN.number) ? Readiness.await(fd, LibC.POLLOUT, 0) : error == Errno.EINTR.number;
	}

	/** The number of bytes that can be read without waiting. */
	int available() throws IpcException {
		if (this.seekable) {
			return (int) Math.min(Integer.MAX_VALUE, Math.max(0, size(this.descriptor) - position()));
		}
		NativeBuffer count = NativeBuffer.zeroed(Integer.BYTES);
		int fd = this.descriptor.borrow();
		try {
			// Some devices cannot tell.
			return (LibC.ioctl(fd, LibC.FIONREAD, count.address()) < 0) ? 0 : count.bytes().getInt(0);
		}
		finally {
			this.descriptor.giveBack();
		}
	}

	/** The file's size in bytes. */
	static long size(OwnedFd descriptor) throws IpcException {
		return DescriptorStatus.of(descriptor).size();
	}

	static void truncate(OwnedFd descriptor, long size) throws IpcException {
		int fd = descriptor.borrow();
		try {
			Errno.check("ftruncate(" + descriptor + ')', LibC.ftruncate(fd, size));
		}
		finally {
			descriptor.giveBack();
		}
	}

	long position() {
		this.lock.lock();
		try {
			return this.position;
		}
		finally {
			this.lock.unlock();
		}
	}

	void position(long newPosition) {
		this.lock.lock();
		try {
			this.position = newPosition;
		}
		finally {
			this.lock.unlock();
		}
	}

	OwnedFd descriptor() {
		return this.descriptor;
	}

	boolean isOpen() {
		return !this.closed && !this.descriptor.isClosed();
	}

	void close() {
		this.closed = true;
		if (!this.leavesOpen) {
			this.descriptor.close();
		}
	}

	private void checkOpen() throws IpcException {
		if (this.closed && this.leavesOpen) { // otherwise the descriptor checks
			throw new IpcException("The stream over " + this.descriptor + " is closed");
		}
	}

	private int prepare(int wanted) {
		int count = Math.min(wanted, BLOCK_SIZE);
		if (this.block.capacity() < count) {
			this.block = NativeBuffer.allocate(count);
		}
		return count;
	}

}
