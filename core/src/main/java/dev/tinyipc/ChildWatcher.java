package dev.tinyipc;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Waits for the ends and the output of all children, in one thread, which starts with the
 * first of them. A child's end is told by a descriptor ({@code pidfd_open(2)}); this is
 * the only caller of {@code waitpid}, and always for one child that is known to be ours,
 * because the JVM has children of its own.
 */
final class ChildWatcher {

	private static final Logger logger = LoggerFactory.getLogger(ChildWatcher.class);

	private static @Nullable ChildWatcher instance;

	private final Epoll epoll;

	private final Map<Long, Watched> watched = new ConcurrentHashMap<>();

	private final AtomicLong lastToken = new AtomicLong();

	private ChildWatcher(Epoll epoll) {
		this.epoll = epoll;
	}

	private static synchronized ChildWatcher get() throws IpcException {
		ChildWatcher watcher = instance;
		if (watcher == null) {
			watcher = new ChildWatcher(Epoll.create());
			Thread thread = new Thread(watcher::run, "tiny-ipc-children");
			thread.setDaemon(true);
			// Not that of a web application whose request happens to need it first.
			thread.setContextClassLoader(ChildWatcher.class.getClassLoader());
			thread.start();
			instance = watcher;
		}
		return watcher;
	}

	/**
	 * Watches a child that this process has just started. If that is not possible the
	 * child is ended: nobody would know about it.
	 * @param group whether the processes of its group end with it
	 * @param outputs what is to be read of it, which is closed at its end
	 */
	static ChildExit watch(int pid, boolean group, List<ChildOutput> outputs) throws IpcException {
		try {
			ChildWatcher watcher = get();
			for (ChildOutput output : outputs) {
				watcher.add(output);
			}
			// A child that has ended already can be opened too, until it is reaped.
			int pidfd = (int) Errno.check("pidfd_open(" + pid + ')', LibC.syscall(LibC.SYS_PIDFD_OPEN, pid, 0, 0, 0));
			ChildExit exit = new ChildExit(pid, OwnedFd.of(pidfd), group, outputs);
			watcher.add(exit);
			return exit;
		}
		catch (IpcException ex) {
			LibC.kill(group ? -pid : pid, LibC.SIGKILL);
			LibC.waitpid(pid, NativeBuffer.allocate(Integer.BYTES).address(), 0);
			outputs.forEach((output) -> output.descriptor().close());
			throw ex;
		}
	}

	private void add(Watched source) throws IpcException {
		long token = this.lastToken.incrementAndGet();
		this.watched.put(token, source);
		try {
			this.epoll.add(source.descriptor().fd(), Epoll.IN, token);
		}
		catch (IpcException ex) {
			this.watched.remove(token);
			source.descriptor().close();
			throw ex;
		}
	}

	private void run() {
		while (true) {
			try {
				int count = this.epoll.await(null);
				for (int i = 0; i < count; i++) {
					serve(this.epoll.token(i));
				}
			}
			catch (IpcException | RuntimeException ex) {
				logger.error("Failed to wait for children", ex);
			}
		}
	}

	private void serve(long token) throws IpcException {
		Watched source = this.watched.get(token);
		boolean done = true;
		try {
			done = (source == null) || source.serve();
		}
		finally {
			if (source != null && done) {
				this.watched.remove(token);
				this.epoll.remove(source.descriptor().fd());
				source.finish();
			}
		}
	}

	/** A descriptor that tells something of a child. */
	interface Watched {

		OwnedFd descriptor();

		/**
		 * Takes what is there.
		 * @return whether nothing more will come
		 */
		boolean serve() throws IpcException;

		/** Closes the descriptor, and then tells whoever waits. */
		void finish();

	}

}
