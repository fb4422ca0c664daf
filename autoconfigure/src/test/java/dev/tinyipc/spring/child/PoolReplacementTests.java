package dev.tinyipc.spring.child;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;

import dev.tinyipc.spring.CborMessageOperations;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcPeerUnavailableException;
import dev.tinyipc.spring.IpcReplyLostException;
import dev.tinyipc.spring.IpcTimeoutException;
import dev.tinyipc.spring.RawWorker;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

@Timeout(120)
@ExtendWith(OutputCaptureExtension.class)
class PoolReplacementTests {

	private static final Duration SHORT = Duration.ofMillis(300);

	/** For instances that do not end when they are asked to. */
	private static final String QUICKLY = "ipc.children.worker.shutdown-timeout=1s";

	@Test
	void anInstanceThatDoesNotAnswerInTimeIsReplacedAndTheOthersStay() {
		RawWorker.application("ipc.children.worker.instances=3", QUICKLY).run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IpcChild child = context.getBean(IpcChild.class);
			List<Long> before = Processes.pids(child);
			assertThatExceptionOfType(IpcTimeoutException.class)
				.isThrownBy(() -> template.convertSendAndReceive("say-nothing", String.class, SHORT));
			awaitRestarts(child, 1);
			List<Long> after = Processes.pids(child);
			assertThat(after).hasSize(3);
			List<Long> gone = new ArrayList<>(before);
			gone.removeAll(after);
			assertThat(gone).hasSize(1);
			Awaitility.await().until(() -> !Processes.runs(gone.get(0)));
			for (int i = 0; i < 9; i++) {
				assertThat(template.convertSendAndReceive("hello", String.class)).isEqualTo("hello");
			}
			assertThat(child.instances().get(0).restarts() + child.instances().get(1).restarts()
					+ child.instances().get(2).restarts())
				.isEqualTo(1);
		});
	}

	@Test
	void anInstanceThatDoesNotAnswerInTimeHasASignalAsItsLastExit() {
		RawWorker.application(QUICKLY).run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			assertThatExceptionOfType(IpcTimeoutException.class)
				.isThrownBy(() -> context.getBean(CborMessageTemplate.class)
					.convertSendAndReceive("say-nothing", String.class, SHORT));
			Awaitility.await()
				.untilAsserted(() -> assertThat(child.instances().get(0).lastExit())
					.hasValueSatisfying((exit) -> assertThat(exit.signal()).hasValue(9)));
		});
	}

	@Test
	void anInstanceThatClosesItsSocketFailsItsCallerAtOnceAndIsReplaced() {
		RawWorker.application().run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IpcChild child = context.getBean(IpcChild.class);
			long pid = Processes.pids(child).get(0);
			assertThatExceptionOfType(IpcPeerUnavailableException.class)
				.isThrownBy(() -> template.convertSendAndReceive("hang-up", String.class));
			assertThat(template.<Integer>convertSendAndReceive("who", Integer.class).longValue()).isNotEqualTo(pid);
			assertThat(Processes.runs(pid)).isFalse();
		});
	}

	@Test
	void anInstanceThatHasOnlyAPartOfAMessageIsReplaced() {
		RawWorker.application().run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			long pid = Processes.pids(context.getBean(IpcChild.class)).get(0);
			template.convertAndSend("sleep 1000");
			template.setTimeout(SHORT);
			assertThatExceptionOfType(IpcTimeoutException.class)
				.isThrownBy(() -> template.convertAndSend("x".repeat(1_000_000)));
			template.setTimeout(Duration.ofSeconds(30));
			assertThat(template.convertSendAndReceive("hello", String.class)).isEqualTo("hello");
			assertThat(template.<Integer>convertSendAndReceive("who", Integer.class).longValue()).isNotEqualTo(pid);
		});
	}

	@Test
	void aRequestIsNotRepeatedUnlessItIsIdempotent(@TempDir Path folder) {
		RawWorker.application("ipc.children.worker.instances=2").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			assertThatExceptionOfType(IpcPeerUnavailableException.class)
				.isThrownBy(() -> template.convertSendAndReceive("die-unless " + folder.resolve("died"), String.class));
			awaitRestarts(context.getBean(IpcChild.class), 1);
		});
	}

	@Test
	void anIdempotentRequestIsRepeatedOnAnotherInstance(@TempDir Path folder) {
		RawWorker.application("ipc.children.worker.instances=2").run((context) -> {
			CborMessageOperations template = context.getBean(CborMessageTemplate.class).idempotent();
			String request = "die-unless " + folder.resolve("died");
			assertThat(template.convertSendAndReceive(request, String.class)).isEqualTo(request);
			awaitRestarts(context.getBean(IpcChild.class), 1);
		});
	}

	@Test
	void requestsToAnIdempotentChildAreRepeatedOnceAndNotTwice(@TempDir Path folder) {
		RawWorker.application("ipc.children.worker.instances=4", "ipc.children.worker.idempotent=true")
			.run((context) -> {
				CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
				String request = "die-unless " + folder.resolve("died");
				assertThat(template.convertSendAndReceive(request, String.class)).isEqualTo(request);
				awaitRestarts(context.getBean(IpcChild.class), 1);
				assertThatExceptionOfType(IpcPeerUnavailableException.class)
					.isThrownBy(() -> template.convertSendAndReceive("die", String.class));
				awaitRestarts(context.getBean(IpcChild.class), 3);
				for (int i = 0; i < 8; i++) {
					assertThat(template.convertSendAndReceive("hello", String.class)).isEqualTo("hello");
				}
				assertThat(context.getBean(IpcChild.class).instances()).extracting(IpcChild.Instance::restarts)
					.satisfies(
							(restarts) -> assertThat(restarts.stream().mapToLong(Long::longValue).sum()).isEqualTo(3));
			});
	}

	@Test
	void anIdempotentRequestThatFindsNoOtherInstanceIsToldThatItWasSent() {
		RawWorker.application("ipc.children.worker.restart.policy=never").run((context) -> {
			CborMessageOperations template = context.getBean(CborMessageTemplate.class).idempotent();
			assertThatExceptionOfType(IpcReplyLostException.class)
				.isThrownBy(() -> template.convertSendAndReceive("die", String.class))
				.withMessageContaining("exit code 7");
		});
		RawWorker.application("ipc.children.worker.restart.initial-delay=30s").run((context) -> {
			CborMessageOperations template = context.getBean(CborMessageTemplate.class).idempotent();
			assertThatExceptionOfType(IpcReplyLostException.class)
				.isThrownBy(() -> template.convertSendAndReceive("die", String.class, Duration.ofSeconds(1)))
				.withMessageContaining("exit code 7");
		});
	}

	@Test
	void anInstanceThatHasAnsweredEnoughIsReplacedAndNoCallFails(CapturedOutput output) {
		RawWorker.application("ipc.children.worker.max-exchanges=10").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IpcChild child = context.getBean(IpcChild.class);
			long first = Processes.pids(child).get(0);
			for (int i = 0; i < 10; i++) {
				assertThat(template.<Integer>convertSendAndReceive("who", Integer.class).longValue()).isEqualTo(first);
			}
			Awaitility.await().untilAsserted(() -> {
				assertThat(template.convertSendAndReceive("hello", String.class)).isEqualTo("hello");
				assertThat(Processes.runs(first)).isFalse();
			});
			assertThat(child.instances().get(0).restarts()).isPositive();
			assertThat(output).containsSubsequence("(pid " + first + ") is replaced: it has done enough",
					"Started child process 'worker'");
		});
	}

	@Test
	void anInstanceThatHasGrownTooLargeIsReplaced() {
		RawWorker.application("ipc.children.worker.max-memory=100MB").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			long first = Processes.pids(context.getBean(IpcChild.class)).get(0);
			assertThat(template.<Integer>convertSendAndReceive("who swell 20", Integer.class).longValue())
				.isEqualTo(first);
			assertThat(template.<Integer>convertSendAndReceive("who swell 100", Integer.class).longValue())
				.isEqualTo(first);
			Awaitility.await().until(() -> !Processes.runs(first));
			assertThat(template.<Integer>convertSendAndReceive("who", Integer.class).longValue()).isNotEqualTo(first);
			assertThat(context.getBean(IpcChild.class).instances().get(0).restarts()).isEqualTo(1);
		});
	}

	@Test
	void aRollingRestartReplacesEveryInstanceAndNoCallFails() {
		RawWorker.application("ipc.children.worker.instances=4").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IpcChild child = context.getBean(IpcChild.class);
			List<Long> before = Processes.pids(child);
			AtomicBoolean done = new AtomicBoolean();
			ExecutorService callers = Executors.newFixedThreadPool(8);
			List<Future<?>> calls = new ArrayList<>();
			for (int i = 0; i < 8; i++) {
				calls.add(callers.submit(() -> {
					while (!done.get()) {
						assertThat(template.convertSendAndReceive("sleep 0.01", String.class)).isEqualTo("sleep 0.01");
					}
				}));
			}
			child.restartInstances().join();
			assertThat(before).noneMatch(Processes::runs);
			child.restartInstances().join();
			done.set(true);
			for (Future<?> call : calls) {
				call.get();
			}
			callers.shutdown();
			assertThat(child.instances()).extracting(IpcChild.Instance::restarts).containsOnly(2L);
			assertThat(Processes.pids(child)).hasSize(4).doesNotContainAnyElementsOf(before);
		});
	}

	private static void awaitRestarts(IpcChild child, long restarts) {
		Awaitility.await().untilAsserted(() -> {
			assertThat(child.instances().stream().mapToLong(IpcChild.Instance::restarts).sum()).isEqualTo(restarts);
			assertThat(Processes.pids(child)).hasSize(child.instances().size());
		});
	}

}
