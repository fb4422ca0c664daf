package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

import dev.tinyipc.spring.CborMessageOperations;
import dev.tinyipc.spring.IpcBusyException;
import dev.tinyipc.spring.IpcMessagingException;

/**
 * Callers that make one request after the other, each of which keeps an instance busy for
 * the same time, and what came of their calls.
 */
final class Load {

	private final AtomicInteger replies = new AtomicInteger();

	private final AtomicInteger busy = new AtomicInteger();

	private final AtomicInteger otherFailures = new AtomicInteger();

	private final AtomicInteger wrongReplies = new AtomicInteger();

	/** Runs for some time, and returns when the last call is over. */
	static Load run(CborMessageOperations template, int callers, double workSeconds, Duration timeout,
			Duration duration) throws Exception {
		Load load = new Load();
		ExecutorService threads = Executors.newFixedThreadPool(callers);
		long end = System.nanoTime() + duration.toNanos();
		List<Future<?>> running = new ArrayList<>();
		for (int caller = 0; caller < callers; caller++) {
			int number = caller;
			running.add(threads.submit(() -> {
				for (int call = 0; System.nanoTime() - end < 0; call++) {
					load.call(template, "sleep " + workSeconds + " caller-" + number + "-call-" + call, timeout);
				}
			}));
		}
		for (Future<?> each : running) {
			each.get();
		}
		threads.shutdown();
		return load;
	}

	/** One call of each caller, all at once. */
	static Load once(CborMessageOperations template, int callers, double workSeconds, Duration timeout)
			throws Exception {
		Load load = new Load();
		ExecutorService threads = Executors.newFixedThreadPool(callers);
		List<Future<?>> running = new ArrayList<>();
		for (int caller = 0; caller < callers; caller++) {
			String request = "sleep " + workSeconds + " caller-" + caller;
			running.add(threads.submit(() -> load.call(template, request, timeout)));
		}
		for (Future<?> each : running) {
			each.get();
		}
		threads.shutdown();
		return load;
	}

	private void call(CborMessageOperations template, String request, Duration timeout) {
		try {
			String reply = template.convertSendAndReceive(request, String.class, timeout);
			(reply.equals(request) ? this.replies : this.wrongReplies).incrementAndGet();
		}
		catch (IpcBusyException ex) {
			this.busy.incrementAndGet();
		}
		catch (IpcMessagingException ex) {
			this.otherFailures.incrementAndGet();
		}
	}

	int replies() {
		return this.replies.get();
	}

	int busy() {
		return this.busy.get();
	}

	int otherFailures() {
		return this.otherFailures.get();
	}

	int wrongReplies() {
		return this.wrongReplies.get();
	}

	@Override
	public String toString() {
		return this.replies + " replies, " + this.busy + " waited in vain, " + this.otherFailures + " other failures, "
				+ this.wrongReplies + " wrong replies";
	}

}
