package dev.tinyipc;

import java.lang.reflect.Type;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

@Timeout(120)
class InstrumentationTests {

	private final Diary diary = new Diary();

	/** Writes down what it is told. */
	private static class Diary implements IpcInstrumentation {

		final List<String> entries = new CopyOnWriteArrayList<>();

		@Override
		public Observed calling(String destination, String method) {
			return new Entry("call of " + destination + '/' + method);
		}

		@Override
		public Observed serving(String peer, IpcContext request) {
			return new Entry(request.method().orElse("") + " of " + peer);
		}

		List<String> awaitEnd() {
			Awaitility.await()
				.until(() -> this.entries.stream()
					.filter((entry) -> entry.startsWith("end "))
					.count() == this.entries.stream().filter((entry) -> entry.startsWith("begin ")).count());
			return List.copyOf(this.entries);
		}

		private final class Entry implements Observed {

			private final String what;

			Entry(String what) {
				this.what = what;
				write("begin");
			}

			private void write(String event) {
				Diary.this.entries.add(event + ' ' + this.what);
			}

			@Override
			public Map<String, String> headers() {
				return Map.of("traceparent", this.what);
			}

			@Override
			public void failed(Throwable error) {
				write(error.getClass().getSimpleName() + " in");
			}

			@Override
			public void cancelled() {
				write("cancelled");
			}

			@Override
			public void detach() {
				write("detach");
			}

			@Override
			public void end() {
				write("end");
			}

		}

	}

	private IpcServerBuilder server(CountDownLatch waiting) {
		return IpcServer.builder().instrumentation("asker", this.diary).handler("echo", String.class, (request) -> {
			this.diary.entries.add("handled");
			return request.payload();
		}).handler("fail", String.class, (request) -> {
			throw new IllegalStateException("on purpose");
		}).handler("unwritable", String.class, (request) -> new Object() {
			@SuppressWarnings("unused") // by Jackson
			public String getText() {
				throw new IllegalArgumentException("on purpose");
			}
		})
			.handler("count", Integer.class, (request) -> Stream.iterate(0, (i) -> i + 1).limit(request.payload()))
			.handler("wait", String.class, (request) -> {
				waiting.countDown();
				new CountDownLatch(1).await();
				return "never";
			});
	}

	@Test
	void aRequestIsAccompaniedUntilItsReplyIsSent() throws Exception {
		try (Conversation conversation = Conversation.with(server(new CountDownLatch(1)))) {
			assertThat(conversation.call("echo", "hello")).isEqualTo("hello");
			assertThat(this.diary.awaitEnd()).containsExactly("begin echo of asker", "handled", "end echo of asker");
		}
	}

	@Test
	void aStreamIsAccompaniedUntilItsEnd() throws Exception {
		try (Conversation conversation = Conversation.with(server(new CountDownLatch(1)))) {
			Exchange exchange = conversation.ask("count", 100_000);
			exchange.next(Integer.class, Conversation.inTime()).close();
			assertThat(this.diary.entries).containsExactly("begin count of asker");
			assertThat(Conversation.rest(exchange)).hasSize(99_999);
			assertThat(this.diary.awaitEnd()).containsExactly("begin count of asker", "end count of asker");
		}
	}

	@Test
	void failuresAreToldAlsoThoseOfWritingTheReply() throws Exception {
		try (Conversation conversation = Conversation.with(server(new CountDownLatch(1)))) {
			assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> conversation.call("fail", ""));
			assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> conversation.call("unwritable", ""));
			assertThat(this.diary.awaitEnd()).containsExactly("begin fail of asker",
					"IllegalStateException in fail of asker", "end fail of asker", "begin unwritable of asker",
					"DatabindException in unwritable of asker", "end unwritable of asker");
		}
	}

	@Test
	void cancelledRequestsHaveFailed() throws Exception {
		CountDownLatch waiting = new CountDownLatch(1);
		try (Conversation conversation = Conversation.with(server(waiting))) {
			Exchange exchange = conversation.ask("wait", "");
			waiting.await();
			assertThat(exchange.cancel()).isTrue();
			assertThat(this.diary.awaitEnd()).containsExactly("begin wait of asker",
					"InterruptedException in wait of asker", "end wait of asker");
		}
	}

	@Test
	void aRequestThatComesTooLateHasFailedWithoutBeingHandled() throws Exception {
		try (Conversation conversation = Conversation.with(server(new CountDownLatch(1)))) {
			Exchange exchange = conversation.requester().begin(Deadline.NONE).method("echo");
			exchange.header(Envelope.DEADLINE, "0").request("hello");
			assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> exchange.reply(String.class));
			assertThat(this.diary.awaitEnd()).containsExactly("begin echo of asker",
					"CancellationException in echo of asker", "end echo of asker");
		}
	}

	@Test
	void callsOfTheParentAreAccompaniedAndHaveTheHeaders() throws Exception {
		try (IpcSocketPair pair = Conversation.pair();
				IpcServer server = IpcServer.builder()
					.handler("headers", Object.class, (request, context) -> context.headers().get("traceparent"))
					.handler("count", Integer.class,
							(request) -> Stream.iterate(0, (i) -> i + 1).limit(request.payload()))
					.handler("fail", Object.class, (request) -> {
						throw new IllegalStateException("on purpose");
					})
					.build()) {
			server.serve(IpcChannel.over(pair.parent()));
			IpcParent parent = IpcParent.over(IpcChannel.over(pair.child()), this.diary);
			assertThat(parent.call("headers", "", String.class)).isEqualTo("call of parent/headers");
			assertThatExceptionOfType(IpcException.Remote.class)
				.isThrownBy(() -> parent.call("fail", "", String.class));
			try (Stream<IpcMessage<Integer>> numbers = parent.stream("count", 3, Integer.class)) {
				assertThat(numbers.map(IpcMessage::payload)).containsExactly(0, 1, 2);
			}
			try (Stream<IpcMessage<Integer>> numbers = parent.stream("count", 1_000_000, Integer.class)) {
				assertThat(numbers.findFirst()).isPresent();
			}
			assertThat(this.diary.awaitEnd()).containsExactly("begin call of parent/headers",
					"end call of parent/headers", "begin call of parent/fail", "Remote in call of parent/fail",
					"end call of parent/fail", "begin call of parent/count", "detach call of parent/count",
					"end call of parent/count", "begin call of parent/count", "detach call of parent/count",
					"cancelled call of parent/count", "end call of parent/count");
			parent.close();
		}
	}

	@Test
	void anInstrumentationThatThrowsIsHarmless() throws Exception {
		IpcInstrumentation hostile = new Diary() {
			@Override
			public Observed serving(String peer, IpcContext request) {
				if (request.method().equals(Optional.of("fail"))) {
					throw new IllegalArgumentException("on purpose");
				}
				return new Observed() {
					@Override
					public void end() {
						throw new IllegalArgumentException("on purpose");
					}
				};
			}
		};
		try (Conversation conversation = Conversation
			.with(server(new CountDownLatch(1)).instrumentation("asker", hostile))) {
			assertThat(conversation.call("echo", "hello")).isEqualTo("hello");
			assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> conversation.call("fail", ""))
				.withMessageContaining("on purpose");
			assertThat(conversation.call("echo", "again")).isEqualTo("again");
		}
	}

	@Test
	void nothingIsCreatedForARequestThatNothingAccompanies() {
		IpcContext request = new IpcContext(null, new ServedExchange(), null);
		assertThat(ServedTrace.begin(IpcInstrumentation.NONE, "asker", request))
			.isSameAs(ServedTrace.begin(IpcInstrumentation.NONE, "asker", request));
	}

	@Test
	void aPeerWithoutEnvelopesGetsTheRequestWithoutOptionalHeaders() throws Exception {
		try (Conversation conversation = Conversation.bare(IpcServer.builder()
			.handler(String.class, (request, context) -> request.payload() + context.headers()))) {
			Exchange exchange = conversation.requester().begin(Conversation.inTime());
			exchange.optionalHeader("traceparent", "00-1").request("hello");
			try (IpcMessage<String> reply = exchange.reply(String.class)) {
				assertThat(reply.payload()).isEqualTo("hello{}");
			}
		}
	}

	@Test
	void anOptionalHeaderThatDoesNotFitIsLeftOut() throws Exception {
		try (Conversation conversation = Conversation
			.with(IpcServer.builder().handler(String.class, (request, context) -> context.headers().keySet()))) {
			Exchange exchange = conversation.requester().begin(Deadline.NONE);
			exchange.optionalHeader("baggage", "x".repeat(Envelope.MAX_TEXT_LENGTH + 1));
			for (int i = 0; i < Envelope.MAX_HEADERS; i++) {
				exchange.optionalHeader("header-" + i, "");
			}
			exchange.optionalHeader("traceparent", "00-1").request("hello");
			try (IpcMessage<List<String>> reply = exchange.reply((Type) List.class)) {
				assertThat(reply.payload()).hasSize(Envelope.MAX_HEADERS).doesNotContain("baggage", "traceparent");
			}
		}
	}

}
