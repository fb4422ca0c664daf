package dev.tinyipc;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.dataformat.cbor.CBORMapper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

/** DESIGN 3: it never passes for a normal reply. */
@Timeout(60)
class ErrorItemTests {

	/** {@code {"type": "E", "message": "m"}}. */
	private static final String CONTENT = "a2" + "6474797065" + "6145" + "676d657373616765" + "616d";

	record Content(String type, String message) {
	}

	@Test
	void isThrownWithItsTypeAndMessageAndTheNextMessageIsReceived() throws Exception {
		try (IpcSocketPair pair = Conversation.pair()) {
			long size = IpcChannel.over(pair.parent()).sendError(new IllegalArgumentException("keine Größe"));
			IpcChannel.over(pair.parent()).send("next");
			IpcChannel receiver = IpcChannel.over(pair.child());
			assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> receiver.receive(String.class))
				.withMessageContaining("java.lang.IllegalArgumentException: keine Größe")
				.satisfies((error) -> {
					assertThat(error.type()).isEqualTo("java.lang.IllegalArgumentException");
					assertThat(error.remoteMessage()).isEqualTo("keine Größe");
					assertThat(error.size()).isEqualTo(size);
				});
			assertThat(receiver.receive(String.class).payload()).isEqualTo("next");
		}
	}

	/** With the tag in four and in eight bytes, and with other tags around it. */
	@ParameterizedTest
	@ValueSource(strings = { "da49505345", "db0000000049505345", "d9d9f7da49505345", "c6d818da49505345",
			"d9d9f7db0000000049505345" })
	void isThrownWhateverTypeIsAskedForAndHoweverTheTagIsWritten(String tag) throws Exception {
		try (IpcSocketPair pair = Conversation.pair(); OwnedFd file = Samples.memoryFile("x")) {
			LeakWatch watch = new LeakWatch();
			IpcChannel receiver = IpcChannel.over(pair.child());
			for (Class<?> type : List.of(Object.class, JsonNode.class, Map.class, Content.class, String.class)) {
				send(pair.parent(), tag + CONTENT, file);
				assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> receiver.receive(type))
					.satisfies((error) -> assertThat(List.of(error.type(), error.remoteMessage())).containsExactly("E",
							"m"));
			}
			watch.assertNoneLeft();
		}
	}

	@ParameterizedTest
	@ValueSource(strings = { "", "01", "f6", "6161", "a0", "80", "a1647479706561" + "45", "a1676d657373616765616d",
			"a264747970650" + "1676d657373616765616d", "a2647479706561" + "45676d6573736167656" + "1", CONTENT + "00",
			"a26474797065614564747970656145" })
	void oneThatHoldsSomethingElseIsAnErrorTooAndTheNextMessageIsReceived(String content) throws Exception {
		try (IpcSocketPair pair = Conversation.pair(); OwnedFd file = Samples.memoryFile("x")) {
			LeakWatch watch = new LeakWatch();
			IpcChannel receiver = IpcChannel.over(pair.child());
			for (Class<?> type : List.of(Object.class, JsonNode.class, Integer.class)) {
				send(pair.parent(), "da49505345" + content, file);
				assertThatExceptionOfType(JacksonException.class).isThrownBy(() -> receiver.receive(type));
			}
			watch.assertNoneLeft();
			IpcChannel.over(pair.parent()).send("next");
			assertThat(receiver.receive(String.class).payload()).isEqualTo("next");
		}
	}

	@Test
	void whatElseStandsInItIsLeftToLaterVersions() throws Exception {
		try (IpcSocketPair pair = Conversation.pair()) {
			send(pair.parent(), "da49505345" + "a3" + "6161" + "01" + CONTENT.substring(2));
			assertThatExceptionOfType(IpcException.Remote.class)
				.isThrownBy(() -> IpcChannel.over(pair.child()).receive(Object.class));
		}
	}

	@ParameterizedTest
	@ValueSource(strings = { "da49505344" + "01", "da49505346" + "01", "d9d9f7" + "01", "c1" + "01",
			"db0000000149505345" + "01", "1a49505345", "5a49505345", "da495053", "da", "db00000000495053", "dc01" })
	void otherTagsAndHeadsThatAreCutAreNone(String body) throws Exception {
		try (IpcSocketPair pair = Conversation.pair()) {
			send(pair.parent(), body);
			try {
				IpcChannel.over(pair.child()).receive(Object.class);
			}
			catch (JacksonException ex) {
				assertThat(ex).hasMessageNotContaining("error item");
			}
		}
	}

	@Test
	void textThatIsAbsentTooLongOrNoTextIsSentAllTheSame() throws Exception {
		try (IpcSocketPair pair = Conversation.pair()) {
			IpcChannel sender = IpcChannel.over(pair.parent());
			IpcChannel receiver = IpcChannel.over(pair.child());
			sender.sendError(new IllegalStateException());
			assertThat(receiveError(receiver).remoteMessage()).isEmpty();
			sender.sendError(new IllegalStateException("x".repeat(20_000_000)));
			assertThat(receiveError(receiver).remoteMessage()).hasSize(16 * 1024).startsWith("xxx");
			sender.sendError(new IllegalStateException("half \ud800 a character"));
			assertThat(receiveError(receiver).remoteMessage()).isEqualTo("half ? a character");
		}
	}

	/** A peer decides what is in it, and a log is read by people and terminals. */
	@Test
	void hostileErrorIsCutAndItsMessageIsOnePrintableLine() throws Exception {
		try (IpcSocketPair pair = Conversation.pair()) {
			IpcChannel receiver = IpcChannel.over(pair.child());
			String hostile = "\n\u001b[2J\r\t%s ${x} \u202e\u2028\u0085\u0000ö😀";
			byte[] type = new CBORMapper().writeValueAsBytes(hostile + "t".repeat(20_000));
			byte[] message = new CBORMapper().writeValueAsBytes(hostile.repeat(300_000));
			IpcException.Remote error = receive(pair, receiver, type, message);
			assertThat(error.type()).hasSize(16 * 1024).startsWith(hostile);
			assertThat(error.remoteMessage()).hasSizeBetween(16 * 1024 - 1, 16 * 1024).startsWith(hostile);
			assertThat(error.remoteMessage().chars()).anyMatch((character) -> character == '\u001b');
			assertThat(error.getMessage()).hasSizeLessThan(200_000)
				.contains(": \\n\\u001b[2J\\r\\t%s ${x} \\u202e\\u2028\\u0085\\u0000ö😀")
				.matches("[^\\p{Cntrl}\u0080-\u009f\u2028\u202e]*");
		}
	}

	private static IpcException.Remote receive(IpcSocketPair pair, IpcChannel receiver, byte[] type, byte[] message)
			throws Exception {
		byte[] start = HexFormat.of().parseHex("da49505345a26474797065");
		byte[] key = HexFormat.of().parseHex("676d657373616765");
		byte[] body = ByteBuffer.allocate(start.length + type.length + key.length + message.length)
			.put(start)
			.put(type)
			.put(key)
			.put(message)
			.array();
		Future<?> sent = FrameSizeTests.inBackground(() -> {
			RawSender.sendFrame(pair.parent(), body);
			return null;
		});
		IpcException.Remote error = receiveError(receiver);
		sent.get();
		return error;
	}

	/**
	 * The names are the protocol's, even if the application's mapper renames properties.
	 */
	@Test
	void mapperOfTheApplicationDoesNotRenameItsFields() throws Exception {
		CBORMapper mapper = CBORMapper.builder()
			.propertyNamingStrategy(PropertyNamingStrategies.UPPER_CAMEL_CASE)
			.build();
		try (IpcSocketPair pair = Conversation.pair()) {
			IpcChannel.over(pair.parent(), mapper).sendError(new IllegalStateException("m"));
			assertThat(receiveError(IpcChannel.over(pair.child(), mapper)).remoteMessage()).isEqualTo("m");
		}
	}

	@Test
	void otherFormatsHaveNone() throws Exception {
		try (IpcSocketPair pair = Conversation.pair()) {
			IpcChannel json = IpcChannel.over(pair.parent(), JsonMapper.shared());
			assertThatIllegalStateException().isThrownBy(() -> json.sendError(new IllegalStateException()))
				.withMessageContaining("JSON");
			// As a number in JSON may begin with any digit, and a text with any letter.
			send(pair.child(), "37");
			assertThat(json.receive(Integer.class).payload()).isEqualTo(7);
		}
	}

	private static IpcException.Remote receiveError(IpcChannel receiver) {
		try {
			receiver.receive(Object.class);
			throw new AssertionError("a reply came");
		}
		catch (IpcException.Remote ex) {
			return ex;
		}
		catch (IpcException ex) {
			throw new AssertionError(ex);
		}
	}

	private static void send(IpcSocket socket, String hex, OwnedFd... descriptors) throws IpcException {
		RawSender.sendFrame(socket, HexFormat.of().parseHex(hex), descriptors);
	}

}
