package dev.tinyipc.spring.child;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcPeerUnavailableException;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.ExitStatus;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.context.SmartLifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

@Timeout(120)
class StopTests {

	/** Boot's {@code WebServerApplicationContext.START_STOP_LIFECYCLE_PHASE}. */
	private static final int WEB_SERVER = SmartLifecycle.DEFAULT_PHASE - 2048;

	private static final String PATIENTLY = "ipc.children.worker.shutdown-timeout=1m";

	@TempDir
	private Path folder;

	@Test
	void aChildSeesTheEndThenTermAndThenItAndItsChildrenAreKilled() {
		Path witness = this.folder.resolve("witness");
		Path grandchild = this.folder.resolve("grandchild");
		String script = "trap 'echo term >> %1$s' TERM; (trap '' TERM; exec sleep 1000) & echo $! > %2$s.tmp;"
				+ " mv %2$s.tmp %2$s; cat <&3; echo end >> %1$s; while :; do wait; done";
		RawWorker.shell(script.formatted(witness, grandchild), "ipc.children.worker.shutdown-timeout=500ms")
			.run((context) -> {
				IpcChild child = context.getBean(IpcChild.class);
				long pid = child.instances().get(0).pid().orElseThrow();
				Awaitility.await().until(() -> Files.exists(grandchild));
				long grandchildPid = Long.parseLong(Files.readString(grandchild).strip());
				assertThat(Processes.runs(grandchildPid)).isTrue();
				context.close();
				assertThat(Files.readAllLines(witness)).containsExactly("end", "term");
				assertThat(Processes.runs(pid)).isFalse();
				Awaitility.await().until(() -> !Processes.runs(grandchildPid));
				assertThat(child.instances().get(0).lastExit().orElseThrow().signal()).hasValue(9);
				assertThat(child.instances().get(0).state()).isEqualTo(ChildState.STOPPED);
			});
	}

	@Test
	void theChildrenOfAnEndedChildDoNotOutliveIt() {
		RawWorker.application().run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			int grandchild = template.convertSendAndReceive("bear-child", Integer.class);
			assertThat(Processes.runs(grandchild)).isTrue();
			assertThatExceptionOfType(IpcPeerUnavailableException.class)
				.isThrownBy(() -> template.convertSendAndReceive("die", String.class));
			Awaitility.await().until(() -> !Processes.runs(grandchild));
		});
	}

	@Test
	void theChildrenOfAnApplicationAreStoppedAtOnceAndNotOneAfterTheOther() {
		// Each waits for the others before it ends.
		String script = "cat <&3; touch $0/$1; until [ -e $0/a -a -e $0/b -a -e $0/worker ]; do sleep 0.05; done";
		RawWorker
			.shell(script, PATIENTLY, "ipc.children.worker.command[3]=" + this.folder,
					"ipc.children.worker.command[4]=worker", "ipc.children.a.shutdown-timeout=1m",
					"ipc.children.a.command[0]=sh", "ipc.children.a.command[1]=-c",
					"ipc.children.a.command[2]=" + script, "ipc.children.a.command[3]=" + this.folder,
					"ipc.children.a.command[4]=a", "ipc.children.b.shutdown-timeout=1m", "ipc.children.b.command[0]=sh",
					"ipc.children.b.command[1]=-c", "ipc.children.b.command[2]=" + script,
					"ipc.children.b.command[3]=" + this.folder, "ipc.children.b.command[4]=b")
			.run((context) -> {
				List<IpcChild> children = List.copyOf(context.getBeansOfType(IpcChild.class).values());
				assertThat(children).hasSize(3);
				context.close();
				assertThat(children).allSatisfy((child) -> assertThat(child.instances().get(0).lastExit())
					.hasValueSatisfying((exit) -> assertThat(exit).matches(ExitStatus::isSuccess)));
			});
	}

	@Test
	void aContextThatIsPausedAndResumedHasFreshChildren() {
		RawWorker.application("ipc.children.worker.instances=2").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			List<Long> before = Processes.pids(child);
			context.stop();
			assertThat(before).hasSize(2).noneMatch(Processes::runs);
			assertThat(child.isRunning()).isFalse();
			context.start();
			assertThat(Processes.pids(child)).hasSize(2).doesNotContainAnyElementsOf(before);
			assertThat(template.convertSendAndReceive("hello", String.class)).isEqualTo("hello");
		});
	}

	@Test
	void childrenStartBeforeTheWebServerAndStopAfterIt() {
		RawWorker.application()
			.run((context) -> assertThat(context.getBean(IpcChild.class).getPhase()).isLessThan(WEB_SERVER));
	}

	@Test
	void whoIsWaitingWhenTheApplicationStopsIsToldAtOnce() {
		RawWorker.application("ipc.children.worker.shutdown-timeout=300ms").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			Executor thread = (task) -> new Thread(task).start();
			CompletableFuture<String> asked = CompletableFuture.supplyAsync(
					() -> template.convertSendAndReceive("sleep 1000", String.class, Duration.ofDays(1)), thread);
			CompletableFuture<String> waiting = CompletableFuture.supplyAsync(
					() -> template.convertSendAndReceive("sleep 1000", String.class, Duration.ofDays(1)), thread);
			Awaitility.await().until(() -> context.getBean(IpcChild.class).waitingCallers() == 1);
			context.close();
			assertThat(asked).failsWithin(Duration.ofSeconds(30))
				.withThrowableThat()
				.withCauseInstanceOf(IpcPeerUnavailableException.class);
			assertThat(waiting).failsWithin(Duration.ofSeconds(30))
				.withThrowableThat()
				.withCauseInstanceOf(IpcPeerUnavailableException.class);
		});
	}

}
