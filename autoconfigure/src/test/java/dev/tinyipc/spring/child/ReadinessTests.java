package dev.tinyipc.spring.child;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

import ch.qos.logback.classic.Level;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.ChildProcess;
import dev.tinyipc.spring.ChildStartException;
import dev.tinyipc.spring.IpcReplyLostException;
import dev.tinyipc.spring.RawWorker;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import org.springframework.context.ApplicationContext;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** A child that says when it is ready, or does not. */
@Timeout(120)
class ReadinessTests {

	private static final String READY = "ipc.children.worker.ready=true";

	private static final String NOT_AWAITED = "ipc.children.worker.await-ready=false";

	private final LogOf log = new LogOf(IpcChild.class.getName());

	@TempDir
	private Path folder;

	/** The common pool may have a single thread. */
	private final ExecutorService threads = Executors.newCachedThreadPool();

	@AfterEach
	void stopListening() {
		this.threads.shutdownNow();
		this.log.close();
	}

	@Test
	void theApplicationStartsOnceItsChildIsReady() {
		RawWorker.python("import time\ntime.sleep(3)\n" + ReadyWorker.HELLO, READY, "ipc.children.worker.instances=2")
			.run((context) -> {
				assertThat(context.getBean(IpcChild.class).instances()).extracting(IpcChild.Instance::state)
					.containsOnly(ChildState.RUNNING);
				assertThat(ask(context, "hello")).isEqualTo("hello");
			});
	}

	@Test
	void aMainClassThatServesSaysHelloByItself() {
		RawWorker.nothing()
			.withPropertyValues("ipc.children.worker.main=" + TwiceWorker.class.getName(), READY)
			.run((context) -> assertThat(ask(context, "hello")).isEqualTo("hello"));
	}

	@Test
	void anAnnotationDeclaresItAndAPropertyOverridesThat() {
		RawWorker.nothing()
			.withUserConfiguration(Declared.class)
			.run((context) -> assertThat(context).getFailure()
				.rootCause()
				.hasMessageContaining("it ended before it was ready"));
		RawWorker.nothing()
			.withUserConfiguration(Declared.class)
			.withPropertyValues("ipc.children.worker.ready=false")
			.run((context) -> assertThat(context).hasNotFailed());
	}

	@ChildProcess(name = "worker", command = { "sh", "-c", "exit 3" }, ready = true)
	static class Declared {

	}

	@Test
	void anApplicationThatDoesNotWaitHasItsFirstCallersWait() {
		ReadyWorker worker = new ReadyWorker(this.folder);
		worker.application(NOT_AWAITED).run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			Awaitility.await().until(() -> worker.pids().size() == 1);
			assertThat(child.instances().get(0).state()).isEqualTo(ChildState.STARTING);
			assertThat(child.instances().get(0).pid()).contains(worker.pids().get(0));
			CompletableFuture<String> request = CompletableFuture.supplyAsync(() -> ask(context, "hello"),
					this.threads);
			CompletableFuture<Void> oneWay = CompletableFuture
				.runAsync(() -> context.getBean(CborMessageTemplate.class).convertAndSend("hello"), this.threads);
			Awaitility.await().until(() -> child.waitingCallers() == 2);
			worker.openGate();
			assertThat(request.join()).isEqualTo("hello");
			oneWay.join();
			assertThat(child.instances().get(0).state()).isEqualTo(ChildState.RUNNING);
			assertThat(child.instances().get(0).restarts()).isZero();
		});
	}

	@Test
	void aChildThatNeverSaysHelloIsKilledAndGivenUpInTheEnd() {
		new ReadyWorker(this.folder)
			.application(NOT_AWAITED, "ipc.children.worker.start-timeout=300ms",
					"ipc.children.worker.restart.max-failures=3", "ipc.children.worker.restart.failure-window=1ms")
			.run((context) -> {
				IpcChild child = context.getBean(IpcChild.class);
				awaitState(child, ChildState.FAILED);
				assertThat(child.instances().get(0).restarts()).isEqualTo(2);
				Awaitility.await().until(() -> new ReadyWorker(this.folder).pids().stream().noneMatch(Processes::runs));
				assertThat(this.log.of(Level.WARN)).hasSize(2)
					.allSatisfy((line) -> assertThat(line).contains("Restarting child process 'worker' in",
							"it sent no hello within PT0.3S: let it send one", "ipc.children.worker.start-timeout"));
				assertThat(this.log.of(Level.ERROR)).singleElement()
					.asString()
					.contains("failed 3 times in a row", "is not restarted", "it sent no hello within PT0.3S");
			});
	}

	@Test
	void aChildThatGotReadyIsNotGivenUpForFailuresBeforeThat() {
		String everySecondStartFails = """
				import os
				if not os.path.exists("%1$s/sign"):
				    open("%1$s/sign", "w").close()
				    os._exit(3)
				os.remove("%1$s/sign")
				""".formatted(this.folder);
		RawWorker
			.python(everySecondStartFails + ReadyWorker.HELLO, READY, NOT_AWAITED,
					"ipc.children.worker.restart.initial-delay=1ms", "ipc.children.worker.restart.max-failures=2",
					"ipc.children.worker.restart.failure-window=1ns")
			.run((context) -> {
				for (int i = 0; i < 4; i++) {
					assertThatExceptionOfType(IpcReplyLostException.class).isThrownBy(() -> ask(context, "die"));
				}
				assertThat(ask(context, "hello")).isEqualTo("hello");
				assertThat(this.log.of(Level.ERROR)).isEmpty();
			});
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|',
			textBlock = """
					echo the model is missing; exit 3 | it ended before it was ready: exit code 3
					echo the model is missing; exit 0 | it ended before it was ready: exit code 0
					echo the model is missing; sleep 1000 | it sent no hello within PT2S
					echo the model is missing; exec 3>&-; sleep 1000 | it closed its socket before it was ready and has not ended
					""")
	void anApplicationWhoseChildDoesNotGetReadyFailsWithTheReasonAndItsLastLines(String script, String reason) {
		RawWorker
			.shell(script, READY, "ipc.children.worker.start-timeout=2s", "ipc.children.worker.shutdown-timeout=100ms",
					"ipc.children.worker.restart.policy=never")
			.run((context) -> assertThat(context).getFailure()
				.rootCause()
				.isInstanceOf(ChildStartException.class)
				.hasMessageContaining("Child process 'worker' could not be started: " + reason)
				.hasMessageContaining("Its last lines of output: the model is missing"));
		assertThat(this.log.of(Level.WARN)).isEmpty();
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|', textBlock = """
			63616263       | its first message was not a hello
			da4950534a01   | sent a malformed hello
			da4950534aa063 | its first message was not a hello
			""")
	void aFirstMessageThatIsNoHelloIsNamed(String body, String reason) {
		RawWorker.python(ReadyWorker.HELLO.replace("da4950534aa0", body), READY)
			.run((context) -> assertThat(context).getFailure()
				.rootCause()
				.isInstanceOf(ChildStartException.class)
				.hasMessageContaining(reason));
	}

	@Test
	void aMessageAfterTheHelloThatNobodyAskedForIsNamed() {
		String both = ReadyWorker.HELLO + ReadyWorker.HELLO.replace("da4950534aa0", "63616263");
		RawWorker.python(both, READY, NOT_AWAITED).run((context) -> {
			Awaitility.await()
				.until(() -> this.log.of(Level.WARN)
					.stream()
					.anyMatch((line) -> line.contains("sent a message that nobody asked for")));
		});
	}

	@Test
	void oneInstanceThatFailsIsEnoughAndTheOthersEndWithTheStart() {
		RawWorker
			.python("import os\nopen('%1$s/' + str(os.getpid()), 'w')\nif len(os.listdir('%1$s')) == 2: os._exit(3)\n"
				.replace("%1$s", this.folder.toString()) + ReadyWorker.HELLO, READY, "ipc.children.worker.instances=2")
			.run((context) -> assertThat(context).getFailure().rootCause().isInstanceOf(ChildStartException.class));
		List<Long> pids = new ReadyWorker(this.folder).pids();
		assertThat(pids).hasSize(2).noneMatch(Processes::runs);
	}

	@Test
	void anInterruptEndsTheWait() {
		ReadyWorker worker = new ReadyWorker(this.folder);
		Thread starting = Thread.currentThread();
		CompletableFuture<Void> interrupter = CompletableFuture.runAsync(() -> {
			Awaitility.await().until(() -> worker.pids().size() == 1);
			starting.interrupt();
		});
		worker.application("ipc.children.worker.start-timeout=1h", "ipc.children.worker.shutdown-timeout=100ms")
			.run((context) -> {
				assertThat(Thread.interrupted()).isTrue();
				assertThat(context).getFailure().rootCause().isInstanceOf(InterruptedException.class);
			});
		interrupter.join();
		Awaitility.await().until(() -> worker.pids().stream().noneMatch(Processes::runs));
	}

	@Test
	void aStopWhileItIsStartingEndsTheProcess() {
		ReadyWorker worker = new ReadyWorker(this.folder);
		worker.application(NOT_AWAITED, "ipc.children.worker.shutdown-timeout=100ms").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			Awaitility.await().until(() -> worker.pids().size() == 1);
			child.stopInstances().join();
			assertThat(child.instances().get(0).state()).isEqualTo(ChildState.STOPPED);
			assertThat(worker.pids()).noneMatch(Processes::runs);
			worker.openGate();
			child.startInstances();
			assertThat(ask(context, "hello")).isEqualTo("hello");
		});
	}

	@Test
	void anInstanceThatCrashesIsOfferedAgainOnceItsSuccessorIsReady() {
		ReadyWorker worker = new ReadyWorker(this.folder);
		worker.openGate();
		worker.application().run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			List<Long> first = worker.pids();
			worker.closeGate();
			kill(first.get(0));
			Awaitility.await().until(() -> worker.pids().size() == 2);
			awaitState(child, ChildState.STARTING);
			CompletableFuture<Long> waiting = CompletableFuture.supplyAsync(() -> who(context));
			Awaitility.await().until(() -> child.waitingCallers() == 1);
			worker.openGate();
			assertThat(List.of(waiting.join())).isEqualTo(worker.pidsBesides(first));
		});
	}

	@Test
	void oneWayAndReadyContradictEachOther() {
		RawWorker.application(READY, "ipc.children.worker.one-way=true")
			.run((context) -> assertThat(context).getFailure()
				.rootCause()
				.hasMessageContaining("ipc.children.worker.ready")
				.hasMessageContaining("A one-way child is not invited to say hello"));
	}

	static void kill(long pid) {
		try (Processes.Killer killer = new Processes.Killer()) {
			killer.send("KILL", pid);
		}
	}

	static String ask(ApplicationContext context, String request) {
		return context.getBean(CborMessageTemplate.class)
			.convertSendAndReceive(request, String.class, Duration.ofSeconds(60));
	}

	/** The process that serves the next request. */
	static long who(ApplicationContext context) {
		return context.getBean(CborMessageTemplate.class)
			.convertSendAndReceive("who", Integer.class, Duration.ofSeconds(60));
	}

	private static void awaitState(IpcChild child, ChildState state) {
		Awaitility.await().until(() -> child.instances().stream().allMatch((instance) -> instance.state() == state));
	}

}
