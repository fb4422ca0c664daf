package dev.tinyipc;

import java.lang.ref.Reference;
import java.time.Duration;

/** Options and state of {@code socket(7)}, and the flag of {@code fcntl(2)}. */
final class SocketOption {

	/** A {@code struct timeval}: seconds and microseconds. */
	private static final int TIMEVAL_SIZE = 16;

	private SocketOption() {
	}

	static int get(OwnedFd descriptor, int option, String name) throws IpcException {
		// The value, followed by its length, which the kernel reads and writes.
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
		setBytes(descriptor, option, name, value);
	}

	/**
	 * Sets how long a call may wait in the kernel.
	 * @param option SO_RCVTIMEO or SO_SNDTIMEO
	 * @param timeout zero for no limit
	 */
	static void setTimeout(OwnedFd descriptor, int option, Duration timeout) throws IpcException {
		NativeBuffer value = NativeBuffer.allocate(TIMEVAL_SIZE);
		value.bytes().putLong(0, timeout.getSeconds()).putLong(8, timeout.getNano() / 1000);
		setBytes(descriptor, option, (option == LibC.SO_RCVTIMEO) ? "SO_RCVTIMEO" : "SO_SNDTIMEO", value);
	}

	static boolean isSeqPacket(OwnedFd descriptor) throws IpcException {
		return get(descriptor, LibC.SO_DOMAIN, "SO_DOMAIN") == LibC.AF_UNIX
				&& get(descriptor, LibC.SO_TYPE, "SO_TYPE") == LibC.SOCK_SEQPACKET;
	}

	static void checkSeqPacket(OwnedFd descriptor) throws IpcException {
		if (!isSeqPacket(descriptor)) {
			int domain = get(descriptor, LibC.SO_DOMAIN, "SO_DOMAIN");
			int type = get(descriptor, LibC.SO_TYPE, "SO_TYPE");
			throw new IpcException("Descriptor " + descriptor.fd() + " is a socket of domain " + domain + " and type "
					+ type + ", not of AF_UNIX (1) and SOCK_SEQPACKET (5)");
		}
	}

	/** Whether the other end is closed, even if there is still something to read. */
	static boolean isHungUp(OwnedFd descriptor) {
		int fd = descriptor.borrowUnlessClosed();
		if (fd < 0) {
			return true;
		}
		try {
			return Poll.isReady(fd, (short) 0); // ready only at the end or on an error
		}
		catch (IpcException ex) {
			return true;
		}
		finally {
			descriptor.giveBack();
		}
	}

	static boolean isCloseOnExec(OwnedFd descriptor) throws IpcException {
		return (fcntl(descriptor, "F_GETFD", LibC.F_GETFD, 0) & LibC.FD_CLOEXEC) != 0;
	}

	static void setCloseOnExec(OwnedFd descriptor, boolean closeOnExec) throws IpcException {
		fcntl(descriptor, "F_SETFD", LibC.F_SETFD, closeOnExec ? LibC.FD_CLOEXEC : 0);
	}

	private static int fcntl(OwnedFd descriptor, String name, int command, int argument) throws IpcException {
		int fd = descriptor.borrow();
		try {
			return Errno.check("fcntl(" + name + ')', LibC.fcntl(fd, command, argument));
		}
		finally {
			descriptor.giveBack();
		}
	}

	private static void setBytes(OwnedFd descriptor, int option, String name, NativeBuffer value) throws IpcException {
		int fd = descriptor.borrow();
		try {
			Errno.check("setsockopt(" + descriptor + ", " + name + ')',
					LibC.setsockopt(fd, LibC.SOL_SOCKET, option, value.address(), value.capacity()));
			Reference.reachabilityFence(value);
		}
		finally {
			descriptor.giveBack();
		}
	}

}
