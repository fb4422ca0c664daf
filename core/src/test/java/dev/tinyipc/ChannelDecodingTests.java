package dev.tinyipc;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.stream.Stream;

import com.fasterxml.jackson.annotation.JsonTypeInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DefaultTyping;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.jsontype.BasicPolymorphicTypeValidator;
import tools.jackson.dataformat.cbor.CBORMapper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/** Bodies that no honest peer sends: each costs its message, and nothing else. */
@Timeout(60)
class ChannelDecodingTests {

	static Stream<Arguments> bodiesThatAreRefused() {
		return Stream.of(Arguments.of("duplicate key", "a2616101616102", Map.class),
				Arguments.of("duplicate key, nested", "81a2616101616102", List.class),
				Arguments.of("duplicate number as key", "a201010102", Map.class),
				Arguments.of("duplicate key in an indefinite map", "bf616101616102ff", Map.class),
				Arguments.of("a second item", "0102", Integer.class),
				Arguments.of("a second item after null", "f601", String.class),
				Arguments.of("a stray break", "01ff", Integer.class),
				Arguments.of("trailing garbage", "63616263ff", String.class),
				Arguments.of("the beginning of a second item", "0118", Integer.class),
				Arguments.of("a text that ends early", "6a616263", String.class),
				Arguments.of("a text of 4 GiB", "7affffffff61", String.class),
				Arguments.of("a text of 2^63 bytes", "7b7fffffffffffffff61", String.class),
				Arguments.of("bytes of 2 GiB", "5a7fffffff61", byte[].class),
				Arguments.of("bytes of 2^64-1", "5bffffffffffffffff61", byte[].class),
				Arguments.of("an array that announces 2^31 items", "9a80000000", List.class),
				Arguments.of("text that is no UTF-8", "62c328", String.class),
				Arguments.of("a reserved head", "1c", Object.class),
				Arguments.of("another type", "6161", Integer.class),
				Arguments.of("arrays 100,000 deep", "81".repeat(100_000) + "01", Object.class),
				Arguments.of("maps 100,000 deep", "a16161".repeat(100_000) + "01", Object.class), Arguments
					.of("arrays 100,000 deep in what is skipped", "a16178" + "81".repeat(100_000) + "01", Empty.class));
	}

	record Empty() {
	}

	@ParameterizedTest(name = "{0}")
	@MethodSource("bodiesThatAreRefused")
	void bodyIsRefusedItsDescriptorsAreClosedAndTheNextMessageIsIntact(String what, String hex, Class<?> type)
			throws Exception {
		try (IpcSocketPair pair = Conversation.pair(); OwnedFd file = Samples.memoryFile("x")) {
			LeakWatch watch = new LeakWatch();
			Future<?> sent = FrameSizeTests.inBackground(() -> {
				RawSender.sendFrame(pair.parent(), HexFormat.of().parseHex(hex), file, file);
				return IpcChannel.over(pair.parent()).send("next");
			});
			assertThatExceptionOfType(JacksonException.class)
				.isThrownBy(() -> IpcChannel.over(pair.child()).receive(type));
			watch.assertNoneLeft();
			assertThat(IpcChannel.over(pair.child()).receive(String.class).payload()).isEqualTo("next");
			sent.get();
		}
	}

	@Test
	void duplicateKeysAndTrailingTokensAreRefusedInOtherFormatsToo() throws Exception {
		try (IpcSocketPair pair = Conversation.pair()) {
			IpcChannel json = IpcChannel.over(pair.child(), JsonMapper.builder().build());
			for (String body : List.of("{\"a\":1,\"a\":2}", "{} {}", "1 x", "{\"a\":1", "[".repeat(100_000))) {
				RawSender.sendFrame(pair.parent(), body.getBytes());
				assertThatExceptionOfType(JacksonException.class).isThrownBy(() -> json.receive(Object.class));
			}
			RawSender.sendFrame(pair.parent(), "{\"a\":1} ".getBytes());
			assertThat(json.receive(Object.class).payload()).isEqualTo(Map.of("a", 1));
		}
	}

	/** The bytes of the message before are still in the buffer that is used again. */
	@Test
	void shortBodyIsNotReadOnIntoWhatAnEarlierMessageLeft() throws Exception {
		try (IpcSocketPair pair = Conversation.pair()) {
			IpcChannel.over(pair.parent()).send("a".repeat(1000));
			RawSender.sendFrame(pair.parent(), new byte[] { 0x6a, 'b' });
			IpcChannel receiver = IpcChannel.over(pair.child());
			receiver.receive(String.class);
			assertThatExceptionOfType(JacksonException.class).isThrownBy(() -> receiver.receive(String.class));
		}
	}

	@Test
	void mapperWithDefaultTypingIsRefused() throws Exception {
		try (IpcSocketPair pair = Conversation.pair()) {
			for (DefaultTyping typing : DefaultTyping.values()) {
				ObjectMapper mapper = CBORMapper.builder()
					.activateDefaultTyping(
							BasicPolymorphicTypeValidator.builder().allowIfBaseType(Object.class).build(), typing)
					.build();
				assertThatIllegalArgumentException().isThrownBy(() -> IpcChannel.over(pair.parent(), mapper))
					.withMessageContaining("Default typing");
			}
		}
	}

	record AnyClass(@JsonTypeInfo(use = JsonTypeInfo.Id.CLASS) Object value) {
	}

	/** Class names from the wire, which only an annotation could allow. */
	@Test
	void classNameFromTheWireMakesNoObjectOfAnyClass() throws Exception {
		try (IpcSocketPair pair = Conversation.pair()) {
			CBORMapper writer = new CBORMapper();
			byte[] body = writer.writeValueAsBytes(Map.of("value", List.of("java.io.File", "/etc/passwd")));
			byte[] asProperty = writer
				.writeValueAsBytes(Map.of("value", Map.of("@class", "javax.naming.InitialContext")));
			for (byte[] hostile : Arrays.asList(body, asProperty)) {
				RawSender.sendFrame(pair.parent(), hostile);
				assertThatExceptionOfType(JacksonException.class)
					.isThrownBy(() -> IpcChannel.over(pair.child()).receive(AnyClass.class));
			}
		}
	}

	/** Errors too, such as a stack that overflows in a deserializer of the user's. */
	@Test
	void descriptorsAreClosedWhateverADeserializerThrows() throws Exception {
		try (IpcSocketPair pair = Conversation.pair(); OwnedFd file = Samples.memoryFile("x")) {
			LeakWatch watch = new LeakWatch();
			RawSender.sendFrame(pair.parent(), new byte[] { (byte) 0xa0 }, file);
			assertThatExceptionOfType(Throwable.class)
				.isThrownBy(() -> IpcChannel.over(pair.child()).receive(Failing.class));
			watch.assertNoneLeft();
		}
	}

	static final class Failing {

		Failing() {
			throw new StackOverflowError("on purpose");
		}

	}

}
