package dev.tinyipc;

import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Runs tasks that call foreign code, such as log appenders, which may block, call back,
 * or end the JVM: the thread that watches the children must not do it. One thread runs
 * them all; while it is blocked, others take over, up to eight.
 */
final class ForeignCalls implements Executor {

	static final int MAX_THREADS = 8;

	private final ThreadPoolExecutor threads = new ThreadPoolExecutor(1, MAX_THREADS, 10, TimeUnit.SECONDS,
			new LinkedBlockingQueue<>(), ForeignCalls::thread);

	private long completed;

	private static Thread thread(Runnable task) {
		Thread thread = new Thread(task, "tiny-ipc-lines");
		thread.setDaemon(true);
		thread.setContextClassLoader(ForeignCalls.class.getClassLoader());
		return thread;
	}

	@Override
	public void execute(Runnable task) {
		this.threads.execute(task);
	}

	/** Drops a task that has not started. */
	void remove(Runnable task) {
		this.threads.remove(task);
	}

	/** Whether {@link #relieve()} is worth calling. */
	boolean isBusy() {
		return this.threads.getActiveCount() > 0 || !this.threads.getQueue().isEmpty();
	}

	/**
	 * Must be called from time to time while this is busy. Adds a thread if tasks are
	 * waiting and none has been completed since the last call.
	 */
	void relieve() {
		boolean stuck = this.threads.getCompletedTaskCount() == this.completed;
		this.completed = this.threads.getCompletedTaskCount();
		int count = this.threads.getCorePoolSize();
		if (this.threads.getQueue().isEmpty()) {
			this.threads.setCorePoolSize(Math.max(1, Math.min(count, this.threads.getActiveCount())));
		}
		else if (stuck && count < MAX_THREADS) {
			this.threads.setCorePoolSize(count + 1);
		}
	}

}
