package dev.tinyipc;

import java.time.Duration;
import java.util.HexFormat;
import java.util.OptionalLong;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** Streams of peers that write their elements without an envelope, or wrongly. */
@Timeout(60)
class BareStreamTests {

	private static final String ELEMENT = "da49505347";

	private static final String END = "da49505348f6";

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

	private void send(String hex) throws IpcException {
		RawSender.sendFrame(this.pair.child(), HexFormat.of().parseHex(hex));
	}

	private void greet() throws IpcException {
		this.peer.sendHello(Conversation.HELLO);
		assertThat(this.requester.look()).isEqualTo(IpcRequester.State.IN_STEP);
	}

	@ParameterizedTest
	@ValueSource(booleans = { false, true })
	void bareElementsAreThoseOfTheReplyThatIsDue(boolean greets) throws Exception {
		if (greets) {
			greet();
		}
		for (int i = 0; i < 2; i++) {
			Exchange exchange = Conversation.ask(this.requester, "", "ask");
			send(ELEMENT + "01");
			send("db0000000049505347" + "02"); // a longer head
			send("d9d9f7" + ELEMENT + "03"); // another tag around it
			send(ELEMENT + "f6");
			send(END);
			assertThat(Conversation.rest(exchange)).containsExactly(1, 2, 3, null);
		}
		assertThat(this.requester.look()).isEqualTo(IpcRequester.State.IN_STEP);
	}

	@ParameterizedTest
	@ValueSource(booleans = { false, true })
	void bareElementsOfAnAbandonedStreamNeverReachTheNextExchange(boolean greets) throws Exception {
		if (greets) {
			greet();
		}
		Exchange abandoned = Conversation.ask(this.requester, "", "ask");
		send(ELEMENT + "01");
		assertThat(abandoned.next(Object.class, Conversation.inTime()).payload()).isEqualTo(1);
		Exchange next = Conversation.ask(this.requester, "", "ask");
		send(ELEMENT + "02");
		send(END);
		send(ELEMENT + "03");
		send(END);
		assertThat(Conversation.rest(next)).containsExactly(3);
		assertThat(this.requester.fault()).isNull();
	}

	@Test
	void timeoutBetweenTwoElementsLeavesTheStreamToBeReadLater() throws Exception {
		Exchange exchange = Conversation.ask(this.requester, "", "ask");
		send(ELEMENT + "01");
		exchange.next(Object.class, Conversation.inTime()).close();
		assertThatExceptionOfType(IpcException.Timeout.class)
			.isThrownBy(() -> exchange.next(Object.class, Deadline.in(Duration.ofMillis(20))));
		send(ELEMENT + "02");
		send(END);
		assertThat(Conversation.rest(exchange)).containsExactly(2);
	}

	@ParameterizedTest
	@ValueSource(strings = { ELEMENT + "01", END, "da49505346a2" + "62696401" + "677061796c6f6164" + ELEMENT + "01",
			"da49505346a2" + "62696401" + "677061796c6f6164" + END })
	void elementOrEndAfterTheEndIsAFault(String hex) throws Exception {
		greet();
		Exchange exchange = Conversation.ask(this.requester, "", "ask");
		send(END);
		assertThat(Conversation.rest(exchange)).isEmpty();
		send(hex);
		assertThat(this.requester.look()).isEqualTo(IpcRequester.State.FAULTY);
		assertThat(this.requester.fault()).contains("nobody asked for");
	}

	@Test
	void elementOfANumberThatIsStillToComeIsAFault() throws Exception {
		greet();
		Exchange exchange = Conversation.ask(this.requester, "", "ask");
		this.peer.send(Prefix.of(OptionalLong.of(2), StreamItem.ELEMENT), 1, null);
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> Conversation.rest(exchange))
			.withMessageContaining("the reply to 1 was due");
		assertThat(this.requester.isUsable()).isFalse();
	}

	@Test
	void endAroundAnythingButNullIsMalformed() throws Exception {
		Exchange exchange = Conversation.ask(this.requester, "", "ask");
		send("da4950534801");
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> Conversation.rest(exchange))
			.withMessageContaining("not around null");
		assertThat(this.requester.isUsable()).isFalse();
	}

	/** Also if the type that is wanted could be made of anything. */
	@Test
	void wholeValueIsNoElementWhateverItIs() throws Exception {
		Exchange exchange = Conversation.ask(this.requester, "", "ask");
		send("82" + ELEMENT + "01" + END);
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> Conversation.rest(exchange))
			.withMessageContaining("a stream was expected");
	}

}
