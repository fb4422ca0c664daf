package dev.tinyipc.interop;

import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import dev.tinyipc.Deadline;
import dev.tinyipc.Exchange;
import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcHello;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcRequester;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.IpcSocketPair;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowable;

/** What children send, at the end that asks. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CoreVectorTests {

	/** The number of most envelopes among the vectors. */
	private static final long USUAL_NUMBER = 7;

	private static final byte[] HELLO = Cbor.tagged(RawAnswer.HELLO, Cbor.bytes(Map.of("envelope", true)));

	static Stream<Named<JsonNode>> hellos() throws IOException {
		return vectors("hello");
	}

	static Stream<Named<JsonNode>> answers() throws IOException {
		return vectors("answer");
	}

	private static Stream<Named<JsonNode>> vectors(String kind) throws IOException {
		return ConversationVectors.all(kind)
			.map((vector) -> Named.of(vector.path("name").stringValue(), vector))
			.toList()
			.stream();
	}

	@ParameterizedTest
	@MethodSource("hellos")
	void helloIsReadOrItsSocketGivenUp(JsonNode vector) throws Exception {
		try (Peer peer = new Peer()) {
			peer.raw.send(ConversationVectors.body(vector));
			if (vector.has("invalid")) {
				assertThatExceptionOfType(IpcException.class).isThrownBy(() -> peer.requester.awaitHello(inTime()));
				assertThat(peer.requester.isUsable()).isFalse();
				return;
			}
			IpcHello hello = peer.requester.awaitHello(inTime());
			JsonNode meaning = vector.path("meaning");
			assertThat(hello.protocol()).isEqualTo(meaning.path("protocol").intValue(1));
			assertThat(hello.envelope()).isEqualTo(meaning.path("envelope").booleanValue(false));
			assertThat(hello.cancel()).isEqualTo(meaning.path("cancel").booleanValue(false));
			assertThat(hello.memory()).isEqualTo(meaning.path("memory").booleanValue(false));
			assertThat(hello.lanes()).isEqualTo(meaning.path("lanes").intValue(1));
			assertThat(hello.methods().orElse(null)).isEqualTo(meaning.has("methods")
					? meaning.path("methods").valueStream().map(JsonNode::stringValue).toList() : null);
			assertThat(hello.maxMessageSize()).isEqualTo(meaning.path("maxMessageSize").longValue(0));
			assertThat(hello.stackSignal()).isEqualTo(meaning.path("stackSignal").intValue(0));
		}
	}

	@ParameterizedTest
	@MethodSource("answers")
	void answerIsDeliveredToItsRequestOrToNobody(JsonNode vector) throws Exception {
		String what = vector.path("what").stringValue("");
		boolean isPartOfAStream = Set.of("element", "elements", "end").contains(what);
		if (!vector.has("invalid")) {
			check(vector, isPartOfAStream);
			return;
		}
		check(vector, false);
		check(vector, true);
	}

	private static void check(JsonNode vector, boolean streams) throws Exception {
		Long id = ConversationVectors.id(vector);
		boolean expected = !vector.has("invalid");
		try (Peer peer = new Peer()) {
			if (isEnvelope(vector)) {
				peer.greet();
				expected &= Objects.equals(id, USUAL_NUMBER);
			}
			int count = vector.path("what").stringValue("").equals("elements") ? vector.path("meaning").size() : 1;
			Answer answer = peer.answer(ConversationVectors.body(vector), streams, count);
			if (expected) {
				answer.assertIs(vector);
			}
			else {
				assertThat(answer.failure).isInstanceOfAny(IpcException.class, JacksonException.class)
					.isNotInstanceOf(IpcException.Timeout.class);
				assertThat(answer.values).isEmpty();
			}
			peer.assertInStepOrGivenUp(expected);
		}
	}

	private static boolean isEnvelope(JsonNode vector) {
		return Cbor.hasTag(ConversationVectors.body(vector), RawAnswer.ENVELOPE);
	}

	private static Deadline inTime() {
		return Deadline.in(Child.PATIENCE);
	}

	/** What the requester makes of an answer. */
	private static final class Answer {

		/** Of each element, or of the reply; none at the end of a stream. */
		private final List<JsonNode> values = new ArrayList<>();

		private @Nullable Throwable failure;

		void assertIs(JsonNode vector) throws IOException {
			JsonNode meaning = vector.path("meaning");
			String what = vector.path("what").stringValue();
			if (what.equals("error")) {
				assertThat(this.failure).isInstanceOfSatisfying(IpcException.Remote.class, (error) -> {
					assertThat(error.type()).isEqualTo(meaning.path("type").stringValue());
					assertThat(error.remoteMessage()).isEqualTo(meaning.path("message").stringValue());
				});
				return;
			}
			assertThat(this.failure).isNull();
			assertThat(this.values.isEmpty()).isEqualTo(what.equals("end"));
			for (int i = 0; i < this.values.size(); i++) {
				assertThat(Vectors.isMeant(what.equals("elements") ? meaning.path(i) : meaning, this.values.get(i)))
					.as(this.values.toString())
					.isTrue();
			}
		}

	}

	/** A requester, and its peer, which sends what it is told to. */
	private static final class Peer implements Closeable {

		private final IpcSocketPair pair = IpcSocket.pair();

		private final RawParent raw = new RawParent(this.pair.child());

		private final IpcRequester requester = IpcRequester.over(IpcChannel.over(this.pair.parent()), "the peer");

		Peer() throws IOException {
			this.pair.child().setReceiveTimeout(Child.PATIENCE);
		}

		/** Lets the next request have the usual number. */
		void greet() throws IOException {
			this.raw.send(HELLO);
			this.requester.awaitHello(inTime());
			for (long i = 1; i < USUAL_NUMBER; i++) {
				assertThat(answerWell(i)).isNull();
			}
		}

		/** Exchanges anything, and returns what goes wrong. */
		private @Nullable Throwable answerWell(@Nullable Long number) {
			return catchThrowable(() -> {
				Exchange exchange = this.requester.begin(inTime());
				exchange.request("next");
				this.raw.receive();
				this.raw.request(number, "reply");
				try (IpcMessage<String> reply = exchange.reply(String.class)) {
					assertThat(reply.payload()).isEqualTo("reply");
				}
			});
		}

		/** Answers the next request by a vector. */
		Answer answer(byte[] body, boolean streams, int count) throws IOException {
			Exchange exchange = this.requester.begin(inTime());
			exchange.request("vector");
			this.raw.receive();
			this.raw.send(body);
			Answer answer = new Answer();
			answer.failure = catchThrowable(() -> {
				for (int i = 0; i < count; i++) {
					try (IpcMessage<JsonNode> message = streams ? exchange.next(JsonNode.class, inTime())
							: exchange.reply(JsonNode.class)) {
						if (message != null) {
							answer.values.add(message.payload());
						}
					}
				}
			});
			if (this.requester.isUsable() && !exchange.isAnswered()) {
				// It was an element, for all that anybody knows.
				this.raw.send(Cbor.tagged(RawAnswer.END, Cbor.bytes(null)));
				assertThat((Object) exchange.next(JsonNode.class, inTime())).isNull();
			}
			return answer;
		}

		/** A message that nobody understands costs itself, or the socket. */
		void assertInStepOrGivenUp(boolean mustBeInStep) {
			if (mustBeInStep || this.requester.isUsable()) {
				boolean numbered = this.requester.repeatsNumbers();
				assertThat(answerWell(numbered ? (Long) (USUAL_NUMBER + 1) : null)).isNull();
			}
		}

		@Override
		public void close() {
			this.pair.close();
		}

	}

}
