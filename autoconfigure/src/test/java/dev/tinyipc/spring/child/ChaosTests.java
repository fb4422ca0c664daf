package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcPeerUnavailableException;
import dev.tinyipc.spring.IpcTimeoutException;
import dev.tinyipc.spring.RawWorker;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A pool under load while somebody sends signals to its processes, for
 * {@code tinyipc.chaos.seconds}.
 */
@Timeout(300)
class ChaosTests {

	private static final Duration DURATION = Duration.ofSeconds(Integer.getInteger("tinyipc.chaos.seconds", 10));

	/** Of calls among the signals; the others have as long as they want. */
	private static final Duration TIMEOUT = Duration.ofSeconds(1);

	/** How late a loaded machine may run a thread whose time has passed. */
	private static final Duration MARGIN = Duration.ofSeconds(10);

	private static final int CALLERS = 16;

	/** For idle sockets, and for threads that wait to read, and to write. */
	private static final int LATE_POLLERS = 3;

	/** Those of the pollers, and those that log lines. A leak would have hundreds. */
	private static final int LATE_THREADS = 20;

	private final Queue<String> wrong = new ConcurrentLinkedQueue<>();

	private final AtomicLong answered = new AtomicLong();

	private final AtomicLong failed = new AtomicLong();

	@Test
	void everyCallEndsInItsOwnReplyOrAClearExceptionAndNothingIsLeftBehind() {
		RawWorker
			.application("ipc.children.worker.instances=4", "ipc.children.worker.restart.initial-delay=10ms",
					"ipc.children.worker.restart.max-delay=100ms", "ipc.children.worker.restart.max-failures=1000000",
					"ipc.children.worker.shutdown-timeout=1s")
			.run((context) -> {
				CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
				IpcChild child = context.getBean(IpcChild.class);
				ExecutorService callers = Executors.newFixedThreadPool(CALLERS);
				try (Processes.Killer killer = new Processes.Killer()) {
					callInPeace(callers, template);
					assertThat(Processes.zombies()).isEmpty(); // opens a socket in the
																// JDK
					Map<String, Long> descriptors = descriptors();
					int threads = Thread.activeCount();
					torment(callers, template, child, killer);
					System.out.println("answered: " + this.answered + ", failed: " + this.failed + ", restarts: "
							+ child.instances().stream().mapToLong(IpcChild.Instance::restarts).sum());
					recover(child);
					callInPeace(callers, template);
					assertThat(this.wrong).isEmpty();
					Awaitility.await().atMost(Duration.ofMinutes(1)).untilAsserted(() -> {
						assertThat(Processes.zombies()).isEmpty();
						assertThat(descriptors()).isEqualTo(descriptors);
						assertThat(OpenDescriptors.byKind().get("anon_inode:[eventpoll]"))
							.isLessThanOrEqualTo(1 + LATE_POLLERS);
						assertThat(Thread.activeCount()).isLessThan(threads + LATE_THREADS);
					});
				}
				finally {
					callers.shutdownNow();
				}
			});
	}

	/** Without pollers, which are opened when they are first needed. */
	private static Map<String, Long> descriptors() {
		Map<String, Long> descriptors = OpenDescriptors.withoutFiles();
		descriptors.keySet().removeIf((kind) -> kind.startsWith("anon_inode:[event"));
		return descriptors;
	}

	private void callInPeace(ExecutorService callers, CborMessageTemplate template) throws Exception {
		AtomicLong left = new AtomicLong(20 * CALLERS);
		this.failed.set(0);
		await(startCalling(callers, template, Duration.ofSeconds(30), () -> left.decrementAndGet() >= 0));
		assertThat(this.failed).hasValue(0);
	}

	private static void await(List<Future<?>> calls) throws Exception {
		for (Future<?> call : calls) {
			call.get(2, TimeUnit.MINUTES);
		}
	}

	private List<Future<?>> startCalling(ExecutorService callers, CborMessageTemplate template, Duration timeout,
			BooleanSupplier goOn) {
		return IntStream.range(0, CALLERS).<Future<?>>mapToObj((caller) -> callers.submit(() -> {
			while (goOn.getAsBoolean()) {
				call(template, timeout);
			}
		})).toList();
	}

	private void call(CborMessageTemplate template, Duration timeout) {
		Random random = ThreadLocalRandom.current();
		// Of one packet, and now and then of several.
		String request = Long.toHexString(random.nextLong()) + " ".repeat((random.nextInt(10) == 0) ? 300_000 : 100);
		long start = System.nanoTime();
		try {
			String reply = template.convertSendAndReceive(request, String.class, timeout);
			this.answered.incrementAndGet();
			if (!reply.equals(request)) {
				this.wrong.add("asked " + request.strip() + ", answered " + reply.strip());
			}
		}
		catch (IpcTimeoutException | IpcPeerUnavailableException ex) {
			this.failed.incrementAndGet();
		}
		catch (RuntimeException ex) {
			this.wrong.add(ex.toString());
		}
		long late = System.nanoTime() - start - timeout.plus(MARGIN).toNanos();
		if (late > 0) {
			this.wrong.add("a call took " + Duration.ofNanos(late) + " longer than it may");
		}
	}

	private void torment(ExecutorService callers, CborMessageTemplate template, IpcChild child, Processes.Killer killer)
			throws Exception {
		long end = System.nanoTime() + DURATION.toNanos();
		List<Future<?>> calls = startCalling(callers, template, TIMEOUT, () -> System.nanoTime() - end < 0);
		Random random = new Random(4);
		long stopped = 0;
		while (System.nanoTime() - end < 0) {
			List<IpcChild.Instance> instances = child.instances();
			long pid = instances.get(random.nextInt(instances.size())).pid().orElse(0L);
			String signal = List.of("KILL", "STOP", "TERM").get(random.nextInt(3));
			if (stopped != 0) {
				killer.send("CONT", stopped);
			}
			stopped = signal.equals("STOP") ? pid : 0;
			if (pid != 0) {
				killer.send(signal, pid);
			}
			TimeUnit.MILLISECONDS.sleep(50);
		}
		await(calls);
	}

	private static void recover(IpcChild child) {
		Awaitility.await()
			.atMost(Duration.ofMinutes(1))
			.untilAsserted(() -> assertThat(child.instances()).extracting(IpcChild.Instance::state)
				.containsOnly(ChildState.RUNNING));
	}

}
