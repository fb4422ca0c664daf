package dev.tinyipc.spring.child;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.RawWorker;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/** Instances that stand by. */
@Timeout(120)
class SpareTests {

	@TempDir
	private Path folder;

	@TempDir
	private Path notesFolder;

	/** The common pool may have a single thread. */
	private final ExecutorService threads = Executors.newCachedThreadPool();

	@AfterEach
	void endThreads() {
		this.threads.shutdownNow();
	}

	@Test
	void anInstanceThatDiesIsFollowedByOneThatStandsByAndNobodyWaitsForAStart() {
		ReadyWorker worker = new ReadyWorker(this.folder);
		worker.openGate();
		worker.application("ipc.children.worker.spare=1").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			long serving = only(pids(child, false));
			long standby = only(pids(child, true));
			for (int i = 0; i < 10; i++) {
				assertThat(ReadinessTests.who(context)).isEqualTo(serving);
			}
			worker.closeGate();
			ReadinessTests.kill(serving);
			Awaitility.await().until(() -> pids(child, false).contains(standby));
			assertThat(ReadinessTests.who(context)).isEqualTo(standby);
			Awaitility.await().until(() -> worker.pids().size() == 3);
			// The slot whose instance has died is still about to fill, which takes
			// nothing away.
			assertThat(pids(child, true)).isEmpty();
			assertThat(ReadinessTests.who(context)).isEqualTo(standby);
			worker.openGate();
			Awaitility.await().until(() -> pids(child, true).size() == 1);
			assertThat(worker.pidsBesides(List.of(serving, standby))).isEqualTo(pids(child, true));
			for (int i = 0; i < 10; i++) {
				assertThat(ReadinessTests.who(context)).isEqualTo(standby);
			}
		});
	}

	@Test
	void aCallerThatWaitsGetsTheOneThatStandsBy() {
		ReadyWorker worker = new ReadyWorker(this.folder);
		worker.openGate();
		worker.application("ipc.children.worker.spare=1").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			long serving = only(pids(child, false));
			long standby = only(pids(child, true));
			worker.closeGate();
			Path notes = Files.createDirectory(this.notesFolder.resolve("notes"));
			String request = "note-in " + notes + " wait-for " + notes.resolve("never");
			CompletableFuture<String> stuck = CompletableFuture.supplyAsync(() -> ReadinessTests.ask(context, request),
					this.threads);
			Awaitility.await().until(() -> !names(notes).isEmpty());
			CompletableFuture<Long> waiting = CompletableFuture.supplyAsync(() -> ReadinessTests.who(context),
					this.threads);
			Awaitility.await().until(() -> child.waitingCallers() == 1);
			ReadinessTests.kill(serving);
			assertThat(stuck.thenCompose((reply) -> waiting).exceptionallyCompose((lost) -> waiting).join())
				.isEqualTo(standby);
		});
	}

	@Test
	void itWorksForAChildThatDoesNotSayWhenItIsReady() {
		RawWorker.application("ipc.children.worker.instances=2", "ipc.children.worker.spare=2").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			List<Long> serving = pids(child, false);
			List<Long> standby = pids(child, true);
			assertThat(serving).hasSize(2);
			assertThat(standby).hasSize(2);
			serving.forEach(ReadinessTests::kill);
			Awaitility.await()
				.untilAsserted(() -> assertThat(pids(child, false)).containsExactlyInAnyOrderElementsOf(standby));
			Awaitility.await().until(() -> pids(child, true).size() == 2);
			assertThat(standby).contains(ReadinessTests.who(context));
		});
	}

	@Test
	void oneThatClosesItsSocketIsFollowedByOneThatStandsBy() {
		RawWorker.application("ipc.children.worker.spare=1").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			long standby = only(pids(child, true));
			context.getBean(CborMessageTemplate.class).convertAndSend("hang-up");
			Awaitility.await().until(() -> pids(child, false).contains(standby));
			assertThat(ReadinessTests.who(context)).isEqualTo(standby);
		});
	}

	@Test
	void oneWayMessagesGoToThoseInServiceOnly() {
		RawWorker.application("ipc.children.worker.instances=2", "ipc.children.worker.spare=2").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			List<Long> serving = pids(child, false);
			Path notes = Files.createDirectory(this.folder.resolve("notes"));
			for (int i = 0; i < 16; i++) {
				context.getBean(CborMessageTemplate.class).convertAndSend("note-in " + notes);
			}
			Awaitility.await().until(() -> names(notes).size() == 2);
			// Whatever was sent before is done by then.
			ReadinessTests.who(context);
			assertThat(names(notes)).containsExactlyInAnyOrderElementsOf(serving);
		});
	}

	@Test
	void oneThatStandsByAndDiesIsStartedAgain() {
		RawWorker.application("ipc.children.worker.spare=1").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			long serving = only(pids(child, false));
			long standby = only(pids(child, true));
			ReadinessTests.kill(standby);
			Awaitility.await().until(() -> pids(child, true).size() == 1 && !pids(child, true).contains(standby));
			assertThat(pids(child, false)).containsExactly(serving);
		});
	}

	@Test
	void oneThatStandsByAndClosesItsSocketIsReplaced() {
		Path sign = this.folder.resolve("sign");
		RawWorker
			.shell("if mkdir %s 2>&-; then exec cat <&3; fi; if mkdir %s1 2>&-; then exec 3>&-; sleep 1000; fi; cat <&3"
				.formatted(sign, sign), "ipc.children.worker.spare=1", "ipc.children.worker.one-way=true")
			.run((context) -> {
				IpcChild child = context.getBean(IpcChild.class);
				Awaitility.await()
					.until(() -> child.instances().stream().mapToLong(IpcChild.Instance::restarts).sum() == 1);
				Awaitility.await().until(() -> pids(child, true).size() == 1 && pids(child, false).size() == 1);
			});
	}

	@Test
	void aRestartReplacesThemTooAndAStopEndsThem() {
		ReadyWorker worker = new ReadyWorker(this.folder);
		worker.openGate();
		worker.application("ipc.children.worker.spare=1").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			List<Long> before = worker.pids();
			assertThat(before).hasSize(2);
			child.restartInstances().join();
			assertThat(before).noneMatch(Processes::runs);
			assertThat(worker.pids()).hasSize(4);
			assertThat(pids(child, false)).hasSize(1);
			assertThat(pids(child, true)).hasSize(1);
			assertThat(pids(child, false)).containsExactly(ReadinessTests.who(context));
			child.stopInstances().join();
			assertThat(worker.pids()).noneMatch(Processes::runs);
			assertThat(child.instances()).extracting(IpcChild.Instance::state).containsOnly(ChildState.STOPPED);
			child.startInstances();
			assertThat(ReadinessTests.ask(context, "hello")).isEqualTo("hello");
		});
	}

	private static List<Long> pids(IpcChild child, boolean standby) {
		return child.instances()
			.stream()
			.filter((instance) -> instance.state() == ChildState.RUNNING && instance.standby() == standby)
			.map((instance) -> instance.pid().orElseThrow())
			.toList();
	}

	private static long only(List<Long> pids) {
		assertThat(pids).hasSize(1);
		return pids.get(0);
	}

	private static List<Long> names(Path folder) {
		return Stream.of(Objects.requireNonNull(folder.toFile().list())).map(Long::valueOf).toList();
	}

}
