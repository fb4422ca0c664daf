package dev.tinyipc.spring.child;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcInterruptedException;
import dev.tinyipc.spring.IpcMessagingException;
import dev.tinyipc.spring.IpcReplyLostException;
import dev.tinyipc.spring.IpcTimeoutException;
import dev.tinyipc.spring.RawWorker;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.ApplicationContext;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** Children whose lanes do not do what their hello promised. */
@Timeout(120)
@ExtendWith(OutputCaptureExtension.class)
class LaneFaultTests {

	private static final Duration SHORT = Duration.ofMillis(200);

	/** A child without a library, see {@code lane_worker.py}. */
	private static ApplicationContextRunner application(String faults, int lanes) {
		return RawWorker.application("ipc.children.worker.command[1]=" + script(),
				"ipc.children.worker.command[2]=" + faults, "ipc.children.worker.environment.LANES=" + lanes,
				"ipc.children.worker.ready=true", "ipc.children.worker.concurrency=" + lanes,
				"ipc.children.worker.exchange-timeout=10s", "ipc.children.worker.cancel-timeout=100ms",
				"ipc.children.worker.shutdown-timeout=100ms");
	}

	private static Path script() {
		try {
			return Path.of(Objects.requireNonNull(LaneFaultTests.class.getResource("/lane_worker.py")).toURI());
		}
		catch (URISyntaxException ex) {
			throw new IllegalStateException(ex);
		}
	}

	@Test
	void neverOpensMoreLanesThanTheChildHasHoweverManyCallersComeAtOnce() {
		application("agrees-slowly", 3).run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			ExecutorService callers = Executors.newFixedThreadPool(12);
			try {
				List<Future<Integer>> replies = new ArrayList<>();
				for (int i = 0; i < 200; i++) {
					replies.add(callers.submit(() -> template.convertSendAndReceive("who", Integer.class)));
				}
				for (Future<Integer> reply : replies) {
					reply.get(60, TimeUnit.SECONDS);
				}
			}
			finally {
				callers.shutdownNow();
			}
			assertThat(template.<Integer>convertSendAndReceive("lanes", Integer.class)).isEqualTo(3);
		});
	}

	@Test
	void firstLaneThatWasGivenUpStillCountsAsALaneOfTheChild() {
		application("none", 2).run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			giveUpFirstLane(template, context.getBean(IpcChild.class));
			for (int i = 0; i < 3; i++) {
				template.convertSendAndReceive("who", Integer.class);
			}
			assertThat(template.<Integer>convertSendAndReceive("lanes", Integer.class)).isEqualTo(2);
		});
	}

	@Test
	void instanceThatLosesItsLastLaneIsReplaced() {
		application("none", 2).run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IpcChild child = context.getBean(IpcChild.class);
			giveUpFirstLane(template, child);
			int pid = template.convertSendAndReceive("who", Integer.class);
			assertThatExceptionOfType(IpcReplyLostException.class)
				.isThrownBy(() -> template.convertSendAndReceive("leave 1", Integer.class));
			assertThat(template.<Integer>convertSendAndReceive("who", Integer.class)).isNotEqualTo(pid);
			assertThat(child.instances().get(0).restarts()).isOne();
		});
	}

	private static void giveUpFirstLane(CborMessageTemplate template, IpcChild child) {
		assertThatExceptionOfType(IpcTimeoutException.class)
			.isThrownBy(() -> template.convertSendAndReceive("sleep 100", Integer.class, SHORT));
		Awaitility.await().until(() -> child.instances().get(0).lanes() == 1);
	}

	@ParameterizedTest
	@ValueSource(strings = { "agrees-by-value", "agrees-by-nonsense", "agrees-by-element", "never-agrees" })
	void childThatDoesNotOpenLanesServesOneCallerAtATime(String fault, CapturedOutput output) {
		application(fault, 4).run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			for (int i = 0; i < 20; i++) {
				template.convertSendAndReceive("who", Integer.class);
			}
			IpcChild.Instance instance = context.getBean(IpcChild.class).instances().get(0);
			assertThat(instance.lanes()).isOne();
			assertThat(instance.restarts()).isZero();
			assertThat(output.toString().split("and no more", -1)).hasSize(2);
		});
	}

	@Test
	void childThatStreamsOnAfterItWasToldToStopIsReplacedAndHoldsUpNoOther() {
		application("none", 1)
			.withPropertyValues("ipc.children.other.command[0]=" + RawWorker.python(),
					"ipc.children.other.command[1]=" + RawWorker.script())
			.run((context) -> {
				CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
				for (int i = 1; i <= 3; i++) {
					try (Stream<Integer> numbers = template.convertSendAndStream("worker", "endless 1",
							Integer.class)) {
						assertThat(numbers.limit(10)).hasSize(10);
					}
					assertThat(template.<Integer>convertSendAndReceive("worker", "who", Integer.class)).isPositive();
					assertThat(restarts(child(context, "worker"))).isEqualTo(i);
					assertThatExceptionOfType(IpcMessagingException.class)
						.isThrownBy(() -> template.convertSendAndReceive("other", "die", String.class));
					assertThat(template.<String>convertSendAndReceive("other", "again", String.class))
						.isEqualTo("again");
				}
			});
	}

	private static IpcChild child(ApplicationContext context, String name) {
		return context.getBeanProvider(IpcChild.class)
			.stream()
			.filter((child) -> child.name().equals(name))
			.findAny()
			.orElseThrow();
	}

	@Test
	void timeoutEndsACallAlsoWhileOtherAnswersKeepComing() {
		application("none", 1).run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			template.convertAndSend("endless 1");
			assertThatExceptionOfType(IpcTimeoutException.class)
				.isThrownBy(() -> template.convertSendAndReceive("who", Integer.class, SHORT));
			assertThat(template.<Integer>convertSendAndReceive("who", Integer.class)).isPositive();
		});
	}

	@Test
	void totalTimeoutAndInterruptEndAStreamWhoseElementsAreAlwaysThere() {
		application("none", 1).run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			assertThatExceptionOfType(IpcTimeoutException.class).isThrownBy(() -> template.totalTimeout(SHORT)
				.convertSendAndStream("worker", "endless 1", Integer.class)
				.forEach((i) -> LockSupport.parkNanos(1_000_000)));
			assertThatExceptionOfType(IpcInterruptedException.class)
				.isThrownBy(() -> template.convertSendAndStream("worker", "endless 1", Integer.class)
					.peek((i) -> LockSupport.parkNanos(1_000_000))
					.skip(500)
					.forEach((i) -> Thread.currentThread().interrupt()));
			assertThat(Thread.interrupted()).isTrue();
			assertThat(template.<Integer>convertSendAndReceive("who", Integer.class)).isPositive();
		});
	}

	@Test
	void messageThatIsBrokenOffCostsItsLaneOnly() {
		application("reads-slowly", 2).run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			ExecutorService caller = Executors.newSingleThreadExecutor();
			try {
				// Over the first lane, whose end is the end of the process.
				Future<Integer> other = caller.submit(() -> template.convertSendAndReceive("sleep 2", Integer.class));
				Awaitility.await().until(() -> context.getBean(IpcChild.class).instances().get(0).lanes() == 2);
				assertThatExceptionOfType(IpcTimeoutException.class)
					.isThrownBy(() -> template.convertSendAndReceive("x".repeat(8_000_000), Integer.class, SHORT));
				int pid = other.get(60, TimeUnit.SECONDS);
				assertThat(template.<Integer>convertSendAndReceive("who", Integer.class)).isEqualTo(pid);
			}
			finally {
				caller.shutdownNow();
			}
		});
	}

	@Test
	void streamThatIsClosedByAnotherThreadIsNotTakenForAWholeOneAndDisturbsNoOther() {
		application("none", 1).withPropertyValues("ipc.children.worker.cancel-timeout=10s").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			ExecutorService consumer = Executors.newSingleThreadExecutor();
			try {
				int pid = template.convertSendAndReceive("who", Integer.class);
				for (int i = 0; i < 5; i++) {
					Stream<Integer> numbers = template.convertSendAndStream("worker", "stream 10", Integer.class);
					CountDownLatch begun = new CountDownLatch(1);
					Future<List<Integer>> all = consumer
						.submit(() -> numbers.peek((each) -> begun.countDown()).toList());
					assertThat(begun.await(60, TimeUnit.SECONDS)).isTrue();
					numbers.close();
					assertThatExceptionOfType(ExecutionException.class).isThrownBy(() -> all.get(60, TimeUnit.SECONDS))
						.withCauseInstanceOf(IllegalStateException.class)
						.withMessageContaining("closed");
					assertThat(template.<Integer>convertSendAndReceive("who", Integer.class)).isEqualTo(pid);
				}
			}
			finally {
				consumer.shutdownNow();
			}
		});
	}

	@Test
	void streamThatWasClosedSaysNothingAboutHowLongARequestTakes() {
		application("none", 1).withPropertyValues("ipc.children.worker.cancel-timeout=10s").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			ExecutorService caller = Executors.newSingleThreadExecutor();
			try {
				for (int i = 0; i < 20; i++) {
					template.convertSendAndReceive("who", Integer.class);
				}
				try (Stream<Integer> numbers = template.convertSendAndStream("worker", "stream 60", Integer.class)) {
					assertThat(numbers.limit(50)).hasSize(50);
				}
				Awaitility.await().until(() -> context.getBean(IpcChild.class).instances().get(0).busyLanes() == 0);
				caller.submit(() -> template.convertSendAndReceive("sleep 1.5", Integer.class));
				Awaitility.await().until(() -> context.getBean(IpcChild.class).instances().get(0).busyLanes() == 1);
				assertThat(template.<Integer>convertSendAndReceive("who", Integer.class, Duration.ofSeconds(2)))
					.isPositive();
			}
			finally {
				caller.shutdownNow();
			}
		});
	}

	private static long restarts(IpcChild child) {
		return child.instances().get(0).restarts();
	}

}
