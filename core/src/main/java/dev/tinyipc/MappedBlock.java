package dev.tinyipc;

import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;

/**
 * A memory file that is mapped as a whole. Its memory can be given back at any time,
 * whoever still has a buffer of it: the buffer then has zeroes instead, which take no
 * memory. Only its addresses stay reserved until no buffer is reachable.
 */
final class MappedBlock {

	/** Unmaps addresses once no buffer over them is left. */
	private static final Cleaner CLEANER = Cleaner.create();

	private final Range range;

	private final int protection;

	private final ByteBuffer bytes;

	private boolean freed;

	private MappedBlock(long address, int size, int protection) {
		this.protection = protection;
		this.bytes = LibC.bufferAt(address, size);
		this.range = new Range(address, size);
		CLEANER.register(this.bytes, this.range);
	}

	/** Maps a file of the given size, which cannot shrink, to be read only. */
	static MappedBlock toRead(int fd, int size) throws IpcException {
		return map(fd, size, LibC.PROT_READ);
	}

	/** Maps a file of the given size, which cannot shrink, to be written as well. */
	static MappedBlock toWrite(int fd, int size) throws IpcException {
		return map(fd, size, LibC.PROT_READ | LibC.PROT_WRITE);
	}

	private static MappedBlock map(int fd, int size, int protection) throws IpcException {
		return new MappedBlock(
				Errno.check("mmap(" + size + " bytes)", LibC.mmap(0, size, protection, LibC.MAP_SHARED, fd, 0)), size,
				protection);
	}

	/** All bytes, in native order. Nobody else moves position and limit. */
	ByteBuffer bytes() {
		return this.bytes;
	}

	int size() {
		return this.range.size;
	}

	/** Gives the memory back, and has the buffer show zeroes. */
	synchronized void free() {
		if (!this.freed) {
			this.freed = true;
			// In one step, so that no other map can come in between. If it fails, the
			// memory is given back with the addresses.
			LibC.mmap(this.range.address, this.range.size, this.protection,
					LibC.MAP_PRIVATE | LibC.MAP_FIXED | LibC.MAP_ANONYMOUS | LibC.MAP_NORESERVE, -1, 0);
		}
	}

	/** Addresses that are in use as long as a buffer over them, or a part of it, is. */
	private record Range(long address, int size) implements Runnable {

		@Override
		public void run() {
			LibC.munmap(this.address, this.size);
		}

	}

}
