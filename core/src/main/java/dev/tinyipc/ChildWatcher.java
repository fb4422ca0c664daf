package dev.tinyipc;

import java.lang.invoke.MethodHandles;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches the ends and the output of all children in one thread, which starts with the
 * first child. All children depend on that thread: nothing in it may block, and no
 * exception ends it.
 */
final class ChildWatcher {

	private static final Logger logger = LoggerFactory.getLogger(ChildWatcher.class);

	/** How often to check what no event reports. */
	private static final Duration TICK = Duration.ofMillis(100);

	/** Keeps a repeated failure from using all processor time. */
	private static final Duration PAUSE_AFTER_FAILURE = Duration.ofMillis(10);

	private static final long WAKE = 0;

	private static volatile @Nullable ChildWatcher instance;

	private final Epoll epoll;

	private final OwnedFd wake;

	private final NativeBuffer wakeCount = NativeBuffer.zeroed(Long.BYTES);

	private final NativeBuffer one = NativeBuffer.zeroed(Long.BYTES);

	private final ForeignCalls calls = new ForeignCalls();

	private final Map<Long, Watched> watched = new ConcurrentHashMap<>();

	private final AtomicLong lastToken = new AtomicLong(WAKE);

	/**
	 * What is checked from time to time, without waiting for it. Used by the thread only.
	 */
	private final Set<Long> resting = new HashSet<>();

	private long lastTick;

	private boolean failed;

	private ChildWatcher(Epoll epoll, OwnedFd wake) {
		this.epoll = epoll;
		this.wake = wake;
		this.one.bytes().putLong(0, 1);
	}

	static synchronized ChildWatcher get() throws IpcException {
		ChildWatcher watcher = instance;
		if (watcher == null) {
			watcher = create();
			Thread thread = new Thread(watcher::run, "tiny-ipc-children");
			thread.setDaemon(true);
			// Not the loader of whichever web application happens to need it first.
			thread.setContextClassLoader(ChildWatcher.class.getClassLoader());
			thread.start();
			instance = watcher;
		}
		return watcher;
	}

	/**
	 * Initializes the classes that the end of a child needs, while there is memory for
	 * that. If there is none when it is tried for the first time, the JVM never tries
	 * again, and no end is noticed any more.
	 */
	private static void initialize(Class<?>... types) {
		try {
			for (Class<?> type : types) {
				MethodHandles.lookup().ensureInitialized(type);
			}
		}
		catch (IllegalAccessException ex) {
			throw new IllegalStateException(ex);
		}
	}

	private static ChildWatcher create() throws IpcException {
		initialize(ExitStatus.class, Watched.Next.class);
		Epoll epoll = Epoll.create();
		try {
			OwnedFd wake = OwnedFd.of(Errno.check("eventfd", LibC.eventfd(0, LibC.EFD_NONBLOCK | LibC.O_CLOEXEC)));
			try {
				epoll.add(wake.fd(), Epoll.IN, WAKE);
				return new ChildWatcher(epoll, wake);
			}
			catch (IpcException ex) {
				wake.close();
				throw ex;
			}
		}
		catch (IpcException ex) {
			epoll.close();
			throw ex;
		}
	}

	/**
	 * Watches a child that this process has just started. If that fails, the child is
	 * killed, because nobody would know of it, and nothing is left open.
	 * @param group whether the processes of its group end with it
	 * @param socket our end of the socket to it
	 * @param streams its streams, of which this takes those that are read line by line
	 */
	static ChildExit watch(int pid, boolean group, @Nullable OwnedFd socket, ChildStreams streams) throws IpcException {
		return watch(pid, group, socket, streams, null);
	}

	/**
	 * Watches a child that another process may have forked for this one.
	 * @param reaper waits for it; null for a child of this process
	 */
	static ChildExit watch(int pid, boolean group, @Nullable OwnedFd socket, ChildStreams streams,
			@Nullable ChildReaper reaper) throws IpcException {
		OwnedFd pidfd = null;
		List<ChildOutput> outputs = List.of();
		try {
			ChildWatcher watcher = get();
			// This works for a child that has ended too, until it is reaped.
			ProcessHandle handle = ProcessHandle.of(pid)
				.orElseThrow(() -> new IpcException("Process " + pid
						+ " cannot be looked up in /proc: too many files are open here, or /proc is not mounted"));
			pidfd = OwnedFd
				.of((int) Errno.check("pidfd_open(" + pid + ')', LibC.syscall(LibC.SYS_PIDFD_OPEN, pid, 0, 0, 0, 0)));
			ChildLines lines = new ChildLines(watcher.calls, watcher::wake);
			outputs = streams.takeLines(lines);
			ChildExit child = new ChildExit(pid, pidfd, handle, group, socket, lines, outputs,
					(reaper != null) ? watcher.waking(reaper) : null);
			if (group) {
				OrphanGuard.watchOver(pid);
			}
			for (ChildOutput output : outputs) {
				watcher.add(output);
			}
			watcher.add(child);
			return child;
		}
		catch (IpcException | RuntimeException | Error ex) {
			ChildExit.kill(pid, group, reaper);
			if (pidfd != null) {
				pidfd.close();
			}
			discard(outputs);
			throw ex;
		}
	}

	/** Closes outputs; the thread does so for those that it already watches. */
	private static void discard(List<ChildOutput> outputs) {
		ChildWatcher watcher = instance;
		for (ChildOutput output : outputs) {
			output.end(System.nanoTime());
			if (watcher == null || !watcher.watched.containsValue(output)) {
				output.close();
			}
		}
		if (watcher != null) {
			watcher.wake();
		}
	}

	void add(Watched source) throws IpcException {
		long token = this.lastToken.incrementAndGet();
		this.watched.put(token, source);
		try {
			this.epoll.add(source.descriptor().fd(), Epoll.IN, token);
		}
		catch (IpcException | RuntimeException | Error ex) {
			this.watched.remove(token);
			throw ex;
		}
	}

	private ChildReaper waking(ChildReaper reaper) {
		return (pid) -> {
			CompletableFuture<ExitStatus> end = reaper.reap(pid);
			try {
				end.thenRun(this::wake);
			}
			catch (OutOfMemoryError ex) {
				// The next tick looks.
			}
			return end;
		};
	}

	/** Has everything checked now. */
	private void wake() {
		LibC.write(this.wake.fd(), this.one.address(), Long.BYTES);
	}

	private void run() {
		while (true) {
			try {
				serveAll();
			}
			catch (IpcException | RuntimeException | Error ex) {
				survive(ex);
			}
		}
	}

	private void serveAll() throws IpcException {
		boolean look = !this.resting.isEmpty() || this.failed || this.calls.isBusy();
		int count = this.epoll.await(look ? TICK : null);
		boolean woken = false;
		for (int i = 0; i < count; i++) {
			long token = this.epoll.token(i);
			woken |= (token == WAKE);
			serve(token);
		}
		long now = System.nanoTime();
		boolean due = look && now - this.lastTick >= TICK.toNanos();
		if (due) {
			this.lastTick = now;
			this.calls.relieve();
		}
		if (due || woken) {
			lookAfterAll(now);
		}
	}

	private void serve(long token) {
		if (token == WAKE) {
			LibC.read(this.wake.fd(), this.wakeCount.address(), Long.BYTES);
			return;
		}
		Watched source = this.watched.get(token);
		if (source != null) {
			try {
				goOn(token, source, source.serve());
			}
			catch (IpcException | RuntimeException | Error ex) {
				survive(ex);
			}
		}
	}

	private void lookAfterAll(long now) {
		this.failed = false;
		for (Map.Entry<Long, Watched> entry : this.watched.entrySet()) {
			try {
				goOn(entry.getKey(), entry.getValue(), entry.getValue().look(now));
			}
			catch (IpcException | RuntimeException | Error ex) {
				survive(ex);
			}
		}
	}

	private void goOn(long token, Watched source, Watched.Next next) throws IpcException {
		if (next == Watched.Next.CLOSE) {
			close(token, source);
		}
		else if (next == Watched.Next.REST && this.resting.add(token)) {
			this.epoll.remove(source.descriptor().fd());
		}
		else if (next == Watched.Next.WATCH && this.resting.contains(token)) {
			this.epoll.add(source.descriptor().fd(), Epoll.IN, token);
			this.resting.remove(token);
		}
	}

	private void close(long token, Watched source) throws IpcException {
		try {
			if (!this.resting.remove(token)) {
				this.epoll.remove(source.descriptor().fd());
			}
		}
		finally {
			this.watched.remove(token);
			source.close();
		}
	}

	/**
	 * Survives any failure, even an {@link OutOfMemoryError}: if this thread ended, no
	 * end of a child would ever be noticed again. Another thread logs the failure,
	 * because an appender may block.
	 */
	private void survive(Throwable failure) {
		try {
			this.failed = true;
			this.calls.execute(() -> Failures.log(logger, "Failed to watch child processes", failure));
			LockSupport.parkNanos(PAUSE_AFTER_FAILURE.toNanos());
		}
		catch (RuntimeException | Error ex) {
			// There is no memory, or no thread, to log it.
		}
	}

	/** A descriptor that reports something about a child. */
	interface Watched {

		OwnedFd descriptor();

		/** Takes what is there, without waiting. */
		Next serve();

		/** Does what has become due without an event. Called from time to time. */
		Next look(long now);

		/** Closes the descriptor. */
		void close();

		/** What happens to the descriptor next. */
		enum Next {

			/** It is served when it is ready. */
			WATCH,

			/** It is looked at from time to time, but not served. */
			REST,

			/** Nothing more will come. */
			CLOSE

		}

	}

}
