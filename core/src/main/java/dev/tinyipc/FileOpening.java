package dev.tinyipc;

import java.lang.ref.Reference;
import java.nio.file.FileSystems;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;

/** Opens files and pipes: {@code open(2)} and {@code pipe2(2)}. */
final class FileOpening {

	private static final int OWNER_READS_AND_WRITES = 0600;

	private static final int OTHERS_READ_AND_WRITE = 0066;

	private FileOpening() {
	}

	/** See {@link OwnedFd#open}. */
	static OwnedFd open(Path path, OpenOption... options) throws IpcException {
		NativeAccess.require();
		// The kernel would open the host's file of that name.
		if (path.getFileSystem() != FileSystems.getDefault()) {
			throw new IpcException(path + " is in a file system of type " + path.getFileSystem().provider().getScheme()
					+ ", where files have no descriptors: copy it to a file or into a SharedMemory");
		}
		Set<OpenOption> wanted = Set.copyOf(List.of(options));
		NativeBuffer name = NativeBuffer.string("Path", path.toString());
		int flags = openFlags(wanted);
		int number;
		do {
			number = LibC.open(name.address(), flags, OWNER_READS_AND_WRITES | OTHERS_READ_AND_WRITE);
		}
		while (number < 0 && Errno.interrupted());
		Reference.reachabilityFence(name);
		Errno.check("open(" + path + ')', number);
		if (wanted.contains(StandardOpenOption.DELETE_ON_CLOSE)) {
			// As the JDK does: the name goes now, the file with its last descriptor.
			path.toFile().delete();
		}
		return OwnedFd.of(number);
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

	/** See {@link OwnedFd#pipe}. */
	static OwnedFd.Pipe pipe() throws IpcException {
		NativeAccess.require();
		NativeBuffer ends = NativeBuffer.allocate(2 * Integer.BYTES);
		Errno.check("pipe2", LibC.pipe2(ends.address(), LibC.O_CLOEXEC));
		return new OwnedFd.Pipe(OwnedFd.of(ends.bytes().getInt(0)), OwnedFd.of(ends.bytes().getInt(Integer.BYTES)));
	}

}
