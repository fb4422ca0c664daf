package dev.tinyipc;

import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.databind.ser.std.StdSerializer;
import tools.jackson.dataformat.cbor.CBORMapper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

@Timeout(60)
class ChannelTests {

	record Request(String name, int size, List<Request> parts, byte[] data) {
	}

	static List<ObjectMapper> mappers() {
		return List.of(new CBORMapper(), JsonMapper.builder().build());
	}

	@ParameterizedTest
	@MethodSource("mappers")
	void typedValuesArriveAsTheyWereSentInEveryFormat(ObjectMapper mapper) throws Exception {
		Request inner = new Request("inner", -1, List.of(), new byte[0]);
		try (IpcSocketPair pair = Conversation.pair()) {
			IpcChannel.over(pair.parent(), mapper)
				.send(new Request("grün", Integer.MAX_VALUE, List.of(inner, inner), Samples.random(1000)));
			Request received = IpcChannel.over(pair.child(), mapper).receive(Request.class).payload();
			assertThat(received.name()).isEqualTo("grün");
			assertThat(received.size()).isEqualTo(Integer.MAX_VALUE);
			assertThat(received.parts()).extracting(Request::name).containsExactly("inner", "inner");
			assertThat(received.data()).isEqualTo(Samples.random(1000));
		}
	}

	@ParameterizedTest
	@MethodSource("mappers")
	void nullIsAPayloadAndNotTheEnd(ObjectMapper mapper) throws Exception {
		try (IpcSocketPair pair = Conversation.pair(); OwnedFd file = Samples.memoryFile("with null")) {
			IpcChannel.over(pair.parent(), mapper).send(null, file);
			try (IpcMessage<Request> message = IpcChannel.over(pair.child(), mapper).receive(Request.class)) {
				assertThat(message).isNotNull();
				assertThat(message.payload()).isNull();
				assertThat(Samples.content(message.descriptors().get(0))).isEqualTo("with null");
			}
			pair.parent().close();
			assertThat(IpcChannel.over(pair.child(), mapper).<Request>receive(Request.class)).isNull();
		}
	}

	@Test
	void genericTypesAreReceivedWithTheirArguments() throws Exception {
		CBORMapper mapper = new CBORMapper();
		JavaType type = mapper.getTypeFactory().constructMapType(Map.class, String.class, Request.class);
		try (IpcSocketPair pair = Conversation.pair()) {
			IpcChannel.over(pair.parent(), mapper).send(Map.of("key", new Request("x", 1, List.of(), new byte[0])));
			IpcMessage<Map<String, Request>> message = IpcChannel.over(pair.child(), mapper).receive(type);
			assertThat(message.payload().get("key").name()).isEqualTo("x");
		}
	}

	@Test
	void sizesOfBothSidesAreTheBytesOnTheWire() throws Exception {
		try (IpcSocketPair pair = Conversation.pair()) {
			assertThat(IpcChannel.over(pair.parent()).send("abc")).isEqualTo(8 + 4);
			assertThat(IpcChannel.over(pair.child()).receive(String.class).size()).isEqualTo(8 + 4);
		}
	}

	/**
	 * The sender's own message comes out whole, after the one that its serializer sent.
	 */
	@Test
	void serializerThatSendsDoesNotDisturbTheMessageThatItWrites() throws Exception {
		try (IpcSocketPair pair = Conversation.pair()) {
			IpcChannel plain = IpcChannel.over(pair.parent());
			IpcChannel reentrant = IpcChannel.over(pair.parent(),
					mapperWith((value, generator) -> generator.writeString("outer " + plain.send("inner"))));
			for (int i = 0; i < 3; i++) {
				reentrant.send(List.of("before", new Custom(), "after"));
				IpcChannel receiver = IpcChannel.over(pair.child());
				assertThat(receiver.receive(String.class).payload()).isEqualTo("inner");
				assertThat(receiver.receive(Object.class).payload()).isEqualTo(List.of("before", "outer 14", "after"));
			}
		}
	}

	@Test
	void valueThatCannotBeWrittenSendsNothing() throws Exception {
		try (IpcSocketPair pair = Conversation.pair(); OwnedFd file = Samples.memoryFile("mine")) {
			IpcChannel broken = IpcChannel.over(pair.parent(), mapperWith((value, generator) -> {
				generator.writeString("half");
				throw new IllegalStateException("on purpose");
			}));
			assertThatExceptionOfType(RuntimeException.class)
				.isThrownBy(() -> broken.send(List.of(new byte[300_000], new Custom()), file))
				.withMessageContaining("on purpose");
			IpcChannel.over(pair.parent()).send("next");
			assertThat(IpcChannel.over(pair.child()).receive(String.class).payload()).isEqualTo("next");
			assertThat(Samples.content(file)).isEqualTo("mine");
		}
	}

	/** DESIGN 3: a frame is never empty. */
	@Test
	void serializerThatWritesNothingDoesNotMakeAnEmptyFrame() throws Exception {
		try (IpcSocketPair pair = Conversation.pair()) {
			IpcChannel silent = IpcChannel.over(pair.parent(), mapperWith((value, generator) -> {
			}));
			assertThatExceptionOfType(Exception.class).isThrownBy(() -> silent.send(new Custom()));
			IpcChannel.over(pair.parent()).send("next");
			assertThat(IpcChannel.over(pair.child()).receive(String.class).payload()).isEqualTo("next");
		}
	}

	@Test
	void limitHoldsForBothDirections() throws Exception {
		try (IpcSocketPair pair = Conversation.pair()) {
			IpcChannel small = IpcChannel.over(pair.parent()).withMaxMessageSize(10);
			assertThat(small.send("123456789")).isEqualTo(18);
			assertThat(IpcChannel.over(pair.child()).withMaxMessageSize(10).receive(String.class).payload())
				.isEqualTo("123456789");
			assertThatExceptionOfType(IpcException.MessageTooLarge.class).isThrownBy(() -> small.send("1234567890"))
				.withMessageContaining("11 bytes")
				.withMessageContaining("limit of 10");
			assertThatExceptionOfType(IpcException.MessageTooLarge.class)
				.isThrownBy(() -> small.send(new byte[20_000_000]))
				.withMessageContaining("20000005 bytes");
			IpcChannel.over(pair.parent()).send("1234567890");
			assertThatExceptionOfType(IpcException.MessageTooLarge.class)
				.isThrownBy(() -> IpcChannel.over(pair.child()).withMaxMessageSize(10).receive(String.class))
				.withMessageContaining("11 bytes was announced")
				.withMessageContaining("at most 10");
		}
	}

	@Test
	void limitThatIsNoSizeIsRefused() throws Exception {
		try (IpcSocketPair pair = Conversation.pair()) {
			for (int limit : new int[] { 0, -1, Integer.MIN_VALUE, Integer.MAX_VALUE, Integer.MAX_VALUE - 7 }) {
				assertThatIllegalArgumentException()
					.isThrownBy(() -> IpcChannel.over(pair.parent()).withMaxMessageSize(limit));
			}
			IpcChannel.over(pair.parent()).withMaxMessageSize(Integer.MAX_VALUE - 8).send("x");
		}
	}

	private record Custom() {
	}

	private interface Writing {

		void write(Custom value, JsonGenerator generator) throws Exception;

	}

	private static ObjectMapper mapperWith(Writing writing) {
		SimpleModule module = new SimpleModule().addSerializer(new StdSerializer<Custom>(Custom.class) {

			@Override
			public void serialize(Custom value, JsonGenerator generator, SerializationContext context) {
				try {
					writing.write(value, generator);
				}
				catch (Exception ex) {
					throw new IllegalStateException(ex.getMessage(), ex);
				}
			}

		});
		return CBORMapper.builder().addModule(module).build();
	}

}
