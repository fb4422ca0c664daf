package dev.tinyipc.spring.child;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcDestination;
import dev.tinyipc.spring.IpcInterruptedException;
import dev.tinyipc.spring.IpcMessagingException;
import dev.tinyipc.spring.IpcObserver;
import dev.tinyipc.spring.IpcReplyLostException;
import dev.tinyipc.spring.IpcTimeoutException;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.TestWorker;
import dev.tinyipc.spring.UncategorizedIpcException;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Messages that come late, twice, unasked or not at all: none of them reaches another
 * caller.
 */
@Timeout(120)
@ExtendWith(OutputCaptureExtension.class)
class StrayMessageTests {

	@ParameterizedTest
	@EnumSource
	void answersToOneWayMessagesDisturbNoExchange(OverloadTests.Language language, CapturedOutput output) {
		language.application().run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IpcChild child = context.getBean(IpcChild.class);
			for (int i = 0; i < 20; i++) {
				template.convertAndSend("one way " + i);
				assertThat(template.convertSendAndReceive("hello " + i, String.class)).isEqualTo("hello " + i);
			}
			for (int i = 0; i < 2000; i++) {
				template.convertAndSend("one way " + i);
			}
			assertThat(template.convertSendAndReceive("hello", String.class)).isEqualTo("hello");
			assertThat(child.instances().get(0).restarts()).isZero();
			assertThat(output.toString().split("the answer is dropped", -1)).hasSize(2);
		});
	}

	@ParameterizedTest
	@EnumSource
	void answersToOneWayMessagesCanAllBeReceivedInOrder(OverloadTests.Language language) {
		language.application().run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			assertThat(template.convertSendAndReceive("hello", String.class)).isEqualTo("hello");
			for (int i = 0; i < 10; i++) {
				template.convertAndSend("one way " + i);
			}
			IpcChild child = context.getBean(IpcChild.class);
			Awaitility.await().until(() -> child.instances().get(0).socket().orElseThrow().pendingSize() != null);
			for (int i = 0; i < 10; i++) {
				assertThat(template.receiveAndConvert(String.class)).isEqualTo("one way " + i);
			}
			assertThat(template.convertSendAndReceive("hello again", String.class)).isEqualTo("hello again");
		});
	}

	@Test
	void childThatAnswersTwiceIsReplaced() {
		RawWorker.application().run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IpcChild child = context.getBean(IpcChild.class);
			assertThat(template.convertSendAndReceive("twice a", String.class)).isEqualTo("twice a");
			Awaitility.await().until(() -> child.instances().get(0).restarts() == 1);
			for (int i = 0; i < 10; i++) {
				assertThat(template.convertSendAndReceive("hello " + i, String.class)).isEqualTo("hello " + i);
			}
			assertThat(child.instances().get(0).restarts()).isEqualTo(1);
		});
	}

	@Test
	void childInJavaThatAnswersTwiceUnderLoadGivesNobodyTheAnswerOfAnother() throws Exception {
		RawWorker.nothing()
			.withPropertyValues("ipc.children.worker.main=" + TwiceWorker.class.getName(),
					"ipc.children.worker.restart.max-failures=1000")
			.run((context) -> {
				CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
				AtomicInteger wrong = new AtomicInteger();
				AtomicInteger right = new AtomicInteger();
				ExecutorService threads = Executors.newFixedThreadPool(4);
				List<Future<?>> callers = new ArrayList<>();
				for (int caller = 0; caller < 4; caller++) {
					int number = caller;
					callers.add(threads.submit(() -> {
						for (int call = 0; call < 250; call++) {
							String request = ((call % 50 == 49) ? "twice " : "once ") + number + '-' + call;
							try {
								String reply = template.convertSendAndReceive(request, String.class);
								(reply.equals(request) ? right : wrong).incrementAndGet();
							}
							catch (UncategorizedIpcException ex) {
								assertThat(request).startsWith("twice");
							}
						}
					}));
				}
				for (Future<?> caller : callers) {
					caller.get();
				}
				threads.shutdown();
				assertThat(wrong).hasValue(0);
				assertThat(right).hasValueGreaterThanOrEqualTo(1000 - 20);
				assertThat(context.getBean(IpcChild.class).instances().get(0).restarts()).isPositive();
			});
	}

	@Test
	void messageThatNobodyAskedForEndsAnIdleInstance(CapturedOutput output) {
		RawWorker.application().run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IpcChild child = context.getBean(IpcChild.class);
			long pid = Processes.pids(child).get(0);
			assertThat(template.convertSendAndReceive("later 0.5", String.class)).isEqualTo("later 0.5");
			Awaitility.await().until(() -> !Processes.runs(pid));
			Awaitility.await().untilAsserted(() -> assertThat(output).contains("sent a message that nobody asked for"));
			assertThat(template.convertSendAndReceive("hello", String.class)).isEqualTo("hello");
		});
	}

	@Test
	void descriptorsThatNobodyAskedForEndTheirSenderWithoutARequest() {
		RawWorker.application().run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			long pid = Processes.pids(context.getBean(IpcChild.class)).get(0);
			long before = OpenDescriptors.count();
			assertThat(template.convertSendAndReceive("flood", String.class)).isEqualTo("flood");
			Awaitility.await().until(() -> !Processes.runs(pid));
			assertThat(template.convertSendAndReceive("hello", String.class)).isEqualTo("hello");
			Awaitility.await().untilAsserted(() -> assertThat(OpenDescriptors.count()).isLessThanOrEqualTo(before + 5));
		});
	}

	@Test
	void childThatClosesItsSocketAndLivesOnIsReplacedWithoutARequest(CapturedOutput output) {
		RawWorker.application().run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			long pid = Processes.pids(child).get(0);
			context.getBean(CborMessageTemplate.class).convertAndSend("hang-up");
			Awaitility.await().until(() -> !Processes.runs(pid));
			Awaitility.await().until(() -> child.instances().get(0).state() == ChildState.RUNNING);
			assertThat(output).contains("it closed its socket and has not ended");
		});
	}

	@Test
	void observerThatThrowsBreaksNoExchange(CapturedOutput output) {
		RawWorker.application().withBean(IpcObserver.class, () -> (name) -> new ThrowingObserver()).run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			for (int i = 0; i < 10; i++) {
				assertThat(template.convertSendAndReceive("hello " + i, String.class)).isEqualTo("hello " + i);
			}
			template.convertAndSend("one way");
			assertThat(template.receiveAndConvert(String.class)).isEqualTo("one way");
			assertThat(context.getBean(IpcChild.class).instances().get(0).restarts()).isZero();
			assertThat(output.toString().split("An observer of destination 'worker' failed", -1)).hasSize(2);
		});
	}

	@Test
	void descriptorsThatCameAreNotLeakedWhenAnObserverThrows() {
		RawWorker.nothing()
			.withPropertyValues("ipc.children.worker.main=" + TestWorker.class.getName())
			.withBean(IpcObserver.class, () -> (name) -> new ThrowingObserver())
			.run((context) -> {
				CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
				try (OwnedFd file = OwnedFd.open(Path.of("/dev/null"))) {
					Runnable exchange = () -> template.convertSendAndReceive(new TestWorker.Request("give", ""),
							TestWorker.Reply.class, file);
					exchange.run();
					long before = OpenDescriptors.count();
					for (int i = 0; i < 20; i++) {
						exchange.run();
					}
					// Less than one for each, and more than a poller that is opened late.
					assertThat(OpenDescriptors.count()).isLessThan(before + 10);
				}
			});
	}

	@Test
	void callerWhoIsInterruptedWhileItWaitsForItsReplyIsToldSoAtOnce() {
		RawWorker.application().run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IpcChild child = context.getBean(IpcChild.class);
			assertThat(template.convertSendAndReceive("hello", String.class)).isEqualTo("hello");
			long pid = Processes.pids(child).get(0);
			AtomicInteger flag = new AtomicInteger();
			Thread caller = new Thread(() -> {
				try {
					template.convertSendAndReceive("say-nothing", String.class, Duration.ofHours(1));
				}
				catch (IpcInterruptedException ex) {
					flag.set(Thread.currentThread().isInterrupted() ? 1 : -1);
				}
			});
			caller.start();
			Awaitility.await().until(() -> caller.getState() != Thread.State.NEW);
			caller.interrupt();
			caller.join();
			assertThat(flag).hasValue(1);
			assertThat(template.<Integer>convertSendAndReceive("who", Integer.class).longValue()).isNotEqualTo(pid);
		});
	}

	@Test
	void replyThatIsLostSaysHowTheProcessEnded() {
		RawWorker.application().run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			assertThatExceptionOfType(IpcReplyLostException.class)
				.isThrownBy(() -> template.convertSendAndReceive("die", String.class))
				.withMessageContaining("the peer closed")
				.withMessageContaining("exit code 7")
				.satisfies((lost) -> assertThat(lost.exitStatus())
					.hasValueSatisfying((exit) -> assertThat(exit.code()).hasValue(7)));
		});
	}

	@Test
	void halfAMessageIsNoTimeoutAndCostsTheInstance() {
		RawWorker.application().run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IpcChild child = context.getBean(IpcChild.class);
			long pid = Processes.pids(child).get(0);
			template.convertAndSend("half");
			template.setTimeout(Duration.ofSeconds(1));
			assertThatExceptionOfType(UncategorizedIpcException.class)
				.isThrownBy(() -> template.receiveAndConvert(String.class))
				.withMessageContaining("Part of a message");
			template.setTimeout(Duration.ofSeconds(30));
			assertThat(template.<Integer>convertSendAndReceive("who", Integer.class).longValue()).isNotEqualTo(pid);
		});
	}

	@Test
	void receivingFromAPoolIsRefusedWithTheReason() {
		RawWorker.application("ipc.children.worker.instances=2")
			.run((context) -> assertThatExceptionOfType(IpcMessagingException.class)
				.isThrownBy(() -> context.getBean(CborMessageTemplate.class).receiveAndConvert(String.class))
				.withMessageContaining("it has 2 instances"));
	}

	@Test
	void oneWayChildTakesMessagesAndSendsThemButAnswersNoRequests() {
		RawWorker.application("ipc.children.worker.one-way=true").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IpcChild child = context.getBean(IpcChild.class);
			assertThatExceptionOfType(IpcMessagingException.class)
				.isThrownBy(() -> template.convertSendAndReceive("hello", String.class))
				.withMessageContaining("one-way");
			template.convertAndSend("news");
			Awaitility.await().until(() -> child.instances().get(0).socket().orElseThrow().pendingSize() != null);
			assertThat(template.receiveAndConvert(String.class)).isEqualTo("news");
			assertThat(child.instances().get(0).restarts()).isZero();
		});
	}

	@Test
	void oneWayChildThatTakesNoMessagesIsGivenUp(CapturedOutput output) {
		RawWorker.application("ipc.children.worker.startup-grace=1ms").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			long pid = Processes.pids(context.getBean(IpcChild.class)).get(0);
			template.convertAndSend("sleep 1000");
			template.setTimeout(Duration.ofMillis(200));
			assertThatExceptionOfType(IpcTimeoutException.class).isThrownBy(() -> {
				while (true) {
					template.convertAndSend("one too many");
				}
			}).satisfies((timeout) -> assertThat(timeout.requestSent()).isFalse());
			Awaitility.await().until(() -> !Processes.runs(pid));
			Awaitility.await().untilAsserted(() -> assertThat(output).contains("it took no message within PT0.2S"));
		});
	}

	@Test
	void requestThatWasNotSentToADeadInstanceGoesToAnother() {
		RawWorker
			.application("ipc.children.worker.instances=2", "ipc.children.worker.restart.max-failures=1000",
					"ipc.children.worker.restart.max-delay=100ms")
			.run((context) -> {
				CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
				IpcChild child = context.getBean(IpcChild.class);
				for (int i = 0; i < 20; i++) {
					for (long pid : Processes.pids(child)) {
						ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
						Awaitility.await().pollInterval(Duration.ofMillis(1)).until(() -> !Processes.runs(pid));
					}
					assertThat(template.convertSendAndReceive("hello", String.class)).isEqualTo("hello");
				}
			});
	}

	@Test
	void destinationNeverLendsWhatItWasNotGivenBack() throws Exception {
		RawWorker.application().run((context) -> {
			IpcDestination destination = context.getBean(IpcChild.class);
			// An action that sends and does not wait leaves a reply on its way.
			destination.exchange(Duration.ofSeconds(10), false, (exchange) -> exchange.request("forgotten"));
			try (IpcMessage<String> reply = destination.exchange(Duration.ofSeconds(10), false, (exchange) -> {
				exchange.request("hello");
				return exchange.reply(String.class);
			})) {
				assertThat(reply.payload()).isEqualTo("hello");
			}
		});
	}

	/** Fails whenever it is told something. */
	private static final class ThrowingObserver implements IpcObserver.Destination {

		@Override
		public void acquired(Duration waited) {
			throw new IllegalStateException("on purpose");
		}

		@Override
		public void sent(long bytes, int descriptors) {
			throw new IllegalStateException("on purpose");
		}

		@Override
		public void received(long bytes, int descriptors) {
			throw new StackOverflowError("on purpose");
		}

		@Override
		public void exchanged(Duration duration) {
			throw new NoClassDefFoundError("on purpose");
		}

	}

}
