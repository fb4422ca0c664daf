package dev.tinyipc;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads that wait to read, or to write, without being in the kernel: virtual ones,
 * and those whose wait ends on an interrupt. One platform thread waits for all their
 * descriptors. It starts with the first of them.
 */
final class ParkedThreads {

	private static final Logger logger = LoggerFactory.getLogger(ParkedThreads.class);

	private static final class Reading {

		static final ParkedThreads INSTANCE = new ParkedThreads(Epoll.IN, "tiny-ipc-parked-read");

	}

	private static final class Writing {

		static final ParkedThreads INSTANCE = new ParkedThreads(Epoll.OUT, "tiny-ipc-parked-write");

	}

	private final int interest;

	private final Epoll epoll;

	/** By the descriptor that is watched for them. */
	private final Map<Integer, Waiter> waiters = new ConcurrentHashMap<>();

	private ParkedThreads(int interest, String name) {
		this.interest = interest;
		try {
			this.epoll = Epoll.create();
		}
		catch (IpcException ex) {
			throw new IllegalStateException("Virtual threads cannot wait for sockets", ex);
		}
		Thread thread = new Thread(this::run, name);
		thread.setDaemon(true);
		// Not that of a web application whose request happens to need it first.
		thread.setContextClassLoader(ParkedThreads.class.getClassLoader());
		thread.start();
	}

	static ParkedThreads reading() {
		return Reading.INSTANCE;
	}

	static ParkedThreads writing() {
		return Writing.INSTANCE;
	}

	boolean await(int fd, long deadline, boolean interruptible) throws IpcException {
		Waiter waiter = new Waiter(Thread.currentThread());
		if (this.waiters.putIfAbsent(fd, waiter) == null) {
			return await(fd, waiter, deadline, interruptible);
		}
		// Another thread waits for the same descriptor, which can be watched once only.
		try (OwnedFd copy = OwnedFd
			.of(Errno.check("fcntl(F_DUPFD_CLOEXEC)", LibC.fcntl(fd, LibC.F_DUPFD_CLOEXEC, 0)))) {
			this.waiters.put(copy.fd(), waiter);
			return await(copy.fd(), waiter, deadline, interruptible);
		}
	}

	private boolean await(int fd, Waiter waiter, long deadline, boolean interruptible) throws IpcException {
		boolean interrupted = false;
		try {
			this.epoll.add(fd, this.interest | Epoll.ONE_SHOT, fd);
			while (!waiter.ready && (deadline == 0 || deadline - System.nanoTime() > 0)
					&& !(interruptible && interrupted)) {
				if (deadline == 0) {
					LockSupport.park(this);
				}
				else {
					LockSupport.parkNanos(this, deadline - System.nanoTime());
				}
				// Else the thread could not park again.
				interrupted |= Thread.interrupted();
			}
			this.epoll.remove(fd);
			return waiter.ready;
		}
		finally {
			this.waiters.remove(fd, waiter);
			if (interrupted) {
				Thread.currentThread().interrupt();
			}
		}
	}

	private void run() {
		while (true) {
			try {
				int count = this.epoll.await(null);
				for (int i = 0; i < count; i++) {
					Waiter waiter = this.waiters.get((int) this.epoll.token(i));
					if (waiter != null) {
						waiter.ready = true;
						LockSupport.unpark(waiter.thread);
					}
				}
			}
			catch (IpcException | RuntimeException ex) {
				logger.error("Failed to wait for the sockets of virtual threads", ex);
			}
		}
	}

	private static final class Waiter {

		private final Thread thread;

		private volatile boolean ready;

		private Waiter(Thread thread) {
			this.thread = thread;
		}

	}

}
