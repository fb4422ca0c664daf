package dev.tinyipc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** What an invited child says first, and how it answers from then on. */
@Timeout(60)
class HelloTests {

	private static final String TAG = "da4950534a";

	private static final String STACK_SIGNAL = "6b" + "737461636b5369676e616c";

	private static ByteBuffer body(String hex) {
		return ByteBuffer.wrap(HexFormat.of().parseHex(hex));
	}

	@Test
	void isReadWhateverElseItSays() {
		assertThat(IpcHello.read(body(TAG + "a0")))
			.isEqualTo(new IpcHello(1, false, false, 1, Optional.empty(), 0, 0, false, 0));
		assertThat(IpcHello
			.read(body(TAG + "a4" + "656c616e657304" + "68656e76656c6f7065f5" + "6870726f746f636f6c02" + "6178f6")))
			.isEqualTo(new IpcHello(2, true, false, 4, Optional.empty(), 0, 0, false, 0));
		assertThat(IpcHello.read(body(TAG + "a4" + "6663616e63656cf5" + "6572656164" + "79f5" + "676d6574686f6473"
				+ "826161" + "60" + "6e6d61784d65737361676553697a65" + "1903e8")))
			.isEqualTo(new IpcHello(1, false, true, 1, Optional.of(List.of("a", "")), 1000, 0, false, 0));
		assertThat(IpcHello.read(body(TAG + "a1" + STACK_SIGNAL + "1840")).stackSignal()).isEqualTo(64);
		assertThat(IpcHello.isOne(body(TAG + "a0"))).isTrue();
		assertThat(IpcHello.isOne(body("a0"))).isFalse();
	}

	@ParameterizedTest
	@ValueSource(strings = { "", "01", "80", "a1" + "6870726f746f636f6c" + "6132", "a1" + "68656e76656c6f7065" + "01",
			"a0" + "00", "a1" + "656c616e6573" + "00", "a1" + "656c616e6573" + "f94000",
			"a1" + "676d6574686f6473" + "a0", "a1" + "676d6574686f6473" + "8101", "a1" + "6663616e63656c" + "f6",
			"a1" + "657265616479" + "01", "a1" + "6e6d61784d65737361676553697a65" + "1bffffffffffffffff",
			"a1" + STACK_SIGNAL + "00", "a1" + STACK_SIGNAL + "1841", "a1" + STACK_SIGNAL + "f5" })
	void somethingElseBehindItsTagIsRefused(String content) {
		assertThatExceptionOfType(JacksonException.class).isThrownBy(() -> IpcHello.read(body(TAG + content)));
	}

	@Test
	void invitedChildSaysHelloAndAnswersEnvelopesWithEnvelopes() throws Exception {
		try (IpcProcess child = start(Map.of(IpcServer.HELLO_VARIABLE, "1"))) {
			assertThat(IpcHello.read(receiveBody(child))).isEqualTo(
					new IpcHello(2, true, true, 1, Optional.empty(), IpcChannel.DEFAULT_MAX_MESSAGE_SIZE, 0, true, 0));
			IpcChannel channel = IpcChannel.over(child.socket());
			for (long id = 5; id < 8; id++) {
				channel.outbox().sendNumbered(OptionalLong.of(id), "to be echoed");
				assertThat(receive(channel, id)).isEqualTo("to be echoed");
			}
			channel.send("bare");
			assertThat(channel.receive(String.class).payload()).isEqualTo("bare");
			channel.outbox().sendNumbered(OptionalLong.of(8), "fail");
			assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> receive(channel, 8))
				.withMessageContaining("on purpose");
			channel.outbox().sendNumbered(OptionalLong.of(9), Map.of("no", "text"));
			assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> receive(channel, 9));
			RawSender.send(child.socket(), Samples.frame(HexFormat.of().parseHex("da49505346a0")));
			assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> channel.receive(String.class))
				.withMessageContaining("envelope");
			child.socket().close();
			assertThat(child.waitFor()).isZero();
		}
	}

	@Test
	void childThatIsNotInvitedIsSilentAndAnswersBare() throws Exception {
		try (IpcProcess child = start(Map.of())) {
			IpcChannel channel = IpcChannel.over(child.socket());
			channel.send("first");
			assertThat(channel.receive(String.class).payload()).isEqualTo("first");
			channel.outbox().sendNumbered(OptionalLong.of(3), "in an envelope");
			assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> channel.receive(String.class));
		}
	}

	@Test
	void childWhoseParentIsGoneBeforeItsHelloEndsInOrder() throws Exception {
		try (IpcProcess child = start(Map.of(IpcServer.HELLO_VARIABLE, "1"))) {
			child.socket().close();
			assertThat(child.waitFor()).isZero();
		}
	}

	@Test
	void childTakesAndGivesMessagesUpToTheLimitOfItsParent() throws Exception {
		String limit = Integer.toString(64 * 1024 * 1024);
		try (IpcProcess child = start(Map.of(IpcServer.MAX_MESSAGE_SIZE_VARIABLE, limit))) {
			IpcChannel channel = IpcChannel.over(child.socket()).withMaxMessageSize(64 * 1024 * 1024);
			String text = "x".repeat(20_000_000);
			channel.send(text);
			assertThat(channel.receive(String.class).payload().equals(text)).isTrue();
		}
	}

	@ParameterizedTest
	@ValueSource(strings = { "", "0", "-1", "64MB", "2147483640", "99999999999" })
	void limitThatIsNoNumberOfBytesEndsTheChildWithAMessage(String limit) throws Exception {
		IpcProcessBuilder builder = new IpcProcessBuilder(new ChildJvm(Echo.class).command()).redirectErrorStream(true);
		builder.environment().put(IpcServer.MAX_MESSAGE_SIZE_VARIABLE, limit);
		try (IpcProcess child = builder.start()) {
			assertThat(child.getInputStream().readAllBytes()).asString()
				.contains("IpcException: The environment says TINY_IPC_MAX_MESSAGE_SIZE=" + limit + ",");
			assertThat(child.waitFor()).isEqualTo(1);
		}
	}

	/** A parent that is a child itself may not understand what its own parent does. */
	@Test
	void invitationIsNotHandedOnToGrandchildrenUnlessTheParentSaysSo() throws Exception {
		String said = new ChildJvm(Grandparent.class)
			.with((builder) -> builder.environment()
				.putAll(Map.of(IpcServer.HELLO_VARIABLE, "1", IpcServer.MAX_MESSAGE_SIZE_VARIABLE, "99")))
			.run();
		assertThat(said).isEqualTo("nothing nothing\n1 nothing\n");
	}

	static final class Grandparent {

		public static void main(String[] arguments) throws Exception {
			String script = "echo ${TINY_IPC_HELLO-nothing} ${TINY_IPC_MAX_MESSAGE_SIZE-nothing}";
			new IpcProcessBuilder("sh", "-c", script).inheritIO().start().waitFor();
			IpcProcessBuilder inviting = new IpcProcessBuilder("sh", "-c", script).inheritIO();
			inviting.environment().put(IpcServer.HELLO_VARIABLE, "1");
			inviting.start().waitFor();
		}

	}

	@Test
	void helloNamesTheMethodsAndAnUnknownOneIsAnsweredWithThem() throws Exception {
		try (Conversation conversation = Conversation.with(new ChildJvm(Methods.class))) {
			IpcHello hello = conversation.requester().awaitHello(Conversation.inTime());
			assertThat(hello.methods()).contains(List.of("", "length", "reverse"));
			assertThat(hello.lanes()).isEqualTo(1);
			assertThat(conversation.call("length", "four")).isEqualTo(4);
			assertThat(conversation.call("reverse", "abc")).isEqualTo("cba");
			assertThat(conversation.call("", "abc")).isEqualTo("abc");
			assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> conversation.call("size", "abc"))
				.withMessageContaining("There is no method 'size'. There are: (none), length, reverse");
			assertThat(conversation.call("length", "")).isEqualTo(0);
		}
	}

	static final class Methods {

		public static void main(String[] arguments) throws IpcException {
			IpcServer.builder()
				.handler("length", String.class, (request) -> request.payload().length())
				.handler("reverse", String.class,
						(request) -> new StringBuilder(request.payload()).reverse().toString())
				.handler(String.class, (request) -> request.payload())
				.serve();
		}

	}

	@Test
	void methodForAChildWithoutAHelloIsAClearErrorAndNothingIsSent() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			IpcRequester requester = IpcRequester.over(IpcChannel.over(pair.parent()), "the child");
			Exchange early = requester.begin(Deadline.in(Duration.ofMillis(20))).method("length");
			assertThatExceptionOfType(IpcException.Timeout.class).isThrownBy(() -> early.request("x"))
				.withMessageContaining("the child has not said hello in time");
			Exchange asked = Conversation.ask(requester, "", "x");
			Exchange behind = requester.begin(Conversation.inTime()).method("length");
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> behind.request("x"))
				.withMessageContaining("must say hello");
			pair.child().receive(ByteBuffer.allocate(100)).close();
			IpcChannel.over(pair.child()).send("reply");
			assertThat(asked.reply(String.class).payload()).isEqualTo("reply");
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> behind.request("x"))
				.withMessageContaining("the child has not said hello");
			assertThat(early.isRequestSent() || behind.isRequestSent()).isFalse();
			assertThat(pair.child().pendingSize()).isEmpty();
		}
	}

	@Test
	void whoAwaitsAHelloAndGetsSomethingElseGivesUpThePeer() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			IpcRequester requester = IpcRequester.over(IpcChannel.over(pair.parent()), "the child");
			IpcChannel.over(pair.child()).send("a greeting of its own");
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> requester.awaitHello(Conversation.inTime()))
				.withMessageContaining("sent another message before its hello");
			assertThat(requester.isUsable()).isFalse();
		}
		try (IpcSocketPair pair = IpcSocket.pair()) {
			IpcRequester requester = IpcRequester.over(IpcChannel.over(pair.parent()), "the child");
			pair.child().close();
			assertThatExceptionOfType(IpcException.PeerClosed.class)
				.isThrownBy(() -> requester.awaitHello(Conversation.inTime()))
				.withMessageContaining("before its hello");
		}
	}

	@Test
	void ofTheDescriptorsThatComeWithAHelloOnlyASocketForCallsIsKept() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair();
				IpcSocketPair calls = IpcSocket.pair();
				OwnedFd file = Samples.memoryFile("x")) {
			LeakWatch watch = new LeakWatch();
			IpcChannel.over(pair.child())
				.sendHello(Conversation.HELLO, file, calls.child().descriptor(), calls.child().descriptor());
			IpcRequester requester = IpcRequester.over(IpcChannel.over(pair.parent()), "the child");
			requester.awaitHello(Conversation.inTime());
			IpcSocket taken = requester.takeCallSocket().orElseThrow();
			assertThat(requester.takeCallSocket()).isEmpty();
			IpcChannel.over(calls.parent()).send("a call");
			assertThat(IpcChannel.over(taken).<String>receive(String.class).payload()).isEqualTo("a call");
			taken.close();
			watch.assertNoneLeft();
		}
	}

	@Test
	void socketForCallsThatNobodyHasTakenIsClosedWithTheFirst() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); IpcSocketPair calls = IpcSocket.pair()) {
			IpcChannel.over(pair.child()).sendHello(Conversation.HELLO, calls.child().descriptor());
			calls.child().close();
			LeakWatch watch = new LeakWatch();
			IpcRequester requester = IpcRequester.over(IpcChannel.over(pair.parent()), "the child");
			requester.awaitHello(Conversation.inTime());
			pair.parent().close();
			assertThat(requester.takeCallSocket()).isEmpty();
			assertThat(calls.parent().receive(ByteBuffer.allocate(10))).isNull();
			watch.assertNoneLeft();
		}
	}

	@Test
	void laneOfAChildThatHasSaidNothingOfLanesIsAClearError() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			LeakWatch watch = new LeakWatch();
			IpcRequester single = IpcRequester.greeted(IpcChannel.over(pair.parent()), "the child", Opening.HELLO);
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> single.openLane(Conversation.inTime()))
				.withMessageContaining("has not said hello with more \"lanes\"");
			IpcRequester requester = IpcRequester.over(IpcChannel.over(pair.parent()), "the child");
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> requester.openLane(Conversation.inTime()))
				.withMessageContaining("has not said hello");
			assertThat(pair.child().pendingSize()).isEmpty();
			watch.assertNoneLeft();
		}
	}

	@Test
	void answerToTheRequestForALaneThatIsAValueIsNoAgreement() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			LeakWatch watch = new LeakWatch();
			IpcRequester requester = IpcRequester.greeted(IpcChannel.over(pair.parent()), "the child",
					Conversation.HELLO);
			Blocked opening = Blocked.any(() -> requester.openLane(Conversation.inTime()));
			IpcChannel.over(pair.child()).receive(Object.class).close();
			IpcChannel.over(pair.child()).send("whatever it took it for");
			assertThatExceptionOfType(IpcException.class).isThrownBy(opening::join)
				.withMessageContaining("with a value");
			watch.assertNoneLeft();
		}
	}

	private static String receive(IpcChannel channel, long id) throws IpcException {
		return channel
			.<String>receiveWanted(String.class, null, Opening.telling((number) -> assertThat(number).hasValue(id)))
			.payload();
	}

	private static ByteBuffer receiveBody(IpcProcess child) throws IpcException {
		ByteBuffer packet = ByteBuffer.allocate(1000);
		child.socket().receive(packet);
		return packet.flip().position(Frame.HEADER_SIZE);
	}

	private static IpcProcess start(Map<String, String> environment) throws IOException {
		IpcProcessBuilder builder = new IpcProcessBuilder(new ChildJvm(Echo.class).command())
			.redirectOutput(ProcessBuilder.Redirect.DISCARD)
			.redirectError(ProcessBuilder.Redirect.DISCARD);
		builder.environment().putAll(environment);
		return builder.start();
	}

	static final class Echo {

		public static void main(String[] arguments) throws IpcException {
			IpcServer.serve(String.class, (request) -> {
				if (request.payload().equals("fail")) {
					throw new IllegalStateException("on purpose");
				}
				return request.payload();
			});
		}

	}

}
