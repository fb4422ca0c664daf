package dev.tinyipc;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

import org.jspecify.annotations.Nullable;

/**
 * Waiting until a descriptor can be read or written. A platform thread waits in the
 * kernel. A virtual thread would hold its carrier there, and an interrupt would not end
 * the wait: then the thread parks, and one thread for all of them waits instead.
 */
final class Readiness {

	/** {@code Thread.isVirtual()}, where there is one (Java 21). */
	private static final @Nullable MethodHandle IS_VIRTUAL = findIsVirtual();

	private Readiness() {
	}

	private static @Nullable MethodHandle findIsVirtual() {
		try {
			return MethodHandles.publicLookup()
				.findVirtual(Thread.class, "isVirtual", MethodType.methodType(boolean.class));
		}
		catch (NoSuchMethodException ex) {
			return null;
		}
		catch (IllegalAccessException ex) {
			throw new IllegalStateException(ex);
		}
	}

	/** Whether this thread must not block in native code. */
	static boolean mustPark() {
		try {
			return IS_VIRTUAL != null && (boolean) IS_VIRTUAL.invokeExact(Thread.currentThread());
		}
		catch (Throwable ex) {
			throw new IllegalStateException(ex);
		}
	}

	/**
	 * Waits until the descriptor is ready, or has an error, which is for the next call to
	 * tell. The caller has borrowed it.
	 * @param events {@link LibC#POLLIN} or {@link LibC#POLLOUT}
	 * @param deadline the {@link System#nanoTime()} at which waiting ends, or 0 for never
	 * @return whether it is ready, and the deadline has not passed
	 */
	static boolean await(int fd, short events, long deadline) throws IpcException {
		return await(fd, events, deadline, false);
	}

	/**
	 * As {@link #await(int, short, long)}.
	 * @param interruptible whether an interrupt ends the wait; the thread stays
	 * interrupted
	 */
	static boolean await(int fd, short events, long deadline, boolean interruptible) throws IpcException {
		if (!interruptible && !mustPark()) {
			return Poll.await(fd, events, deadline);
		}
		// Also for what is always ready, which cannot be watched.
		if (Poll.isReady(fd, events)) {
			return true;
		}
		return ((events == LibC.POLLIN) ? ParkedThreads.reading() : ParkedThreads.writing()).await(fd, deadline,
				interruptible);
	}

}
