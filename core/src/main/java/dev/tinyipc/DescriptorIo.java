package dev.tinyipc;

import java.nio.ByteBuffer;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Reading and writing of a descriptor at a position that nobody else can move: by
 * {@code pread} and {@code pwrite} on a file, by {@code read} and {@code write} on
 * anything that has no position. Bytes pass through a block of native memory, so that
 * heap arrays can be used without pinning them.
 */
final class DescriptorIo {

	private static final int BLOCK_SIZE = 64 * 1024;

	/** In {@code struct statx}: the size follows mask, ids, mode and inode. */
	private static final int STATX_SIZE_OFFSET = 40;

	private static final int STATX_LENGTH = 256;

	private final OwnedFd descriptor;

	private final boolean seekable;

	/** Not a monitor, which a virtual thread would hold its carrier for. */
	private final ReentrantLock lock = new ReentrantLock();

	private NativeBuffer block = NativeBuffer.allocate(8);

	private long position;

	private DescriptorIo(OwnedFd descriptor, boolean seekable) {
		this.descriptor = descriptor;
		this.seekable = seekable;
	}

	static DescriptorIo on(OwnedFd descriptor) throws IpcException {
		int fd = descriptor.borrow();
		try {
			return new DescriptorIo(descriptor, LibC.lseek(fd, 0, LibC.SEEK_CUR) >= 0);
		}
		finally {
			descriptor.giveBack();
		}
	}

	static DescriptorIo onFile(OwnedFd descriptor) throws IpcException {
		DescriptorIo io = on(descriptor);
		if (!io.seekable) {
			throw new IpcException(
					descriptor + " is a pipe or a socket, which has no position: use its stream instead of a channel");
		}
		return io;
	}

	/**
	 * Reads into the remaining bytes of the buffer, as many as come at once.
	 * @return the number of bytes read, 0 at the end
	 */
	int read(ByteBuffer target) throws IpcException {
		this.lock.lock();
		try {
			int wanted = prepare(target.remaining());
			int fd = this.descriptor.borrow();
			long count;
			try {
				parkUntilReady(fd, LibC.POLLIN);
				do {
					count = this.seekable ? LibC.pread(fd, this.block.address(), wanted, this.position)
							: LibC.read(fd, this.block.address(), wanted);
				}
				while (count < 0 && mayTryAgain(fd, LibC.POLLIN));
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

	/** Writes all remaining bytes of the buffer. */
	void write(ByteBuffer source) throws IpcException {
		this.lock.lock();
		try {
			while (source.hasRemaining()) {
				int count = writePart(source);
				source.position(source.position() + count);
				this.position += count;
			}
		}
		finally {
			this.lock.unlock();
		}
	}

	private int writePart(ByteBuffer source) throws IpcException {
		int wanted = prepare(source.remaining());
		this.block.bytes().clear().put(0, source, source.position(), wanted);
		int fd = this.descriptor.borrow();
		long count;
		try {
			parkUntilReady(fd, LibC.POLLOUT);
			do {
				count = this.seekable ? LibC.pwrite(fd, this.block.address(), wanted, this.position)
						: LibC.write(fd, this.block.address(), wanted);
			}
			while (count < 0 && mayTryAgain(fd, LibC.POLLOUT));
			return (int) Errno.check("write(" + this.descriptor + ')', count);
		}
		finally {
			this.descriptor.giveBack();
		}
	}

	/** A file is always ready; anything else may block. */
	private void parkUntilReady(int fd, short events) throws IpcException {
		if (!this.seekable && Readiness.mustPark()) {
			Readiness.await(fd, events, 0);
		}
	}

	/**
	 * A descriptor that came from elsewhere may be non-blocking. That belongs to all who
	 * share the open file, so it is not changed but waited for.
	 */
	private static boolean mayTryAgain(int fd, short events) throws IpcException {
		int error = Errno.last();
		if (error == Errno.EAGAIN.number) {
			return Readiness.await(fd, events, 0);
		}
		return error == Errno.EINTR.number;
	}

	/** The file's size in bytes. */
	static long size(OwnedFd descriptor) throws IpcException {
		NativeBuffer empty = NativeBuffer.string("Path", "");
		NativeBuffer status = NativeBuffer.zeroed(STATX_LENGTH);
		int fd = descriptor.borrow();
		try {
			Errno.check("statx(" + descriptor + ')',
					LibC.statx(fd, empty.address(), LibC.AT_EMPTY_PATH, LibC.STATX_SIZE, status.address()));
		}
		finally {
			descriptor.giveBack();
		}
		return status.bytes().getLong(STATX_SIZE_OFFSET);
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

	private int prepare(int wanted) {
		int count = Math.min(wanted, BLOCK_SIZE);
		if (this.block.capacity() < count) {
			this.block = NativeBuffer.allocate(count);
		}
		return count;
	}

}
