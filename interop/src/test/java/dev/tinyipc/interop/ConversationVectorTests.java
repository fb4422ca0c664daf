package dev.tinyipc.interop;

import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** The vectors of the chapter "Conversations", which are packets of a socket. */
@Timeout(value = 180, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ConversationVectorTests {

	static Stream<Language> conversing() {
		return Arrays.stream(Language.values()).filter(Language::converses);
	}

	@BeforeAll
	@Timeout(value = 30, unit = TimeUnit.MINUTES)
	static void build() {
		InteropTests.build();
	}

	@ParameterizedTest
	@MethodSource("conversing")
	void vectorsMeanWhatTheManifestSays(Language language) throws Exception {
		language.require();
		System.out.println("interop " + language + " conversations ok, " + ConversationVectors.check(language));
	}

	@Test
	void vectorsOfWhatAChildSendsMeanWhatTheManifestSays() throws Exception {
		for (JsonNode vector : ConversationVectors.all("hello", "answer").toList()) {
			String name = vector.path("name").stringValue();
			byte[] body = ConversationVectors.body(vector);
			boolean hello = vector.path("kind").stringValue().equals("hello");
			if (vector.has("invalid")) {
				assertThatExceptionOfType(Cbor.Malformed.class).as(name).isThrownBy(() -> read(hello, body));
				continue;
			}
			if (hello) {
				assertThat(Vectors.isMeant(vector.path("meaning"), RawAnswer.readHello(body))).as(name).isTrue();
				continue;
			}
			RawAnswer answer = RawAnswer.read(body, 0);
			assertThat(answer.what().name().toLowerCase(Locale.ROOT)).as(name)
				.isEqualTo(vector.path("what").stringValue());
			assertThat(answer.id()).as(name).isEqualTo(ConversationVectors.id(vector));
			assertThat(Vectors.isMeant(vector.path("meaning"), answer.value())).as(name).isTrue();
		}
	}

	private static Object read(boolean hello, byte[] body) {
		return hello ? RawAnswer.readHello(body) : RawAnswer.read(body, 0);
	}

}
