package dev.tinyipc;

import java.io.Closeable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** All of the memory of a lane, as a peer sees it that keeps to nothing. */
final class MemoryView implements Closeable {

	static final int HEADER_SIZE = 4096;

	/** What the end writes that has been given the memory, and what it reads. */
	static final int TAIL_OF_OTHER = 512, HEAD_OF_OTHER = 384;

	/** What the opener writes, and why the other end sleeps. */
	static final int TAIL_OF_OPENER = 256, OTHER_SLEEPS = 896;

	private final long address;

	private final int size;

	private boolean closed;

	MemoryView(SharedMemory file) throws IpcException {
		this.size = (int) file.size();
		this.address = Errno.check("mmap",
				LibC.mmap(0, this.size, LibC.PROT_READ | LibC.PROT_WRITE, LibC.MAP_SHARED, file.descriptor().fd(), 0));
	}

	ByteBuffer bytes() {
		return LibC.bufferAt(this.address, this.size).order(ByteOrder.nativeOrder());
	}

	@Override
	public void close() {
		if (!this.closed) {
			this.closed = true;
			LibC.munmap(this.address, this.size);
		}
	}

}
