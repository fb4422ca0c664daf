package dev.tinyipc;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.ValueSerializer;
import tools.jackson.databind.annotation.JsonDeserialize;
import tools.jackson.databind.annotation.JsonSerialize;
import tools.jackson.dataformat.cbor.CBORMapper;
import tools.jackson.dataformat.cbor.CBORWriteFeature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

/**
 * Elements are the same whether they are sent together or not, whoever gets in the way.
 */
@Timeout(120)
class GatheringTroubleTests {

	private static final int COUNT = 2000;

	@AfterEach
	void clearInterrupt() {
		Thread.interrupted();
	}

	private static List<Object> streamed(IpcServerBuilder builder) throws Exception {
		try (Conversation conversation = Conversation.with(builder.handler(String.class, (request) -> "in step"))) {
			Exchange exchange = conversation.requester().begin(Conversation.inTime()).method("stream").streamed();
			exchange.request(0);
			List<Object> elements = Conversation.rest(exchange);
			assertThat(conversation.call("", "next")).isEqualTo("in step");
			return elements;
		}
	}

	private static List<Object> streamed(IntFunction<Object> elements) throws Exception {
		return streamed(IpcServer.builder()
			.handler("stream", Integer.class, (request) -> IntStream.range(0, COUNT).mapToObj(elements)));
	}

	/** What an element consists of may be there once only. */
	@Test
	void elementForWhichThereIsNoRoomIsWrittenOnce() throws Exception {
		List<Object> elements = streamed((i) -> Map.of(i, IntStream.range(0, i % 10 * 500).iterator()));
		assertThat(elements).hasSize(COUNT);
		for (int i = 0; i < COUNT; i++) {
			assertThat(elements.get(i)).isEqualTo(
					Map.of(String.valueOf(i), new ArrayList<>(IntStream.range(0, i % 10 * 500).boxed().toList())));
		}
	}

	@Test
	void serializerThatLeavesAnArrayOpenHarmsNoOtherElement() throws Exception {
		assertThat(streamed((i) -> (i % 2 == 0) ? new LeftOpen() : i)).containsExactlyElementsOf(
				IntStream.range(0, COUNT).<Object>mapToObj((i) -> (i % 2 == 0) ? List.of(7) : i).toList());
	}

	@Test
	void serializerThatWritesTwoItemsHarmsNoOtherElement() throws Exception {
		List<Object> received = new ArrayList<>();
		try (Conversation conversation = Conversation
			.with(IpcServer.builder().stream("stream", Integer.class, (request, context, elements) -> {
				for (int i = 0; i < 500; i++) {
					elements.send(i);
					try {
						elements.send(new TwoItems());
					}
					catch (IllegalArgumentException ex) {
						assertThat(ex).hasMessageContaining("exactly one");
					}
				}
			}))) {
			Exchange exchange = conversation.requester().begin(Conversation.inTime()).method("stream").streamed();
			exchange.request(0);
			for (boolean ended = false; !ended;) {
				try (IpcMessage<Object> element = exchange.next(Object.class, Conversation.inTime())) {
					ended = element == null;
					if (!ended) {
						received.add(element.payload());
					}
				}
				catch (JacksonException ex) {
					// one that came alone
				}
			}
		}
		assertThat(received).isEqualTo(new ArrayList<>(IntStream.range(0, 500).boxed().toList()));
	}

	@Test
	void serializerThatSendsAnotherElementIsToldThatItCannot() throws Exception {
		IpcServerBuilder builder = IpcServer.builder().stream("stream", Integer.class, (request, context, elements) -> {
			for (int i = 0; i < COUNT; i++) {
				elements.send(i);
				assertThatExceptionOfType(JacksonException.class).isThrownBy(() -> elements.send(new Sending(elements)))
					.withMessageContaining("before or afterwards");
			}
		});
		assertThat(streamed(builder)).isEqualTo(new ArrayList<>(IntStream.range(0, COUNT).boxed().toList()));
	}

	static Stream<CBORMapper> mappers() {
		return Stream.of(CBORMapper.builder().disable(SerializationFeature.FLUSH_AFTER_WRITE_VALUE).build(),
				CBORMapper.builder().enable(CBORWriteFeature.STRINGREF).build(),
				CBORMapper.builder().enable(CBORWriteFeature.WRITE_TYPE_HEADER).build());
	}

	@ParameterizedTest
	@MethodSource("mappers")
	void mapperMayWriteInItsOwnWay(CBORMapper mapper) throws Exception {
		IntFunction<Object> record = (i) -> Map.of("a name", "text " + i % 3, "another name", i);
		try (IpcSocketPair pair = IpcSocket.pair();
				IpcServer server = IpcServer.builder()
					.handler("stream", Integer.class, (request) -> IntStream.range(0, COUNT).mapToObj(record))
					.build()) {
			server.serve(IpcChannel.over(pair.child(), mapper));
			Exchange exchange = IpcRequester
				.greeted(IpcChannel.over(pair.parent(), mapper), "the peer", Conversation.HELLO)
				.begin(Conversation.inTime())
				.method("stream")
				.streamed();
			exchange.request(0);
			assertThat(Conversation.rest(exchange))
				.containsExactlyElementsOf(IntStream.range(0, COUNT).mapToObj(record).toList());
		}
	}

	/** As it is told that an element could not be sent, it must not have been sent. */
	@Test
	void elementThatTimedOutCanBeSentAgain() throws Exception {
		CountDownLatch timedOut = new CountDownLatch(1);
		try (IpcSocketPair pair = IpcSocket.pair();
				IpcServer server = IpcServer.builder().stream("stream", Integer.class, (request, context, elements) -> {
					for (int i = 0; i < 300_000;) {
						try {
							elements.send(i);
							i++;
						}
						catch (IpcException.Timeout ex) {
							timedOut.countDown();
						}
					}
					pair.child().setSendTimeout(null); // for the end
				}).build()) {
			pair.child().setSendTimeout(Duration.ofMillis(1));
			server.serve(IpcChannel.over(pair.child()));
			Exchange exchange = IpcRequester.greeted(IpcChannel.over(pair.parent()), "the peer", Conversation.HELLO)
				.begin(Conversation.inTime())
				.method("stream")
				.streamed();
			exchange.request(0);
			timedOut.await();
			assertThat(Conversation.rest(exchange))
				.isEqualTo(new ArrayList<>(IntStream.range(0, 300_000).boxed().toList()));
		}
	}

	@Test
	void nothingFollowsTheEndOfACancelledStream() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			ServedExchange exchange = new ServedExchange();
			Answer answer = new Answer(pair, exchange);
			answer.gather();
			exchange.cancel();
			answer.reply.fail(new CancellationException());
			answer.drain();
			while (answer.stream.sendLeftWaiting()) {
				Thread.onSpinWait();
			}
			assertThat(pair.parent().pendingSize()).isEmpty();
		}
	}

	/** A handler that throws an Error has ended as well. */
	@Test
	void nobodyGathersElementsOnceTheReplyIsClosed() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			Answer answer = new Answer(pair, new ServedExchange());
			answer.reply.lost(new AssertionError("expected"));
			answer.reply.close();
			assertThatIllegalStateException().isThrownBy(() -> answer.sink.send("late"))
				.withMessageContaining("has ended");
		}
	}

	@Test
	void deserializerThatReadsLessOrMoreThanItsElementHarmsNoOther() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			Exchange exchange = IpcRequester.over(IpcChannel.over(pair.parent()), "the peer")
				.begin(Conversation.inTime())
				.streamed();
			exchange.request("ask");
			// [1, 2], 3, [4, 5], 6, [7], "end"
			RawSender.sendFrame(pair.child(),
					HexFormat.of().parseHex("da4950534b86" + "820102" + "03" + "820405" + "06" + "8107" + "63656e64"));
			RawSender.sendFrame(pair.child(), HexFormat.of().parseHex("da49505348f6"));
			assertThatExceptionOfType(JacksonException.class)
				.isThrownBy(() -> exchange.next(Half.class, Conversation.inTime()));
			assertThat(next(exchange, Integer.class)).isEqualTo(3);
			assertThat(next(exchange, Greedy.class)).isEqualTo(new Greedy(4));
			assertThat(next(exchange, Integer.class)).isEqualTo(6);
			assertThat(next(exchange, Greedy.class)).isEqualTo(new Greedy(3));
			assertThat(next(exchange, String.class)).isEqualTo("end");
			assertThat(Conversation.rest(exchange)).isEmpty();
		}
	}

	private static Object next(Exchange exchange, Class<?> type) throws IpcException {
		return exchange.next(type, Conversation.inTime()).payload();
	}

	/** The answer to a request, with nobody else around. */
	private static final class Answer {

		private final IpcSocketPair pair;

		private final AtomicBoolean gathering = new AtomicBoolean();

		private final ServedStream stream;

		private final ServedReply reply;

		private final IpcServer.Sink sink;

		Answer(IpcSocketPair pair, ServedExchange exchange) throws IpcException {
			this.pair = pair;
			IpcChannel channel = IpcChannel.over(pair.child());
			OptionalLong id = OptionalLong.of(1);
			this.stream = new ServedStream(channel, id, channel.lendElements(id, 0, () -> false), 1000,
					() -> this.gathering.set(true));
			this.reply = new ServedReply(channel, id, 0, exchange,
					ServedTrace.begin(IpcInstrumentation.NONE, "the peer", new IpcContext(null, exchange, null)),
					this.stream);
			this.sink = this.reply;
		}

		/** Sends elements until there is one that waits, and receives the others. */
		void gather() throws IpcException {
			for (int i = 0; i < 100 && !this.gathering.get(); i++) {
				this.sink.send(i);
			}
			assertThat(this.gathering).isTrue();
			drain();
		}

		void drain() throws IpcException {
			while (this.pair.parent().pendingSize().isPresent()) {
				this.pair.parent().receive(ByteBuffer.allocate(1000)).close();
			}
		}

	}

	@JsonSerialize(using = LeftOpenSerializer.class)
	private static final class LeftOpen {

	}

	static final class LeftOpenSerializer extends ValueSerializer<LeftOpen> {

		@Override
		public void serialize(LeftOpen value, JsonGenerator generator, SerializationContext context) {
			generator.writeStartArray();
			generator.writeNumber(7);
		}

	}

	@JsonSerialize(using = TwoItemsSerializer.class)
	private static final class TwoItems {

	}

	static final class TwoItemsSerializer extends ValueSerializer<TwoItems> {

		@Override
		public void serialize(TwoItems value, JsonGenerator generator, SerializationContext context) {
			generator.writeNumber(7);
			generator.writeNumber(8);
		}

	}

	/** Sends an element while it is written itself. */
	public record Sending(IpcServer.Sink elements) {

		public int getNumber() throws IpcException {
			this.elements.send("inner");
			return 7;
		}

	}

	@JsonDeserialize(using = HalfDeserializer.class)
	private static final class Half {

	}

	static final class HalfDeserializer extends ValueDeserializer<Half> {

		@Override
		public Half deserialize(JsonParser parser, DeserializationContext context) {
			parser.nextToken();
			return new Half();
		}

	}

	@JsonDeserialize(using = GreedyDeserializer.class)
	private record Greedy(int tokens) {

	}

	static final class GreedyDeserializer extends ValueDeserializer<Greedy> {

		@Override
		public Greedy deserialize(JsonParser parser, DeserializationContext context) {
			int tokens = 1;
			while (parser.nextToken() != null) {
				tokens++;
			}
			return new Greedy(tokens);
		}

	}

}
