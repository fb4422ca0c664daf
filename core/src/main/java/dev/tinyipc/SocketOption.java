package dev.tinyipc;

import java.lang.ref.Reference;

/** Integer options of {@code socket(7)}. */
final class SocketOption {

	private SocketOption() {
	}

	static int get(OwnedFd descriptor, int option, String name) throws IpcException {
		// The value, and behind it its length, which the kernel reads and writes.
		NativeBuffer value = NativeBuffer.allocate(2 * Integer.BYTES);
		value.bytes().putInt(Integer.BYTES, Integer.BYTES);
		int fd = descriptor.borrow();
		try {
			Errno.check("getsockopt(" + descriptor + ", " + name + ')',
					LibC.getsockopt(fd, LibC.SOL_SOCKET, option, value.address(), value.address() + Integer.BYTES));
		}
		finally {
			descriptor.giveBack();
		}
		return value.bytes().getInt(0);
	}

	static void set(OwnedFd descriptor, int option, String name, int newValue) throws IpcException {
		NativeBuffer value = NativeBuffer.allocate(Integer.BYTES);
		value.bytes().putInt(0, newValue);
		int fd = descriptor.borrow();
		try {
			Errno.check("setsockopt(" + descriptor + ", " + name + ')',
					LibC.setsockopt(fd, LibC.SOL_SOCKET, option, value.address(), Integer.BYTES));
			Reference.reachabilityFence(value);
		}
		finally {
			descriptor.giveBack();
		}
	}

}
