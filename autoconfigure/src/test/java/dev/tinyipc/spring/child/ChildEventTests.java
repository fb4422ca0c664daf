package dev.tinyipc.spring.child;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;

import ch.qos.logback.classic.Level;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.ChildStartException;
import dev.tinyipc.spring.IpcReplyLostException;
import dev.tinyipc.spring.IpcTimeoutException;
import dev.tinyipc.spring.PostMortem;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.TestWorker;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.ApplicationListener;

import static dev.tinyipc.spring.child.IpcChildEvent.Type.EXITED;
import static dev.tinyipc.spring.child.IpcChildEvent.Type.FAILED;
import static dev.tinyipc.spring.child.IpcChildEvent.Type.READY;
import static dev.tinyipc.spring.child.IpcChildEvent.Type.REPLACED;
import static dev.tinyipc.spring.child.IpcChildEvent.Type.STARTING;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

@Timeout(120)
@ExtendWith(OutputCaptureExtension.class)
class ChildEventTests {

	private static final String QUICKLY = "ipc.children.worker.restart.initial-delay=10ms";

	private final Queue<IpcChildEvent> events = new ConcurrentLinkedQueue<>();

	@Test
	void aStartAndAStopAreToldInOrderBeforeTheApplicationIsClosed() {
		listening(RawWorker.application(), this.events::add).run((context) -> {
			awaitTypes(STARTING, READY);
			long pid = Processes.pids(context.getBean(IpcChild.class)).get(0);
			context.close();
			assertThat(this.events).extracting(IpcChildEvent::type).containsExactly(STARTING, READY, EXITED);
			assertThat(this.events).allSatisfy((event) -> {
				assertThat(event.child()).isEqualTo("worker");
				assertThat(event.instance()).isZero();
				assertThat(event.pid()).contains(pid);
				assertThat(event.reason()).isEmpty();
			});
			assertThat(last().postMortem().orElseThrow().exitStatus().isSuccess()).isTrue();
		});
	}

	@Test
	void aCrashIsToldWithItsStatusAndItsLastLinesAndThenTheStartOfTheSuccessor() {
		listening(RawWorker.python("print('ready to die', flush=True)\n", QUICKLY), this.events::add).run((context) -> {
			assertThatExceptionOfType(IpcReplyLostException.class)
				.isThrownBy(() -> context.getBean(CborMessageTemplate.class).convertSendAndReceive("die", String.class))
				.satisfies((ex) -> {
					assertThat(ex.exitStatus().orElseThrow().code()).hasValue(7);
					assertThat(ex.postMortem().orElseThrow().lastLines()).containsExactly("ready to die");
					assertThat(ex.postMortem().orElseThrow().probablyOutOfMemory()).isFalse();
				});
			awaitTypes(STARTING, READY, EXITED, STARTING, READY);
			IpcChildEvent exited = List.copyOf(this.events).get(2);
			assertThat(exited.postMortem().orElseThrow().exitStatus()).hasToString("exit code 7");
			assertThat(exited.postMortem().orElseThrow().lastLines()).containsExactly("ready to die");
			assertThat(exited.pid()).isNotEqualTo(last().pid());
			assertThat(context.getBean(IpcChild.class).instances().get(0).lastEnd()).isEqualTo(exited.postMortem());
		});
	}

	@Test
	void theLogSaysOnceWhyAnInstanceIsStartedAgainAndWhatItPrintedLast(CapturedOutput output) {
		RawWorker.python("print('ready to die', flush=True)\n", QUICKLY).run((context) -> {
			assertThatExceptionOfType(IpcReplyLostException.class).isThrownBy(
					() -> context.getBean(CborMessageTemplate.class).convertSendAndReceive("die", String.class));
			Awaitility.await().until(() -> context.getBean(IpcChild.class).instances().get(0).restarts() == 1);
			assertThat(output.getAll().lines().filter((line) -> line.contains("exit code 7"))).singleElement()
				.asString()
				.contains("Restarting child process ")
				.endsWith("it ended: exit code 7. Its last lines of output: ready to die");
		});
	}

	@Test
	void aChildThatIsGivenUpIsToldAfterItsLastExitWithTheReason() {
		listening(RawWorker.shell("echo the licence has expired >&2; exit 3", QUICKLY,
				"ipc.children.worker.restart.max-failures=2"), this.events::add)
			.run((context) -> {
				awaitTypes(STARTING, READY, EXITED, STARTING, READY, EXITED, FAILED);
				assertThat(last().reason().orElseThrow())
					.isEqualTo("it ended: exit code 3. Its last lines of output: the licence has expired");
				assertThat(last().pid()).isEmpty();
			});
	}

	@Test
	void aProgramThatDoesNotExistHasFailed() {
		listening(RawWorker.application("ipc.children.worker.enabled=false",
				"ipc.children.worker.command[0]=/does/not/exist"), this.events::add)
			.run((context) -> {
				assertThatExceptionOfType(ChildStartException.class)
					.isThrownBy(() -> context.getBean(IpcChild.class).startInstances());
				awaitTypes(FAILED);
				assertThat(last().reason().orElseThrow()).contains("/does/not/exist");
			});
	}

	@Test
	void aRollingRestartReplacesAnInstanceOnceItsSuccessorIsReady() {
		listening(RawWorker.application("ipc.children.worker.instances=2"), this.events::add).run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			List<Long> before = Processes.pids(child);
			child.restartInstances().join();
			Awaitility.await().until(() -> this.events.size() == 12);
			for (int i = 0; i < 2; i++) {
				int instance = i;
				List<IpcChildEvent> ofInstance = this.events.stream()
					.filter((event) -> event.instance() == instance)
					.toList();
				assertThat(ofInstance).extracting(IpcChildEvent::type)
					.containsExactly(STARTING, READY, STARTING, READY, REPLACED, EXITED);
				assertThat(ofInstance.get(4).reason()).contains("a restart was requested");
				assertThat(ofInstance.get(4).pid()).contains(before.get(instance));
				assertThat(ofInstance.get(5).pid()).contains(before.get(instance));
				assertThat(ofInstance.get(3).pid()).contains(Processes.pids(child).get(instance));
			}
		});
	}

	@Test
	void whatIsReadyIsToldOnceItHasSaidHello(@TempDir Path folder) {
		ReadyWorker worker = new ReadyWorker(folder);
		listening(worker.application("ipc.children.worker.await-ready=false"), this.events::add).run((context) -> {
			Awaitility.await().until(() -> worker.pids().size() == 1);
			awaitTypes(STARTING);
			worker.openGate();
			awaitTypes(STARTING, READY);
		});
	}

	@Test
	void anInstanceThatDoesNotAnswerIsReplacedForThatReasonAndNotForItsMemory() {
		listening(RawWorker.application(), this.events::add).run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			assertThat(template.convertSendAndReceive("hello", String.class)).isEqualTo("hello");
			assertThatExceptionOfType(IpcTimeoutException.class)
				.isThrownBy(() -> template.convertSendAndReceive("say-nothing", String.class, Duration.ofMillis(300)));
			Awaitility.await().until(() -> this.events.size() == 6);
			assertThat(this.events).extracting(IpcChildEvent::type)
				.containsExactlyInAnyOrder(STARTING, READY, REPLACED, EXITED, STARTING, READY);
			assertThat(only(REPLACED).reason()).contains("it did not answer within PT0.3S");
			assertThat(only(EXITED).pid()).isEqualTo(only(REPLACED).pid());
			assertThat(only(EXITED).postMortem().orElseThrow().exitStatus().signal()).hasValue(9);
			assertThat(only(EXITED).postMortem().orElseThrow().probablyOutOfMemory()).isFalse();
		});
	}

	@Test
	void beforeAJvmIsKilledForItsSilenceItsLogHasTheStacksOfItsThreads() {
		try (LogOf log = new LogOf("ipc.child.worker")) {
			listening(JavaChildren.application("ipc.children.worker.restart.policy=always"), this.events::add)
				.run((context) -> {
					JavaChildren.ask(context, "print", "the last words");
					assertThatExceptionOfType(IpcTimeoutException.class)
						.isThrownBy(() -> context.getBean(CborMessageTemplate.class)
							.convertSendAndReceive(new TestWorker.Request("say nothing", ""), TestWorker.Reply.class,
									Duration.ofMillis(300)));
					Awaitility.await().until(() -> this.events.stream().anyMatch((event) -> event.type() == EXITED));
					assertThat(log.of(Level.INFO)).anyMatch((line) -> line.startsWith("Full thread dump"))
						.anyMatch((line) -> line.contains("at " + TestWorker.class.getName() + ".main("));
					PostMortem end = only(EXITED).postMortem().orElseThrow();
					assertThat(end.exitStatus().signal()).hasValue(9);
					assertThat(end.stacks()).anyMatch((line) -> line.startsWith("Full thread dump"))
						.anyMatch((line) -> line.contains("at " + TestWorker.class.getName() + ".main("));
					assertThat(end.lastLines()).contains("the last words")
						.noneMatch((line) -> line.contains("thread dump"));
				});
		}
	}

	@Test
	void aListenerThatThrowsIsLoggedAndMissesNothing(CapturedOutput output) {
		listening(RawWorker.application(QUICKLY), (event) -> {
			this.events.add(event);
			throw new IllegalStateException("a bad listener");
		}).run((context) -> {
			kill(context.getBean(IpcChild.class));
			awaitTypes(STARTING, READY, EXITED, STARTING, READY);
			assertThat(context.getBean(CborMessageTemplate.class).convertSendAndReceive("hello", String.class))
				.isEqualTo("hello");
			assertThat(output).contains("A listener failed to handle IpcChildEvent[type=STARTING", "a bad listener");
		});
	}

	@Test
	void aListenerThatBlocksStopsNeitherSupervisionNorTheShutdown() {
		CountDownLatch never = new CountDownLatch(1);
		listening(RawWorker.application(QUICKLY), (event) -> {
			this.events.add(event);
			awaitUninterrupted(never);
		}).run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			for (int i = 1; i <= 2; i++) {
				int restarts = i;
				kill(child);
				Awaitility.await()
					.until(() -> child.instances().get(0).restarts() == restarts && Processes.pids(child).size() == 1);
				assertThat(context.getBean(CborMessageTemplate.class).convertSendAndReceive("hello", String.class))
					.isEqualTo("hello");
			}
			context.close();
			assertThat(this.events).hasSize(1);
		});
		never.countDown();
	}

	@Test
	void moreEventsThanAListenerTakesAreDroppedWithAWarning(CapturedOutput output) {
		CountDownLatch later = new CountDownLatch(1);
		ChildEvents publisher = new ChildEvents((event) -> {
			awaitUninterrupted(later);
			this.events.add((IpcChildEvent) event);
		});
		IpcChildEvent event = new IpcChildEvent(STARTING, "worker", 0, Optional.empty(), Optional.empty(),
				Optional.empty());
		for (int i = 0; i < 2 * ChildEvents.CAPACITY; i++) {
			publisher.publish(event);
		}
		assertThat(output.getAll().lines().filter((line) -> line.contains("is dropped"))).hasSize(1);
		later.countDown();
		publisher.delivered().join();
		assertThat(this.events).hasSize(ChildEvents.CAPACITY + 1);
		publisher.close();
	}

	private static void kill(IpcChild child) {
		ProcessHandle.of(Processes.pids(child).get(0)).orElseThrow().destroyForcibly();
	}

	/** As code does that does not care for interrupts. */
	private static void awaitUninterrupted(CountDownLatch latch) {
		while (true) {
			try {
				latch.await();
				return;
			}
			catch (InterruptedException ex) {
				// goes on
			}
		}
	}

	private ApplicationContextRunner listening(ApplicationContextRunner runner, Consumer<IpcChildEvent> listener) {
		return runner
			.withInitializer((context) -> context.addApplicationListener(ApplicationListener.forPayload(listener)));
	}

	private IpcChildEvent last() {
		List<IpcChildEvent> all = List.copyOf(this.events);
		return all.get(all.size() - 1);
	}

	private IpcChildEvent only(IpcChildEvent.Type type) {
		return this.events.stream().filter((event) -> event.type() == type).reduce((one, other) -> {
			throw new AssertionError(one + " and " + other);
		}).orElseThrow();
	}

	private void awaitTypes(IpcChildEvent.Type... types) {
		Awaitility.await()
			.untilAsserted(() -> assertThat(this.events).extracting(IpcChildEvent::type).containsExactly(types));
	}

}
