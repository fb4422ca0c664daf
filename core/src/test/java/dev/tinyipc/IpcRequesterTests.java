package dev.tinyipc;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.awaitility.Awaitility.await;

/** Which answer belongs to which message, whatever the peer does. */
@Timeout(60)
class IpcRequesterTests {

	private final Deadline inTime = Deadline.in(Duration.ofSeconds(30));

	private IpcSocketPair pair;

	private IpcRequester requester;

	private IpcChannel peer;

	@BeforeEach
	void connect() throws IpcException {
		this.pair = Conversation.pair();
		this.requester = IpcRequester.over(IpcChannel.over(this.pair.parent()), "the peer");
		this.peer = IpcChannel.over(this.pair.child());
	}

	@AfterEach
	void disconnect() {
		this.pair.close();
	}

	@Test
	void replyIsTheAnswerToItsRequest() throws Exception {
		Exchange exchange = request("ask");
		assertThat(exchange.isRequestSent()).isTrue();
		assertThat(this.requester.owed()).isEqualTo(1);
		this.peer.send("answer");
		assertThat(exchange.reply(String.class).payload()).isEqualTo("answer");
		assertThat(exchange.isAnswered()).isTrue();
		assertThat(this.requester.owed()).isZero();
		assertThat(this.requester.look()).isEqualTo(IpcRequester.State.IN_STEP);
	}

	@Test
	void answerToMessageSentOneWayIsDroppedByTheNextExchange() throws Exception {
		for (int i = 0; i < 3; i++) {
			this.requester.send("one way", this.inTime);
		}
		this.peer.send("answer to the first"); // is there before the request is sent
		Exchange exchange = request("ask");
		this.peer.send("answer to the second");
		this.peer.sendError(new IllegalStateException("answer to the third"));
		this.peer.send("reply");
		assertThat(exchange.reply(String.class).payload()).isEqualTo("reply");
		assertThat(this.requester.owed()).isZero();
	}

	@Test
	void requestBehindUnansweredMessagesFailsWithAWordOnThem() throws Exception {
		this.requester.send("one way", this.inTime);
		this.requester.send("one way", this.inTime);
		Exchange exchange = this.requester.begin(Deadline.in(Duration.ofMillis(50)));
		exchange.request("ask");
		this.peer.send("the only answer");
		assertThatExceptionOfType(IpcException.Timeout.class).isThrownBy(() -> exchange.reply(String.class))
			.withMessageContaining("unanswered, too: 1. A peer that does not answer one-way messages must be declared");
	}

	@Test
	void answerToMessageSentOneWayCanBeReceived() throws Exception {
		this.requester.send("one way", this.inTime);
		this.peer.send("answer");
		assertThat(this.requester.receive(String.class, this.inTime).payload()).isEqualTo("answer");
		Exchange exchange = request("ask");
		this.peer.send("reply");
		assertThat(exchange.reply(String.class).payload()).isEqualTo("reply");
	}

	@Test
	void answersThatNobodyReceivesDoNotBlockMessagesSentOneWay() throws Exception {
		IpcChannel echo = this.peer;
		Thread child = new Thread(() -> {
			try {
				IpcMessage<Object> message = echo.receive(Object.class);
				while (message != null) {
					echo.send(message.payload());
					message = echo.receive(Object.class);
				}
			}
			catch (IpcException ex) {
				// The pair was closed.
			}
		});
		child.start();
		// Far more than the queues of both directions hold.
		for (int i = 0; i < 5000; i++) {
			this.requester.send("one way", this.inTime);
		}
		Exchange exchange = request("ask");
		assertThat(exchange.reply(String.class).payload()).isEqualTo("ask");
		this.pair.parent().close();
		child.join();
	}

	@Test
	void lateReplyReachesNobody() throws Exception {
		Exchange late = this.requester.begin(Deadline.in(Duration.ofMillis(50)));
		late.request("slow");
		assertThatExceptionOfType(IpcException.Timeout.class).isThrownBy(() -> late.reply(String.class));
		assertThat(late.isAnswered()).isFalse();
		assertThat(this.requester.look()).isEqualTo(IpcRequester.State.OWING);
		Exchange next = request("fast");
		this.peer.send("late");
		this.peer.send("in time");
		assertThat(next.reply(String.class).payload()).isEqualTo("in time");
		assertThat(this.requester.isUsable()).isTrue();
	}

	@Test
	void secondAnswerIsFoundBeforeAnybodyElseAsks() throws Exception {
		Exchange exchange = request("ask");
		this.peer.send("first");
		this.peer.send("second");
		assertThat(exchange.reply(String.class).payload()).isEqualTo("first");
		assertThat(this.requester.look()).isEqualTo(IpcRequester.State.FAULTY);
		assertThat(this.requester.isUsable()).isFalse();
		assertThat(this.requester.fault()).contains("the peer sent a message that nobody asked for");
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> this.requester.begin(this.inTime))
			.withMessageContaining("nobody asked for");
	}

	@Test
	void secondAnswerThatHasTheNumberOfTheFirstReachesNobodyAtAnyTime() throws Exception {
		greet();
		Exchange first = request("ask");
		this.peer.outbox().sendNumbered(OptionalLong.of(1), "first");
		assertThat(first.reply(String.class).payload()).isEqualTo("first");
		Exchange second = request("ask again");
		this.peer.outbox().sendNumbered(OptionalLong.of(1), "first, again");
		this.peer.outbox().sendNumbered(OptionalLong.of(2), "second");
		assertThat(second.reply(String.class).payload()).isEqualTo("second");
		assertThat(this.requester.fault()).contains("the peer answered a message twice");
		assertThat(this.requester.isUsable()).isFalse();
	}

	@Test
	void answersWithNumbersAreToldApartWithoutCounting() throws Exception {
		greet();
		this.requester.send("one way", this.inTime);
		Exchange late = this.requester.begin(Deadline.in(Duration.ofMillis(50)));
		late.request("slow");
		assertThatExceptionOfType(IpcException.Timeout.class).isThrownBy(() -> late.reply(String.class));
		Exchange exchange = request("ask");
		this.peer.outbox().sendNumbered(OptionalLong.of(2), "late"); // the first message
																		// stays
		// unanswered
		this.peer.outbox().sendNumbered(OptionalLong.of(3), "reply");
		assertThat(exchange.reply(String.class).payload()).isEqualTo("reply");
		assertThat(this.requester.owed()).isZero();
	}

	@Test
	void answerWithNumberOfNothingThatWasSentReachesNobody() throws Exception {
		greet();
		Exchange exchange = request("ask");
		this.peer.outbox().sendNumbered(OptionalLong.of(7), "whatever");
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> exchange.reply(String.class))
			.withMessageContaining("answered message 7, and the reply to 1 was due");
		assertThat(exchange.isAnswered()).isFalse();
	}

	@Test
	void answerWithoutNumberOfPeerThatRepeatsNumbersReachesNobody() throws Exception {
		greet();
		Exchange exchange = request("ask");
		this.peer.send("somebody else's");
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> exchange.reply(String.class))
			.withMessageContaining("without the number");
		assertThat(this.requester.isUsable()).isFalse();
	}

	@Test
	void errorWithoutNumberReachesItsCallerSinceTheEnvelopeMayNotHaveBeenRead() throws Exception {
		greet();
		Exchange exchange = request("ask");
		this.peer.sendError(new IllegalStateException("what is this envelope?"));
		assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> exchange.reply(String.class))
			.withMessageContaining("what is this envelope?");
		assertThat(this.requester.isUsable()).isTrue();
	}

	@ParameterizedTest
	@ValueSource(
			strings = { "da49505346f6", "da49505346a1626964187b", "da49505346a262696461786770" + "61796c6f616401" })
	void malformedEnvelopeMakesThePeerFaultyAtOnce(String hex) throws Exception {
		greet();
		Exchange exchange = request("ask");
		RawSender.sendFrame(this.pair.child(), HexFormat.of().parseHex(hex));
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> exchange.reply(String.class))
			.withMessageContaining("malformed envelope");
		assertThat(this.requester.isUsable()).isFalse();
	}

	@Test
	void malformedHelloMakesThePeerFaultyAtOnce() throws Exception {
		RawSender.sendFrame(this.pair.child(), HexFormat.of().parseHex("da4950534af6"));
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> this.requester.begin(this.inTime))
			.withMessageContaining("malformed hello");
		assertThat(this.requester.isUsable()).isFalse();
	}

	/** Whatever fails from then on, nobody else gets its answer. */
	@Test
	void requestIsOwedBeforeAnyOfItIsSent() throws Exception {
		Exchange exchange = this.requester.begin(this.inTime);
		exchange.request(new Object() {
			@SuppressWarnings("unused") // by Jackson
			public boolean isOwed() {
				return IpcRequesterTests.this.requester.owed() == 1 && exchange.isRequestSent();
			}
		});
		assertThat(this.peer.receive(Object.class).payload()).isEqualTo(Map.of("owed", true));
	}

	@Test
	void requestThatFailsWithAnErrorWhileItIsWrittenIsNotOwed() throws Exception {
		assertThatExceptionOfType(AssertionError.class).isThrownBy(() -> this.requester.send(new Object() {
			@SuppressWarnings("unused") // by Jackson
			public String getText() {
				throw new AssertionError("on purpose");
			}
		}, this.inTime));
		assertThat(this.requester.owed()).isZero();
	}

	@Test
	void requestIsNotSentForACallerWhoNoLongerWaits() throws Exception {
		Exchange late = this.requester.begin(Deadline.in(Duration.ZERO));
		assertThatExceptionOfType(IpcException.Timeout.class).isThrownBy(() -> late.request("ask"));
		Exchange interrupted = this.requester.begin(this.inTime.interruptible());
		Thread.currentThread().interrupt();
		assertThatExceptionOfType(IpcException.Interrupted.class).isThrownBy(() -> interrupted.request("ask"));
		assertThat(Thread.interrupted()).isTrue();
		assertThat(this.requester.owed()).isZero();
		assertThat(this.pair.child().pendingSize()).isEmpty();
	}

	@Test
	void helloThatComesAfterTheFirstRequestIsNoReply() throws Exception {
		Exchange exchange = request("ask");
		this.peer.sendHello(Opening.HELLO);
		this.peer.send("reply");
		assertThat(exchange.reply(String.class).payload()).isEqualTo("reply");
		Exchange next = request("ask in an envelope");
		this.peer.outbox().sendNumbered(OptionalLong.of(2), "reply in an envelope");
		assertThat(next.reply(String.class).payload()).isEqualTo("reply in an envelope");
	}

	@Test
	void requestThatCannotBeWrittenIsNotOwed() throws Exception {
		Exchange exchange = this.requester.begin(this.inTime);
		assertThatExceptionOfType(JacksonException.class).isThrownBy(() -> exchange.request(new Object() {
			@SuppressWarnings("unused") // by Jackson
			public String getText() {
				throw new IllegalStateException("on purpose");
			}
		}));
		assertThat(exchange.isRequestSent()).isFalse();
		assertThat(this.requester.owed()).isZero();
	}

	@Test
	void requestToPeerThatIsGoneWasNotSent() throws Exception {
		Exchange exchange = this.requester.begin(this.inTime);
		this.pair.child().close();
		assertThatExceptionOfType(IpcException.PeerClosed.class).isThrownBy(() -> exchange.request("ask"));
		assertThat(exchange.isRequestSent()).isFalse();
		assertThatExceptionOfType(IpcException.PeerClosed.class).isThrownBy(() -> this.requester.begin(this.inTime));
	}

	@Test
	void requestThatThePeerLeftUnreadDidNotReachIt() throws Exception {
		Exchange exchange = request("ask");
		this.pair.child().close();
		assertThatExceptionOfType(IpcException.PeerClosed.class).isThrownBy(() -> exchange.reply(String.class));
		assertThat(exchange.isRequestSent()).isFalse();
	}

	@Test
	void requestThatThePeerReadMayHaveHadAnEffect() throws Exception {
		Exchange exchange = request("ask");
		this.peer.receive(String.class);
		this.pair.child().close();
		assertThatExceptionOfType(IpcException.PeerClosed.class).isThrownBy(() -> exchange.reply(String.class));
		assertThat(exchange.isRequestSent()).isTrue();
	}

	/** What the peer left unread came after the request. */
	@Test
	void requestThatThePeerReadMayHaveHadAnEffectEvenIfItLeftItsCancelUnread() throws Exception {
		greet(new IpcHello(2, true, true, 1, Optional.empty(), 0, 0, false, 0));
		Exchange exchange = request("ask");
		this.peer.receive(Object.class);
		assertThat(exchange.cancel()).isTrue();
		this.pair.child().close();
		assertThatExceptionOfType(IpcException.PeerClosed.class).isThrownBy(() -> exchange.reply(String.class));
		assertThat(exchange.isRequestSent()).isTrue();
	}

	@Test
	void requestThatThePeerReadMayHaveHadAnEffectEvenIfAMessageFailedLater() throws Exception {
		Exchange exchange = request("ask");
		this.peer.receive(String.class);
		this.pair.child().close();
		await().untilAsserted(() -> assertThatExceptionOfType(IpcException.PeerClosed.class)
			.isThrownBy(() -> this.requester.send("one-way", this.inTime)));
		assertThatExceptionOfType(IpcException.PeerClosed.class).isThrownBy(() -> exchange.reply(String.class));
		assertThat(exchange.isRequestSent()).isTrue();
	}

	@ParameterizedTest
	@ValueSource(booleans = { false, true })
	void replyThatIsRefusedEndsItsExchange(boolean inEnvelope) throws Exception {
		if (inEnvelope) {
			greet();
		}
		Exchange exchange = request("ask");
		ByteBuffer body = ByteBuffer.allocate(1000);
		int size = 0;
		if (inEnvelope) {
			size = Envelope.write(body, 0, 1);
		}
		Arrays.fill(body.array(), size, 1000, (byte) 0xc1); // tags around nothing
		RawSender.sendFrame(this.pair.child(), body.array());
		assertThatExceptionOfType(JacksonException.class).isThrownBy(() -> exchange.reply(Object.class));
		assertThat(exchange.isAnswered()).isTrue();
		assertThat(this.requester.look()).isEqualTo(IpcRequester.State.IN_STEP);
	}

	@Test
	void replyOfAnotherTypeEndsItsExchange() throws Exception {
		Exchange exchange = request("ask");
		this.peer.send("text");
		assertThatExceptionOfType(JacksonException.class).isThrownBy(() -> exchange.reply(Integer.class));
		assertThat(exchange.isAnswered()).isTrue();
		assertThatIllegalStateException().isThrownBy(() -> exchange.reply(String.class));
		assertThatIllegalStateException().isThrownBy(() -> exchange.request("again"));
	}

	@Test
	void dropsWhatComesWithTheAnswersThatItDrops() throws Exception {
		try (OwnedFd file = Samples.memoryFile("x")) {
			LeakWatch watch = new LeakWatch();
			this.requester.send("one way", this.inTime);
			this.peer.send("answer", file);
			assertThat(this.requester.look()).isEqualTo(IpcRequester.State.IN_STEP);
			watch.assertNoneLeft();
		}
	}

	@Test
	void byteArraysAreExchangedInEnvelopesToo() throws Exception {
		greet();
		byte[] content = Samples.random(300_000);
		Exchange exchange = this.requester.begin(this.inTime);
		FrameSizeTests.inBackground(() -> exchange.request(content));
		IpcMessage<byte[]> request = this.peer.receiveWanted(byte[].class, null,
				Opening.telling((id) -> assertThat(id).hasValue(1)));
		Samples.assertSame(request.payload(), content);
		FrameSizeTests.inBackground(() -> this.peer.outbox().sendNumbered(OptionalLong.of(1), request.payload()));
		Samples.assertSame(exchange.reply(byte[].class).payload(), content);
	}

	@Test
	void peerThatSendsWhenItLikesIsNotCounted() throws Exception {
		IpcRequester uncounted = IpcRequester.uncounted(IpcChannel.over(this.pair.parent()), "the peer");
		this.peer.send("news");
		this.peer.send("more news");
		assertThat(uncounted.look()).isEqualTo(IpcRequester.State.IN_STEP);
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> uncounted.begin(this.inTime))
			.withMessageContaining("waits to be received");
		assertThat(uncounted.receive(String.class, this.inTime).payload()).isEqualTo("news");
		assertThat(uncounted.receive(String.class, this.inTime).payload()).isEqualTo("more news");
		assertThat(uncounted.isUsable()).isTrue();
	}

	private Exchange request(String payload) throws IpcException {
		Exchange exchange = this.requester.begin(this.inTime);
		exchange.request(payload);
		return exchange;
	}

	/** Has the peer say that it repeats numbers, before anything else. */
	private void greet() throws IpcException {
		greet(Opening.HELLO);
	}

	private void greet(IpcHello hello) throws IpcException {
		this.peer.sendHello(hello);
		assertThat(this.requester.look()).isEqualTo(IpcRequester.State.IN_STEP);
	}

}
