package dev.tinyipc;

import java.io.Closeable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import org.jspecify.annotations.Nullable;

/**
 * The threads in which a server works on requests. There are no more than lanes, as each
 * lane has one exchange at a time; those without work end after a while.
 */
final class ServerThreads implements Executor, Closeable {

	private static final int SECONDS_WITHOUT_WORK = 10;

	/** Null for platform threads. */
	private final @Nullable ThreadFactory factory;

	private final ThreadPoolExecutor pool;

	ServerThreads(@Nullable ThreadFactory factory) {
		this.factory = factory;
		this.pool = new ThreadPoolExecutor(0, Integer.MAX_VALUE, SECONDS_WITHOUT_WORK, TimeUnit.SECONDS,
				new SynchronousQueue<>(), (factory != null) ? factory : platformThreads());
	}

	private static ThreadFactory platformThreads() {
		AtomicInteger last = new AtomicInteger();
		// That of the application, whoever happens to need the thread.
		ClassLoader classLoader = Thread.currentThread().getContextClassLoader();
		return (task) -> {
			Thread thread = new Thread(task, "ipc-server-" + last.incrementAndGet());
			thread.setDaemon(true);
			thread.setContextClassLoader(classLoader);
			return thread;
		};
	}

	@Override
	public void execute(Runnable task) {
		this.pool.execute(task);
	}

	/** Serves the first socket in the calling thread, or in one of the factory's. */
	void runFirst(ServedLane.Sending task) throws IpcException {
		if (this.factory == null) {
			task.send();
			return;
		}
		try {
			CompletableFuture.runAsync(() -> {
				try {
					task.send();
				}
				catch (IpcException ex) {
					throw new CompletionException(ex);
				}
			}, this.pool).join();
		}
		catch (CompletionException ex) {
			if (ex.getCause() instanceof IpcException failure) {
				throw failure;
			}
			throw ex;
		}
	}

	/** Threads end once they have no more work. */
	@Override
	public void close() {
		this.pool.shutdown();
	}

}
