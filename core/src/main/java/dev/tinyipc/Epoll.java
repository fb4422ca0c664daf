package dev.tinyipc;

import java.io.Closeable;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;

/**
 * Readiness of many descriptors, level-triggered, after {@code epoll(7)}:
 *
 * <pre>
 * struct epoll_event {     // x86-64, packed      aarch64
 *     uint32_t     events; // 0                   0
 *     epoll_data_t data;   // 4                   8
 * };                       // 12 bytes            16 bytes
 * </pre>
 *
 * Any thread may add and remove descriptors; one thread waits.
 */
final class Epoll implements Closeable {

	static final int IN = 0x1;

	static final int OUT = 0x4;

	static final int PEER_HANG_UP = 0x2000;

	static final int ONE_SHOT = 1 << 30;

	private static final int HANG_UP = 0x10;

	private static final int ERROR = 0x8;

	private static final int CTL_ADD = 1;

	private static final int CTL_DEL = 2;

	private static final int DATA = Machine.EPOLL_EVENT_DATA;

	private static final int EVENT_SIZE = Machine.EPOLL_EVENT_SIZE;

	static final int EVENTS_AT_ONCE = 64;

	private final OwnedFd descriptor;

	private final NativeBuffer events = NativeBuffer.zeroed(EVENTS_AT_ONCE * EVENT_SIZE);

	/** What is added, under its lock: each wait of a virtual thread adds its socket. */
	private final NativeBuffer added = NativeBuffer.zeroed(EVENT_SIZE);

	private Epoll(OwnedFd descriptor) {
		this.descriptor = descriptor;
	}

	static Epoll create() throws IpcException {
		NativeAccess.require();
		return new Epoll(OwnedFd.of(Errno.check("epoll_create1", LibC.epoll_create1(LibC.O_CLOEXEC))));
	}

	/**
	 * Watches a descriptor.
	 * @param token what {@link #token(int)} returns when it is ready
	 */
	void add(int fd, int interest, long token) throws IpcException {
		synchronized (this.added) {
			this.added.bytes().putInt(0, interest).putLong(DATA, token);
			control("EPOLL_CTL_ADD", CTL_ADD, fd, this.added.address());
		}
	}

	/** Stops watching a descriptor. Must be called before it is closed. */
	void remove(int fd) throws IpcException {
		control("EPOLL_CTL_DEL", CTL_DEL, fd, 0);
	}

	private void control(String name, int operation, int fd, long event) throws IpcException {
		int epoll = this.descriptor.borrow();
		try {
			Errno.check("epoll_ctl(" + name + ", " + fd + ')', LibC.epoll_ctl(epoll, operation, fd, event));
		}
		finally {
			this.descriptor.giveBack();
		}
	}

	/**
	 * Waits until something is ready.
	 * @param timeout null to wait without limit
	 * @return the number of events, 0 if there were none in time
	 */
	int await(@Nullable Duration timeout) throws IpcException {
		// The conversion saturates: such a long timeout is no limit.
		long nanos = (timeout != null) ? TimeUnit.NANOSECONDS.convert(timeout) : 0;
		long deadline = (timeout != null && nanos != Long.MAX_VALUE) ? System.nanoTime() + nanos : 0;
		int epoll = this.descriptor.borrow();
		try {
			boolean parks = Readiness.mustPark();
			if (parks) {
				Readiness.await(epoll, LibC.POLLIN, deadline);
			}
			int count;
			do {
				count = LibC.epoll_wait(epoll, this.events.address(), EVENTS_AT_ONCE,
						parks ? 0 : Poll.millisUntil(deadline));
			}
			while (count < 0 && Errno.interrupted());
			return Errno.check("epoll_wait", count);
		}
		finally {
			this.descriptor.giveBack();
		}
	}

	/** The token with which an event's descriptor was added. */
	long token(int index) {
		return this.events.bytes().getLong(index * EVENT_SIZE + DATA);
	}

	/** Whether a read would not block: there is something, or nothing more will come. */
	boolean isReadable(int index) {
		return (events(index) & (IN | PEER_HANG_UP | HANG_UP | ERROR)) != 0;
	}

	/** Whether a write would not block: there is room, or nobody reads any more. */
	boolean isWritable(int index) {
		return (events(index) & (OUT | HANG_UP | ERROR)) != 0;
	}

	/** Whether the peer will send nothing more. */
	boolean hasEnded(int index) {
		return (events(index) & (PEER_HANG_UP | HANG_UP)) != 0;
	}

	private int events(int index) {
		return this.events.bytes().getInt(index * EVENT_SIZE);
	}

	boolean isClosed() {
		return this.descriptor.isClosed();
	}

	@Override
	public void close() {
		this.descriptor.close();
	}

}
