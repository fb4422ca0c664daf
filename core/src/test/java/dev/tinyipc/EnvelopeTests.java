package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** A reply says which request it belongs to. */
@Timeout(60)
class EnvelopeTests {

	private static final String TAG = "da49505346";

	private static final String ID_7 = "6269641b0000000000000007";

	private static final String PAYLOAD = "677061796c6f6164";

	@Test
	void prefixIsWhatTheWireFormatSaysInEitherByteOrder() {
		for (ByteOrder order : List.of(ByteOrder.BIG_ENDIAN, ByteOrder.LITTLE_ENDIAN)) {
			ByteBuffer target = ByteBuffer.allocate(40).order(order);
			Envelope.write(target, 3, 0x0102030405060708L);
			assertThat(HexFormat.of().formatHex(target.array(), 3, 3 + Envelope.PREFIX_SIZE))
				.isEqualTo(TAG + "a2" + "6269641b0102030405060708" + PAYLOAD);
			assertThat(target.position()).isZero();
			ByteBuffer body = target.position(3).limit(3 + Envelope.PREFIX_SIZE + 1);
			Envelope read = Envelope.read(body);
			assertThat(read).isEqualTo(new Envelope(OptionalLong.of(0x0102030405060708L), null, Map.of(), 29, 30));
		}
	}

	@ParameterizedTest
	@ValueSource(longs = { 0, 9, 10, 30_000, Long.MAX_VALUE })
	void deadlineIsAHeaderInDecimalBesideTheOthers(long millis) {
		for (Map<String, String> others : List.of(Map.<String, String>of(), Map.of("traceparent", "00-1", "ä", ""))) {
			ByteBuffer target = ByteBuffer.allocate(200);
			int size = Envelope.write(target, 0, 7, "scale", others, millis);
			Map<String, String> headers = new HashMap<>(others);
			headers.put("deadline-ms", Long.toString(millis));
			assertThat(Envelope.read(target.limit(size)))
				.isEqualTo(new Envelope(OptionalLong.of(7), "scale", headers, size, size));
		}
	}

	/** What is in it is the text "abc" each time. */
	@ParameterizedTest
	@ValueSource(strings = { TAG + "a2" + ID_7 + PAYLOAD + "63616263", TAG + "a2" + "62696407" + PAYLOAD + "63616263",
			TAG + "a2" + "6269641807" + PAYLOAD + "63616263", TAG + "a2" + "6269641a00000007" + PAYLOAD + "63616263",
			TAG + "a2" + PAYLOAD + "63616263" + ID_7, TAG + "bf" + ID_7 + PAYLOAD + "63616263" + "ff",
			TAG + "bf" + PAYLOAD + "63616263" + ID_7 + "ff", TAG + "b802" + ID_7 + PAYLOAD + "63616263",
			"db0000000049505346" + "a2" + ID_7 + PAYLOAD + "63616263",
			"d9d9f7" + TAG + "a2" + ID_7 + PAYLOAD + "63616263", TAG + "a3" + ID_7 + PAYLOAD + "63616263" + "61788101",
			TAG + "a3" + "6178a16161820102" + PAYLOAD + "63616263" + ID_7,
			TAG + "a4" + "666d6574686f64616d" + "6768656164657273a161616162" + ID_7 + PAYLOAD + "63616263",
			TAG + "a2" + "7f616961" + "64ff07" + PAYLOAD + "7f6161626263ff",
			TAG + "a2" + ID_7 + PAYLOAD + "7f616162" + "6263ff" })
	void isOpenedInWhateverWellFormedWayItIsWritten(String hex) throws Exception {
		try (IpcSocketPair pair = Conversation.pair()) {
			OptionalLong[] id = new OptionalLong[1];
			RawSender.sendFrame(pair.parent(), HexFormat.of().parseHex(hex));
			IpcMessage<String> message = IpcChannel.over(pair.child())
				.receiveWanted(String.class, null, Opening.telling((number) -> id[0] = number));
			assertThat(message.payload()).isEqualTo("abc");
			assertThat(id[0]).hasValue(7);
		}
	}

	@ParameterizedTest
	@ValueSource(strings = { TAG, TAG + "01", TAG + "f6", TAG + "80", TAG + "a0", TAG + "a1" + ID_7,
			TAG + "a1" + "626964", TAG + "a2" + ID_7 + PAYLOAD, TAG + "a2" + ID_7 + PAYLOAD + "01" + "02",
			TAG + "a2" + PAYLOAD + "01" + ID_7 + "02", TAG + "a2" + "626964" + "6137" + PAYLOAD + "01",
			TAG + "a2" + "626964" + "20" + PAYLOAD + "01",
			TAG + "a2" + "626964" + "c249010000000000000000" + PAYLOAD + "01",
			TAG + "a2" + "626964" + "f6" + PAYLOAD + "01", TAG + "a3" + ID_7 + ID_7 + PAYLOAD + "01",
			TAG + "a3" + PAYLOAD + "01" + PAYLOAD + "01" + ID_7, TAG + "bf" + ID_7 + PAYLOAD + "01",
			TAG + "a2" + ID_7 + PAYLOAD + "1c", TAG + "a2" + "666d6574686f64" + "f6" + PAYLOAD + "01",
			TAG + "a2" + "6768656164657273" + "80" + PAYLOAD + "01",
			TAG + "a2" + "6768656164657273" + "a1616101" + PAYLOAD + "01",
			TAG + "a2" + "6768656164657273" + "a1016161" + PAYLOAD + "01",
			TAG + "a2" + "6768656164657273" + "a1416b6161" + PAYLOAD + "01",
			TAG + "a2" + "6768656164657273" + "bf6161616220" + "6161ff" + PAYLOAD + "01",
			TAG + TAG + "a1" + PAYLOAD + "01", TAG + "d9d9f7" + "a2" + ID_7 + PAYLOAD + "01",
			TAG + "a2" + "6768656164657273" + "a2616161626161" + "6163" + PAYLOAD + "01" })
	void oneThatIsMalformedIsRefusedAndTheNextMessageIsReceived(String hex) throws Exception {
		try (IpcSocketPair pair = Conversation.pair(); OwnedFd file = Samples.memoryFile("x")) {
			LeakWatch watch = new LeakWatch();
			IpcChannel receiver = IpcChannel.over(pair.child());
			RawSender.sendFrame(pair.parent(), HexFormat.of().parseHex(hex), file);
			assertThatExceptionOfType(JacksonException.class)
				.isThrownBy(() -> receiver.receiveWanted(Object.class, null, Opening.telling((id) -> {
				})));
			watch.assertNoneLeft();
			IpcChannel.over(pair.parent()).send("next");
			assertThat(receiver.receive(String.class).payload()).isEqualTo("next");
		}
	}

	@Test
	void everythingThatIsSentInOneComesOutAsItWas() throws Exception {
		try (IpcSocketPair pair = Conversation.pair()) {
			IpcChannel sender = IpcChannel.over(pair.parent());
			IpcChannel receiver = IpcChannel.over(pair.child());
			byte[] bytes = Samples.random(200_000);
			List<Object> payloads = List.of("text", 1, Map.of("a", List.of(1, 2)), "x".repeat(100_000), bytes);
			long id = -1; // the largest that there is
			for (Object payload : payloads) {
				OptionalLong number = OptionalLong.of(id--);
				FrameSizeTests.inBackground(() -> sender.outbox().sendNumbered(number, payload));
				Class<?> type = (payload instanceof byte[]) ? byte[].class : Object.class;
				Object received = receiver
					.receiveWanted(type, null, Opening.telling((came) -> assertThat(came).isEqualTo(number)))
					.payload();
				assertThat(received).isEqualTo(payload);
			}
		}
	}

	@Test
	void barePayloadHasNoNumber() throws Exception {
		try (IpcSocketPair pair = Conversation.pair()) {
			for (Object payload : List.of("text", new byte[] { 1 }, Map.of("id", 1, "payload", 2))) {
				IpcChannel.over(pair.parent()).send(payload);
				Class<?> type = payload instanceof byte[] ? byte[].class : Object.class;
				assertThat(IpcChannel.over(pair.child())
					.receiveWanted(type, null, Opening.telling((id) -> assertThat(id).isEmpty()))
					.payload()).isEqualTo(payload);
			}
		}
	}

	/** The receiver of a wrong reply must learn its number, and never its content. */
	@Test
	void listenerThatRefusesTheNumberKeepsThePayloadFromItsCaller() throws Exception {
		try (IpcSocketPair pair = Conversation.pair(); OwnedFd file = Samples.memoryFile("x")) {
			LeakWatch watch = new LeakWatch();
			IpcChannel sender = IpcChannel.over(pair.parent());
			for (OptionalLong id : List.of(OptionalLong.of(3), OptionalLong.empty())) {
				sender.outbox().sendNumbered(id, new byte[] { 1 }, file);
				assertThatExceptionOfType(IpcException.class).isThrownBy(() -> IpcChannel.over(pair.child())
					.receiveWanted(byte[].class, null, Opening.telling((number) -> {
						throw new IpcException("not " + number);
					}))).withMessage("not " + id);
			}
			watch.assertNoneLeft();
		}
	}

	@Test
	void errorItemInsideIsThrownAfterItsNumberIsKnown() throws Exception {
		try (IpcSocketPair pair = Conversation.pair()) {
			IpcChannel.over(pair.parent()).sendError(OptionalLong.of(9), new IllegalStateException("on purpose"));
			OptionalLong[] id = new OptionalLong[1];
			assertThatExceptionOfType(IpcException.Remote.class)
				.isThrownBy(() -> IpcChannel.over(pair.child())
					.receiveWanted(String.class, null, Opening.telling((number) -> id[0] = number)))
				.withMessageContaining("on purpose");
			assertThat(id[0]).hasValue(9);
		}
	}

	@Test
	void prefixCountsTowardsTheLimit() throws Exception {
		try (IpcSocketPair pair = Conversation.pair()) {
			IpcChannel sender = IpcChannel.over(pair.parent()).withMaxMessageSize(Envelope.PREFIX_SIZE + 1);
			assertThat(sender.outbox().sendNumbered(OptionalLong.of(1), 1))
				.isEqualTo(Frame.HEADER_SIZE + Envelope.PREFIX_SIZE + 1);
			assertThatExceptionOfType(IpcException.MessageTooLarge.class)
				.isThrownBy(() -> sender.outbox().sendNumbered(OptionalLong.of(1), 100));
			assertThatExceptionOfType(IpcException.MessageTooLarge.class)
				.isThrownBy(() -> sender.withMaxMessageSize(3).outbox().sendNumbered(OptionalLong.of(1), 1));
		}
	}

}
