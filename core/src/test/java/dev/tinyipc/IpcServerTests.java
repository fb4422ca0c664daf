package dev.tinyipc;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

@Timeout(60)
class IpcServerTests {

	record Request(String does, String text) {
	}

	private IpcSocketPair pair;

	private IpcChannel client;

	private Future<?> server;

	@BeforeEach
	void start() throws IOException {
		this.pair = Conversation.pair();
		this.client = IpcChannel.over(this.pair.parent());
		this.server = FrameSizeTests.inBackground(() -> {
			IpcServer.serve(IpcChannel.over(this.pair.child()), Request.class, IpcServerTests::handle);
			return null;
		});
	}

	@AfterEach
	void close() throws IOException {
		this.pair.close();
	}

	private static Object handle(IpcMessage<Request> request) throws Exception {
		String text = request.payload().text();
		return switch (request.payload().does()) {
			case "echo" -> text;
			case "read" -> Samples.content(request.descriptors().get(0));
			case "give" -> new IpcServer.Reply(text, Samples.memoryFile(text));
			case "give back" -> new IpcServer.Reply(text, request.descriptors().get(0));
			case "give what is closed" -> {
				OwnedFd closed = Samples.memoryFile("x");
				closed.close();
				yield new IpcServer.Reply(text, Samples.memoryFile(text), closed);
			}
			case "unwritable" -> new IpcServer.Reply(new Object() {

				public String getFailing() {
					throw new IllegalStateException("on purpose");
				}

			}, Samples.memoryFile(text));
			case "too large" -> new byte[20_000_000];
			case "nothing" -> null;
			case "another peer" -> throw new IpcException.PeerClosed("of the handler's own");
			default -> throw new IOException(text);
		};
	}

	@Test
	void eachRequestIsAnsweredByWhatTheHandlerReturns() throws Exception {
		for (int i = 0; i < 10; i++) {
			assertThat(ask("echo", "text " + i)).isEqualTo("text " + i);
		}
		assertThat(ask("nothing", "")).isNull();
		try (OwnedFd file = Samples.memoryFile("in the file")) {
			assertThat(ask("read", "", file)).isEqualTo("in the file");
		}
	}

	@Test
	void descriptorsOfAReplyAreClosedOnceTheyAreSent() throws Exception {
		try (OwnedFd file = Samples.memoryFile("the caller's")) {
			ask("give", "once"); // loads what is needed
			LeakWatch watch = new LeakWatch();
			for (int i = 0; i < 10; i++) {
				this.client.send(new Request("give", "new"));
				try (IpcMessage<String> reply = this.client.receive(String.class)) {
					assertThat(Samples.content(reply.descriptors().get(0))).isEqualTo("new");
				}
				this.client.send(new Request("give back", "old"), file);
				try (IpcMessage<String> reply = this.client.receive(String.class)) {
					assertThat(Samples.content(reply.descriptors().get(0))).isEqualTo("the caller's");
				}
			}
			watch.assertNoneLeft();
		}
	}

	@Test
	void exceptionOfTheHandlerIsAnErrorItemAndTheNextRequestIsServed() throws Exception {
		assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> ask("fail", "no such picture"))
			.satisfies((error) -> assertThat(error.type()).isEqualTo("java.io.IOException"))
			.satisfies((error) -> assertThat(error.remoteMessage()).isEqualTo("no such picture"));
		assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> ask("another peer", ""))
			.withMessageContaining("of the handler's own");
		assertThat(ask("echo", "next")).isEqualTo("next");
	}

	@Test
	void whatTheHandlerThrowsIsLoggedOnceWithItsStackTrace() throws Exception {
		Logger logger = (Logger) LoggerFactory.getLogger(IpcServer.class);
		ListAppender<ILoggingEvent> log = new ListAppender<>();
		log.start();
		logger.addAppender(log);
		try {
			assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> ask("fail", "no such picture"));
			assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> ask("unwritable", "x"));
			ask("echo", "next");
		}
		finally {
			logger.detachAppender(log);
		}
		assertThat(log.list).extracting(ILoggingEvent::getLevel).containsExactly(Level.WARN, Level.WARN);
		assertThat(log.list).extracting((event) -> event.getThrowableProxy().getMessage())
			.satisfiesExactly((first) -> assertThat(first).isEqualTo("no such picture"),
					(second) -> assertThat(second).contains("on purpose"));
		assertThat(log.list.get(0).getThrowableProxy().getStackTraceElementProxyArray())
			.anyMatch((element) -> element.toString().contains("IpcServerTests.handle"));
	}

	@Test
	void replyThatCannotBeSentIsAnErrorItemAndLeavesNothingOpen() throws Exception {
		assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> ask("unwritable", "once"));
		LeakWatch watch = new LeakWatch();
		assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> ask("unwritable", "x"))
			.withMessageContaining("on purpose");
		assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> ask("too large", ""))
			.withMessageContaining("over the limit");
		assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> ask("give what is closed", "x"))
			.withMessageContaining("closed");
		watch.assertNoneLeft();
		assertThat(ask("echo", "next")).isEqualTo("next");
	}

	@Test
	void bodyThatCannotBeReadIsAnErrorItemAndTheNextRequestIsServed() throws Exception {
		for (Object body : List.of("no request", List.of(1, 2), Map.of("does", List.of()))) {
			assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> receive(body))
				.satisfies((error) -> assertThat(error.type()).startsWith("tools.jackson."));
		}
		RawSender.sendFrame(this.pair.parent(), new byte[] { 0x1c });
		assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> this.client.receive(String.class));
		assertThat(ask("echo", "next")).isEqualTo("next");
	}

	/** Without an answer, the next one would be taken for it. */
	@Test
	void errorItemThatComesAsARequestIsAnsweredWithOne() throws Exception {
		this.client.sendError(new IllegalStateException("of the parent's"));
		assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> this.client.receive(String.class))
			.withMessageContaining("of the parent's");
		assertThat(ask("echo", "next")).isEqualTo("next");
	}

	@Test
	void itReturnsWhenThePeerCloses() throws Exception {
		ask("echo", "x");
		this.pair.parent().close();
		this.server.get(30, TimeUnit.SECONDS);
	}

	@Test
	void itReturnsWhenThePeerClosesBeforeItTakesTheAnswer() throws Exception {
		for (int i = 0; i < 50; i++) {
			this.client.send(new Request((i % 2 == 0) ? "echo" : "fail", "x".repeat(100)));
		}
		this.pair.parent().close();
		this.server.get(30, TimeUnit.SECONDS);
	}

	@Test
	void itEndsWithAnErrorWhenThePeerBreaksTheProtocol() throws Exception {
		RawSender.send(this.pair.parent(), new byte[3]);
		assertThatExceptionOfType(Exception.class).isThrownBy(() -> this.server.get(30, TimeUnit.SECONDS))
			.withMessageContaining("A packet of 3 bytes");
	}

	@Test
	void channelOfAnotherFormatIsRefused() {
		assertThatIllegalStateException().isThrownBy(() -> IpcServer
			.serve(IpcChannel.over(this.pair.child(), JsonMapper.shared()), Request.class, (request) -> null));
	}

	@Test
	void programThatWasNotStartedAsAChildSaysSo() {
		assertThatIllegalStateException().isThrownBy(() -> IpcServer.serve(Request.class, IpcServerTests::handle))
			.withMessageContaining("was not started as a child")
			.withMessageContaining("TINY_IPC_FD");
	}

	@Test
	void childServesTheSocketThatItInheritedAndExitsWithTheCodeThatSaysHowItEnded() throws Exception {
		try (IpcProcess child = startChild()) {
			IpcChannel channel = IpcChannel.over(child.socket());
			channel.send(new Request("echo", "from the parent"));
			assertThat(channel.receive(String.class).payload()).isEqualTo("from the parent");
			child.socket().close();
			assertThat(child.waitFor()).isZero();
		}
		try (IpcProcess child = startChild()) {
			RawSender.sendFrame(child.socket(), new byte[0]);
			assertThat(IpcChannel.over(child.socket()).<String>receive(String.class)).isNull();
			assertThat(child.waitFor()).isEqualTo(1);
		}
	}

	private static IpcProcess startChild() throws IOException {
		return new IpcProcessBuilder(new ChildJvm(Child.class).command())
			.redirectOutput(ProcessBuilder.Redirect.DISCARD)
			.redirectError(ProcessBuilder.Redirect.DISCARD)
			.start();
	}

	static final class Child {

		public static void main(String[] arguments) throws IpcException {
			IpcServer.serve(Request.class, IpcServerTests::handle);
		}

	}

	private Object ask(String does, String text, OwnedFd... descriptors) throws IpcException {
		return receive(new Request(does, text), descriptors);
	}

	private Object receive(Object request, OwnedFd... descriptors) throws IpcException {
		this.client.send(request, descriptors);
		try (IpcMessage<Object> reply = this.client.receive(Object.class)) {
			return reply.payload();
		}
	}

}
