package dev.tinyipc;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

import org.jspecify.annotations.Nullable;

/**
 * Waits until a descriptor can be read or written. A platform thread waits in the kernel.
 * There, a virtual thread would pin its carrier, and an interrupt would not end the wait:
 * in these cases the thread parks, and one thread waits for all of them.
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
	 * Waits until the descriptor is ready, or has an error, which the next call reports.
	 * The caller has borrowed it.
	 * @param events {@link LibC#POLLIN} or {@link LibC#POLLOUT}
	 * @param deadline the {@link System#nanoTime()} at which waiting ends, or 0 for never
	 * @return false if the deadline passed first
	 */
	static boolean await(int fd, short events, long deadline) throws IpcException {
		return await(fd, events, deadline, false);
	}

	/**
	 * As {@link #await(int, short, long)}.
	 * @param interruptible whether an interrupt ends the wait, with the thread still
	 * interrupted
	 */
	static boolean await(int fd, short events, long deadline, boolean interruptible) throws IpcException {
		if (!interruptible && !mustPark()) {
			return Poll.await(fd, events, deadline);
		}
		// First of all because epoll cannot watch what is always ready.
		if (Poll.isReady(fd, events)) {
			return true;
		}
		return ((events == LibC.POLLIN) ? ParkedThreads.reading() : ParkedThreads.writing()).await(fd, deadline,
				interruptible);
	}

}
