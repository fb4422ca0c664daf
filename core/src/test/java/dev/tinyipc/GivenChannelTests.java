package dev.tinyipc;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.dataformat.cbor.CBORMapper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** A child that serves its parent over a channel of its own making. */
@Timeout(60)
class GivenChannelTests {

	private static final int LIMIT = 54_321;

	record Answer(String theText) {

	}

	static final class Child {

		public static void main(String[] arguments) throws IpcException {
			CBORMapper mapper = CBORMapper.builder()
				.propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
				.build();
			IpcServer server = IpcServer.builder()
				.handler("answer", String.class, (request, context) -> new Answer(request.payload()))
				.handler("ask", String.class, (request, context) -> {
					try (IpcParent.Call call = context.parent().begin()) {
						call.exchange().method("echo").header("name", "value").request(request.payload());
						return call.exchange().reply(String.class).payload();
					}
				})
				.start(IpcChannel.over(IpcSocket.inherited().orElseThrow(), mapper).withMaxMessageSize(LIMIT));
			server.ready();
			server.awaitEnd();
		}

	}

	@Test
	void mapperAndLimitsOfTheChannelApply() throws Exception {
		try (Conversation conversation = Conversation.with(new ChildJvm(Child.class))) {
			assertThat(conversation.requester().awaitHello(Conversation.inTime()).maxMessageSize()).isEqualTo(LIMIT);
			assertThat(conversation.call("answer", "text")).hasToString("{the_text=text}");
			assertThatExceptionOfType(IpcException.MessageTooLarge.class)
				.isThrownBy(() -> conversation.call("answer", "x".repeat(2 * LIMIT)));
		}
	}

	@Test
	void parentIsAskedByAnExchangeOfItsOwn() throws Exception {
		try (Conversation conversation = Conversation.with(new ChildJvm(Child.class));
				IpcServer server = IpcServer.builder()
					.handler("echo", String.class,
							(request, context) -> request.payload() + ' ' + context.headers().get("name"))
					.build()) {
			conversation.requester().awaitHello(Conversation.inTime());
			server.serve(IpcChannel.over(conversation.requester().takeCallSocket().orElseThrow()));
			assertThat(conversation.call("ask", "text")).isEqualTo("text value");
		}
	}

	@Test
	void serverOfOneThreadRefusesALaneInsteadOfHandlingItsRequest() throws Exception {
		try (Conversation conversation = Conversation
			.with(IpcServer.builder().handler(Object.class, (request) -> "handled").threads(1))) {
			assertThatExceptionOfType(IpcException.Remote.class)
				.isThrownBy(() -> conversation.requester().openLane(Conversation.inTime()))
				.withMessageContaining("lanes already");
			assertThat(conversation.call("", null)).isEqualTo("handled");
		}
	}

}
