package dev.tinyipc;

import java.nio.ByteBuffer;
import java.util.Arrays;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.core.JacksonException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

/** Whoever asks reads large data where it is, until the reply is closed. */
@Timeout(120)
class BlockViewTests {

	private static final int MIB = BlockConversation.MIB;

	private static final int SMALL = 300;

	private static IpcServerBuilder server() {
		return IpcServer.builder().handler("filled", Integer.class, (request) -> {
			byte[] data = new byte[MIB];
			Arrays.fill(data, request.payload().byteValue());
			return data;
		}).handler("part", Integer.class, (request) -> new Part(7, ByteBuffer.wrap(new byte[MIB])));
	}

	private static <T> IpcMessage<T> ask(BlockConversation conversation, String method, int value, Class<T> type)
			throws IpcException {
		return Conversation.ask(conversation.requester(), method, value).reply(type);
	}

	private static ByteBuffer filled(int value) {
		byte[] data = new byte[MIB];
		Arrays.fill(data, (byte) value);
		return ByteBuffer.wrap(data);
	}

	@Test
	void theBufferOfAReplyIsAReadOnlyViewOfTheBlock() throws Exception {
		try (BlockConversation conversation = BlockConversation.with(server());
				IpcMessage<ByteBuffer> reply = ask(conversation, "filled", 1, ByteBuffer.class);
				IpcMessage<Part> second = ask(conversation, "part", 1, Part.class)) {
			assertThat(reply.size()).isLessThan(SMALL);
			assertThat(reply.payload().isReadOnly()).isTrue();
			assertThat(reply.payload().isDirect()).isTrue();
			assertThat(reply.payload()).isEqualTo(filled(1));
			assertThat(second.payload().number()).isEqualTo(7);
		}
	}

	@Test
	void theBlockIsNotWrittenAgainBeforeTheReplyIsClosed() throws Exception {
		try (BlockConversation conversation = BlockConversation.with(server())) {
			IpcMessage<ByteBuffer> first = ask(conversation, "filled", 1, ByteBuffer.class);
			for (int i = 2; i < 5; i++) {
				try (IpcMessage<ByteBuffer> other = ask(conversation, "filled", i, ByteBuffer.class)) {
					assertThat(other.payload()).isEqualTo(filled(i));
					assertThat(other.size()).isGreaterThan(MIB);
				}
			}
			assertThat(first.payload()).isEqualTo(filled(1));
			first.close();
			for (int i = 5; i < 10; i++) {
				try (IpcMessage<ByteBuffer> other = ask(conversation, "filled", i, ByteBuffer.class)) {
					assertThat(other.payload()).isEqualTo(filled(i));
					assertThat(other.size()).isLessThan(SMALL);
				}
			}
			assertThat(BlockConversation.resources(conversation.served()).blocks().size()).isEqualTo(MIB);
			assertThat(BlockConversation.resources(conversation.channel()).receivedBlocks().size()).isEqualTo(MIB);
		}
	}

	@Test
	void aReplyThatIsCopiedOutlivesItsMessage() throws Exception {
		try (BlockConversation conversation = BlockConversation.with(server())) {
			Exchange exchange = conversation.requester().begin(Conversation.inTime()).method("filled").copied();
			exchange.request(1);
			ByteBuffer copy;
			try (IpcMessage<ByteBuffer> reply = exchange.reply(ByteBuffer.class)) {
				assertThat(reply.size()).isLessThan(SMALL);
				copy = reply.payload();
			}
			ask(conversation, "filled", 2, byte[].class).close();
			assertThat(copy).isEqualTo(filled(1));
			assertThat(copy.isDirect()).isFalse();
		}
	}

	@Test
	void aReplyWithoutABufferKeepsNoBlockEvenIfNobodyClosesIt() throws Exception {
		try (BlockConversation conversation = BlockConversation.with(server())) {
			IpcMessage<byte[]> first = ask(conversation, "filled", 1, byte[].class);
			try (IpcMessage<byte[]> second = ask(conversation, "filled", 2, byte[].class)) {
				assertThat(second.size()).isLessThan(SMALL);
			}
			assertThat(first.payload()).containsOnly(1);
			first.close();
		}
	}

	@Test
	void aReplyThatCannotBeReadKeepsNoBlock() throws Exception {
		try (BlockConversation conversation = BlockConversation.with(server())) {
			assertThatExceptionOfType(JacksonException.class)
				.isThrownBy(() -> ask(conversation, "part", 1, Number.class));
			try (IpcMessage<ByteBuffer> next = ask(conversation, "filled", 2, ByteBuffer.class)) {
				assertThat(next.size()).isLessThan(SMALL);
				assertThat(next.payload()).isEqualTo(filled(2));
			}
		}
	}

	@Test
	void aViewCanBeReadAfterTheSocketWasClosedAndItsMemoryIsGivenBackWithTheReply() throws Exception {
		BlockConversation conversation = BlockConversation.with(server());
		IpcMessage<ByteBuffer> reply = ask(conversation, "filled", 3, ByteBuffer.class);
		conversation.close();
		await().until(() -> BlockConversation.mapped() == 1);
		assertThat(reply.payload()).isEqualTo(filled(3));
		reply.close();
		reply.close();
		assertThat(BlockConversation.mapped()).isZero();
		assertThat(reply.payload().get(0)).isZero();
	}

	record Part(int number, ByteBuffer data) {
	}

}
