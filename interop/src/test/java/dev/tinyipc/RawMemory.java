package dev.tinyipc;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/** A memory file with any content and any seals, and what core makes of one. */
public final class RawMemory implements Closeable {

	/** Shown in {@code /proc/<pid>/maps}. */
	public static final String NAME = "lane-of-a-test";

	/** {@code F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW}. */
	public static final int SEALS = 0x1 | 0x2 | 0x4;

	private final SharedMemory file = SharedMemory.create(NAME);

	private @Nullable ByteBuffer bytes;

	private long address;

	/**
	 * Creates a file of zeros, except for some words.
	 * @param size bytes
	 * @param words by their offsets; those that do not fit are left out
	 * @param seals as in {@code fcntl(2)}
	 */
	public RawMemory(long size, Map<Integer, byte[]> words, int seals) throws IOException {
		OwnedFd descriptor = this.file.descriptor();
		Errno.check("ftruncate", LibC.ftruncate(descriptor.fd(), size));
		try (SeekableByteChannel channel = this.file.channel()) {
			for (Map.Entry<Integer, byte[]> word : words.entrySet()) {
				if (word.getKey() + word.getValue().length <= size) {
					channel.position(word.getKey()).write(ByteBuffer.wrap(word.getValue()));
				}
			}
		}
		if (seals != 0) {
			Errno.check("fcntl", LibC.fcntl(descriptor.fd(), LibC.F_ADD_SEALS, seals));
		}
	}

	public OwnedFd descriptor() {
		return this.file.descriptor();
	}

	/** What both ends see, until this is closed. */
	public ByteBuffer bytes() throws IpcException {
		if (this.bytes == null) {
			int size = (int) this.file.size();
			this.address = Errno.check("mmap", LibC.mmap(0, size, LibC.PROT_READ | LibC.PROT_WRITE, LibC.MAP_SHARED,
					this.file.descriptor().fd(), 0));
			this.bytes = LibC.bufferAt(this.address, size);
		}
		return this.bytes;
	}

	/**
	 * Has core accept this memory for a socket.
	 * @throws IpcException if core refuses it
	 */
	public void accept(IpcSocket socket) throws IpcException {
		socket.share(LaneMemory.accept(this.file));
	}

	/**
	 * Has core make memory for a socket.
	 * @param file empty; gets its content and seals
	 * @param ringSize of both rings
	 */
	public static void create(IpcSocket socket, SharedMemory file, int ringSize) throws IpcException {
		socket.share(LaneMemory.create(file, ringSize));
	}

	/** The seals of a file, as in {@code fcntl(2)}. */
	public static int seals(SharedMemory file) throws IpcException {
		return Errno.check("fcntl", LibC.fcntl(file.descriptor().fd(), LibC.F_GET_SEALS, 0));
	}

	@Override
	public void close() throws IpcException {
		if (this.bytes != null) {
			Errno.check("munmap", LibC.munmap(this.address, this.bytes.capacity()));
			this.bytes = null;
		}
		this.file.close();
	}

}
