package dev.tinyipc.interop;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import dev.tinyipc.OwnedFd;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The chapter "Conversations" of the wire format, by children in other languages: what
 * they say of themselves, and how they answer.
 */
@Timeout(value = 180, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ConversationTests {

	private static final long LARGEST_ID = -1; // unsigned

	static Stream<Language> conversing() {
		return Arrays.stream(Language.values()).filter(Language::converses).filter(OverMemory::includes);
	}

	static Stream<Language> streaming() {
		return Arrays.stream(Language.values()).filter(Language::streams).filter(OverMemory::includes);
	}

	static Stream<Language> withoutLanes() {
		return conversing().filter((language) -> language.lanes() == 1);
	}

	@BeforeAll
	@Timeout(value = 30, unit = TimeUnit.MINUTES)
	static void build() {
		InteropTests.build();
	}

	@ParameterizedTest
	@MethodSource("conversing")
	void helloSaysWhatTheChildCan(Language language) throws Exception {
		try (Child child = Child.invited(language)) {
			JsonNode hello = new RawParent(child.socket()).hello();
			assertThat(hello.path("protocol").intValue()).isEqualTo(2);
			assertThat(hello.path("envelope").booleanValue()).isTrue();
			assertThat(hello.path("cancel").booleanValue(false)).isEqualTo(language.cancels());
			assertThat(hello.path("lanes").intValue(1)).isEqualTo(language.lanes());
			assertThat(hello.path("memory").booleanValue(false)).isEqualTo(language.memory());
		}
	}

	@ParameterizedTest
	@MethodSource("conversing")
	void childThatIsNotInvitedSaysNothingOfItsOwn(Language language) throws Exception {
		language.require();
		try (Child child = new Child(language.command())) {
			RawParent parent = new RawParent(child.socket());
			parent.assertInStep();
			// Neither of them means anything then.
			parent.cancel();
			parent.receive().assertError(null);
			assertThat(parent.tryLane()).isNull();
			parent.assertInStep();
		}
	}

	@ParameterizedTest
	@MethodSource("withoutLanes")
	void childThatSaysNoLanesRefusesThem(Language language) throws Exception {
		try (Child child = Child.invited(language)) {
			RawParent parent = RawParent.greeting(child);
			assertThat(parent.tryLane()).isNull();
			parent.assertInStep();
		}
	}

	@ParameterizedTest
	@MethodSource("conversing")
	void everyAnswerRepeatsTheNumberOfItsRequest(Language language) throws Exception {
		try (Child child = Child.invited(language); OwnedFd file = OwnedFd.open(Vectors.MANIFEST)) {
			RawParent parent = RawParent.greeting(child);
			for (long id : new long[] { 1, 2, 23, 24, 255, 256, 1L << 32, Long.MAX_VALUE, LARGEST_ID }) {
				RawAnswer reply = parent.exchange(id, Map.of("do", "echo", "payload", List.of("Größe", id)));
				assertThat(reply.what()).isEqualTo(RawAnswer.What.REPLY);
				assertThat(reply.id()).isEqualTo(id);
				assertThat(reply.value()).isEqualTo(Cbor.value(Cbor.bytes(List.of("Größe", id))));
				parent.exchange(id, Map.of("do", "fail", "message", "on purpose")).assertError(id);
				parent.exchange(id, Map.of("do", "nothing known"), file).assertError(id);
				parent.exchange(id, List.of(1, 2)).assertError(id);
			}
			if (language.passesDescriptors()) {
				assertThat(parent.exchange(7L, Map.of("do", "memory", "text", "abc")).descriptors()).isEqualTo(1);
			}
		}
	}

	@ParameterizedTest
	@MethodSource("conversing")
	void whatIsAskedWithoutAnEnvelopeIsAnsweredWithoutOne(Language language) throws Exception {
		try (Child child = Child.invited(language)) {
			RawParent parent = RawParent.greeting(child);
			Map<String, Object> request = Map.of("do", "echo", "payload", "next");
			assertThat(parent.exchange(5L, request).id()).isEqualTo(5);
			assertThat(parent.exchange(null, request).id()).isNull();
			parent.exchange(null, Map.of("do", "fail", "message", "on purpose")).assertError(null);
			assertThat(parent.exchange(6L, request).id()).isEqualTo(6);
		}
	}

	@ParameterizedTest
	@MethodSource("streaming")
	void elementsOfAStreamComeInOrder(Language language) throws Exception {
		try (Child child = Child.invited(language)) {
			RawParent parent = RawParent.greeting(child);
			for (Long id : new Long[] { 7L, null }) {
				for (int count : new int[] { 1000, 0, 1 }) {
					parent.request(id, Map.of("do", "stream", "count", count));
					parent.assertElements(id, count);
					RawAnswer end = parent.receive();
					assertThat(end.what()).isEqualTo(RawAnswer.What.END);
					assertThat(end.id()).isEqualTo(id);
				}
			}
			parent.assertInStep();
		}
	}

	@ParameterizedTest
	@MethodSource("streaming")
	void childThatIsNotInvitedStreamsToo(Language language) throws Exception {
		language.require();
		try (Child child = new Child(language.command())) {
			RawParent parent = new RawParent(child.socket());
			parent.request(null, Map.of("do", "stream", "count", 3));
			parent.assertElements(null, 3);
			assertThat(parent.receive().what()).isEqualTo(RawAnswer.What.END);
			parent.assertInStep();
		}
	}

	@ParameterizedTest
	@MethodSource("streaming")
	void errorOfAStreamComesAfterTheElementsBeforeIt(Language language) throws Exception {
		try (Child child = Child.invited(language)) {
			RawParent parent = RawParent.greeting(child);
			for (Long id : new Long[] { 7L, null }) {
				for (int failAt : new int[] { 500, 0 }) {
					parent.request(id, Map.of("do", "stream", "count", 1000, "failAt", failAt));
					parent.assertElements(id, failAt);
					parent.receive().assertError(id);
				}
			}
			parent.assertInStep();
		}
	}

}
