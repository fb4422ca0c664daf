package dev.tinyipc.spring.child;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.IpcSocketPair;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.UncategorizedIpcException;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.boot.test.context.runner.ApplicationContextRunner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** The side of the child, which is an application with the same starter. */
@Timeout(120)
class ParentTests {

	@TempDir
	private Path witnesses;

	@Test
	void anAutowiredTemplateInTheChildTalksToTheParent() {
		application().run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			assertThat(template.convertSendAndReceive("hello", String.class)).isEqualTo("hello");
			assertThat(template.convertSendAndReceive("x".repeat(1_000_000), String.class)).hasSize(1_000_000);
		});
	}

	@Test
	void theContextOfTheChildClosesWhenTheParentStopsAndTheChildEndsByItself() {
		application().run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			context.getBean(CborMessageTemplate.class).convertSendAndReceive("hello", String.class);
			context.close();
			assertThat(this.witnesses.resolve("the context was closed")).exists();
			assertThat(child.instances().get(0).lastExit().orElseThrow().code()).hasValue(0);
		});
	}

	@Test
	void theContextOfTheChildClosesWhenTheParentIsKilled() throws Exception {
		Process parent = ChildApplication.start("ipc.children.echo.main=" + EchoApplication.class.getName(),
				"ipc.children.echo.jvm-arguments=-Dwitnesses=" + this.witnesses);
		Awaitility.await()
			.atMost(Duration.ofSeconds(60))
			.until(() -> parent.children().anyMatch((process) -> process.info().command().orElse("").contains("java")));
		List<ProcessHandle> children = parent.children().toList();
		parent.destroyForcibly();
		Awaitility.await()
			.atMost(Duration.ofSeconds(30))
			.untilAsserted(() -> assertThat(children).noneMatch((process) -> Processes.runs(process.pid())));
	}

	@Test
	void theContextStaysOpenIfThePropertySaysSo() {
		application()
			.withPropertyValues("ipc.children.echo.environment.IPC_PARENT_CLOSEWHENGONE=false",
					"ipc.children.echo.shutdown-timeout=2s")
			.run((context) -> {
				IpcChild child = context.getBean(IpcChild.class);
				context.getBean(CborMessageTemplate.class).convertSendAndReceive("hello", String.class);
				context.close();
				assertThat(this.witnesses.resolve("the parent is gone")).exists();
				// Nobody keeps that JVM running, so that it ends by itself all the same.
				assertThat(child.instances().get(0).lastExit().orElseThrow().code()).hasValue(0);
			});
	}

	@Test
	void theChildrenOfAChildDoNotGetTheSocketOfItsParent() {
		application().run((context) -> {
			List<String> lines = context.getBean(CborMessageTemplate.class)
				.convertSendAndReceive("descriptors of children", String.class)
				.lines()
				.toList();
			assertThat(lines.get(0)).startsWith("socket:[");
			assertThat(lines.subList(1, lines.size())).hasSizeGreaterThan(6)
				.noneMatch((line) -> line.contains(lines.get(0)));
		});
	}

	@Test
	void aSocketThatCannotBeWatchedLeavesNothingOpen() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			ParentDestination parent = new ParentDestination(IpcChannel.over(pair.child()), () -> {
			});
			pair.child().close();
			long before = OpenDescriptors.count();
			assertThatExceptionOfType(UncategorizedIpcException.class).isThrownBy(parent::start)
				.withMessageContaining("Unable to watch the parent process");
			assertThat(parent.isRunning()).isFalse();
			Awaitility.await().untilAsserted(() -> assertThat(OpenDescriptors.count()).isLessThanOrEqualTo(before));
		}
	}

	private ApplicationContextRunner application() {
		return RawWorker.nothing()
			.withPropertyValues("ipc.children.echo.main=" + EchoApplication.class.getName(),
					"ipc.children.echo.jvm-arguments=-Dwitnesses=" + this.witnesses,
					"ipc.children.echo.shutdown-timeout=30s");
	}

}
