package dev.tinyipc.spring.child;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import org.springframework.context.ApplicationEventPublisher;

/**
 * Publishes the events of all children of an application, in order. Listeners may block
 * or throw, so a thread of its own calls them, which starts with an event, and ends when
 * there has been none for a while.
 */
final class ChildEvents {

	private static final Logger logger = LoggerFactory.getLogger(IpcChildEvent.class);

	/** How many events wait for a listener that blocks. */
	static final int CAPACITY = 1000;

	private static final long SECONDS_TO_DELIVER = 1;

	private final ApplicationEventPublisher publisher;

	private final ThreadPoolExecutor thread;

	/** Completed when all events so far have been handled. */
	private volatile CompletableFuture<?> last = CompletableFuture.completedFuture(null);

	private volatile boolean dropping;

	ChildEvents(ApplicationEventPublisher publisher) {
		this.publisher = publisher;
		this.thread = new ThreadPoolExecutor(1, 1, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(CAPACITY),
				ChildEvents::thread);
		this.thread.allowCoreThreadTimeOut(true);
	}

	private static Thread thread(Runnable task) {
		Thread thread = new Thread(task, "ipc-child-events");
		thread.setDaemon(true);
		thread.setContextClassLoader(ChildEvents.class.getClassLoader());
		return thread;
	}

	/** Hands an event over, without waiting. */
	void publish(IpcChildEvent event) {
		try {
			this.last = CompletableFuture.runAsync(() -> tell(event), this.thread);
			this.dropping = false;
		}
		catch (RuntimeException | Error ex) { // the queue is full, or there is no thread
			if (!this.dropping && !this.thread.isShutdown()) {
				this.dropping = true;
				logger.warn("{} is dropped, and so may be others: {} events wait for a listener to return", event,
						this.thread.getQueue().size(), ex);
			}
		}
	}

	private void tell(IpcChildEvent event) {
		try {
			this.publisher.publishEvent(event);
		}
		catch (RuntimeException | Error ex) { // the next event has other listeners, too
			logger.warn("A listener failed to handle {}", event, ex);
		}
	}

	/**
	 * Gives listeners some time.
	 * @return completed when they have handled what was published so far, or after a
	 * second
	 */
	CompletableFuture<?> delivered() {
		return this.last.copy().completeOnTimeout(null, SECONDS_TO_DELIVER, TimeUnit.SECONDS);
	}

	/** Publishes nothing more. */
	void close() {
		this.thread.shutdownNow();
	}

}
