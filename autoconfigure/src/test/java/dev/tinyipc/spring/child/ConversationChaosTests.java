package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.ChildCalls;
import dev.tinyipc.spring.RawWorker;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * 24 threads make calls of all kinds, while instances are killed every 100 milliseconds.
 */
@Timeout(300)
class ConversationChaosTests {

	private static final Duration DURATION = Duration.ofSeconds(Integer.getInteger("tinyipc.chaos.seconds", 10));

	private static final Duration TIMEOUT = Duration.ofSeconds(3);

	private static final int CALLERS = 24;

	/**
	 * Two processes and the one that stands by, with eight lanes in each direction.
	 */
	private static final long MOST_SOCKETS = 3 * (8 + 8);

	/** Those of pollers and of pools that have not shrunk yet. A leak would have more. */
	private static final int LATE_THREADS = 40;

	@Test
	void childrenInJavaDieAndEveryCallEndsInItsOwnReplyOrAClearException() {
		assertNothingIsLost(RawWorker.nothing()
			.withPropertyValues("ipc.children.worker.main=" + ConversationWorker.class.getName()));
	}

	@Test
	void childrenInPythonDieAndEveryCallEndsInItsOwnReplyOrAClearException() {
		assertNothingIsLost(PythonWorker.application());
	}

	/** Also nothing is left behind. */
	private void assertNothingIsLost(ApplicationContextRunner application) {
		long before = sockets();
		application.withUserConfiguration(Answers.class)
			.withPropertyValues("ipc.children.worker.ready=true", "ipc.children.worker.instances=2",
					"ipc.children.worker.spare=1", "ipc.children.worker.concurrency=8",
					"ipc.children.worker.restart.initial-delay=10ms", "ipc.children.worker.restart.max-delay=100ms",
					"ipc.children.worker.restart.max-failures=1000000", "ipc.children.worker.shutdown-timeout=1s")
			.run((context) -> {
				IpcChild child = context.getBean(IpcChild.class);
				CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
				MixedTraffic traffic = new MixedTraffic(template, TIMEOUT);
				ExecutorService callers = Executors.newFixedThreadPool(CALLERS);
				try (Processes.Killer killer = new Processes.Killer()) {
					callInPeace(callers, template);
					int threads = Thread.activeCount();
					torment(callers, traffic, child, killer);
					System.out.println("answered: " + traffic.answered() + ", failed: " + traffic.failed()
							+ ", restarts: " + restarts(child));
					assertThat(traffic.wrong()).isEmpty();
					assertThat(traffic.answered()).isPositive();
					Awaitility.await()
						.untilAsserted(() -> assertThat(child.instances()).extracting(IpcChild.Instance::state)
							.containsOnly(ChildState.RUNNING));
					callInPeace(callers, template);
					Awaitility.await().atMost(Duration.ofMinutes(2)).untilAsserted(() -> {
						assertThat(Processes.zombies()).isEmpty();
						assertThat(sockets()).isLessThanOrEqualTo(before + MOST_SOCKETS);
						assertThat(Thread.activeCount()).isLessThan(threads + LATE_THREADS);
					});
				}
				finally {
					callers.shutdownNow();
				}
			});
	}

	private static long sockets() {
		return OpenDescriptors.byKind().getOrDefault("socket", 0L);
	}

	private static long restarts(IpcChild child) {
		return child.instances().stream().mapToLong(IpcChild.Instance::restarts).sum();
	}

	private void callInPeace(ExecutorService callers, CborMessageTemplate template) throws Exception {
		MixedTraffic peace = new MixedTraffic(template, Duration.ofSeconds(30));
		await(startCalling(callers, peace, endOf(Duration.ofSeconds(2))));
		assertThat(peace.wrong()).isEmpty();
		assertThat(peace.answered()).isPositive();
	}

	private static BooleanSupplier endOf(Duration duration) {
		long end = System.nanoTime() + duration.toNanos();
		return () -> System.nanoTime() - end < 0;
	}

	private static List<Future<?>> startCalling(ExecutorService callers, MixedTraffic traffic, BooleanSupplier goOn) {
		return IntStream.range(0, CALLERS).<Future<?>>mapToObj((caller) -> callers.submit(() -> {
			while (goOn.getAsBoolean()) {
				traffic.call();
			}
		})).toList();
	}

	private static void await(List<Future<?>> calls) throws Exception {
		for (Future<?> call : calls) {
			call.get(2, TimeUnit.MINUTES);
		}
	}

	private static void torment(ExecutorService callers, MixedTraffic traffic, IpcChild child, Processes.Killer killer)
			throws Exception {
		BooleanSupplier goOn = endOf(DURATION);
		List<Future<?>> calls = startCalling(callers, traffic, goOn);
		Random random = new Random(7);
		while (goOn.getAsBoolean()) {
			List<IpcChild.Instance> ready = child.instances()
				.stream()
				.filter((instance) -> instance.state() == ChildState.RUNNING)
				.toList();
			if (!ready.isEmpty()) {
				ready.get(random.nextInt(ready.size())).pid().ifPresent((pid) -> killer.send("KILL", pid));
			}
			TimeUnit.MILLISECONDS.sleep(100);
		}
		await(calls);
	}

	@Configuration(proxyBeanMethods = false)
	static class Answers {

		@Bean
		ChildCalls answers() {
			return new ChildCalls("worker",
					(calls) -> calls.handler("ask", String.class, (request) -> request.payload() + '!'));
		}

	}

}
