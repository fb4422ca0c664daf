package dev.tinyipc;

import java.lang.ref.Reference;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReferenceArray;

import org.jspecify.annotations.Nullable;

/**
 * Waiting for one descriptor, after {@code poll(2)}:
 *
 * <pre>
 * struct pollfd {
 *     int   fd;         // 0
 *     short events;     // 4
 *     short revents;    // 6
 * };                    // 8 bytes
 * </pre>
 */
final class Poll {

	private static final int EVENTS = 4;

	private static final int RETURNED_EVENTS = 6;

	private static final int SIZE = 8;

	/** Entries to be used again, by thread: few are used at the same time. */
	private static final AtomicReferenceArray<@Nullable NativeBuffer> SPARE = new AtomicReferenceArray<>(8);

	private Poll() {
	}

	/**
	 * Waits until the descriptor is ready, or has an error, which the next call reports.
	 * @param deadline the {@link System#nanoTime()} at which waiting ends, or 0 for never
	 * @return false if the deadline passed first
	 */
	static boolean await(int fd, short events, long deadline) throws IpcException {
		int place = Math.floorMod(Thread.currentThread().getId(), SPARE.length());
		NativeBuffer spare = SPARE.getAndSet(place, null);
		NativeBuffer entry = (spare != null) ? spare : NativeBuffer.zeroed(SIZE);
		try {
			return await(entry, fd, events, deadline);
		}
		finally {
			SPARE.set(place, entry);
		}
	}

	/**
	 * Waits until there is something to read, or never will be.
	 * @return false if nothing more will come
	 */
	static boolean awaitInput(int fd) throws IpcException {
		NativeBuffer entry = NativeBuffer.zeroed(SIZE);
		await(entry, fd, LibC.POLLIN, 0);
		return (entry.bytes().getShort(RETURNED_EVENTS) & LibC.POLLIN) != 0;
	}

	private static boolean await(NativeBuffer entry, int fd, short events, long deadline) throws IpcException {
		entry.bytes().putInt(0, fd).putShort(EVENTS, events);
		int ready;
		do {
			ready = LibC.poll(entry.address(), 1, millisUntil(deadline));
		}
		while (ready < 0 && Errno.interrupted());
		Reference.reachabilityFence(entry);
		return Errno.check("poll", ready) > 0;
	}

	/** Whether the descriptor is ready now, or has an error. */
	static boolean isReady(int fd, short events) throws IpcException {
		return await(fd, events, System.nanoTime());
	}

	/**
	 * The timeout in milliseconds, rounded up so that no wait ends before its deadline.
	 * @return -1 for no limit
	 */
	static int millisUntil(long deadline) {
		if (deadline == 0) {
			return -1;
		}
		long nanos = Math.max(0, deadline - System.nanoTime());
		return (int) Math.min(Integer.MAX_VALUE, TimeUnit.NANOSECONDS.toMillis(nanos + 999_999));
	}

}
