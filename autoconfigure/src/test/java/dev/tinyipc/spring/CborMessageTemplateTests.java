package dev.tinyipc.spring;

import java.nio.file.Path;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import dev.tinyipc.spring.child.OpenDescriptors;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.SharedMemory;
import dev.tinyipc.spring.TestWorker.Reply;
import dev.tinyipc.spring.TestWorker.Request;
import dev.tinyipc.spring.autoconfigure.IpcAutoConfiguration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.ParameterizedTypeReference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

@Timeout(60)
class CborMessageTemplateTests {

	private static final Duration SHORT = Duration.ofMillis(100);

	private ConfigurableApplicationContext context;

	private CborMessageTemplate template;

	@BeforeEach
	void startApplication() {
		this.context = new SpringApplicationBuilder(Application.class).web(WebApplicationType.NONE)
			.logStartupInfo(false)
			.run();
		this.template = this.context.getBean("cborMessageTemplate", CborMessageTemplate.class);
	}

	@AfterEach
	void stopApplication() {
		this.context.close();
	}

	@Test
	void aRequestCarriesAnOpenFileAndTheReplyCarriesItBack() throws Exception {
		try (SharedMemory memory = SharedMemory.create("words")) {
			memory.outputStream().write("in the file".getBytes());
			memory.seal();
			Request read = new Request("read", "");
			assertThat(this.template.convertSendAndReceive(read, Reply.class, memory.descriptor()).text())
				.isEqualTo("in the file");
			Request give = new Request("give", "here");
			try (IpcMessage<Reply> reply = this.template.sendAndReceive(give, Reply.class, memory.descriptor())) {
				assertThat(reply.payload().text()).isEqualTo("here");
				assertThat(reply.descriptors()).hasSize(1);
				assertThat(reply.descriptors().get(0).inputStream()).hasContent("in the file");
			}
		}
	}

	@Test
	void aReplyOfWhichOnlyThePayloadIsWantedHasItsDescriptorsClosed() throws Exception {
		try (SharedMemory memory = SharedMemory.create("words")) {
			long before = OpenDescriptors.count();
			for (int i = 0; i < 50; i++) {
				this.template.convertSendAndReceive(new Request("give", "here"), Reply.class, memory.descriptor());
			}
			// Less than one for each, and more than a poller that is opened late.
			assertThat(OpenDescriptors.count()).isLessThan(before + 10);
		}
	}

	@Test
	void aMessageThatWasSentOneWayIsAnsweredByAMessageThatIsReceived() {
		this.template.convertAndSend(new Request("echo", "one way"));
		assertThat(this.template.receiveAndConvert(Reply.class).text()).isEqualTo("one way");
		this.template.convertAndSend("worker", new Request("echo", "by name"));
		assertThat(this.template.receiveAndConvert("worker", Reply.class).text()).isEqualTo("by name");
	}

	@Test
	void aTextIsSentWithDescriptorsToTheDefaultDestination() {
		RawWorker.application().run((context) -> {
			CborMessageTemplate texts = context.getBean(CborMessageTemplate.class);
			try (OwnedFd descriptor = OwnedFd.open(Path.of("/dev/null"))) {
				texts.convertAndSend("text", descriptor);
				assertThat(texts.receiveAndConvert(String.class)).isEqualTo("text");
				texts.convertAndSend("texts", descriptor, descriptor);
				assertThat(texts.receiveAndConvert(String.class)).isEqualTo("texts");
				texts.convertAndSend("an array", new OwnedFd[] { descriptor });
				assertThat(texts.receiveAndConvert(String.class)).isEqualTo("an array");
				texts.convertAndSend("none");
				assertThat(texts.receiveAndConvert(String.class)).isEqualTo("none");
				texts.convertAndSend("worker", "named", descriptor);
				assertThat(texts.receiveAndConvert(String.class)).isEqualTo("named");
			}
		});
	}

	@Test
	void receivingReturnsNullWhenNothingComesInTimeAndHarmsNobody() {
		this.template.setTimeout(SHORT);
		assertThat(this.template.receiveAndConvert(Reply.class)).isNull();
		assertThat(this.template.receive("worker", Reply.class)).isNull();
		this.template.setTimeout(CborMessageTemplate.DEFAULT_TIMEOUT);
		assertThat(this.template.convertSendAndReceive(new Request("echo", "still there"), Reply.class).text())
			.isEqualTo("still there");
	}

	@Test
	void aRequestThatIsNotAnsweredInTimeFailsAndItsLateReplyReachesNobody() {
		assertThatExceptionOfType(IpcTimeoutException.class)
			.isThrownBy(() -> this.template.convertSendAndReceive(new Request("answer late", ""), Reply.class, SHORT))
			.withMessageContaining("'worker'")
			.withMessageContaining("PT0.1S");
		assertThat(this.template.convertSendAndReceive(new Request("echo", "next"), Reply.class).text())
			.isEqualTo("next");
	}

	@Test
	void aCallThatNobodyWaitsForBringsItsReplyLater() throws Exception {
		Request echo = new Request("echo", "later");
		assertThat(this.template.convertSendAndReceiveAsync(echo, Reply.class).get().text()).isEqualTo("later");
		assertThat(this.template.convertSendAndReceiveAsync("worker", echo, Reply.class).get().text())
			.isEqualTo("later");
		assertThat(this.template
			.convertSendAndReceiveAsync(new Request("list", ""), new ParameterizedTypeReference<List<Integer>>() {
			})
			.get()).containsExactly(1, 2, 3);
		try (SharedMemory memory = SharedMemory.create("words")) {
			memory.outputStream().write("in the file".getBytes());
			Request give = new Request("give", "here");
			try (IpcMessage<Reply> reply = this.template
				.sendAndReceiveAsync("worker", give, Reply.class, memory.descriptor())
				.get()) {
				assertThat(reply.descriptors().get(0).inputStream()).hasContent("in the file");
			}
		}
		assertThatExceptionOfType(ExecutionException.class)
			.isThrownBy(() -> this.template.timeout(SHORT)
				.convertSendAndReceiveAsync(new Request("answer late", ""), Reply.class)
				.get())
			.withCauseInstanceOf(IpcTimeoutException.class);
	}

	@Test
	void aPeerThatDiesFailsItsCallerAtOnce() {
		assertThatExceptionOfType(IpcReplyLostException.class)
			.isThrownBy(() -> this.template.convertSendAndReceive(new Request("die", ""), Reply.class))
			.withMessageContaining("the peer closed");
	}

	@Test
	void aReplyOfAnotherShapeIsAConversionErrorAndTheNextOneIsRead() {
		assertThatExceptionOfType(IpcMessageConversionException.class)
			.isThrownBy(() -> this.template.convertSendAndReceive(new Request("list", ""), Reply.class))
			.withMessageContaining("'worker'");
		assertThat(this.template.convertSendAndReceive(new Request("echo", "next"), Reply.class).text())
			.isEqualTo("next");
	}

	@Test
	void aMessageOverTheLimitIsRefusedBeforeItIsSent() {
		RawWorker.application("ipc.template.max-message-size=100").run((context) -> {
			CborMessageTemplate limited = context.getBean(CborMessageTemplate.class);
			assertThatExceptionOfType(UncategorizedIpcException.class)
				.isThrownBy(() -> limited.convertSendAndReceive("x".repeat(200), String.class))
				.withMessageContaining("over the limit of 100");
			assertThat(limited.convertSendAndReceive("short", String.class)).isEqualTo("short");
		});
	}

	@Test
	void callersOnManyThreadsEachGetTheirOwnReply() {
		Stream<String> mismatches = IntStream.range(0, 2000)
			.parallel()
			.mapToObj(Integer::toString)
			.filter((text) -> !this.template.convertSendAndReceive(new Request("echo", text), Reply.class)
				.text()
				.equals(text));
		assertThat(mismatches).isEmpty();
	}

	@Test
	void aTimeoutThatIsNotMoreThanZeroOrAsGoodAsForEverIsRefused() {
		for (Duration timeout : List.of(Duration.ZERO, Duration.ofSeconds(-1), Duration.ofSeconds(Long.MAX_VALUE))) {
			assertThatIllegalArgumentException()
				.isThrownBy(() -> this.template.convertSendAndReceive(new Request("echo", ""), Reply.class, timeout))
				.withMessageContaining("more than zero and at most 100 years");
		}
		assertThat(this.template
			.convertSendAndReceive(new Request("echo", "long"), Reply.class, CborMessageTemplate.MAX_TIMEOUT)
			.text()).isEqualTo("long");
	}

	@Test
	void aDescriptorThatIsClosedIsNamedAndTheRequestCanBeRepeated() throws Exception {
		OwnedFd closed = OwnedFd.open(Path.of("/dev/null"));
		closed.close();
		assertThatExceptionOfType(UncategorizedIpcException.class)
			.isThrownBy(() -> this.template.convertSendAndReceive(new Request("read", ""), Reply.class, closed))
			.withMessageContaining("closed on this side");
		assertThat(this.template.convertSendAndReceive(new Request("echo", "fine"), Reply.class).text())
			.isEqualTo("fine");
	}

	@Test
	void afterTheApplicationStoppedACallSaysSo() {
		this.context.stop();
		assertThatExceptionOfType(IpcPeerUnavailableException.class)
			.isThrownBy(() -> this.template.convertSendAndReceive(new Request("echo", ""), Reply.class))
			.isNotInstanceOf(IpcReplyLostException.class)
			.withMessageContaining("not running");
		this.context.start();
		assertThat(this.template.convertSendAndReceive(new Request("echo", "fresh"), Reply.class).text())
			.isEqualTo("fresh");
	}

	@ChildProcess(name = "worker", main = TestWorker.class)
	@ImportAutoConfiguration({ JacksonAutoConfiguration.class, IpcAutoConfiguration.class })
	static class Application {

		public static void main(String[] arguments) {
			SpringApplication.run(Application.class, arguments);
		}

	}

}
