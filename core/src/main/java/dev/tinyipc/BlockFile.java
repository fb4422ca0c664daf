package dev.tinyipc;

import java.io.Closeable;
import java.nio.ByteBuffer;

import org.jspecify.annotations.Nullable;

/**
 * A memory file that this process writes bulk data into, for one peer that reads it. It
 * is sealed, so that it cannot shrink, and nobody else can map it to write.
 */
final class BlockFile implements Closeable {

	/** Linux 5.1. What is mapped already can still be written. */
	private static final int F_SEAL_FUTURE_WRITE = 0x10;

	/** Of all memory files; null until it is known. */
	private static volatile @Nullable Long device;

	private final SharedMemory file;

	private final MappedBlock memory;

	/** When it was used last, of {@link System#nanoTime()}. */
	private long used;

	private BlockFile(SharedMemory file, MappedBlock memory) {
		this.file = file;
		this.memory = memory;
	}

	static BlockFile create(int size) throws IpcException {
		SharedMemory file = SharedMemory.create("tiny-ipc-block");
		MappedBlock memory = null;
		try {
			memory = map(file.descriptor(), size);
			return new BlockFile(file, memory);
		}
		finally {
			if (memory == null) {
				file.close();
			}
		}
	}

	private static MappedBlock map(OwnedFd descriptor, int size) throws IpcException {
		int fd = descriptor.borrow();
		MappedBlock memory = null;
		boolean sealed = false;
		try {
			Errno.check("ftruncate", LibC.ftruncate(fd, size));
			memory = MappedBlock.toWrite(fd, size);
			if (LibC.fcntl(fd, LibC.F_ADD_SEALS, SharedMemory.SIZE_SEALS | F_SEAL_FUTURE_WRITE) < 0) {
				Errno.check("fcntl(F_ADD_SEALS)", LibC.fcntl(fd, LibC.F_ADD_SEALS, SharedMemory.SIZE_SEALS));
			}
			sealed = true;
			return memory;
		}
		finally {
			descriptor.giveBack();
			if (memory != null && !sealed) {
				memory.free();
			}
		}
	}

	/**
	 * Whether a file is of the same kind as those that this process creates. A memory
	 * file with huge pages is not: reading it can fail.
	 */
	static boolean isOneAs(DescriptorStatus file) throws IpcException {
		Long known = device;
		if (known == null) {
			try (SharedMemory own = SharedMemory.create("tiny-ipc-block")) {
				known = DescriptorStatus.of(own.descriptor()).device();
				device = known;
			}
		}
		return file.kind() == OwnedFd.Kind.MEMORY && file.device() == known;
	}

	/** To be sent. */
	OwnedFd descriptor() {
		return this.file.descriptor();
	}

	int size() {
		return this.memory.size();
	}

	/** All bytes. */
	ByteBuffer bytes() {
		return this.memory.bytes();
	}

	void touch() {
		this.used = System.nanoTime();
	}

	boolean isUnusedFor(long nanos) {
		return System.nanoTime() - this.used >= nanos;
	}

	/** Gives the memory back, as soon as the peer does so, too. */
	@Override
	public void close() {
		this.memory.free();
		this.file.close();
	}

}
