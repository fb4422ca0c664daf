package dev.tinyipc;

import java.lang.reflect.Type;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

import dev.tinyipc.Shapes.Circle;
import dev.tinyipc.Shapes.Shape;
import dev.tinyipc.Shapes.Square;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** What is generic is written and read as what it was declared as. */
@Timeout(60)
class TypedPayloadTests {

	private static final Type SHAPES = new TypeReference<List<Shape>>() {
	}.getType();

	private static final Type BY_NAME = new TypeReference<Map<String, Shape>>() {
	}.getType();

	private static final Type MAYBE = new TypeReference<Optional<Shape>>() {
	}.getType();

	private static final List<Shape> BOTH = List.of(new Circle(1), new Square(2));

	private static IpcServerBuilder handlers() {
		return IpcServer.builder()
			.<List<Shape>>handler("reversed", SHAPES,
					(request) -> new TypedPayload(List.of(request.payload().get(1), request.payload().get(0)), SHAPES))
			.<Map<String, Shape>>handler("named", BY_NAME,
					(request) -> new IpcServer.Reply(new TypedPayload(request.payload(), BY_NAME),
							Samples.memoryFile("with it")))
			.<Optional<Shape>>handler("maybe", MAYBE, (request) -> new TypedPayload(request.payload(), MAYBE))
			.<List<Shape>>handler("each", SHAPES,
					(request) -> Stream.of(request.payload(), List.<Shape>of())
						.map((shapes) -> new TypedPayload(shapes, SHAPES)))
			.<List<Shape>>stream("sent", SHAPES, (request, context, elements) -> {
				elements.send(new TypedPayload(request.payload(), SHAPES));
			});
	}

	@Test
	void channelWritesTheTypeInformationOfTheElements() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			IpcChannel.over(pair.parent()).send(new TypedPayload(BOTH, SHAPES));
			IpcChannel receiver = IpcChannel.over(pair.child());
			assertThat(receiver.<List<Shape>>receive(SHAPES).payload()).isEqualTo(BOTH);
			IpcChannel.over(pair.parent()).send(new TypedPayload(null, SHAPES));
			assertThat(receiver.<Object>receive(SHAPES).payload()).isNull();
		}
	}

	@Test
	void requestsAndRepliesKeepTheirTypes() throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			Exchange lists = conversation.ask("reversed", new TypedPayload(BOTH, SHAPES));
			assertThat(lists.<List<Shape>>reply(SHAPES).payload()).containsExactly(new Square(2), new Circle(1));
			Map<String, Shape> named = Map.of("one", new Circle(3), "two", new Square(4));
			Exchange maps = conversation.ask("named", new TypedPayload(named, BY_NAME));
			try (IpcMessage<Map<String, Shape>> reply = maps.reply(BY_NAME)) {
				assertThat(reply.payload()).isEqualTo(named);
				assertThat(Samples.content(reply.descriptors().get(0))).isEqualTo("with it");
			}
			for (Optional<Shape> value : List.of(Optional.<Shape>of(new Circle(5)), Optional.<Shape>empty())) {
				Exchange exchange = conversation.ask("maybe", new TypedPayload(value, MAYBE));
				assertThat(exchange.<Optional<Shape>>reply(MAYBE).payload()).isEqualTo(value);
			}
		}
	}

	@Test
	void elementsOfAStreamKeepTheirTypes() throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			for (String method : List.of("each", "sent")) {
				Exchange exchange = conversation.ask(method, new TypedPayload(BOTH, SHAPES));
				assertThat(exchange.<List<Shape>>next(SHAPES, Conversation.inTime()).payload()).isEqualTo(BOTH);
				exchange.cancel();
			}
		}
	}

	@Test
	void requestThatSaysNoTypeIsRefusedByTheServerAndTheNextIsServed() throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> conversation.call("reversed", BOTH))
				.withMessageContaining("kind");
			assertThat(
					conversation.ask("reversed", new TypedPayload(BOTH, SHAPES)).<List<Shape>>reply(SHAPES).payload())
				.hasSize(2);
		}
	}

	@Test
	void valueThatIsNotOfItsTypeIsNotSent() throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			Exchange exchange = conversation.requester().begin(Conversation.inTime());
			assertThatExceptionOfType(JacksonException.class)
				.isThrownBy(() -> exchange.request(new TypedPayload("no list", SHAPES)));
			assertThat(exchange.isRequestSent()).isFalse();
		}
	}

}
