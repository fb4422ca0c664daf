package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** Small elements of a stream that come several in a message, if the requester asks. */
@Timeout(120)
class GatheredElementsTests {

	private static final int COUNT = 20_000;

	private static final Object UNWRITABLE = new Object() {

		@SuppressWarnings("unused") // by Jackson
		public List<Object> getValues() {
			return List.of("half of it is written", new Object() {

				public String getFailing() {
					throw new IllegalStateException("cannot be written");
				}

			});
		}

	};

	private static IpcServerBuilder numbers() {
		return IpcServer.builder()
			.handler(String.class, (request) -> request.payload())
			.handler("stream", Integer.class, (request) -> IntStream.range(0, request.payload()).boxed())
			.handler("iterator", Integer.class, (request) -> IntStream.range(0, request.payload()).iterator())
			.stream("sink", Integer.class, (request, context, elements) -> {
				for (int i = 0; i < request.payload(); i++) {
					elements.send(i);
				}
			});
	}

	private static Exchange ask(Conversation conversation, String method, int count) throws IpcException {
		Exchange exchange = conversation.requester().begin(Conversation.inTime()).method(method).streamed();
		exchange.request(count);
		return exchange;
	}

	private static List<Object> upTo(int count) {
		return new ArrayList<>(IntStream.range(0, count).boxed().toList());
	}

	@ParameterizedTest
	@ValueSource(strings = { "stream", "iterator", "sink" })
	void allComeInOrderAndThenTheEnd(String method) throws Exception {
		try (Conversation conversation = Conversation.with(numbers())) {
			for (int count : new int[] { 0, 1, 2, COUNT }) {
				Exchange exchange = ask(conversation, method, count);
				assertThat(Conversation.rest(exchange)).isEqualTo(upTo(count));
				assertThat(exchange.isAnswered()).isTrue();
			}
			assertThat(conversation.requester().look()).isEqualTo(IpcRequester.State.IN_STEP);
		}
	}

	/** Read without this library's own reader. */
	@Test
	void farFewerMessagesThanElementsComeAndNoneIsLargerThanTheRequesterAllows() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); IpcServer server = numbers().build()) {
			server.serve(IpcChannel.over(pair.child()));
			IpcChannel.over(pair.parent())
				.send((target, at) -> Envelope.write(target, at, 1, "stream", Map.of("elements", "1000"),
						Envelope.NO_DEADLINE), COUNT, null);
			int messages = 0;
			int elements = 0;
			String end = HexFormat.of().formatHex(Envelope.TAG_HEAD) + ".*da49505348f6";
			for (String body = ""; !body.matches(end); messages++) {
				ByteBuffer packet = ByteBuffer.allocate(100_000);
				pair.parent().receive(packet).close();
				body = HexFormat.of().formatHex(packet.array(), Frame.HEADER_SIZE, packet.position());
				boolean several = body.contains("da4950534b9a");
				if (several) {
					assertThat(body.length() / 2).isLessThanOrEqualTo(1000);
					elements += packet.order(ByteOrder.BIG_ENDIAN)
						.getInt(Frame.HEADER_SIZE + Envelope.PREFIX_SIZE + 5 + 1);
				}
				else if (body.contains("da49505347")) {
					elements++;
				}
			}
			assertThat(elements).isEqualTo(COUNT);
			assertThat(messages).isLessThan(COUNT / 10);
		}
	}

	@Test
	void requesterThatDoesNotAskGetsOneAtATime() throws Exception {
		try (Conversation conversation = Conversation.with(numbers())) {
			Exchange exchange = conversation.ask("stream", 100);
			for (int i = 0; i < 100; i++) {
				try (IpcMessage<Object> element = exchange.next(Object.class, Conversation.inTime())) {
					assertThat(element.payload()).isEqualTo(i);
					assertThat(exchange.hasElements()).isFalse();
				}
			}
		}
	}

	/** Whatever has been gathered by then. */
	@Test
	void handlerThatLetsTheNextOneWaitKeepsNoneBack() throws Exception {
		CountDownLatch received = new CountDownLatch(1);
		IpcServerBuilder builder = IpcServer.builder().stream("wait", Integer.class, (request, context, elements) -> {
			for (int i = 0; i < request.payload(); i++) {
				elements.send(i);
			}
			received.await();
			elements.send("waited");
		});
		try (Conversation conversation = Conversation.with(builder)) {
			Exchange exchange = ask(conversation, "wait", 100);
			for (int i = 0; i < 100; i++) {
				try (IpcMessage<Object> element = exchange.next(Object.class, Conversation.inTime())) {
					assertThat(element.payload()).isEqualTo(i);
				}
			}
			received.countDown();
			assertThat(Conversation.rest(exchange)).containsExactly("waited");
		}
	}

	/** The thread that sends what is left waiting must not wait for one consumer. */
	@Test
	void consumerThatDoesNotReadHoldsUpNobodyElse() throws Exception {
		CountDownLatch stopped = new CountDownLatch(1);
		IpcServerBuilder builder = numbers().stream("endless", Integer.class, (request, context, elements) -> {
			try {
				while (true) {
					elements.send("x".repeat(request.payload()));
				}
			}
			finally {
				stopped.countDown();
			}
		}).threads(2);
		try (IpcServer server = builder.build();
				IpcSocketPair idle = IpcSocket.pair();
				IpcSocketPair other = IpcSocket.pair()) {
			server.serve(IpcChannel.over(idle.child()));
			server.serve(IpcChannel.over(other.child()));
			IpcRequester.greeted(IpcChannel.over(idle.parent()), "the peer", Conversation.HELLO)
				.begin(Conversation.inTime())
				.method("endless")
				.streamed()
				.request(100);
			IpcRequester requester = IpcRequester.greeted(IpcChannel.over(other.parent()), "the peer",
					Conversation.HELLO);
			for (int i = 0; i < 20; i++) {
				Exchange exchange = requester.begin(Conversation.inTime()).method("stream").streamed();
				exchange.request(1000);
				assertThat(Conversation.rest(exchange)).hasSize(1000);
			}
			idle.parent().close();
			assertThat(stopped.await(30, TimeUnit.SECONDS)).isTrue();
		}
	}

	@Test
	void largeOnesAndByteArraysAndDescriptorsComeInTheirTurn() throws Exception {
		IpcServerBuilder builder = IpcServer.builder().stream("mixed", Integer.class, (request, context, elements) -> {
			for (int i = 0; i < 300; i++) {
				switch (i % 50) {
					case 10 -> elements.send("large" + i + "x".repeat(ServedStream.USUAL_SIZE));
					case 20 -> elements.send(new byte[] { 7 });
					case 30 -> elements.send(new IpcServer.Reply("file" + i, Samples.memoryFile("content" + i)));
					case 40 -> elements.send(new IpcServer.Reply("no file" + i));
					default -> elements.send("small" + i);
				}
			}
		});
		try (Conversation conversation = Conversation.with(builder)) {
			LeakWatch watch = new LeakWatch();
			Exchange exchange = ask(conversation, "mixed", 0);
			for (int i = 0; i < 300; i++) {
				try (IpcMessage<Object> element = exchange.next(Object.class, Conversation.inTime())) {
					String expected = switch (i % 50) {
						case 10 -> "large" + i;
						case 20 -> "";
						case 30 -> "file" + i;
						case 40 -> "no file" + i;
						default -> "small" + i;
					};
					if (expected.isEmpty()) {
						assertThat(element.payload()).isEqualTo(new byte[] { 7 });
					}
					else {
						assertThat(element.payload().toString()).startsWith(expected);
					}
					boolean withFile = expected.startsWith("file");
					assertThat(element.descriptors()).hasSize(withFile ? 1 : 0);
					if (withFile) {
						assertThat(Samples.content(element.descriptors().get(0))).isEqualTo("content" + i);
					}
				}
			}
			assertThat(Conversation.rest(exchange)).isEmpty();
			watch.assertNoneLeft();
		}
	}

	@Test
	void errorComesAfterAllThatPrecedeIt() throws Exception {
		IpcServerBuilder builder = numbers().handler("unwritable", Integer.class,
				(request) -> Stream.concat(IntStream.range(0, request.payload()).boxed(), Stream.of(UNWRITABLE, 1)));
		try (Conversation conversation = Conversation.with(builder)) {
			Exchange exchange = ask(conversation, "unwritable", 500);
			for (int i = 0; i < 500; i++) {
				try (IpcMessage<Object> element = exchange.next(Object.class, Conversation.inTime())) {
					assertThat(element.payload()).isEqualTo(i);
				}
			}
			assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> Conversation.rest(exchange))
				.withMessageContaining("cannot be written");
			assertThat(conversation.call("", "next")).isEqualTo("next");
		}
	}

	/** What it has written of one element must not come with another. */
	@Test
	void handlerThatSurvivesAnUnwritableElementGoesOn() throws Exception {
		IpcServerBuilder builder = IpcServer.builder()
			.stream("survive", Integer.class, (request, context, elements) -> {
				for (int i = 0; i < 500; i++) {
					elements.send(i);
					assertThatExceptionOfType(JacksonException.class).isThrownBy(() -> elements.send(UNWRITABLE));
				}
			});
		try (Conversation conversation = Conversation.with(builder)) {
			assertThat(Conversation.rest(ask(conversation, "survive", 0))).isEqualTo(upTo(500));
		}
	}

	@Test
	void cancelDropsThem() throws Exception {
		try (Conversation conversation = Conversation.with(numbers())) {
			for (int i = 0; i < 50; i++) {
				Exchange exchange = ask(conversation, "stream", 1_000_000);
				exchange.next(Integer.class, Conversation.inTime()).close();
				exchange.cancel();
				assertThat(conversation.call("", "next " + i)).isEqualTo("next " + i);
			}
		}
	}

	@Test
	void limitsOfTheRequesterHoldForEachElement() throws Exception {
		IpcServerBuilder builder = numbers();
		try (IpcServer server = builder.build(); IpcSocketPair pair = IpcSocket.pair()) {
			server.serve(IpcChannel.over(pair.child()));
			for (IpcChannel channel : List.of(IpcChannel.over(pair.parent()).withMaxItems(20),
					IpcChannel.over(pair.parent()).withMaxMessageSize(120))) {
				IpcRequester requester = IpcRequester.greeted(channel, "the peer", Conversation.HELLO);
				for (String method : List.of("stream", "sink")) {
					Exchange exchange = requester.begin(Conversation.inTime()).method(method).streamed();
					exchange.request(1000);
					assertThat(Conversation.rest(exchange)).isEqualTo(upTo(1000));
				}
			}
		}
	}

	@Test
	void sizesAddUpToWhatWasSent() throws Exception {
		try (Peer peer = new Peer()) {
			byte[] several = HexFormat.of().parseHex("da4950534b" + "83" + "01" + "6161" + "190400");
			peer.send(several);
			assertThat(peer.next(Object.class).size()).isEqualTo(Frame.HEADER_SIZE + 6 + 1);
			assertThat(peer.next(Object.class).size()).isEqualTo(2);
			assertThat(peer.next(Object.class).size()).isEqualTo(3);
		}
	}

	@ParameterizedTest
	@ValueSource(strings = { "83" + "01" + "02" + "03", "9f" + "01" + "02" + "03" + "ff", "980301" + "02" + "03",
			"d9d9f7" + "83010203" })
	void arrayMayBeWrittenInAnyWay(String array) throws Exception {
		try (Peer peer = new Peer()) {
			peer.send(HexFormat.of()
				.parseHex((array.startsWith("d9") ? "d9d9f7" : "") + "da4950534b" + array.replaceFirst("^d9d9f7", "")));
			peer.end();
			assertThat(Conversation.rest(peer.exchange)).containsExactly(1, 2, 3);
		}
	}

	@ParameterizedTest
	@ValueSource(strings = { "01", "80", "9fff", "f6", "a0", "8101" + "02", "8201" })
	void whatIsNoArrayOfElementsCostsItsMessageOnly(String content) throws Exception {
		try (Peer peer = new Peer()) {
			peer.send(HexFormat.of().parseHex("da4950534b" + content));
			peer.send(HexFormat.of().parseHex("da4950534b8107"));
			peer.end();
			assertThatExceptionOfType(JacksonException.class).isThrownBy(() -> peer.next(Object.class));
			assertThat(Conversation.rest(peer.exchange)).containsExactly(7);
		}
	}

	@Test
	void elementThatCannotBeReadIsLostAndTheOthersAreNot() throws Exception {
		try (Peer peer = new Peer()) {
			// 1, ["a", {"b": 2}], {"c": 1, "c": 2}, 4
			peer.send(HexFormat.of().parseHex("da4950534b84" + "01" + "826161a1616202" + "a2616301616302" + "04"));
			peer.end();
			assertThat(peer.next(Integer.class).payload()).isEqualTo(1);
			assertThatExceptionOfType(JacksonException.class).isThrownBy(() -> peer.next(Integer.class));
			assertThatExceptionOfType(JacksonException.class).isThrownBy(() -> peer.next(Map.class));
			assertThat(peer.next(Long.class).payload()).isEqualTo(4L);
			assertThat(Conversation.rest(peer.exchange)).isEmpty();
		}
	}

	@Test
	void descriptorsThatComeWithThemAreClosed() throws Exception {
		try (Peer peer = new Peer()) {
			LeakWatch watch = new LeakWatch();
			try (OwnedFd file = Samples.memoryFile("unwanted")) {
				RawSender.send(peer.pair.child(), Samples.frame(HexFormat.of().parseHex("da4950534b820102")), file);
			}
			peer.end();
			assertThat(Conversation.rest(peer.exchange)).containsExactly(1, 2);
			watch.assertNoneLeft();
		}
	}

	@Test
	void theyAreNoReplyWhereOneValueIsExpected() throws Exception {
		try (Peer peer = new Peer()) {
			Exchange exchange = peer.requester.begin(Conversation.inTime());
			peer.end();
			assertThat(Conversation.rest(peer.exchange)).isEmpty();
			exchange.request("one");
			peer.send(HexFormat.of().parseHex("da4950534b820102"));
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> exchange.reply(Object.class))
				.withMessageContaining("ask for a stream");
		}
	}

	/** Whoever is asked for a stream, and answers by hand. */
	private static final class Peer implements AutoCloseable {

		private final IpcSocketPair pair = IpcSocket.pair();

		private final IpcRequester requester = IpcRequester.over(IpcChannel.over(this.pair.parent()), "the peer");

		private final Exchange exchange = this.requester.begin(Conversation.inTime()).streamed();

		Peer() throws IpcException {
			this.exchange.request("ask");
		}

		void send(byte[] body) throws IpcException {
			RawSender.sendFrame(this.pair.child(), body);
		}

		void end() throws IpcException {
			send(HexFormat.of().parseHex("da49505348f6"));
		}

		<T> IpcMessage<T> next(Class<T> type) throws IpcException {
			return this.exchange.next(type, Conversation.inTime());
		}

		@Override
		public void close() {
			this.pair.close();
		}

	}

}
