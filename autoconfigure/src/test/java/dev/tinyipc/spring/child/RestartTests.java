package dev.tinyipc.spring.child;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcPeerUnavailableException;
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
class RestartTests {

	private static final String QUICKLY = "ipc.children.worker.restart.initial-delay=10ms";

	@Test
	void byDefaultAChildIsStartedAgainHoweverItEnded() {
		RawWorker.shell("exit 0", QUICKLY, "ipc.children.worker.restart.max-failures=3").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			awaitState(child, ChildState.FAILED);
			assertThat(child.instances().get(0).restarts()).isEqualTo(2);
			assertThat(child.instances().get(0).lastExit().orElseThrow().isSuccess()).isTrue();
		});
	}

	@Test
	void onFailureAChildThatEndsWellIsNotStartedAgain() {
		RawWorker.shell("exit 0", "ipc.children.worker.restart.policy=on-failure").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			awaitState(child, ChildState.STOPPED);
			assertThat(child.instances().get(0).restarts()).isZero();
		});
	}

	@Test
	void onFailureAChildThatIsKilledOrEndsBadlyIsStartedAgain(@TempDir Path folder) {
		Path witness = folder.resolve("witness");
		RawWorker
			.shell("if [ -e %1$s ]; then kill -9 $$; else touch %1$s; exit 3; fi".formatted(witness), QUICKLY,
					"ipc.children.worker.restart.policy=on-failure", "ipc.children.worker.restart.max-failures=2")
			.run((context) -> {
				IpcChild child = context.getBean(IpcChild.class);
				awaitState(child, ChildState.FAILED);
				assertThat(child.instances().get(0).restarts()).isEqualTo(1);
				assertThat(child.instances().get(0).lastExit().orElseThrow().signal()).hasValue(9);
			});
	}

	@Test
	void neverIsNever() {
		RawWorker.shell("exit 3", "ipc.children.worker.restart.policy=never").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			awaitState(child, ChildState.FAILED);
			assertThat(child.instances().get(0).restarts()).isZero();
			assertThat(child.instances().get(0)).hasToString("FAILED, ended with exit code 3");
		});
	}

	@Test
	void theStartLimitIsToldInOneLineWithTheReasonAndTheLastLinesOfTheLastStart(CapturedOutput output) {
		RawWorker
			.shell("echo the licence has expired >&2; exit 3", QUICKLY, "ipc.children.worker.restart.max-failures=3")
			.run((context) -> {
				awaitState(context.getBean(IpcChild.class), ChildState.FAILED);
				assertThat(output.getAll().lines().filter((line) -> line.contains("ERROR"))).singleElement()
					.asString()
					.contains("child process 'worker' failed 3 times within 60 s and is not restarted",
							"it ended: exit code 3. Its last lines of output: the licence has expired")
					.doesNotContain(" | ");
			});
	}

	@Test
	void evenALineThatIsWrittenWithoutAnEndRightBeforeTheExitIsShown(CapturedOutput output) {
		RawWorker.shell("printf 'the reason' >&2; exit 3", "ipc.children.worker.restart.max-failures=1")
			.run((context) -> {
				IpcChild child = context.getBean(IpcChild.class);
				for (int i = 1; i <= 20; i++) {
					int starts = i;
					awaitState(child, ChildState.FAILED);
					assertThat(output.getAll().lines().filter((line) -> line.contains("ERROR"))).hasSize(starts)
						.last()
						.asString()
						.endsWith(". Its last lines of output: the reason");
					child.startInstances();
				}
			});
	}

	@Test
	void theVeryLastLineOfALongErrorOutputIsShown(CapturedOutput output) {
		RawWorker
			.shell("yes no hope | head -n 20000 >&2; echo the reason at last >&2; exit 3",
					"ipc.children.worker.restart.max-failures=1")
			.run((context) -> {
				awaitState(context.getBean(IpcChild.class), ChildState.FAILED);
				assertThat(output.getAll().lines().filter((line) -> line.contains("ERROR"))).singleElement()
					.asString()
					.contains("the reason at last");
			});
	}

	@Test
	void whoWaitsForAChildThatFailsForGoodIsToldAtOnceAndWhoCallsLaterToo() {
		RawWorker.shell("sleep 0.2; exit 3", QUICKLY, "ipc.children.worker.restart.max-failures=3").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			// The first call may be told that the peer closed, the next ones wait.
			assertThatExceptionOfType(IpcPeerUnavailableException.class).isThrownBy(() -> {
				while (true) {
					try {
						template.convertSendAndReceive("hello", String.class, Duration.ofDays(1));
					}
					catch (IpcPeerUnavailableException ex) {
						if (String.valueOf(ex.getMessage()).contains("FAILED")) {
							throw ex;
						}
					}
				}
			}).withMessageContaining("'worker'").withMessageContaining("FAILED, ended with exit code 3");
			assertThatExceptionOfType(IpcPeerUnavailableException.class)
				.isThrownBy(() -> template.convertAndSend("hello"))
				.withMessageContaining("FAILED");
			assertThatExceptionOfType(IpcPeerUnavailableException.class)
				.isThrownBy(() -> template.receiveAndConvert(String.class))
				.withMessageContaining("FAILED");
		});
	}

	@Test
	void aChildThatFailedIsBroughtBackByAStart() {
		RawWorker.application("ipc.children.worker.restart.max-failures=1").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IpcChild child = context.getBean(IpcChild.class);
			assertThatExceptionOfType(IpcPeerUnavailableException.class)
				.isThrownBy(() -> template.convertSendAndReceive("die", String.class));
			awaitState(child, ChildState.FAILED);
			child.startInstances();
			assertThat(child.instances().get(0).state()).isEqualTo(ChildState.RUNNING);
			assertThat(template.convertSendAndReceive("hello", String.class)).isEqualTo("hello");
			child.startInstances();
			assertThat(child.instances().get(0).restarts()).isZero();
		});
	}

	@Test
	void aProgramThatIsMissingForAWhileIsStartedOnceItIsBack(@TempDir Path folder, CapturedOutput output)
			throws Exception {
		Path python = Files.createSymbolicLink(folder.resolve("python"), RawWorker.python());
		RawWorker
			.application("ipc.children.worker.command[0]=" + python,
					"ipc.children.worker.command[1]=" + RawWorker.script(), QUICKLY,
					"ipc.children.worker.restart.max-delay=10ms", "ipc.children.worker.restart.max-failures=100000")
			.run((context) -> {
				CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
				Files.move(python, folder.resolve("away"));
				assertThatExceptionOfType(IpcPeerUnavailableException.class)
					.isThrownBy(() -> template.convertSendAndReceive("die", String.class));
				Awaitility.await().until(() -> output.getAll().contains("No such file or directory"));
				CompletableFuture<String> waiting = CompletableFuture
					.supplyAsync(() -> template.convertSendAndReceive("hello", String.class));
				Awaitility.await().until(() -> context.getBean(IpcChild.class).waitingCallers() == 1);
				Files.move(folder.resolve("away"), python);
				assertThat(waiting.get()).isEqualTo("hello");
			});
	}

	@Test
	void aChildThatCrashesAllTheTimeCostsHardlyAnything() {
		RawWorker
			.shell("exit 1", "ipc.children.worker.restart.initial-delay=100ms",
					"ipc.children.worker.restart.max-delay=100ms", "ipc.children.worker.restart.max-failures=25")
			.run((context) -> {
				long start = System.nanoTime();
				long cpu = cpuOfOurThreads();
				awaitState(context.getBean(IpcChild.class), ChildState.FAILED);
				long elapsed = System.nanoTime() - start;
				assertThat(elapsed).isGreaterThan(TimeUnit.SECONDS.toNanos(2));
				assertThat(cpuOfOurThreads() - cpu).isLessThan(elapsed / 2);
			});
	}

	/** And not of the compilers, which have more to do on a busy machine. */
	private static long cpuOfOurThreads() {
		ThreadMXBean threads = ManagementFactory.getThreadMXBean();
		return LongStream.of(threads.getAllThreadIds())
			.mapToObj(threads::getThreadInfo)
			.filter((thread) -> thread != null && thread.getThreadName().matches("(tiny-)?ipc-.*"))
			.mapToLong((thread) -> Math.max(0, threads.getThreadCpuTime(thread.getThreadId())))
			.sum();
	}

	@Test
	void aStopWhileItWaitsForItsRestartIsAStop() {
		RawWorker.shell("exit 1", "ipc.children.worker.restart.initial-delay=100ms").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			awaitState(child, ChildState.BACKOFF);
			CompletableFuture<?> stopped = child.stopInstances();
			stopped.get();
			assertThat(child.instances().get(0).state()).isEqualTo(ChildState.STOPPED);
			long restarts = child.instances().get(0).restarts();
			Awaitility.await()
				.during(Duration.ofMillis(300))
				.atMost(Duration.ofSeconds(10))
				.until(() -> child.instances().get(0).restarts() == restarts
						&& child.instances().get(0).state() == ChildState.STOPPED);
		});
	}

	private static void awaitState(IpcChild child, ChildState state) {
		Awaitility.await()
			.atMost(Duration.ofSeconds(60))
			.until(() -> child.instances().stream().allMatch((instance) -> instance.state() == state));
	}

}
