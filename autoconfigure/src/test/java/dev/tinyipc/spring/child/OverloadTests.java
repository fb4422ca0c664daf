package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcBusyException;
import dev.tinyipc.spring.IpcTimeoutException;
import dev.tinyipc.spring.RawWorker;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** More requests than the instances can answer, or instances that answer none. */
@Timeout(180)
@ExtendWith(OutputCaptureExtension.class)
class OverloadTests {

	/** What a child is written in. */
	enum Language {

		PYTHON, JAVA;

		ApplicationContextRunner application(String... properties) {
			ApplicationContextRunner runner = (this == PYTHON) ? RawWorker.application() : RawWorker.nothing()
				.withPropertyValues("ipc.children.worker.main=" + SleepingWorker.class.getName());
			return runner.withPropertyValues(properties);
		}

	}

	@ParameterizedTest
	@EnumSource
	void overloadedPoolAnswersWhatItCanAndKillsNobody(Language language) {
		language.application("ipc.children.worker.instances=4").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IpcChild child = context.getBean(IpcChild.class);
			warmUp(template, 4);
			Load load = Load.run(template, 24, 0.5, Duration.ofSeconds(2), Duration.ofSeconds(12));
			assertThat(load.replies()).as(load.toString()).isGreaterThanOrEqualTo(86); // of
																						// 96
			assertThat(load.otherFailures()).as(load.toString()).isLessThanOrEqualTo(4);
			assertThat(load.wrongReplies()).isZero();
			assertThat(load.busy()).isPositive();
			assertThat(restarts(child)).isZero();
		});
	}

	@ParameterizedTest
	@EnumSource
	void callersOfOneInstanceGetTheRepliesThatFitIntoTheirTimeout(Language language) {
		language.application().run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			warmUp(template, 1);
			Load load = Load.once(template, 6, 0.3, Duration.ofSeconds(1));
			assertThat(load.replies()).as(load.toString()).isGreaterThanOrEqualTo(2);
			assertThat(load.replies() + load.busy()).as(load.toString()).isGreaterThanOrEqualTo(5);
			assertThat(restarts(context.getBean(IpcChild.class))).isZero();
		});
	}

	@Test
	void childThatTakesItsTimeToReadIsNotKilledForItAndAnswersThen() {
		RawWorker.python("import time; time.sleep(3)\n", "ipc.children.worker.exchange-timeout=500ms")
			.run((context) -> {
				CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
				IpcChild child = context.getBean(IpcChild.class);
				long pid = Processes.pids(child).get(0);
				assertThatExceptionOfType(IpcTimeoutException.class)
					.isThrownBy(() -> template.convertSendAndReceive("too early", String.class))
					.satisfies((timeout) -> assertThat(timeout.requestSent()).isTrue());
				assertThatExceptionOfType(IpcBusyException.class)
					.isThrownBy(() -> template.convertSendAndReceive("too early as well", String.class))
					.satisfies((timeout) -> assertThat(timeout.requestSent()).isFalse());
				// The late reply to the first is nobody's.
				assertThat(template.convertSendAndReceive("hello", String.class, Duration.ofSeconds(30)))
					.isEqualTo("hello");
				assertThat(template.<Integer>convertSendAndReceive("who", Integer.class).longValue()).isEqualTo(pid);
				assertThat(restarts(child)).isZero();
			});
	}

	@Test
	void instanceThatHasAnsweredLateIsLeftAloneFromThenOn() {
		RawWorker.application().run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IpcChild child = context.getBean(IpcChild.class);
			warmUp(template, 1);
			ExecutorService thread = Executors.newSingleThreadExecutor();
			Future<String> first = thread.submit(() -> template.convertSendAndReceive("sleep 0.4", String.class));
			Awaitility.await().until(() -> isBusy(child, template));
			// Begins late, so that the instance has time beyond the caller's.
			assertThatExceptionOfType(IpcTimeoutException.class)
				.isThrownBy(() -> template.convertSendAndReceive("sleep 0.5", String.class, Duration.ofMillis(700)));
			// Still runs when that time is over.
			assertThat(template.convertSendAndReceive("sleep 1", String.class)).isEqualTo("sleep 1");
			assertThat(first.get()).isEqualTo("sleep 0.4");
			assertThat(restarts(child)).isZero();
			thread.shutdown();
		});
	}

	@Test
	void childThatNeverAnswersIsStartedAgainWithGrowingDelaysAndGivenUp(CapturedOutput output) {
		RawWorker
			.python("import time; time.sleep(1000)\n", "ipc.children.worker.startup-grace=300ms",
					"ipc.children.worker.exchange-timeout=100ms", "ipc.children.worker.restart.initial-delay=10ms",
					"ipc.children.worker.restart.max-failures=3")
			.run((context) -> {
				CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
				IpcChild child = context.getBean(IpcChild.class);
				Awaitility.await().untilAsserted(() -> {
					assertThatExceptionOfType(RuntimeException.class)
						.isThrownBy(() -> template.convertSendAndReceive("hello", String.class));
					assertThat(child.instances().get(0).state()).isEqualTo(ChildState.FAILED);
				});
				assertThat(restarts(child)).isEqualTo(2);
				assertThat(output).containsSubsequence("WARN", "Restarting child process",
						"because it did not answer within PT0.1S, and it has never answered", "WARN",
						"Restarting child process", "ERROR", "is not restarted");
			});
	}

	@Test
	void instanceThatHasAnsweredBeforeIsReplacedAtOnceAndTheLogSaysWhy(CapturedOutput output) {
		RawWorker.application().run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			warmUp(template, 1);
			long pid = Processes.pids(context.getBean(IpcChild.class)).get(0);
			assertThatExceptionOfType(IpcTimeoutException.class)
				.isThrownBy(() -> template.convertSendAndReceive("say-nothing", String.class, Duration.ofMillis(300)));
			assertThat(template.convertSendAndReceive("hello", String.class)).isEqualTo("hello");
			assertThat(output).contains(
					"child process 'worker' (pid " + pid + ") is replaced, because it did not answer within PT0.3S");
		});
	}

	@Test
	void callThatWaitsLongerThanItMayIsToldSoBeforeItsTimeout() {
		RawWorker.application("ipc.children.worker.acquire-timeout=200ms").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			ExecutorService thread = Executors.newSingleThreadExecutor();
			Future<String> running = thread.submit(() -> template.convertSendAndReceive("sleep 2", String.class));
			IpcChild child = context.getBean(IpcChild.class);
			Awaitility.await().until(() -> isBusy(child, template));
			assertThatExceptionOfType(IpcBusyException.class)
				.isThrownBy(() -> template.convertSendAndReceive("hello", String.class, Duration.ofSeconds(60)));
			assertThat(running.isDone()).isFalse();
			assertThat(running.get()).isEqualTo("sleep 2");
			thread.shutdown();
		});
	}

	@Test
	void callForWhichThereIsNoPlaceInTheQueueIsRefusedAtOnce() {
		RawWorker.application("ipc.children.worker.max-waiting=1").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IpcChild child = context.getBean(IpcChild.class);
			ExecutorService threads = Executors.newFixedThreadPool(2);
			List<Future<String>> calls = List.of(
					threads.submit(() -> template.convertSendAndReceive("sleep 1", String.class)),
					threads.submit(() -> template.convertSendAndReceive("sleep 1", String.class)));
			Awaitility.await().until(() -> child.waitingCallers() == 1);
			assertThatExceptionOfType(IpcBusyException.class)
				.isThrownBy(() -> template.convertSendAndReceive("hello", String.class))
				.withMessageContaining("max-waiting")
				.withMessageContaining("Nothing was sent");
			for (Future<String> call : calls) {
				assertThat(call.get()).isEqualTo("sleep 1");
			}
			threads.shutdown();
		});
	}

	private static boolean isBusy(IpcChild child, CborMessageTemplate template) {
		try {
			template.convertSendAndReceive("hello", String.class, Duration.ofMillis(10));
			return false;
		}
		catch (IpcBusyException ex) {
			return true;
		}
	}

	/**
	 * Until the instances, which may be JVMs, are up. All at once, or the instance that
	 * is warm already would get all requests.
	 */
	private static void warmUp(CborMessageTemplate template, int instances) throws Exception {
		assertThat(Load.once(template, instances, 1, Duration.ofSeconds(60)).replies()).isEqualTo(instances);
	}

	private static long restarts(IpcChild child) {
		return child.instances().stream().mapToLong(IpcChild.Instance::restarts).sum();
	}

}
