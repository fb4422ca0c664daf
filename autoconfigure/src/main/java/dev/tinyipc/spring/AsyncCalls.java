package dev.tinyipc.spring;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import dev.tinyipc.IpcException;
import dev.tinyipc.OwnedFd;

import org.springframework.core.task.VirtualThreadTaskExecutor;

/**
 * Makes the calls that nobody waits for, each in a thread: an exchange waits for its
 * reply in the thread that sent the request.
 *
 * <p>
 * With virtual threads, each call has one from the beginning, and waits for an instance
 * in the same queue as all others. Otherwise there are threads of our own, no more for a
 * destination than it has lanes, as a call without a lane has no use for one; it is kept
 * in a queue of {@link CallQueue}, whose calls fail as soon as their time is over. A pool
 * of the application would be the wrong place: Boot's has eight threads and an endless
 * queue, in which the ninth call would wait unnoticed, without a timeout, behind tasks
 * that have nothing to do with it.
 */
final class AsyncCalls {

	private static final int SECONDS_WITHOUT_WORK = 10;

	private final Executor threads;

	private final boolean virtual;

	private final Map<String, CallQueue> queues = new ConcurrentHashMap<>();

	private AsyncCalls(Executor threads, boolean virtual) {
		this.threads = threads;
		this.virtual = virtual;
	}

	/** Uses virtual threads, which need JDK 21. */
	static AsyncCalls inVirtualThreads() {
		return new AsyncCalls(new VirtualThreadTaskExecutor("ipc-async-"), true);
	}

	/** Uses platform threads, of which there are none while there are no calls. */
	static AsyncCalls inPlatformThreads() {
		AtomicInteger last = new AtomicInteger();
		// That of the application, whoever happens to need the thread.
		ClassLoader classLoader = Thread.currentThread().getContextClassLoader();
		return new AsyncCalls(new ThreadPoolExecutor(0, Integer.MAX_VALUE, SECONDS_WITHOUT_WORK, TimeUnit.SECONDS,
				new SynchronousQueue<>(), (task) -> {
					Thread thread = new Thread(task, "ipc-async-" + last.incrementAndGet());
					thread.setDaemon(true);
					thread.setContextClassLoader(classLoader);
					return thread;
				}), false);
	}

	/**
	 * Makes a call.
	 * @param destination whom it calls
	 * @param timeout how long it may take from now on
	 * @param descriptors stay the caller's, and are duplicated
	 * @param call returns the result
	 * @param <T> the type of the result
	 * @return the result; it fails with what the call throws
	 */
	<T> CompletableFuture<T> start(IpcDestination destination, Duration timeout, OwnedFd[] descriptors, Call<T> call) {
		OwnedFd[] copies;
		try {
			copies = copies(descriptors);
		}
		catch (IpcException ex) {
			return CompletableFuture.failedFuture(IpcExceptionTranslator.translate(destination.name(), ex));
		}
		int limit = destination.asyncThreads();
		if (this.virtual || limit == Integer.MAX_VALUE) {
			AsyncCall<T> async = new AsyncCall<>(() -> call.run(timeout, copies), copies, () -> {
			});
			async.startIn(this.threads);
			return async;
		}
		CallQueue queue = this.queues.computeIfAbsent(destination.name(),
				(name) -> new CallQueue(name, limit, this.threads));
		return queue.add(timeout, copies, call);
	}

	private static OwnedFd[] copies(OwnedFd[] descriptors) throws IpcException {
		OwnedFd[] copies = new OwnedFd[descriptors.length];
		int count = 0;
		try {
			while (count < copies.length) {
				copies[count] = descriptors[count].duplicate();
				count++;
			}
			return copies;
		}
		finally {
			if (count < copies.length) {
				for (int i = 0; i < count; i++) {
					copies[i].close();
				}
			}
		}
	}

	/**
	 * A call that its thread waits for.
	 *
	 * @param <T> the type of the result
	 */
	@FunctionalInterface
	interface Call<T> {

		/**
		 * Makes the call.
		 * @param timeout the time that is left
		 * @param descriptors to be sent
		 */
		T run(Duration timeout, OwnedFd[] descriptors);

	}

}
