package dev.tinyipc.spring.child;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;

import ch.qos.logback.classic.Level;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcTimeoutException;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.context.ApplicationContext;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** An instance is replaced, and its successor takes its time to get ready. */
@Timeout(120)
class ReadySuccessorTests {

	private final LogOf log = new LogOf(IpcChild.class.getName());

	@TempDir
	private Path folder;

	private ReadyWorker worker;

	@BeforeEach
	void openGate() {
		this.worker = new ReadyWorker(this.folder);
		this.worker.openGate();
	}

	@AfterEach
	void stopListening() {
		this.log.close();
	}

	@Test
	void aRollingRestartServesWithTheOldOnesUntilTheNewOnesAreReady() {
		this.worker.application("ipc.children.worker.instances=2").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			List<Long> before = this.worker.pids();
			this.worker.closeGate();
			CompletableFuture<?> restarted = child.restartInstances();
			CompletableFuture<?> again = child.restartInstances();
			awaitSuccessor(before);
			for (int i = 0; i < 20; i++) {
				assertThat(before).contains(ReadinessTests.who(context));
			}
			assertThat(child.instances()).allSatisfy((instance) -> {
				assertThat(instance.state()).isEqualTo(ChildState.RUNNING);
				assertThat(instance.restarts()).isZero();
				assertThat(before).contains(instance.pid().orElseThrow());
			});
			assertThat(this.worker.pids()).hasSize(3);
			this.worker.openGate();
			restarted.join();
			assertThat(before).noneMatch(Processes::runs);
			again.join();
			assertThat(before).doesNotContain(ReadinessTests.who(context));
			assertThat(this.log.of(Level.WARN)).isEmpty();
		});
	}

	@Test
	void aWornOutInstanceServesUntilItsSuccessorIsReady() {
		this.worker.application("ipc.children.worker.max-exchanges=1").run((context) -> {
			long before = this.worker.pids().get(0);
			this.worker.closeGate();
			for (int i = 0; i < 20; i++) {
				assertThat(ReadinessTests.who(context)).isEqualTo(before);
			}
			awaitSuccessor(List.of(before));
			for (int i = 0; i < 20; i++) {
				assertThat(ReadinessTests.who(context)).isEqualTo(before);
			}
			assertThat(this.worker.pids()).hasSize(2);
			this.worker.openGate();
			Awaitility.await().until(() -> !Processes.runs(before));
			assertThat(ReadinessTests.who(context)).isNotEqualTo(before);
		});
	}

	@Test
	void anInstanceWhoseSuccessorDoesNotGetReadyStays() {
		this.worker
			.application("ipc.children.worker.start-timeout=2s", "ipc.children.worker.max-exchanges=1",
					"ipc.children.worker.restart.initial-delay=1h", "ipc.children.worker.restart.max-delay=1h")
			.run((context) -> {
				List<Long> before = this.worker.pids();
				this.worker.closeGate();
				context.getBean(IpcChild.class).restartInstances().join();
				assertThat(this.log.of(Level.WARN)).singleElement()
					.asString()
					.contains("child process 'worker' could not be replaced and stays in service",
							"it sent no hello within PT2S");
				for (int i = 0; i < 20; i++) {
					assertThat(before).containsExactly(ReadinessTests.who(context));
				}
				// Not tried again with each request, but when an operator asks for it.
				assertThat(this.worker.pids()).hasSize(2);
				this.worker.openGate();
				context.getBean(IpcChild.class).restartInstances().join();
				assertThat(before).doesNotContain(ReadinessTests.who(context));
			});
	}

	@Test
	void aSuccessorThatDiesLeavesTheInstanceInService() {
		this.worker.application().run((context) -> {
			List<Long> before = this.worker.pids();
			this.worker.closeGate();
			CompletableFuture<?> restarted = context.getBean(IpcChild.class).restartInstances();
			ReadinessTests.kill(awaitSuccessor(before));
			restarted.join();
			assertThat(before).containsExactly(ReadinessTests.who(context));
			assertThat(this.log.of(Level.WARN)).singleElement()
				.asString()
				.contains("stays in service", "it ended before it was ready: signal 9");
		});
	}

	@Test
	void anInstanceThatDiesWhileItsSuccessorStartsIsFollowedByIt() {
		this.worker.application().run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			List<Long> before = this.worker.pids();
			this.worker.closeGate();
			CompletableFuture<?> restarted = child.restartInstances();
			long successor = awaitSuccessor(before);
			ReadinessTests.kill(before.get(0));
			Awaitility.await().until(() -> child.instances().get(0).state() == ChildState.STARTING);
			assertThat(child.instances().get(0).pid()).contains(successor);
			assertThat(child.instances().get(0).restarts()).isEqualTo(1);
			CompletableFuture<Long> waiting = CompletableFuture.supplyAsync(() -> ReadinessTests.who(context));
			Awaitility.await().until(() -> child.waitingCallers() == 1);
			this.worker.openGate();
			assertThat(waiting.join()).isEqualTo(successor);
			restarted.join();
			assertThat(this.worker.pids()).hasSize(2);
			assertThat(child.instances().get(0).restarts()).isEqualTo(1);
		});
	}

	@Test
	void anInstanceThatIsDiscardedWhileItsSuccessorStartsIsFollowedByIt() {
		this.worker.application("ipc.children.worker.exchange-timeout=300ms").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			List<Long> before = this.worker.pids();
			this.worker.closeGate();
			child.restartInstances();
			long successor = awaitSuccessor(before);
			askInVain(context);
			Awaitility.await().until(() -> child.instances().get(0).state() == ChildState.STARTING);
			this.worker.openGate();
			assertThat(ReadinessTests.who(context)).isEqualTo(successor);
		});
	}

	@Test
	void aStopEndsBoth() {
		this.worker.application("ipc.children.worker.shutdown-timeout=100ms").run((context) -> {
			List<Long> before = this.worker.pids();
			this.worker.closeGate();
			CompletableFuture<?> restarted = context.getBean(IpcChild.class).restartInstances();
			long successor = awaitSuccessor(before);
			context.getBean(IpcChild.class).stopInstances().join();
			assertThat(List.of(before.get(0), successor)).noneMatch(Processes::runs);
			restarted.join();
			assertThat(context.getBean(IpcChild.class).instances().get(0).state()).isEqualTo(ChildState.STOPPED);
		});
	}

	private static void askInVain(ApplicationContext context) {
		assertThatExceptionOfType(IpcTimeoutException.class).isThrownBy(
				() -> context.getBean(CborMessageTemplate.class).convertSendAndReceive("say-nothing", String.class));
	}

	private long awaitSuccessor(List<Long> before) {
		Awaitility.await().until(() -> !this.worker.pidsBesides(before).isEmpty());
		return this.worker.pidsBesides(before).get(0);
	}

}
