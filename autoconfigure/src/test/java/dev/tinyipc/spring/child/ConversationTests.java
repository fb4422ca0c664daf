package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import dev.tinyipc.spring.CborMessageOperations;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.ChildCalls;
import dev.tinyipc.spring.IpcInterruptedException;
import dev.tinyipc.spring.IpcMessagingException;
import dev.tinyipc.spring.IpcRemoteException;
import dev.tinyipc.spring.IpcTimeoutException;
import dev.tinyipc.spring.RawWorker;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.ParameterizedTypeReference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** One process that serves several callers, streams, is told to stop, and calls back. */
@Timeout(120)
class ConversationTests {

	private static final Duration SHORT = Duration.ofMillis(200);

	private final ApplicationContextRunner application = RawWorker.nothing()
		.withPropertyValues("ipc.children.worker.main=" + ConversationWorker.class.getName(),
				"ipc.children.worker.ready=true");

	private final ApplicationContextRunner eightLanes = this.application
		.withPropertyValues("ipc.children.worker.concurrency=8");

	@Test
	void oneProcessServesAsManyCallersAtATimeAsItHasLanes() {
		this.eightLanes.run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			Set<Long> pids = ConcurrentHashMap.newKeySet();
			ExecutorService callers = Executors.newFixedThreadPool(32);
			try {
				List<Future<Integer>> replies = new ArrayList<>();
				for (int i = 0; i < 400; i++) {
					int nonce = 50 + i % 7;
					replies.add(callers.submit(() -> {
						pids.add(template.method("who").<Integer>convertSendAndReceive("", Integer.class).longValue());
						return template.method("sleep").convertSendAndReceive(nonce, Integer.class) - nonce;
					}));
				}
				for (Future<Integer> reply : replies) {
					assertThat(reply.get(60, TimeUnit.SECONDS)).isZero();
				}
			}
			finally {
				callers.shutdownNow();
			}
			assertThat(pids).hasSize(1);
			assertThat(template.method("peak").<Integer>convertSendAndReceive("", Integer.class)).isEqualTo(8);
		});
	}

	@Test
	void withoutConcurrencyOneProcessServesOneCallerAtATime() {
		this.application.run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IntStream.range(0, 8)
				.parallel()
				.forEach((i) -> template.method("sleep").convertSendAndReceive(20, Integer.class));
			assertThat(template.method("peak").<Integer>convertSendAndReceive("", Integer.class)).isOne();
		});
	}

	@Test
	void callerThatGivesUpTellsTheChildAndCostsNoProcess() {
		this.application.run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			int pid = template.method("who").convertSendAndReceive("", Integer.class);
			for (int i = 0; i < 3; i++) {
				assertThatExceptionOfType(IpcTimeoutException.class)
					.isThrownBy(() -> template.method("hang").convertSendAndReceive("", String.class, SHORT));
				assertThat(template.<String>convertSendAndReceive("still here", String.class)).isEqualTo("still here");
			}
			assertThat(template.method("who").<Integer>convertSendAndReceive("", Integer.class)).isEqualTo(pid);
			assertThat(template.method("cancelled").<Integer>convertSendAndReceive("", Integer.class)).isEqualTo(3);
		});
	}

	@Test
	void aThousandCallersWhoGiveUpCostAChildInPythonNoProcess() {
		PythonWorker.application()
			.withPropertyValues("ipc.children.worker.ready=true", "ipc.children.worker.concurrency=8")
			.run((context) -> {
				CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
				int pid = template.method("who").convertSendAndReceive("", Integer.class);
				ExecutorService callers = Executors.newFixedThreadPool(8);
				try {
					// Some wait for a lane, or for the child's attention, until their
					// time is
					// over.
					do {
						List<Future<?>> calls = IntStream.range(0, 200)
							.<Future<?>>mapToObj((i) -> callers.submit(() -> giveUp(template)))
							.toList();
						for (Future<?> call : calls) {
							call.get(60, TimeUnit.SECONDS);
						}
					}
					while (template.method("cancelled").<Integer>convertSendAndReceive("", Integer.class) < 1000);
				}
				finally {
					callers.shutdownNow();
				}
				assertThat(template.method("who").<Integer>convertSendAndReceive("", Integer.class)).isEqualTo(pid);
				assertThat(context.getBean(IpcChild.class).instances().get(0).restarts()).isZero();
			});
	}

	private static void giveUp(CborMessageTemplate template) {
		// On a busy machine, the child may say first that the time was over.
		assertThatThrownBy(() -> template.method("hang").convertSendAndReceive("", String.class, Duration.ofMillis(30)))
			.satisfiesAnyOf((failure) -> assertThat(failure).isInstanceOf(IpcTimeoutException.class),
					(failure) -> assertThat(failure).isInstanceOf(IpcRemoteException.class)
						.hasMessageContaining("DeadlineExceeded"));
	}

	@Test
	void interruptedCallersTellTheChildAndCostNoProcess() {
		this.eightLanes.run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			int pid = template.method("who").convertSendAndReceive("", Integer.class);
			ExecutorService callers = Executors.newFixedThreadPool(8);
			try {
				for (int i = 0; i < 5; i++) {
					List<Future<?>> calls = new ArrayList<>();
					CountDownLatch ended = new CountDownLatch(8);
					for (int k = 0; k < 8; k++) {
						calls.add(callers.submit(() -> interrupted(template, ended)));
					}
					awaitBusy(context.getBean(IpcChild.class), 8);
					calls.forEach((call) -> call.cancel(true));
					assertThat(ended.await(60, TimeUnit.SECONDS)).isTrue();
				}
			}
			finally {
				callers.shutdownNow();
			}
			Awaitility.await()
				.untilAsserted(
						() -> assertThat(template.method("cancelled").<Integer>convertSendAndReceive("", Integer.class))
							.isEqualTo(40));
			assertThat(template.method("who").<Integer>convertSendAndReceive("", Integer.class)).isEqualTo(pid);
		});
	}

	private static void interrupted(CborMessageTemplate template, CountDownLatch ended) {
		assertThatExceptionOfType(IpcInterruptedException.class)
			.isThrownBy(() -> template.method("hang").convertSendAndReceive("", String.class));
		assertThat(Thread.currentThread().isInterrupted()).isTrue();
		ended.countDown();
	}

	private static void awaitBusy(IpcChild child, int lanes) {
		Awaitility.await().until(() -> child.instances().get(0).busyLanes() == lanes);
	}

	@Test
	void laneThatDoesNotEndACancelledRequestCostsTheLaneAndThreeCostTheProcess() {
		this.eightLanes.withPropertyValues("ipc.children.worker.cancel-timeout=100ms").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IpcChild child = context.getBean(IpcChild.class);
			int pid = template.method("who").convertSendAndReceive("", Integer.class);
			for (int i = 0; i < 2; i++) {
				assertThatExceptionOfType(IpcTimeoutException.class)
					.isThrownBy(() -> template.method("stubborn").convertSendAndReceive(60_000, String.class, SHORT));
			}
			assertThat(template.method("who").<Integer>convertSendAndReceive("", Integer.class)).isEqualTo(pid);
			assertThat(child.instances().get(0).restarts()).isZero();
			// Without a reply in between.
			Awaitility.await().until(() -> {
				assertThatExceptionOfType(IpcTimeoutException.class)
					.isThrownBy(() -> template.method("stubborn").convertSendAndReceive(60_000, String.class, SHORT));
				return child.instances().get(0).restarts() == 1;
			});
			assertThat(template.method("who").<Integer>convertSendAndReceive("", Integer.class)).isNotEqualTo(pid);
		});
	}

	@Test
	void streamBringsAllElementsInOrder() {
		withTemplate((template) -> {
			try (Stream<Integer> numbers = template.method("count").convertSendAndStream(10_000, Integer.class)) {
				assertThat(numbers).hasSize(10_000).isSorted().doesNotHaveDuplicates();
			}
			assertThat(template.method("count").convertSendAndStream("worker", 0, Integer.class)).isEmpty();
		});
	}

	@Test
	void totalTimeoutOfAStreamIncludesTheWaitForALane() {
		withTemplate((template) -> {
			ExecutorService caller = Executors.newSingleThreadExecutor();
			try {
				template.convertSendAndReceive("it is up", String.class);
				Future<?> other = caller.submit(() -> template.method("hang")
					.convertSendAndReceive("worker", "", String.class, Duration.ofSeconds(10)));
				assertThatExceptionOfType(IpcMessagingException.class).isThrownBy(() -> {
					while (!other.isDone()) {
						template.method("count").totalTimeout(SHORT).convertSendAndStream(1, Integer.class).close();
					}
				});
				assertThat(other.isDone()).isFalse();
				other.cancel(true);
			}
			finally {
				caller.shutdownNow();
			}
		});
	}

	@Test
	void errorInTheMiddleComesAfterTheElementsBeforeIt() {
		withTemplate((template) -> {
			List<Integer> before = new ArrayList<>();
			Stream<Integer> numbers = template.method("fail-after").convertSendAndStream(5, Integer.class);
			assertThatExceptionOfType(IpcRemoteException.class).isThrownBy(() -> numbers.forEach(before::add))
				.withMessageContaining("on purpose");
			assertThat(before).containsExactly(0, 1, 2, 3, 4);
		});
	}

	@Test
	void streamThatIsClosedOrFailsAtItsConsumerStopsTheChild() {
		withTemplate((template) -> {
			int pid = template.method("who").convertSendAndReceive("", Integer.class);
			try (Stream<Long> endless = template.method("endless").convertSendAndStream("", Long.class)) {
				assertThat(endless.limit(1000)).hasSize(1000);
			}
			Stream<Long> other = template.method("endless").convertSendAndStream("", Long.class);
			assertThatExceptionOfType(IllegalStateException.class).isThrownBy(() -> other.forEach((i) -> {
				if (i == 10) {
					throw new IllegalStateException("enough");
				}
			}));
			assertThat(template.<String>convertSendAndReceive("next", String.class)).isEqualTo("next");
			assertThat(template.method("who").<Integer>convertSendAndReceive("", Integer.class)).isEqualTo(pid);
		});
	}

	@Test
	void streamMayNotTakeLongerInAllThanItsTotalTimeout() {
		withTemplate((template) -> {
			CborMessageOperations limited = template.method("endless").totalTimeout(SHORT);
			assertThatExceptionOfType(IpcTimeoutException.class)
				.isThrownBy(() -> limited.method("endless").convertSendAndStream("", Long.class).forEach((i) -> {
				}));
			assertThat(template.<String>convertSendAndReceive("next", String.class)).isEqualTo("next");
		});
	}

	@Test
	void valueIsNotTakenForAStreamNorAStreamForAValue() {
		withTemplate((template) -> {
			assertThatExceptionOfType(IpcMessagingException.class)
				.isThrownBy(() -> template.convertSendAndStream("a value", String.class).toList())
				.withMessageContaining("a stream was expected");
			assertThatExceptionOfType(IpcMessagingException.class)
				.isThrownBy(() -> template.method("count").convertSendAndReceive(1000, Integer.class))
				.withMessageContaining("one value was expected");
			assertThat(template.<String>convertSendAndReceive("next", String.class)).isEqualTo("next");
		});
	}

	@Test
	void repliesAreReadAsGenericTypes() {
		withTemplate((template) -> assertThat(
				template.method("shapes").convertSendAndReceive("", new ParameterizedTypeReference<List<Square>>() {
				}))
			.containsExactly(new Square(1), new Square(2)));
	}

	record Square(int side) {

	}

	@Test
	void headersAndTheTimeThatIsLeftReachTheChild() {
		withTemplate((template) -> assertThat(template.method("headers")
			.header("traceparent", "00-1-2-01")
			.convertSendAndReceive("", new ParameterizedTypeReference<Map<String, String>>() {
			})).containsEntry("traceparent", "00-1-2-01").containsKey("deadline-ms"));
	}

	@Test
	void oneWayMessagesHaveNoMethod() {
		withTemplate((template) -> assertThatIllegalStateException()
			.isThrownBy(() -> template.method("sleep").convertAndSend("worker", 1))
			.withMessageContaining("send a request"));
	}

	@Test
	void methodThatTheChildDoesNotHaveIsAnErrorThatNamesThoseThatItHas() {
		withTemplate((template) -> assertThatExceptionOfType(IpcRemoteException.class)
			.isThrownBy(() -> template.method("frobnicate").convertSendAndReceive("", String.class))
			.withMessageContaining("frobnicate")
			.withMessageContaining("sleep"));
	}

	@Test
	void methodIsRefusedForAChildThatDoesNotKnowThem() {
		RawWorker.application()
			.run((context) -> assertThatExceptionOfType(IpcMessagingException.class)
				.isThrownBy(() -> context.getBean(CborMessageTemplate.class)
					.method("scale")
					.convertSendAndReceive("", String.class, SHORT)));
	}

	@Test
	void childAsksItsParentWhichAsksTheChildAgain() {
		this.eightLanes.withUserConfiguration(Answers.class).run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			assertThat(template.method("ask-back").<String>convertSendAndReceive("3", String.class))
				.isEqualTo("child(parent(child(parent(child(parent(0))))))");
		});
	}

	@Test
	void callsThatFindNoLaneFailWithAReasonInsteadOfHanging() {
		this.application.withUserConfiguration(Answers.class)
			.withPropertyValues("ipc.children.worker.exchange-timeout=2s")
			.run((context) -> {
				CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
				assertThatExceptionOfType(IpcMessagingException.class)
					.isThrownBy(() -> template.method("ask-back").convertSendAndReceive("3", String.class));
				assertThat(template.<String>convertSendAndReceive("next", String.class)).isEqualTo("next");
			});
	}

	@Test
	void callsOfAChildAreAnsweredWithAnErrorIfNobodyAnswersThem() {
		withTemplate((template) -> assertThatExceptionOfType(IpcRemoteException.class)
			.isThrownBy(() -> template.method("ask-back").convertSendAndReceive("1", String.class))
			.withMessageContaining("answers no calls"));
	}

	@Test
	void aThousandCancelledRequestsStartNoProcess() {
		this.eightLanes.run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			Duration tiny = Duration.ofMillis(5);
			IntStream.range(0, 1000)
				.parallel()
				.forEach((i) -> assertThatExceptionOfType(IpcMessagingException.class)
					.isThrownBy(() -> template.method("hang").convertSendAndReceive("", String.class, tiny)));
			assertThat(template.<String>convertSendAndReceive("next", String.class)).isEqualTo("next");
			assertThat(context.getBean(IpcChild.class).instances().get(0).restarts()).isZero();
		});
	}

	private void withTemplate(Consumer<CborMessageTemplate> test) {
		this.application.run((context) -> test.accept(context.getBean(CborMessageTemplate.class)));
	}

	@Configuration(proxyBeanMethods = false)
	static class Answers {

		/** The parent, too, asks its child until there is nothing left to ask. */
		@Bean
		ChildCalls answers(CborMessageTemplate template) {
			return new ChildCalls("worker", (calls) -> calls.handler("ask", String.class, (request) -> {
				int left = Integer.parseInt(request.payload()) - 1;
				return "parent(" + ((left == 0) ? "0"
						: template.method("ask-back").convertSendAndReceive(Integer.toString(left), String.class))
						+ ')';
			}));
		}

	}

}
