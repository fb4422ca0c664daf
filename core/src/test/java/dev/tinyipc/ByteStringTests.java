package dev.tinyipc;

import java.util.HexFormat;
import java.util.concurrent.Future;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.databind.ser.std.StdSerializer;
import tools.jackson.dataformat.cbor.CBORMapper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** Byte arrays bypass the mapper, which must make no difference except in speed. */
@Timeout(60)
class ByteStringTests {

	private IpcSocketPair pair;

	@BeforeEach
	void makePair() throws IpcException {
		this.pair = Conversation.pair();
	}

	@AfterEach
	void closePair() {
		this.pair.close();
	}

	@ParameterizedTest
	@ValueSource(ints = { 0, 1, 23, 24, 255, 256, 65_519, 65_535, 65_536, 212_947, 212_948, 3_000_000 })
	void onTheWireIsWhatTheMapperWouldHaveWritten(int size) throws Exception {
		byte[] content = Samples.random(size);
		byte[] body = new CBORMapper().writeValueAsBytes(content);
		Future<?> sent = FrameSizeTests.inBackground(() -> IpcChannel.over(this.pair.parent()).send(content));
		Samples.assertSame(receiveFrame(8 + body.length), Samples.frame(body));
		sent.get();
	}

	@ParameterizedTest
	@ValueSource(ints = { 0, 1, 23, 24, 255, 256, 65_519, 65_535, 65_536, 212_947, 212_948, 3_000_000 })
	void whatAMapperWroteIsRead(int size) throws Exception {
		byte[] content = Samples.random(size);
		byte[] body = new CBORMapper().writeValueAsBytes(content);
		Future<?> sent = FrameSizeTests.inBackground(() -> send(body));
		assertThat(received()).satisfies((payload) -> Samples.assertSame(payload, content));
		sent.get();
	}

	@ParameterizedTest(name = "{0}")
	@ValueSource(strings = { "430102 03", "5803010203", "59 0003 010203", "5a00000003010203",
			"5b0000000000000003010203", "5f4101420203ff", "d54301 0203" })
	void everyFormOfAByteStringIsRead(String item) throws Exception {
		send(bytes(item));
		assertThat(received()).containsExactly(1, 2, 3);
	}

	@ParameterizedTest(name = "{0}")
	@ValueSource(strings = { "63616263", "01", "a0", "43010203 00", "430102", "5b ffffffffffffffff 01", "5c 010203",
			"58", "5a000000", "f5" })
	void anythingElseIsRefusedAndTheNextMessageIsReceived(String item) throws Exception {
		send(bytes(item));
		assertThatExceptionOfType(JacksonException.class).isThrownBy(this::received);
		IpcChannel.over(this.pair.parent()).send(new byte[] { 9 });
		assertThat(received()).containsExactly(9);
	}

	@Test
	void anErrorItemIsAnErrorHereToo() throws Exception {
		IpcChannel.over(this.pair.parent()).sendError(new IllegalStateException("no bytes today"));
		assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(this::received)
			.withMessageContaining("no bytes today");
	}

	@Test
	void aNullIsANull() throws Exception {
		IpcChannel.over(this.pair.parent()).send(null);
		assertThat(IpcChannel.over(this.pair.child()).receive(byte[].class).payload()).isNull();
	}

	@Test
	void whatAModuleMakesOfByteArraysIsRespected() throws Exception {
		ObjectMapper mapper = CBORMapper.builder().addModule(new SimpleModule().addSerializer(new Hex())).build();
		IpcChannel.over(this.pair.parent(), mapper).send(new byte[] { 1, (byte) 0xab });
		assertThat(IpcChannel.over(this.pair.child()).receive(String.class).payload()).isEqualTo("01ab");
	}

	@Test
	void theLimitIsThatOfTheBody() throws Exception {
		IpcChannel channel = IpcChannel.over(this.pair.parent()).withMaxMessageSize(100_000);
		assertThatExceptionOfType(IpcException.MessageTooLarge.class).isThrownBy(() -> channel.send(new byte[99_996]))
			.withMessageContaining("A message of 100001 bytes is over the limit of 100000");
		Future<?> sent = FrameSizeTests.inBackground(() -> channel.send(new byte[99_995]));
		assertThat(received()).hasSize(99_995);
		sent.get();
	}

	@Test
	void largeOnesNeedNoNativeMemoryOfTheirSize() throws Exception {
		int kept = LargeMemory.kept();
		byte[] content = Samples.random(10_000_000);
		Future<?> sent = FrameSizeTests.inBackground(() -> IpcChannel.over(this.pair.parent()).send(content));
		Samples.assertSame(received(), content);
		sent.get();
		assertThat(LargeMemory.kept()).isEqualTo(kept);
	}

	private byte[] received() throws IpcException {
		return IpcChannel.over(this.pair.child()).receive(byte[].class).payload();
	}

	private static byte[] bytes(String hex) {
		return HexFormat.of().parseHex(hex.replace(" ", ""));
	}

	private int send(byte[] body) throws IpcException {
		RawSender.sendFrame(this.pair.parent(), body);
		return body.length;
	}

	/** As it comes, past the channel. */
	private byte[] receiveFrame(int size) throws IpcException {
		NativeBuffer frame = NativeBuffer.allocate(size);
		SocketReceiver receiver = this.pair.child().receiver();
		receiver.lock(Deadline.NONE);
		try {
			int received = receiver.receive(frame).length();
			while (received < size) {
				received += receiver.receiveAt(frame, received, size - received).length();
			}
		}
		finally {
			receiver.unlock();
		}
		byte[] content = new byte[size];
		frame.bytes().get(0, content);
		return content;
	}

	private static final class Hex extends StdSerializer<byte[]> {

		Hex() {
			super(byte[].class);
		}

		@Override
		public void serialize(byte[] value, JsonGenerator generator, SerializationContext context) {
			generator.writeString(HexFormat.of().formatHex(value));
		}

	}

}
