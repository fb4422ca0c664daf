package dev.tinyipc.spring.test;

import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcServer;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.SharedMemory;
import dev.tinyipc.spring.CborMessageOperations;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcRemoteException;
import dev.tinyipc.spring.autoconfigure.IpcAutoConfiguration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/** A real child is recorded, and replayed where it cannot run. */
@Timeout(120)
class IpcRecordingTests {

	private final ApplicationContextRunner runner = new ApplicationContextRunner()
		.withConfiguration(AutoConfigurations.of(JacksonAutoConfiguration.class, IpcAutoConfiguration.class))
		.withPropertyValues("ipc.children.worker.ready=true", "ipc.children.worker.concurrency=2");

	@TempDir
	private Path folder;

	/** The child that is recorded. */
	public static final class Worker {

		private static int calls;

		private Worker() {
		}

		public static void main(String[] arguments) throws IpcException {
			IpcServer.builder()
				.handler(Object.class, (request) -> request.payload())
				.handler("next", Object.class, (request) -> ++calls)
				.handler("count", Integer.class, (request) -> Stream.iterate(1, (i) -> i + 1).limit(request.payload()))
				.handler("fail", Object.class, (request) -> {
					throw new IllegalStateException("on purpose");
				})
				.handler("file", Object.class, (request) -> {
					SharedMemory memory = SharedMemory.create("file");
					try (OutputStream target = memory.outputStream()) {
						target.write("a file".getBytes(StandardCharsets.UTF_8));
					}
					return new IpcServer.Reply("look", memory.descriptor());
				})
				.handler("pipe", Object.class, (request) -> {
					OwnedFd.Pipe pipe = OwnedFd.pipe();
					pipe.sink().close();
					return new IpcServer.Reply("look", pipe.source());
				})
				.threads(2)
				.serve();
		}

	}

	@ParameterizedTest
	@ValueSource(strings = { "auto", "socket" })
	void aReplayAnswersAsTheRecordedChildHas(String transport) throws Exception {
		Path file = this.folder.resolve("new/recording.json");
		this.runner
			.withPropertyValues("ipc.children.worker.main=" + Worker.class.getName(), "ipc.transport=" + transport)
			.withBean(IpcRecording.class, () -> IpcRecording.to(file))
			.run(IpcRecordingTests::converse);
		assertThat(Files.readString(file)).contains("\"method\" : \"count\"", "\"files\" : [ \"612066696c65\" ]")
			.doesNotContain("\"pipe\"");
		replaying(file).withPropertyValues("ipc.transport=" + transport).run((context) -> {
			converse(context);
			CborMessageOperations template = template(context);
			assertThat(template.method("next").convertSendAndReceive("worker", 0, Integer.class)).isEqualTo(2);
			assertThatExceptionOfType(IpcRemoteException.class)
				.isThrownBy(() -> template.convertSendAndReceive("worker", "unheard of", String.class))
				.withMessageContaining("No request like this one");
			assertThat(template.convertSendAndReceive("worker", "hello", String.class)).isEqualTo("hello");
		});
	}

	private static void converse(ApplicationContext context) throws Exception {
		CborMessageOperations template = template(context);
		assertThat(template.convertSendAndReceive("worker", "hello", String.class)).isEqualTo("hello");
		byte[] large = new byte[200_000];
		assertThat(template.convertSendAndReceive("worker", large, byte[].class)).isEqualTo(large);
		assertThat(template.method("next").convertSendAndReceive("worker", 0, Integer.class)).isEqualTo(1);
		assertThat(template.method("next").convertSendAndReceive("worker", 0, Integer.class)).isEqualTo(2);
		try (Stream<Integer> numbers = template.method("count").convertSendAndStream("worker", 3, Integer.class)) {
			assertThat(numbers).containsExactly(1, 2, 3);
		}
		assertThatExceptionOfType(IpcRemoteException.class)
			.isThrownBy(() -> template.method("fail").convertSendAndReceive("worker", 0, String.class))
			.withMessageContaining("on purpose");
		try (var reply = template.method("file").sendAndReceive("worker", 0, String.class)) {
			assertThat(reply.file(0).inputStream().readAllBytes()).asString().isEqualTo("a file");
		}
	}

	@Test
	void anExchangeThatBringsAPipeIsLeftOut() throws Exception {
		Path file = this.folder.resolve("recording.json");
		this.runner.withPropertyValues("ipc.children.worker.main=" + Worker.class.getName())
			.withBean(IpcRecording.class, () -> IpcRecording.to(file))
			.run((context) -> template(context).method("pipe").convertSendAndReceive("worker", 0, String.class));
		assertThat(Recorded.read(file).exchanges()).isEmpty();
		assertThat(Recorded.read(file).hello()).isNotEmpty();
	}

	@ParameterizedTest
	@ValueSource(strings = { "", "[]", "{\"version\": 2, \"notation\": \"\", \"hello\": [], \"exchanges\": []}" })
	void aFileThatIsNoRecordingIsRefused(String content) throws Exception {
		Path file = Files.writeString(this.folder.resolve("recording.json"), content);
		assertThatIllegalArgumentException().isThrownBy(() -> TestIpcChild.replaying("worker", file))
			.withMessageContaining(file.toString());
		assertThatIllegalArgumentException()
			.isThrownBy(() -> TestIpcChild.replaying("worker", this.folder.resolve("none.json")));
	}

	private ApplicationContextRunner replaying(Path file) {
		return this.runner.withPropertyValues("ipc.children.worker.command=/does/not/exist")
			.withConfiguration(AutoConfigurations.of(TestIpcAutoConfiguration.class))
			.withBean(TestIpcChild.class, () -> TestIpcChild.replaying("worker", file));
	}

	private static CborMessageOperations template(ApplicationContext context) {
		return context.getBean(CborMessageTemplate.class);
	}

}
