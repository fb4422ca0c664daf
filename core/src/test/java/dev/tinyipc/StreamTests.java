package dev.tinyipc;

import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.awaitility.Awaitility.await;

/** One request, and any number of elements for an answer. */
@Timeout(120)
class StreamTests {

	private static final Object UNWRITABLE = new Object() {

		@SuppressWarnings("unused") // by Jackson
		public String getFailing() {
			throw new IllegalStateException("cannot be written");
		}

	};

	private final AtomicInteger produced = new AtomicInteger();

	private final CountDownLatch closed = new CountDownLatch(1);

	private IpcServerBuilder handlers() {
		return IpcServer.builder()
			.handler(String.class, (request) -> request.payload())
			.handler("stream", Integer.class, (request) -> IntStream.range(0, request.payload()).boxed())
			.handler("numbers", Integer.class, (request) -> IntStream.range(0, request.payload()))
			.handler("iterator", Integer.class, (request) -> IntStream.range(0, request.payload()).iterator())
			.stream("sink", Integer.class, (request, context, elements) -> {
				for (int i = 0; i < request.payload(); i++) {
					elements.send(i);
				}
			})
			.handler("endless", Integer.class,
					(request) -> Stream.generate(() -> "x".repeat(request.payload()) + this.produced.incrementAndGet())
						.onClose(this.closed::countDown))
			.handler("fail", Integer.class, (request) -> IntStream.range(0, 10).boxed().peek((i) -> {
				if (i.equals(request.payload())) {
					throw new IllegalStateException("at " + i);
				}
			}).onClose(this.closed::countDown))
			.stream("fail in the sink", Integer.class, (request, context, elements) -> {
				elements.send(0);
				throw new IOException("after the first");
			})
			.handler("unwritable", Integer.class, (request) -> Stream.of(1, UNWRITABLE, 3))
			.handler("close fails", Integer.class, (request) -> Stream.of(1).onClose(() -> {
				throw new IllegalStateException("cannot be closed");
			}))
			.handler("iterator fails to close", Integer.class, (request) -> new FailingToClose());
	}

	/** Says of itself what it would say of the peer. */
	private static final class FailingToClose implements Iterator<Integer>, Closeable {

		@Override
		public boolean hasNext() {
			return false;
		}

		@Override
		public Integer next() {
			return 0;
		}

		@Override
		public void close() throws IOException {
			throw new IpcException.PeerClosed("another peer");
		}

	}

	@ParameterizedTest
	@ValueSource(strings = { "stream", "numbers", "iterator", "sink" })
	void elementsArriveInOrderAndThenTheEnd(String method) throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			for (int count : new int[] { 0, 1, 3000 }) {
				Exchange exchange = conversation.ask(method, count);
				assertThat(Conversation.rest(exchange))
					.isEqualTo(new ArrayList<Object>(IntStream.range(0, count).boxed().toList()));
				assertThat(exchange.isAnswered()).isTrue();
				assertThatIllegalStateException().isThrownBy(() -> exchange.next(Object.class, Conversation.inTime()));
			}
			assertThat(conversation.requester().look()).isEqualTo(IpcRequester.State.IN_STEP);
		}
	}

	@ParameterizedTest
	@ValueSource(strings = { "fail", "fail in the sink", "unwritable", "close fails" })
	void errorComesAfterTheElementsAndEndsTheStream(String method) throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			Exchange exchange = conversation.ask(method, 1);
			exchange.next(Integer.class, Conversation.inTime()).close();
			assertThatExceptionOfType(IpcException.Remote.class)
				.isThrownBy(() -> exchange.next(Integer.class, Conversation.inTime()))
				.satisfies((error) -> assertThat(error.remoteMessage()).containsAnyOf("at 1", "after the first",
						"cannot be written", "cannot be closed"));
			assertThat(exchange.isAnswered()).isTrue();
			assertThat(conversation.call("", "next")).isEqualTo("next");
		}
	}

	@Test
	void whatAnIteratorSaysWhenItIsClosedIsNotTakenForTheEndOfThePeer() throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			Exchange exchange = conversation.ask("iterator fails to close", 0);
			assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> Conversation.rest(exchange))
				.withMessageContaining("could not be closed: another peer");
			assertThat(conversation.call("", "next")).isEqualTo("next");
		}
	}

	@Test
	void elementThatCannotBeReadIsLostAndTheStreamGoesOn() throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			Exchange exchange = conversation.ask("stream", 3);
			assertThatExceptionOfType(tools.jackson.core.JacksonException.class)
				.isThrownBy(() -> exchange.next(Closeable.class, Conversation.inTime()));
			assertThat(Conversation.rest(exchange)).containsExactly(1, 2);
		}
	}

	@Test
	void descriptorsTravelWithTheirElements() throws Exception {
		IpcServerBuilder builder = IpcServer.builder().stream("files", Integer.class, (request, context, elements) -> {
			try (OwnedFd file = Samples.memoryFile("kept by the handler")) {
				elements.send("first", file);
				elements.send(new IpcServer.Reply("second", Samples.memoryFile("handed over")));
			}
		});
		try (Conversation conversation = Conversation.with(builder)) {
			LeakWatch watch = new LeakWatch();
			Exchange exchange = conversation.ask("files", 0);
			for (String content : List.of("kept by the handler", "handed over")) {
				try (IpcMessage<String> element = exchange.next(String.class, Conversation.inTime())) {
					assertThat(Samples.content(element.descriptors().get(0))).isEqualTo(content);
				}
			}
			assertThat(Conversation.rest(exchange)).isEmpty();
			watch.assertNoneLeft();
		}
	}

	@Test
	void valueWhereAStreamIsExpectedIsAClearErrorAndTheSocketStaysInStep() throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			Exchange exchange = conversation.ask("", "value");
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> Conversation.rest(exchange))
				.withMessageContaining("answered with one value, and a stream was expected");
			assertThat(exchange.isAnswered()).isTrue();
			assertThat(conversation.call("", "next")).isEqualTo("next");
		}
	}

	@ParameterizedTest
	@ValueSource(strings = { "stream", "endless" })
	void streamWhereAValueIsExpectedIsAClearErrorAndTheSocketIsInStepAfterACancel(String method) throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			Exchange exchange = conversation.ask(method, 100);
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> exchange.reply(String.class))
				.withMessageContaining("ask for a stream");
			exchange.cancel();
			assertThat(conversation.call("", "next")).isEqualTo("next");
		}
	}

	@Test
	void emptyStreamWhereAValueIsExpectedIsAClearError() throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			Exchange exchange = conversation.ask("stream", 0);
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> exchange.reply(String.class))
				.withMessageContaining("ask for a stream");
			assertThat(conversation.call("", "next")).isEqualTo("next");
		}
	}

	@Test
	void consumerThatIsSlowHoldsTheProducerBack() throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			Exchange exchange = conversation.ask("endless", 100_000);
			for (int received = 0; received < 300; received++) {
				int before = received;
				// Long enough for a producer that nobody holds back to be far ahead.
				await().pollDelay(Duration.ofMillis(10))
					.pollInterval(Duration.ofMillis(10))
					.until(() -> this.produced.get() > before);
				assertThat(this.produced.get() - received).isLessThan(20);
				exchange.next(String.class, Conversation.inTime()).close();
			}
			exchange.cancel();
			assertThat(conversation.call("", "next")).isEqualTo("next");
			assertThat(this.closed.await(30, TimeUnit.SECONDS)).isTrue();
		}
	}

	@Test
	void consumerThatIsGoneStopsTheProducer() throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			Exchange exchange = conversation.ask("endless", 1000);
			exchange.next(String.class, Conversation.inTime()).close();
			conversation.socket().close();
			assertThat(this.closed.await(30, TimeUnit.SECONDS)).isTrue();
		}
	}

	@Test
	void streamOfTheHandlerIsClosedWhenItFails() throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			Exchange exchange = conversation.ask("fail", 5);
			assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> Conversation.rest(exchange));
			assertThat(this.closed.await(30, TimeUnit.SECONDS)).isTrue();
		}
	}

	@Test
	void elementsOfAnAbandonedStreamNeverReachTheNextExchange() throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			Exchange exchange = conversation.ask("stream", 5000);
			exchange.next(Integer.class, Conversation.inTime()).close();
			for (int i = 0; i < 3; i++) {
				assertThat(conversation.call("", "next " + i)).isEqualTo("next " + i);
			}
			assertThat(exchange.isAnswered()).isTrue();
		}
	}

	@Test
	void byteArraysOfAnySizeAreElements() throws Exception {
		int[] sizes = { 0, 1, 100, 65_000, 70_000, 600_000, 2_000_000 };
		IpcServerBuilder builder = IpcServer.builder()
			.handler("bytes", byte[].class, (request) -> IntStream.of(sizes).mapToObj(Samples::random));
		try (Conversation conversation = Conversation.with(builder)) {
			Exchange exchange = conversation.ask("bytes", new byte[0]);
			for (int size : sizes) {
				try (IpcMessage<byte[]> element = exchange.next(byte[].class, Conversation.inTime())) {
					Samples.assertSame(element.payload(), Samples.random(size));
				}
			}
			assertThat((Object) exchange.next(byte[].class, Conversation.inTime())).isNull();
		}
	}

	/** What is sent after the end would be taken for a part of the next reply. */
	@Test
	void sinkTakesNothingOnceItsHandlerHasReturned() throws Exception {
		SynchronousQueue<IpcServer.Sink> sinks = new SynchronousQueue<>();
		IpcServerBuilder builder = IpcServer.builder().stream("leak", Integer.class, (request, context, elements) -> {
			FrameSizeTests.inBackground(() -> {
				sinks.put(elements);
				return null;
			});
		}).handler(String.class, (request) -> request.payload());
		try (Conversation conversation = Conversation.with(builder)) {
			LeakWatch watch = new LeakWatch();
			assertThat(Conversation.rest(conversation.ask("leak", 0))).isEmpty();
			IpcServer.Sink sink = sinks.take();
			IpcServer.Reply late = new IpcServer.Reply("late", Samples.memoryFile("x"));
			assertThatIllegalStateException().isThrownBy(() -> sink.send(late)).withMessageContaining("has ended");
			assertThat(conversation.requester().look()).isEqualTo(IpcRequester.State.IN_STEP);
			watch.assertNoneLeft();
		}
	}

}
