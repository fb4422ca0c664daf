package dev.tinyipc;

import java.io.Closeable;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;

/**
 * A file that exists only in memory, to be passed to another process
 * ({@code memfd_create(2)}): write it, {@link #seal()} it, send its descriptor.
 *
 * <pre class="code">
 * try (SharedMemory image = SharedMemory.create("thumbnail")) {
 *     ImageIO.write(picture, "png", image.outputStream());
 *     image.seal();
 *     channel.send(reply, image.descriptor());
 * }
 * </pre>
 *
 * Nobody can change sealed content, so its receiver may map it. Unsealed content can only
 * be read through a stream or channel: if it were mapped, a sender could crash this
 * process by shrinking it.
 */
public final class SharedMemory implements Closeable {

	/** {@code F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE}. */
	private static final int ALL_SEALS = 0x1 | 0x2 | 0x4 | 0x8;

	/**
	 * {@code F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW}: whoever maps a file of a size
	 * that stays can always read it.
	 */
	static final int SIZE_SEALS = 0x1 | 0x2 | 0x4;

	/** Without these, mapped content could change, or go away. */
	private static final int SEALS_TO_MAP = 0x2 | 0x8;

	private final OwnedFd descriptor;

	private SharedMemory(OwnedFd descriptor) {
		this.descriptor = descriptor;
	}

	/**
	 * Creates an empty file, which grows as it is written.
	 * @param name shown in {@code /proc/<pid>/fd}, for debugging; need not be unique
	 * @return the memory, which can be sealed
	 * @throws IpcException if there are too many open files
	 */
	public static SharedMemory create(String name) throws IpcException {
		NativeAccess.require();
		NativeBuffer nativeName = NativeBuffer.string("Name", name);
		int fd = Errno.check("memfd_create(" + name + ')',
				LibC.memfd_create(nativeName.address(), LibC.MFD_CLOEXEC | LibC.MFD_ALLOW_SEALING));
		Reference.reachabilityFence(nativeName);
		return new SharedMemory(OwnedFd.of(fd));
	}

	/**
	 * Takes ownership of a descriptor that was received. If this throws, the caller still
	 * owns it.
	 * @param descriptor a memfd
	 * @return the memory
	 * @throws IpcException if the descriptor is not a memfd ({@code F_GET_SEALS} of
	 * {@code fcntl(2)})
	 */
	public static SharedMemory of(OwnedFd descriptor) throws IpcException {
		int fd = descriptor.borrow();
		try {
			if (LibC.fcntl(fd, LibC.F_GET_SEALS, 0) < 0) {
				throw new IpcException(descriptor + " is " + descriptor.kind().description()
						+ ", not memory that can be sealed: read it through its stream or channel");
			}
		}
		finally {
			descriptor.giveBack();
		}
		return new SharedMemory(descriptor);
	}

	/**
	 * The descriptor to send. This object still owns it.
	 * @return the memfd
	 */
	public OwnedFd descriptor() {
		return this.descriptor;
	}

	/**
	 * The size of the content.
	 * @return bytes
	 * @throws IpcException if this memory is closed
	 */
	public long size() throws IpcException {
		return DescriptorIo.size(this.descriptor);
	}

	/**
	 * Writes from the start.
	 * @return an unbuffered stream; closing it leaves this memory open
	 * @throws IpcException if this memory is closed
	 */
	public OutputStream outputStream() throws IpcException {
		return new DescriptorOutputStream(DescriptorIo.on(this.descriptor).leavingOpen());
	}

	/**
	 * Reads from the start, even unsealed content.
	 * @return a stream; closing it leaves this memory open
	 * @throws IpcException if this memory is closed
	 */
	public InputStream inputStream() throws IpcException {
		return new DescriptorInputStream(DescriptorIo.on(this.descriptor).leavingOpen());
	}

	/**
	 * Reads and writes at any position, even unsealed content.
	 * @return a channel; closing it leaves this memory open
	 * @throws IpcException if this memory is closed
	 */
	public SeekableByteChannel channel() throws IpcException {
		return new DescriptorChannel(DescriptorIo.onFile(this.descriptor).leavingOpen());
	}

	/**
	 * Makes the content final: from now on, no process can write, grow or shrink it
	 * ({@code F_ADD_SEALS} of {@code fcntl(2)}). Sealing twice does nothing.
	 * @throws IpcException if it is mapped writable somewhere ({@code EBUSY}), or was
	 * created without permission to seal it
	 */
	public void seal() throws IpcException {
		if ((seals() & ALL_SEALS) == ALL_SEALS) {
			return; // sealing again would fail with EPERM, because of F_SEAL_SEAL
		}
		int fd = this.descriptor.borrow();
		try {
			Errno.check("fcntl(F_ADD_SEALS)", LibC.fcntl(fd, LibC.F_ADD_SEALS, ALL_SEALS));
		}
		finally {
			this.descriptor.giveBack();
		}
	}

	/**
	 * Whether the content can no longer change, so that it can be mapped.
	 * @return whether it is sealed against writing and shrinking
	 * @throws IpcException if this memory is closed
	 */
	public boolean isSealed() throws IpcException {
		return (seals() & SEALS_TO_MAP) == SEALS_TO_MAP;
	}

	/**
	 * Maps the whole content.
	 * @return the map, which outlives this object and its descriptor until it is closed
	 * @throws IpcException if the content is not sealed, is empty, or is larger than 2
	 * GiB
	 */
	public Mapping map() throws IpcException {
		if (!isSealed()) {
			throw new IpcException(this.descriptor
					+ " is not sealed against writing and shrinking, so a map of it could"
					+ " crash this process: read it through inputStream() or channel(), or let its sender seal it");
		}
		long size = size();
		if (size == 0 || size > Integer.MAX_VALUE) {
			throw new IpcException(this.descriptor + " has " + size + " bytes, but a buffer maps 1 to "
					+ Integer.MAX_VALUE + ": read it through inputStream() or channel()");
		}
		int fd = this.descriptor.borrow();
		try {
			return Mapping.of(fd, (int) size);
		}
		finally {
			this.descriptor.giveBack();
		}
	}

	/**
	 * Whether a file keeps its size.
	 * @param seals those of {@code F_GET_SEALS}; negative if it can have none
	 */
	static boolean isSizeSealed(int seals) {
		return seals >= 0 && (seals & SIZE_SEALS) == SIZE_SEALS;
	}

	/** Those of {@code F_GET_SEALS}. */
	int seals() throws IpcException {
		int fd = this.descriptor.borrow();
		try {
			return Errno.check("fcntl(F_GET_SEALS)", LibC.fcntl(fd, LibC.F_GET_SEALS, 0));
		}
		finally {
			this.descriptor.giveBack();
		}
	}

	/** Closes the descriptor. Maps stay valid. */
	@Override
	public void close() {
		this.descriptor.close();
	}

	/** Content that is mapped into this process, read-only ({@code mmap(2)}). */
	public static final class Mapping implements Closeable {

		private final long address;

		private final int size;

		private boolean closed;

		private Mapping(long address, int size) {
			this.address = address;
			this.size = size;
		}

		private static Mapping of(int fd, int size) throws IpcException {
			return new Mapping(
					Errno.check("mmap(" + size + " bytes)", LibC.mmap(0, size, LibC.PROT_READ, LibC.MAP_SHARED, fd, 0)),
					size);
		}

		/**
		 * The content. The buffer, and every buffer derived from it, must not be used
		 * after {@link #close()}: the memory is then gone, and the JVM would crash.
		 * @return a read-only view in native byte order, positioned at 0
		 * @throws IllegalStateException if this map is closed
		 */
		public synchronized ByteBuffer buffer() {
			if (this.closed) {
				throw new IllegalStateException("The map is closed");
			}
			return LibC.bufferAt(this.address, this.size).asReadOnlyBuffer().order(ByteOrder.nativeOrder());
		}

		/** Unmaps the content ({@code munmap(2)}). Closing twice does nothing. */
		@Override
		public synchronized void close() throws IpcException {
			if (!this.closed) {
				this.closed = true;
				Errno.check("munmap", LibC.munmap(this.address, this.size));
			}
		}

	}

}
