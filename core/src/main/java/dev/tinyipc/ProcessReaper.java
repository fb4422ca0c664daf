package dev.tinyipc;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Waits for the ends of all children, in one thread, with a descriptor for each
 * ({@code pidfd_open(2)}): the only caller of {@code waitpid}, and always for one child
 * that is known to be ours, because the JVM has children of its own. The thread starts
 * with the first child.
 */
final class ProcessReaper {

	private static final Logger logger = LoggerFactory.getLogger(ProcessReaper.class);

	private static @Nullable ProcessReaper instance;

	private final Epoll epoll;

	private final Map<Long, Child> children = new ConcurrentHashMap<>();

	private ProcessReaper(Epoll epoll) {
		this.epoll = epoll;
	}

	private static synchronized ProcessReaper get() throws IpcException {
		ProcessReaper reaper = instance;
		if (reaper == null) {
			reaper = new ProcessReaper(Epoll.create());
			Thread thread = new Thread(reaper::run, "tiny-ipc-reaper");
			thread.setDaemon(true);
			thread.start();
			instance = reaper;
		}
		return reaper;
	}

	/**
	 * Watches a child that this process has just started. If that is not possible the
	 * child is ended: nobody would know about it.
	 */
	static Child watch(int pid) throws IpcException {
		try {
			return get().add(pid);
		}
		catch (IpcException ex) {
			LibC.kill(pid, LibC.SIGKILL);
			LibC.waitpid(pid, NativeBuffer.allocate(Integer.BYTES).address(), 0);
			throw ex;
		}
	}

	private Child add(int pid) throws IpcException {
		// A child that has ended already can be opened too: it is there until it is
		// reaped.
		int pidfd = (int) Errno.check("pidfd_open(" + pid + ')', LibC.syscall(LibC.SYS_PIDFD_OPEN, pid, 0, 0, 0));
		Child child = new Child(pid, OwnedFd.of(pidfd));
		this.children.put((long) pid, child);
		this.epoll.add(pidfd, Epoll.IN, pid);
		return child;
	}

	private void run() {
		while (true) {
			try {
				int count = this.epoll.await(null);
				for (int i = 0; i < count; i++) {
					reap(this.epoll.token(i));
				}
			}
			catch (IpcException | RuntimeException ex) {
				logger.error("Failed to wait for children", ex);
			}
		}
	}

	private void reap(long pid) throws IpcException {
		NativeBuffer status = NativeBuffer.zeroed(Integer.BYTES);
		int reaped = LibC.waitpid((int) pid, status.address(), LibC.WNOHANG);
		Child child = (reaped != 0) ? this.children.remove(pid) : null;
		if (child != null) {
			ExitStatus exit = (reaped > 0) ? ExitStatus.ofWaitStatus(status.bytes().getInt(0)) : ExitStatus.UNKNOWN;
			this.epoll.remove(child.pidfd.fd());
			child.pidfd.close();
			child.exit.complete(exit);
		}
	}

	/** A child, by a descriptor that never comes to mean another process. */
	static final class Child {

		private final int pid;

		private final OwnedFd pidfd;

		private final CompletableFuture<ExitStatus> exit = new CompletableFuture<>();

		private Child(int pid, OwnedFd pidfd) {
			this.pid = pid;
			this.pidfd = pidfd;
		}

		int pid() {
			return this.pid;
		}

		/** Completed when the process has ended, whoever still holds its output open. */
		CompletableFuture<ExitStatus> exit() {
			return this.exit;
		}

		/** Sends a signal; one that comes too late is sent to nobody. */
		void signal(int signal) throws IpcException {
			if (this.pidfd.isClosed()) {
				return;
			}
			int fd = this.pidfd.borrow();
			try {
				long result = LibC.syscall(LibC.SYS_PIDFD_SEND_SIGNAL, fd, signal, 0, 0);
				if (result < 0 && Errno.last() != Errno.ESRCH.number) {
					throw Errno.failure("pidfd_send_signal(" + this.pid + ')', Errno.last());
				}
			}
			finally {
				this.pidfd.giveBack();
			}
		}

	}

}
