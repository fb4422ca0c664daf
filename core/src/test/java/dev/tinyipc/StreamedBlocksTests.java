package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.annotation.JsonDeserialize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

/**
 * Large elements of streamed replies come in blocks, which are used again once they were
 * read.
 */
@Timeout(120)
class StreamedBlocksTests {

	private static final int MIB = BlockConversation.MIB;

	private static final int SMALL = 300;

	/** Lets the handler send the next element. */
	private final Semaphore turns = new Semaphore(0);

	private IpcServerBuilder server() {
		return IpcServer.builder().stream("turns", Integer.class, (request, context, elements) -> {
			for (int i = 0; i < request.payload(); i++) {
				this.turns.acquire();
				elements.send(filled(i));
			}
		}).handler("filled", Integer.class, (request) -> filled(request.payload()));
	}

	private static byte[] filled(int value) {
		byte[] data = new byte[MIB];
		Arrays.fill(data, (byte) value);
		return data;
	}

	private static Exchange ask(BlockConversation conversation, String method, Object payload) throws IpcException {
		Exchange exchange = conversation.requester().begin(Conversation.inTime()).method(method).streamed();
		exchange.request(payload);
		return exchange;
	}

	private IpcMessage<ByteBuffer> next(Exchange exchange) throws IpcException {
		this.turns.release();
		return exchange.next(ByteBuffer.class, Conversation.inTime());
	}

	private static void assertIs(IpcMessage<ByteBuffer> element, int value) {
		assertThat(element.payload()).isEqualTo(ByteBuffer.wrap(filled(value)));
	}

	private static long written(BlockConversation conversation) {
		return conversation.served().blocks().size();
	}

	@Test
	void blocksAreUsedAgainWhileTheStreamGoesOn() throws Exception {
		try (BlockConversation conversation = BlockConversation.with(server(), 4 * MIB)) {
			Exchange exchange = ask(conversation, "turns", 100);
			for (int i = 0; i < 100; i++) {
				try (IpcMessage<ByteBuffer> element = next(exchange)) {
					assertThat(element.size()).isLessThan(SMALL);
					assertThat(element.payload().isReadOnly()).isTrue();
					assertThat(element.payload().isDirect()).isTrue();
					assertIs(element, i);
				}
			}
			assertThat(exchange.<Object>next(Object.class, Conversation.inTime())).isNull();
			assertThat(written(conversation)).isEqualTo(MIB);
		}
	}

	@Test
	void elementsThatAreCopiedCountAsReadAtOnce() throws Exception {
		try (BlockConversation conversation = BlockConversation.with(server(), 4 * MIB)) {
			Exchange exchange = ask(conversation, "turns", 10).copied();
			List<IpcMessage<ByteBuffer>> open = new ArrayList<>();
			for (int i = 0; i < 10; i++) {
				open.add(next(exchange));
			}
			for (int i = 0; i < 10; i++) {
				assertThat(open.get(i).size()).isLessThan(SMALL);
				assertIs(open.get(i), i);
				open.get(i).close();
			}
			assertThat(written(conversation)).isEqualTo(MIB);
		}
	}

	@Test
	void elementsThatAreNotClosedKeepTheirBlocksAndFurtherOnesComeAsByteStrings() throws Exception {
		try (BlockConversation conversation = BlockConversation.with(server(), 4 * MIB)) {
			Exchange exchange = ask(conversation, "turns", 10);
			List<IpcMessage<ByteBuffer>> open = new ArrayList<>();
			for (int i = 0; i < 10; i++) {
				open.add(next(exchange));
			}
			assertThat(exchange.<Object>next(Object.class, Conversation.inTime())).isNull();
			assertThat(open).extracting((each) -> each.size() < SMALL)
				.containsExactly(true, true, true, true, false, false, false, false, false, false);
			try (IpcMessage<ByteBuffer> other = Conversation.ask(conversation.requester(), "filled", 99)
				.reply(ByteBuffer.class)) {
				assertThat(other.size()).isGreaterThan(MIB);
			}
			for (int i = 0; i < 10; i++) {
				assertIs(open.get(i), i);
				open.get(i).close();
			}
			try (IpcMessage<ByteBuffer> other = Conversation.ask(conversation.requester(), "filled", 99)
				.reply(ByteBuffer.class)) {
				assertThat(other.size()).isLessThan(SMALL);
			}
		}
	}

	@Test
	void elementsMayBeClosedInAnyOrder() throws Exception {
		try (BlockConversation conversation = BlockConversation.with(server(), 3 * MIB)) {
			Exchange exchange = ask(conversation, "turns", 6);
			List<IpcMessage<ByteBuffer>> open = new ArrayList<>();
			for (int i = 0; i < 3; i++) {
				open.add(next(exchange));
			}
			open.get(2).close();
			open.get(1).close();
			open.add(next(exchange));
			assertThat(open.get(3).size()).isGreaterThan(MIB);
			assertIs(open.get(0), 0);
			open.get(0).close();
			for (int i = 4; i < 6; i++) {
				open.add(next(exchange));
				assertThat(open.get(i).size()).isLessThan(SMALL);
				assertIs(open.get(i), i);
			}
			open.forEach(IpcMessage::close);
		}
	}

	/** Nobody waits for anybody, so that some come as byte strings. */
	@Test
	void nothingIsLostOrMixedUpWhereverElementsTravel() throws Exception {
		List<Object> elements = IntStream.range(0, 300)
			.<Object>mapToObj((i) -> (i % 3 == 0) ? Samples.random(SharedBlocks.THRESHOLD + i)
					: (i % 3 == 1) ? i : List.of(i, Samples.random(2 * SharedBlocks.THRESHOLD + i)))
			.toList();
		try (BlockConversation conversation = BlockConversation
			.with(IpcServer.builder().handler("all", Integer.class, (request) -> elements.stream()), 4 * MIB)) {
			for (int round = 0; round < 3; round++) {
				assertThat(comparable(Conversation.rest(ask(conversation, "all", 1)))).isEqualTo(comparable(elements));
			}
			assertThat(written(conversation)).isBetween(1L, 4L * MIB);
		}
	}

	/** Arrays are equal to nothing but themselves. */
	private static Object comparable(Object value) {
		return (value instanceof byte[] data) ? ByteBuffer.wrap(data)
				: (value instanceof List<?> list) ? list.stream().map(StreamedBlocksTests::comparable).toList() : value;
	}

	/** Elements that come quickly are gathered, and these must not be. */
	@Test
	void aLargeElementAmongSmallOnesComesInABlock() throws Exception {
		byte[] large = Samples.random(MIB);
		try (BlockConversation conversation = BlockConversation.with(IpcServer.builder()
			.handler("", Integer.class, (request) -> Stream.concat(IntStream.range(0, 50).boxed(),
					Stream.concat(Stream.of(new Frame(large)), IntStream.range(0, 50).boxed()))))) {
			Exchange exchange = conversation.requester().begin(Conversation.inTime()).streamed();
			exchange.request(1);
			for (int i = 0; i < 50; i++) {
				exchange.next(Integer.class, Conversation.inTime()).close();
			}
			try (IpcMessage<Frame> element = exchange.next(Frame.class, Conversation.inTime())) {
				assertThat(element.size()).isLessThan(SMALL);
				assertThat(Arrays.equals(element.payload().pixels(), large)).isTrue();
			}
			assertThat(Conversation.rest(exchange)).isEqualTo(IntStream.range(0, 50).boxed().toList());
		}
	}

	/**
	 * It is sent as soon as the requester has closed others, and does not fail by chance.
	 */
	@Test
	void anElementThatFitsIntoNoMessageWaitsForRoom() throws Exception {
		int size = IpcChannel.DEFAULT_MAX_MESSAGE_SIZE; // without the rest of the message
		byte[] data = new byte[size];
		try (BlockConversation conversation = BlockConversation
			.with(IpcServer.builder().stream("", Integer.class, (request, context, elements) -> {
				for (int i = 0; i < request.payload(); i++) {
					data[0] = (byte) i;
					elements.send(data);
				}
			}), 40 * MIB)) {
			Exchange exchange = conversation.requester().begin(Conversation.inTime()).streamed();
			exchange.request(10);
			IpcMessage<ByteBuffer> previous = exchange.next(ByteBuffer.class, Conversation.inTime());
			for (int i = 1; i < 10; i++) {
				IpcMessage<ByteBuffer> element = exchange.next(ByteBuffer.class, Conversation.inTime());
				assertThat(element.size()).isLessThan(SMALL);
				assertThat(element.payload().remaining()).isEqualTo(size);
				assertThat(element.payload().get(0)).isEqualTo((byte) i);
				assertThat(previous.payload().get(0)).isEqualTo((byte) (i - 1));
				previous.close();
				previous = element;
			}
			previous.close();
			assertThat(exchange.<Object>next(Object.class, Conversation.inTime())).isNull();
			assertThat(written(conversation)).isLessThanOrEqualTo(40 * MIB);
		}
	}

	/** Closing a view of an earlier reply would not help it. */
	@Test
	void anElementForWhichAnotherReplyHasTheRoomIsRefused() throws Exception {
		byte[] large = new byte[IpcChannel.DEFAULT_MAX_MESSAGE_SIZE];
		try (BlockConversation conversation = BlockConversation
			.with(server().handler("large", Integer.class, (request) -> Stream.of(large, large)), 16 * MIB);
				IpcMessage<ByteBuffer> open = Conversation.ask(conversation.requester(), "filled", 1)
					.reply(ByteBuffer.class)) {
			Exchange exchange = ask(conversation, "large", 1);
			assertThatExceptionOfType(IpcException.Remote.class)
				.isThrownBy(() -> exchange.next(Object.class, Conversation.inTime()))
				.withMessageContaining("over the limit");
			assertIs(open, 1);
		}
	}

	/** The requester may close one only once it has seen the next. */
	@Test
	void smallElementsAreNotHeldBackByALargeOneThatWaits() throws Exception {
		byte[] large = new byte[IpcChannel.DEFAULT_MAX_MESSAGE_SIZE];
		List<Object> elements = List.of(1, 2, 3, large, 5, 6, 7, large, 9);
		try (BlockConversation conversation = BlockConversation
			.with(IpcServer.builder().handler("", Integer.class, (request) -> elements.stream()), 20 * MIB)) {
			Exchange exchange = conversation.requester().begin(Conversation.inTime()).streamed();
			exchange.request(1);
			IpcMessage<Held> previous = null;
			for (Object expected : elements) {
				IpcMessage<Held> element = exchange.next(Held.class, Conversation.inTime());
				if (expected instanceof Integer number) {
					assertThat(element.payload().value()).isEqualTo(number);
				}
				else {
					assertThat(element.payload().data().remaining()).isEqualTo(large.length);
				}
				if (previous != null) {
					previous.close();
				}
				previous = element;
			}
			previous.close();
			assertThat(exchange.<Object>next(Object.class, Conversation.inTime())).isNull();
		}
	}

	/** A number, or a view. */
	@JsonDeserialize(using = HeldDeserializer.class)
	record Held(Integer value, ByteBuffer data) {
	}

	static final class HeldDeserializer extends ValueDeserializer<Held> {

		@Override
		public Held deserialize(JsonParser parser, DeserializationContext context) {
			return parser.hasToken(JsonToken.VALUE_NUMBER_INT) ? new Held(parser.getIntValue(), null)
					: new Held(null, context.readValue(parser, ByteBuffer.class));
		}

	}

	@Test
	void elementsThatCannotBeReadCountAsRead() throws Exception {
		byte[] large = new byte[IpcChannel.DEFAULT_MAX_MESSAGE_SIZE];
		try (BlockConversation conversation = BlockConversation.with(
				IpcServer.builder()
					.handler("", Integer.class, (request) -> IntStream.range(0, 10)
						.mapToObj((i) -> (i < 5) ? Map.of("a", "no number", "pixels", large) : new Frame(large))),
				40 * MIB)) {
			Exchange exchange = conversation.requester().begin(Conversation.inTime()).streamed();
			exchange.request(1);
			for (int i = 0; i < 5; i++) {
				assertThatExceptionOfType(JacksonException.class)
					.isThrownBy(() -> exchange.next(NumberFirst.class, Conversation.inTime()));
			}
			for (int i = 5; i < 10; i++) {
				exchange.next(Frame.class, Conversation.inTime()).close();
			}
			assertThat(exchange.<Object>next(Object.class, Conversation.inTime())).isNull();
		}
	}

	record NumberFirst(int a, byte[] pixels) {
	}

	@Test
	void elementsThatCannotBeSentKeepNoBlocks() throws Exception {
		byte[] large = new byte[IpcChannel.DEFAULT_MAX_MESSAGE_SIZE];
		OwnedFd closed = OwnedFd.open(Path.of("/dev/null"));
		closed.close();
		try (BlockConversation conversation = BlockConversation
			.with(IpcServer.builder().stream("", Integer.class, (request, context, elements) -> {
				for (int i = 0; i < 5; i++) {
					try {
						elements.send(List.of(large), closed);
					}
					catch (IpcException ex) {
						elements.send(List.of(large));
					}
				}
			}), 40 * MIB)) {
			Exchange exchange = conversation.requester().begin(Conversation.inTime()).streamed();
			exchange.request(1);
			for (int i = 0; i < 5; i++) {
				exchange.next(Object.class, Conversation.inTime()).close();
			}
			assertThat(exchange.<Object>next(Object.class, Conversation.inTime())).isNull();
		}
	}

	@Test
	void aReadThatCouldNotBeToldIsToldWhenTheNextElementIsAskedFor() throws Exception {
		byte[] large = new byte[IpcChannel.DEFAULT_MAX_MESSAGE_SIZE];
		try (BlockConversation conversation = BlockConversation.with(
				IpcServer.builder().handler("", Integer.class, (request) -> Stream.of(large, large, large)),
				40 * MIB)) {
			Exchange exchange = conversation.requester().begin(Conversation.inTime()).streamed();
			exchange.request(1);
			List<IpcMessage<ByteBuffer>> open = List.of(exchange.next(ByteBuffer.class, Conversation.inTime()),
					exchange.next(ByteBuffer.class, Conversation.inTime()));
			RequestSender sender = conversation.requester().sender();
			CountDownLatch locked = new CountDownLatch(1);
			CountDownLatch closed = new CountDownLatch(1);
			CompletableFuture<Void> held = CompletableFuture.runAsync(() -> {
				try {
					sender.lock(Conversation.inTime());
					locked.countDown();
					closed.await();
				}
				catch (IpcException | InterruptedException ex) {
					throw new IllegalStateException(ex);
				}
				finally {
					sender.unlock();
				}
			});
			locked.await();
			open.forEach(IpcMessage::close);
			closed.countDown();
			held.join();
			exchange.next(ByteBuffer.class, Conversation.inTime()).close();
			assertThat(exchange.<Object>next(Object.class, Conversation.inTime())).isNull();
		}
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void whoeverWaitsForRoomIsToldThatNobodyWaitsForTheElement(boolean cancels) throws Exception {
		CountDownLatch ended = new CountDownLatch(1);
		byte[] data = new byte[IpcChannel.DEFAULT_MAX_MESSAGE_SIZE + 1];
		try (BlockConversation conversation = BlockConversation
			.with(IpcServer.builder().stream("", Integer.class, (request, context, elements) -> {
				try {
					for (int i = 0; i < 3; i++) {
						elements.send(data);
					}
				}
				finally {
					ended.countDown();
				}
			}), 40 * MIB)) {
			Exchange exchange = conversation.requester().begin(Conversation.inTime()).streamed();
			exchange.request(1);
			IpcMessage<ByteBuffer> first = exchange.next(ByteBuffer.class, Conversation.inTime());
			IpcMessage<ByteBuffer> second = exchange.next(ByteBuffer.class, Conversation.inTime());
			assertThat(ended.getCount()).isOne();
			if (cancels) {
				assertThat(exchange.cancel()).isTrue();
			}
			else {
				conversation.channel().socket().close();
			}
			ended.await();
			first.close();
			second.close();
		}
	}

	@Test
	void aCancelBehindReadsIsStillSeen() throws Exception {
		CompletableFuture<Integer> sent = new CompletableFuture<>();
		try (BlockConversation conversation = BlockConversation
			.with(IpcServer.builder().stream("", Integer.class, (request, context, elements) -> {
				int count = 0;
				try {
					while (true) {
						elements.send(filled(count++));
					}
				}
				finally {
					sent.complete(count);
				}
			}))) {
			Exchange exchange = conversation.requester().begin(Conversation.inTime()).streamed();
			exchange.request(1);
			for (int i = 0; i < 20; i++) {
				try (IpcMessage<ByteBuffer> element = exchange.next(ByteBuffer.class, Conversation.inTime())) {
					assertIs(element, i);
				}
			}
			assertThat(exchange.cancel()).isTrue();
			await().until(() -> conversation.requester().look() == IpcRequester.State.IN_STEP);
			assertThat(sent.join()).isGreaterThanOrEqualTo(20);
		}
	}

	@Test
	void readsThatSayTooMuchOrNothingOrComeTooLateDoNoHarm() throws Exception {
		try (BlockConversation conversation = BlockConversation.with(server(), 4 * MIB)) {
			Outbox outbox = conversation.channel().outbox();
			Deadline deadline = Conversation.inTime();
			Exchange exchange = ask(conversation, "turns", 4);
			try (IpcMessage<ByteBuffer> first = next(exchange)) {
				assertIs(first, 0);
			}
			outbox.sendRead(0, deadline);
			outbox.sendItem(Prefix.NONE, (frame) -> frame.write(HexFormat.of().parseHex("da4950534df6"), 0, 6),
					deadline);
			outbox.sendItem(Prefix.NONE, (frame) -> frame.write(HexFormat.of().parseHex("da4950534d0100"), 0, 7),
					deadline);
			outbox.sendRead(Integer.MAX_VALUE, deadline);
			for (int i = 1; i < 4; i++) {
				try (IpcMessage<ByteBuffer> element = next(exchange)) {
					assertThat(element.size()).isLessThan(SMALL);
					assertIs(element, i);
				}
			}
			assertThat(exchange.<Object>next(Object.class, deadline)).isNull();
			outbox.sendRead(7, deadline);
			try (IpcMessage<byte[]> reply = Conversation.ask(conversation.requester(), "filled", 9)
				.reply(byte[].class)) {
				assertThat(reply.payload()).containsOnly(9);
			}
		}
	}

	@Test
	void aStreamThatIsGivenUpKeepsNoBlocks() throws Exception {
		try (BlockConversation conversation = BlockConversation.with(server(), 2 * MIB)) {
			Exchange exchange = ask(conversation, "turns", 2);
			this.turns.release(2);
			exchange.next(Object.class, Conversation.inTime()).close();
			await().atMost(Duration.ofSeconds(60))
				.until(() -> conversation.requester().look() == IpcRequester.State.IN_STEP);
			for (int i = 0; i < 3; i++) {
				try (IpcMessage<byte[]> reply = Conversation.ask(conversation.requester(), "filled", i)
					.reply(byte[].class)) {
					assertThat(reply.size()).isLessThan(SMALL);
					assertThat(reply.payload()).containsOnly(i);
				}
			}
			assertThat(written(conversation)).isLessThanOrEqualTo(2 * MIB);
		}
	}

	record Frame(byte[] pixels) {
	}

}
