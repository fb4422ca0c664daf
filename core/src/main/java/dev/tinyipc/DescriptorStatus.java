package dev.tinyipc;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;

/**
 * What the kernel knows about a descriptor ({@code statx(2)}):
 *
 * <pre>
 * struct statx {
 *     ...
 *     __u32 stx_nlink;      // 16
 *     ...
 *     __u16 stx_mode;       // 28
 *     ...
 *     __u64 stx_ino;        // 32
 *     __u64 stx_size;       // 40
 *     ...
 *     __u32 stx_dev_major;  // 136
 *     __u32 stx_dev_minor;  // 140
 *     ...
 * };                        // 256 bytes
 * </pre>
 *
 * @param kind what it refers to
 * @param hasPosition whether it can be read and written at any position
 * @param size of a file, in bytes
 * @param device where a file is, major number first
 * @param inode which of the device's files it is
 */
record DescriptorStatus(OwnedFd.Kind kind, boolean hasPosition, long size, long device, long inode) {

	private static final int LINKS_OFFSET = 16;

	private static final int MODE_OFFSET = 28;

	private static final int INODE_OFFSET = 32;

	private static final int SIZE_OFFSET = 40;

	private static final int DEVICE_MAJOR_OFFSET = 136;

	private static final int DEVICE_MINOR_OFFSET = 140;

	private static final int LENGTH = 256;

	private static final int MODE_TYPE_MASK = 0xf000;

	private static final int PIPE = 0x1000;

	private static final int CHARACTER_DEVICE = 0x2000;

	private static final int DIRECTORY = 0x4000;

	private static final int BLOCK_DEVICE = 0x6000;

	private static final int REGULAR_FILE = 0x8000;

	private static final int SOCKET = 0xc000;

	static DescriptorStatus of(OwnedFd descriptor) throws IpcException {
		int fd = descriptor.borrow();
		try {
			ByteBuffer status = statx(descriptor, fd);
			int type = status.getShort(MODE_OFFSET) & MODE_TYPE_MASK;
			OwnedFd.Kind kind = switch (type) {
				case REGULAR_FILE ->
					(status.getInt(LINKS_OFFSET) == 0 && canHaveSeals(fd)) ? OwnedFd.Kind.MEMORY : OwnedFd.Kind.FILE;
				case DIRECTORY -> OwnedFd.Kind.DIRECTORY;
				case PIPE -> OwnedFd.Kind.PIPE;
				case SOCKET -> OwnedFd.Kind.SOCKET;
				case CHARACTER_DEVICE, BLOCK_DEVICE -> OwnedFd.Kind.DEVICE;
				default -> OwnedFd.Kind.OTHER;
			};
			// Not by lseek, which succeeds on some things without a position, such as an
			// eventfd.
			boolean hasPosition = type == REGULAR_FILE || type == BLOCK_DEVICE;
			long device = (long) status.getInt(DEVICE_MAJOR_OFFSET) << Integer.SIZE
					| Integer.toUnsignedLong(status.getInt(DEVICE_MINOR_OFFSET));
			return new DescriptorStatus(kind, hasPosition, status.getLong(SIZE_OFFSET), device,
					status.getLong(INODE_OFFSET));
		}
		finally {
			descriptor.giveBack();
		}
	}

	private static ByteBuffer statx(OwnedFd descriptor, int fd) throws IpcException {
		NativeBuffer empty = NativeBuffer.string("Path", "");
		NativeBuffer status = NativeBuffer.zeroed(LENGTH);
		Errno.check("statx(" + descriptor + ')', LibC.statx(fd, empty.address(), LibC.AT_EMPTY_PATH,
				LibC.STATX_TYPE | LibC.STATX_NLINK | LibC.STATX_INO | LibC.STATX_SIZE, status.address()));
		Reference.reachabilityFence(empty);
		return status.bytes(); // which keeps the memory
	}

	/** Files on tmpfs can have seals too, but they also have a link. */
	private static boolean canHaveSeals(int fd) {
		return LibC.fcntl(fd, LibC.F_GET_SEALS, 0) >= 0;
	}

}
