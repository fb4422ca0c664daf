package dev.tinyipc;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads that wait to read, or to write, without blocking in the kernel: virtual
 * threads, and those that an interrupt must wake. One platform thread waits for all their
 * descriptors. It starts with the first of them.
 */
final class ParkedThreads {

	private static final Logger logger = LoggerFactory.getLogger(ParkedThreads.class);

	private static final ParkedThreads READING = new ParkedThreads(Epoll.IN, "tiny-ipc-parked-read");

	private static final ParkedThreads WRITING = new ParkedThreads(Epoll.OUT, "tiny-ipc-parked-write");

	private final int interest;

	private final String name;

	/** By watched descriptor. */
	private final Map<Integer, Waiter> waiters = new ConcurrentHashMap<>();

	private volatile @Nullable Epoll epoll;

	private ParkedThreads(int interest, String name) {
		this.interest = interest;
		this.name = name;
	}

	static ParkedThreads reading() {
		return READING;
	}

	static ParkedThreads writing() {
		return WRITING;
	}

	/** Starts the thread if need be. If this fails, the next call tries again. */
	Epoll started() throws IpcException {
		Epoll running = this.epoll;
		return (running != null) ? running : start();
	}

	private synchronized Epoll start() throws IpcException {
		Epoll result = this.epoll;
		if (result == null) {
			result = Epoll.create();
			try {
				Epoll created = result;
				Thread thread = new Thread(() -> run(created), this.name);
				thread.setDaemon(true);
				// Not the loader of whichever web application happens to need it first.
				thread.setContextClassLoader(ParkedThreads.class.getClassLoader());
				thread.start();
				this.epoll = result;
			}
			finally {
				if (this.epoll == null) {
					result.close();
				}
			}
		}
		return result;
	}

	boolean await(int fd, long deadline, boolean interruptible) throws IpcException {
		Waiter waiter = new Waiter(Thread.currentThread());
		if (this.waiters.putIfAbsent(fd, waiter) == null) {
			return await(fd, waiter, deadline, interruptible);
		}
		// Another thread waits for the same descriptor, which can be watched only once.
		try (OwnedFd copy = OwnedFd
			.of(Errno.check("fcntl(F_DUPFD_CLOEXEC)", LibC.fcntl(fd, LibC.F_DUPFD_CLOEXEC, 0)))) {
			this.waiters.put(copy.fd(), waiter);
			return await(copy.fd(), waiter, deadline, interruptible);
		}
	}

	private boolean await(int fd, Waiter waiter, long deadline, boolean interruptible) throws IpcException {
		boolean interrupted = false;
		try {
			Epoll epoll = started();
			epoll.add(fd, this.interest | Epoll.ONE_SHOT, fd);
			while (!waiter.ready && (deadline == 0 || deadline - System.nanoTime() > 0)
					&& !(interruptible && interrupted)) {
				if (deadline == 0) {
					LockSupport.park(this);
				}
				else {
					LockSupport.parkNanos(this, deadline - System.nanoTime());
				}
				// Otherwise the thread could not park again.
				interrupted |= Thread.interrupted();
			}
			epoll.remove(fd);
			return waiter.ready;
		}
		finally {
			this.waiters.remove(fd, waiter);
			if (interrupted) {
				Thread.currentThread().interrupt();
			}
		}
	}

	private void run(Epoll epoll) {
		boolean missed = false;
		while (true) {
			try {
				if (missed) {
					// A lost event is not repeated, so all wake up. Those that were not
					// ready wait again.
					this.waiters.values().forEach(Waiter::wake);
					missed = false;
				}
				int count = epoll.await(null);
				for (int i = 0; i < count; i++) {
					Waiter waiter = this.waiters.get((int) epoll.token(i));
					if (waiter != null) {
						waiter.wake();
					}
				}
			}
			catch (Throwable ex) {
				// Not even an OutOfMemoryError may end the thread that others depend on.
				missed = true;
				report(ex);
			}
		}
	}

	private static void report(Throwable failure) {
		try {
			logger.error("Failed to wait for the sockets of parked threads, which are woken instead", failure);
		}
		catch (Throwable ex) {
			// Nor may this one: there may be no memory to log with.
		}
	}

	private static final class Waiter {

		private final Thread thread;

		private volatile boolean ready;

		private Waiter(Thread thread) {
			this.thread = thread;
		}

		private void wake() {
			this.ready = true;
			LockSupport.unpark(this.thread);
		}

	}

}
