package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** Somebody looks at requests before they are sent, and may refuse them. */
@Timeout(60)
class InspectedRequestTests {

	@Test
	void anInspectorSeesMethodAndPayloadAsTheyAreSentAndTheDescriptors() throws Exception {
		List<String> seen = new ArrayList<>();
		try (Conversation conversation = Conversation
			.with(IpcServer.builder().handler("method", Object.class, (request) -> request.payload()));
				OwnedFd file = OwnedFd.open(Path.of("/dev/null"))) {
			IpcRequester requester = conversation.requester();
			for (Object payload : new Object[] { "abc", new byte[] { 1, 2 } }) {
				Exchange exchange = requester.begin(Conversation.inTime()).method("method");
				exchange.inspectedBy((method, body, blocks, descriptors) -> seen
					.add(method + ' ' + hex(body) + ' ' + descriptors.equals(List.of(file))));
				exchange.request(payload, file);
				exchange.reply(Object.class).close();
			}
		}
		assertThat(seen).containsExactly("method 63616263 true", "method 420102 true");
	}

	@Test
	void aRequestThatIsRefusedIsNotSentAndTheNextOneIsAnswered() throws Exception {
		try (Conversation conversation = Conversation
			.with(IpcServer.builder().handler(String.class, (request) -> request.payload()))) {
			IpcRequester requester = conversation.requester();
			Exchange refused = requester.begin(Conversation.inTime())
				.inspectedBy((method, body, blocks, descriptors) -> {
					throw new IllegalArgumentException("refused");
				});
			assertThatExceptionOfType(IllegalArgumentException.class).isThrownBy(() -> refused.request("bad"))
				.withMessage("refused");
			assertThat(refused.isRequestSent()).isFalse();
			assertThat(requester.owed()).isZero();
			Exchange next = requester.begin(Conversation.inTime());
			next.request("good");
			try (IpcMessage<String> reply = next.reply(String.class)) {
				assertThat(reply.payload()).isEqualTo("good");
			}
		}
	}

	private static String hex(ByteBuffer body) {
		byte[] bytes = new byte[body.remaining()];
		body.get(bytes);
		return HexFormat.of().formatHex(bytes);
	}

}
