package dev.tinyipc.spring.child;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.RawWorker;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

import static org.assertj.core.api.Assertions.assertThat;

/** Operators are impatient: one thing is asked for while another is under way. */
@Timeout(120)
class StopAndStartTests {

	/** It ends some time after its socket has. */
	private static final String SLOW_TO_END = "cat <&3; until [ -e $0 ]; do sleep 0.05; done";

	@TempDir
	private Path folder;

	@Test
	void aStartWhileItIsBeingStoppedIsAStart() {
		RawWorker.application("ipc.children.worker.shutdown-timeout=500ms").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			template.convertAndSend("sleep 1000");
			CompletableFuture<?> stopped = child.stopInstances();
			child.startInstances();
			assertThat(child.instances().get(0).state()).isEqualTo(ChildState.RUNNING);
			stopped.join();
			assertThat(child.instances().get(0).state()).isEqualTo(ChildState.RUNNING);
			assertThat(template.convertSendAndReceive("hello", String.class)).isEqualTo("hello");
		});
	}

	@Test
	void aSecondStopWaitsForTheFirst() {
		RawWorker
			.shell(SLOW_TO_END, "ipc.children.worker.command[3]=" + this.folder.resolve("sign"),
					"ipc.children.worker.shutdown-timeout=1m")
			.run((context) -> {
				IpcChild child = context.getBean(IpcChild.class);
				long pid = child.instances().get(0).pid().orElseThrow();
				CompletableFuture<?> first = child.stopInstances();
				CompletableFuture<?> second = child.stopInstances();
				assertThat(Processes.runs(pid)).isTrue();
				assertThat(second).isNotDone();
				Awaitility.await().until(() -> child.instances().get(0).state() == ChildState.STOPPING);
				Files.createFile(this.folder.resolve("sign"));
				CompletableFuture.allOf(first, second).join();
				assertThat(Processes.runs(pid)).isFalse();
				assertThat(child.instances().get(0).state()).isEqualTo(ChildState.STOPPED);
			});
	}

	@Test
	void aStopAlsoWaitsForWhatWasReplacedAndHasNotEnded() {
		RawWorker.application("ipc.children.worker.shutdown-timeout=500ms").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			long replaced = child.instances().get(0).pid().orElseThrow();
			context.getBean(CborMessageTemplate.class).convertAndSend("sleep 1000");
			child.restartInstances();
			Awaitility.await().until(() -> child.instances().get(0).restarts() == 1);
			long successor = child.instances().get(0).pid().orElseThrow();
			context.close();
			assertThat(List.of(replaced, successor)).noneMatch(Processes::runs);
		});
	}

	@Test
	void aStopEndsARollingRestart() {
		RawWorker.application("ipc.children.worker.instances=3", "ipc.children.worker.shutdown-timeout=500ms")
			.run((context) -> {
				IpcChild child = context.getBean(IpcChild.class);
				for (int i = 0; i < 3; i++) {
					context.getBean(CborMessageTemplate.class).convertAndSend("sleep 1000");
				}
				CompletableFuture<?> restarted = child.restartInstances();
				Awaitility.await().until(() -> child.instances().get(0).restarts() == 1);
				context.close();
				restarted.join();
				assertThat(child.instances()).extracting(IpcChild.Instance::state).containsOnly(ChildState.STOPPED);
				assertThatNoneRuns();
			});
	}

	@Test
	void aRestartStartsWhatDoesNotRun() {
		RawWorker.application("ipc.children.worker.enabled=false", "ipc.children.worker.instances=2").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			assertThat(child.instances()).extracting(IpcChild.Instance::state).containsOnly(ChildState.STOPPED);
			child.restartInstances().join();
			assertThat(child.instances()).extracting(IpcChild.Instance::state).containsOnly(ChildState.RUNNING);
			assertThat(context.getBean(CborMessageTemplate.class).convertSendAndReceive("hello", String.class))
				.isEqualTo("hello");
		});
	}

	@Test
	void stopsAndStartsInAnyOrderEndInWhatWasAskedForLast() {
		RawWorker.application("ipc.children.worker.instances=2").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			for (int i = 0; i < 20; i++) {
				child.stopInstances();
				child.restartInstances();
				child.startInstances();
				child.stopInstances();
				child.startInstances();
			}
			assertThat(child.instances()).extracting(IpcChild.Instance::state).containsOnly(ChildState.RUNNING);
			assertThat(context.getBean(CborMessageTemplate.class).convertSendAndReceive("hello", String.class))
				.isEqualTo("hello");
			child.stopInstances().join();
			assertThatNoneRuns();
		});
	}

	@Test
	void aStopEndsEvenIfItsLogFails() {
		RawWorker.application().run((context) -> {
			Logger logger = (Logger) LoggerFactory.getLogger(IpcChild.class);
			FailingAppender appender = new FailingAppender();
			appender.start();
			logger.addAppender(appender);
			try {
				assertThat(context.getBean(IpcChild.class).stopInstances()).succeedsWithin(Duration.ofSeconds(30));
			}
			finally {
				logger.detachAppender(appender);
			}
			assertThat(appender.called).isTrue();
			assertThatNoneRuns();
		});
	}

	private static final class FailingAppender extends AppenderBase<ILoggingEvent> {

		private volatile boolean called;

		@Override
		protected void append(ILoggingEvent event) {
			this.called = true;
			throw new OutOfMemoryError("on purpose"); // Logback catches exceptions only
		}

	}

	private static void assertThatNoneRuns() {
		assertThat(ProcessHandle.current().children())
			.noneMatch((process) -> process.info().commandLine().orElse("").contains(RawWorker.script().toString()));
	}

}
