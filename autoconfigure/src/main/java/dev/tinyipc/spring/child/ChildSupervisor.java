package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The single thread in which the states of all children change, so that they need no
 * lock. Its tasks must not wait. The thread starts with the first child, and ends when
 * there has been nothing to do for a while.
 */
final class ChildSupervisor implements Executor {

	private static final Logger logger = LoggerFactory.getLogger(ChildSupervisor.class);

	private final ScheduledThreadPoolExecutor thread;

	ChildSupervisor() {
		this.thread = new ScheduledThreadPoolExecutor(1, (task) -> {
			Thread thread = new Thread(task, "ipc-supervisor");
			thread.setDaemon(true);
			// Not that of a web application whose request happens to need the thread.
			thread.setContextClassLoader(ChildSupervisor.class.getClassLoader());
			return thread;
		});
		this.thread.setKeepAliveTime(10, TimeUnit.SECONDS);
		this.thread.allowCoreThreadTimeOut(true);
		this.thread.setRemoveOnCancelPolicy(true);
	}

	@Override
	public void execute(Runnable task) {
		this.thread.execute(logged(task));
	}

	/** Runs a task after a delay, unless it is cancelled by then. */
	Future<?> schedule(Duration delay, Runnable task) {
		return this.thread.schedule(logged(task), delay.toNanos(), TimeUnit.NANOSECONDS);
	}

	private static Runnable logged(Runnable task) {
		return () -> {
			try {
				task.run();
			}
			catch (RuntimeException | Error ex) { // all children depend on this thread
				logger.error("Failed to supervise a child process", ex);
			}
		};
	}

}
