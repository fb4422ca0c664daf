package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** A message over the limit costs that message, and neither memory nor the socket. */
@Timeout(60)
class LargeMessageTests {

	private static final int LIMIT = 100_000;

	private IpcSocketPair pair;

	/** Sends what the other end does not accept. */
	private IpcChannel large;

	private IpcChannel limited;

	@BeforeEach
	void connect() throws IpcException {
		this.pair = Conversation.pair();
		this.large = IpcChannel.over(this.pair.parent());
		this.limited = IpcChannel.over(this.pair.child()).withMaxMessageSize(LIMIT);
	}

	@AfterEach
	void disconnect() {
		this.pair.close();
	}

	/** What makes a body of exactly this size. */
	private static byte[] content(int bodySize, int prefixSize) {
		return new byte[bodySize - prefixSize - 5];
	}

	private IpcServer server() throws IpcException {
		IpcServer server = IpcServer.builder()
			.handler(byte[].class, (request) -> request.payload().length)
			.handler("text", String.class, (request) -> request.payload().length())
			.build();
		server.serve(this.limited);
		return server;
	}

	private IpcServer bytesServer() throws IpcException {
		IpcServer server = IpcServer.builder().handler(byte[].class, (request) -> request.payload().length).build();
		server.serve(this.limited);
		return server;
	}

	@ParameterizedTest
	@ValueSource(ints = { LIMIT + 1, 2 * LIMIT, 64 * 1024 * 2, 600_000, 63 * LIMIT, 64 * LIMIT - 1 })
	void requestOverTheLimitIsAnsweredWithBothSizesAndTheNextIsServed(int size) throws Exception {
		for (boolean bytesOnly : new boolean[] { true, false }) {
			disconnect();
			connect();
			try (IpcServer server = bytesOnly ? bytesServer() : server(); OwnedFd file = Samples.memoryFile("x")) {
				this.large.send(1);
				assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> this.large.receive(Object.class));
				LeakWatch watch = new LeakWatch();
				for (int i = 0; i < 2; i++) {
					this.large.send(content(size, 0), file);
					assertThatExceptionOfType(IpcException.Remote.class)
						.isThrownBy(() -> this.large.receive(Object.class))
						.withMessageContaining(size + " bytes")
						.withMessageContaining("at most " + LIMIT);
					this.large.outbox().sendNumbered(OptionalLong.of(7), content(size, Envelope.PREFIX_SIZE), file);
					assertThatExceptionOfType(IpcException.Remote.class)
						.isThrownBy(() -> this.large.receiveWanted(Object.class, null,
								Opening.telling((id) -> assertThat(id).hasValue(7))))
						.withMessageContaining(size + " bytes");
				}
				watch.assertNoneLeft();
				this.large.send(content(LIMIT, 0));
				assertThat(this.large.<Integer>receive(Integer.class).payload()).isEqualTo(LIMIT - 5);
			}
		}
	}

	@Test
	void requestOf64TimesTheLimitEndsTheSocketBeforeItIsReceived() throws Exception {
		try (IpcServer server = server()) {
			Future<?> sending = FrameSizeTests.inBackground(() -> this.large.send(content(64 * LIMIT, 0)));
			// Before all of it was sent.
			assertThatExceptionOfType(ExecutionException.class).isThrownBy(() -> sending.get(30, TimeUnit.SECONDS))
				.withCauseInstanceOf(IpcException.PeerClosed.class);
		}
	}

	@Test
	void messageThatIsCutOffWhileItIsDroppedBreaksTheSocketAndLeavesNothing() throws Exception {
		try (OwnedFd file = Samples.memoryFile("x")) {
			LeakWatch watch = new LeakWatch();
			byte[] first = ByteBuffer.allocate(1000).order(ByteOrder.nativeOrder()).putLong(LIMIT + 1L).array();
			RawSender.sendPart(this.pair.parent(), first, file);
			this.pair.parent().shutdownOutput();
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> this.limited.receive(Object.class))
				.withMessageContaining("in the middle of a message");
			assertThat(this.pair.child().isBroken()).isTrue();
			watch.assertNoneLeft();
		}
	}

	@ParameterizedTest
	@ValueSource(booleans = { false, true })
	void replyOverTheLimitFailsItsExchangeOnly(boolean greets) throws Exception {
		IpcRequester requester = greets ? IpcRequester.greeted(this.limited, "the peer", Conversation.HELLO)
				: IpcRequester.over(this.limited, "the peer");
		for (Class<?> type : new Class<?>[] { byte[].class, Object.class }) {
			Exchange exchange = Conversation.ask(requester, "", "ask");
			answer(exchange, greets, new byte[500_000]);
			assertThatExceptionOfType(IpcException.MessageTooLarge.class).isThrownBy(() -> exchange.reply(type))
				.withMessageContaining("at most " + LIMIT);
			assertThat(exchange.isAnswered()).isTrue();
			Exchange next = Conversation.ask(requester, "", "next");
			answer(next, greets, "reply");
			assertThat(next.reply(String.class).payload()).isEqualTo("reply");
		}
		assertThat(requester.isUsable()).isTrue();
	}

	@ParameterizedTest
	@ValueSource(booleans = { false, true })
	void replyOverTheLimitThatComesTooLateReachesNobody(boolean greets) throws Exception {
		IpcRequester requester = greets ? IpcRequester.greeted(this.limited, "the peer", Conversation.HELLO)
				: IpcRequester.over(this.limited, "the peer");
		Exchange late = Conversation.ask(requester, "", "ask");
		Exchange next = Conversation.ask(requester, "", "next");
		Future<?> answering = FrameSizeTests.inBackground(() -> {
			this.large.outbox().sendNumbered(number(late, greets), new byte[500_000]);
			return this.large.outbox().sendNumbered(number(next, greets), "reply");
		});
		assertThat(next.reply(String.class).payload()).isEqualTo("reply");
		answering.get(30, TimeUnit.SECONDS);
		assertThat(late.isAnswered()).isTrue();
	}

	@Test
	void elementOverTheLimitIsLostAndTheStreamGoesOn() throws Exception {
		IpcRequester requester = IpcRequester.greeted(this.limited, "the peer", Conversation.HELLO);
		Exchange exchange = Conversation.ask(requester, "", "ask");
		OptionalLong id = OptionalLong.of(exchange.number());
		FrameSizeTests.inBackground(() -> {
			this.large.send(Prefix.of(id, StreamItem.ELEMENT), new byte[500_000], null);
			this.large.send(Prefix.of(id, StreamItem.ELEMENT), 2, null);
			return this.large.outbox().sendEnd(id);
		});
		assertThatExceptionOfType(IpcException.MessageTooLarge.class)
			.isThrownBy(() -> exchange.next(byte[].class, Conversation.inTime()));
		assertThat(exchange.isAnswered()).isFalse();
		assertThat(Conversation.rest(exchange)).containsExactly(2);
	}

	private void answer(Exchange exchange, boolean numbered, Object payload) {
		OptionalLong id = number(exchange, numbered);
		FrameSizeTests.inBackground(() -> this.large.outbox().sendNumbered(id, payload));
	}

	private static OptionalLong number(Exchange exchange, boolean numbered) {
		return numbered ? OptionalLong.of(exchange.number()) : OptionalLong.empty();
	}

	@Test
	void requesterSendsNothingOverTheLimitOfThePeersHello() throws Exception {
		IpcHello hello = new IpcHello(2, true, true, 1, Optional.empty(), 1000, 0, false, 0);
		IpcRequester requester = IpcRequester.greeted(this.large, "the peer", hello);
		Exchange exchange = requester.begin(Conversation.inTime());
		for (Object payload : new Object[] { new byte[1001], "x".repeat(1001) }) {
			assertThatExceptionOfType(IpcException.MessageTooLarge.class).isThrownBy(() -> exchange.request(payload))
				.withMessageContaining("limit of 1000");
		}
		assertThat(exchange.isRequestSent()).isFalse();
		assertThat(requester.owed()).isZero();
		exchange.request(new byte[900]);
		this.limited.receive(Object.class).close();
		this.limited.outbox().sendNumbered(OptionalLong.of(1), new byte[50_000]); // ours
																					// is
																					// higher
		assertThat(exchange.reply(byte[].class).payload()).hasSize(50_000);
	}

	/** The head alone may take more than a part of a message. */
	@ParameterizedTest
	@ValueSource(ints = { 0, 1, 100, 70_000, 200_000, 1_000_000 })
	void bytesBehindLargeHeadersArriveWhole(int size) throws Exception {
		IpcServer server = IpcServer.builder()
			.handler("bytes", byte[].class,
					(request, context) -> Map.of("sum", Arrays.hashCode(request.payload()), "headers",
							context.headers().size()))
			.build();
		try (server) {
			server.serve(IpcChannel.over(this.pair.child()));
			IpcRequester requester = IpcRequester.greeted(this.large, "the peer", Conversation.HELLO);
			Exchange exchange = requester.begin(Conversation.inTime()).method("bytes");
			for (int i = 0; i < Envelope.MAX_HEADERS; i++) {
				exchange.header("€".repeat(1022) + i, "ü".repeat(1024));
			}
			exchange.request(Samples.random(size));
			assertThat(exchange.reply(Object.class).payload())
				.isEqualTo(Map.of("sum", Arrays.hashCode(Samples.random(size)), "headers", Envelope.MAX_HEADERS + 1));
		}
	}

}
