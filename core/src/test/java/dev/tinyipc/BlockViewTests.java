package dev.tinyipc;

import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.core.JacksonException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
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
	void theBlockIsNotWrittenAgainBeforeTheReplyIsClosedAndOthersAre() throws Exception {
		try (BlockConversation conversation = BlockConversation.with(server())) {
			IpcMessage<ByteBuffer> first = ask(conversation, "filled", 1, ByteBuffer.class);
			IpcMessage<ByteBuffer> second = ask(conversation, "filled", 2, ByteBuffer.class);
			for (int i = 3; i < 10; i++) {
				try (IpcMessage<ByteBuffer> other = ask(conversation, "filled", i, ByteBuffer.class)) {
					assertThat(other.payload()).isEqualTo(filled(i));
					assertThat(other.size()).isLessThan(SMALL);
				}
			}
			assertThat(first.payload()).isEqualTo(filled(1));
			assertThat(second.payload()).isEqualTo(filled(2));
			first.close();
			second.close();
			for (int i = 10; i < 20; i++) {
				try (IpcMessage<ByteBuffer> other = ask(conversation, "filled", i, ByteBuffer.class)) {
					assertThat(other.payload()).isEqualTo(filled(i));
				}
			}
			assertThat(conversation.served().blocks().size()).isEqualTo(3 * MIB);
			assertThat(conversation.channel().receivedBlocks().size()).isEqualTo(3 * MIB);
		}
	}

	/** Whoever keeps one must not make the calls of others fail. */
	@Test
	void aReplyThatFitsIntoNoMessageComesBesideAnOpenView() throws Exception {
		byte[] large = Samples.random(IpcChannel.DEFAULT_MAX_MESSAGE_SIZE + 1);
		try (BlockConversation conversation = BlockConversation
			.with(server().handler("large", Integer.class, (request) -> large));
				IpcMessage<ByteBuffer> open = ask(conversation, "filled", 1, ByteBuffer.class)) {
			for (int i = 0; i < 5; i++) {
				try (IpcMessage<ByteBuffer> reply = ask(conversation, "large", i, ByteBuffer.class)) {
					assertThat(reply.payload()).isEqualTo(ByteBuffer.wrap(large));
				}
			}
			assertThat(open.payload()).isEqualTo(filled(1));
		}
	}

	@Test
	void viewsThatUseUpAllRoomHaveFurtherRepliesSentInTheMessage() throws Exception {
		try (BlockConversation conversation = BlockConversation.with(server(), 2 * MIB)) {
			List<IpcMessage<ByteBuffer>> open = new ArrayList<>();
			for (int i = 0; i < 5; i++) {
				open.add(ask(conversation, "filled", i, ByteBuffer.class));
			}
			assertThat(open).extracting((each) -> each.size() < SMALL).containsExactly(true, true, false, false, false);
			for (int i = 0; i < 5; i++) {
				assertThat(open.get(i).payload()).isEqualTo(filled(i));
				open.get(i).close();
			}
			try (IpcMessage<ByteBuffer> next = ask(conversation, "filled", 9, ByteBuffer.class)) {
				assertThat(next.size()).isLessThan(SMALL);
			}
		}
	}

	@Test
	void aCallerOfAContractMustNotHandOutWhatIsValidNoLonger() throws Exception {
		try (BlockConversation conversation = BlockConversation.with(server())) {
			Filler filler = IpcContract.of(Filler.class).client(new SharingCaller(conversation.requester()));
			assertThatIllegalStateException().isThrownBy(() -> filler.filled(1))
				.withMessageContaining("IpcContract.Caller.copying");
			try (IpcMessage<ByteBuffer> reply = filler.message(2)) {
				assertThat(reply.payload()).isEqualTo(filled(2));
			}
		}
	}

	interface Filler {

		ByteBuffer filled(int value);

		@IpcExchange("filled too")
		IpcMessage<ByteBuffer> message(int value);

	}

	/** Has nothing copied. */
	private record SharingCaller(IpcRequester requester) implements IpcContract.Caller {

		@Override
		public <R> IpcMessage<R> call(String method, Object payload, Type type, @Nullable Duration timeout,
				OwnedFd... descriptors) throws IpcException {
			return Conversation.ask(this.requester, "filled", payload, descriptors).reply(type);
		}

		@Override
		public <R> CompletableFuture<IpcMessage<R>> callAsync(String method, Object payload, Type type,
				@Nullable Duration timeout, OwnedFd... descriptors) {
			throw new UnsupportedOperationException();
		}

		@Override
		public <R> Stream<IpcMessage<R>> stream(String method, Object payload, Type type, @Nullable Duration timeout,
				OwnedFd... descriptors) {
			throw new UnsupportedOperationException();
		}

	}

	/** More of them than there may be blocks. */
	@Test
	void anyNumberOfViewsMayBeOpen() throws Exception {
		try (BlockConversation conversation = BlockConversation
			.with(IpcServer.builder().handler(Integer.class, (request) -> {
				byte[] data = new byte[SharedBlocks.THRESHOLD];
				Arrays.fill(data, request.payload().byteValue());
				return data;
			}), 1024 * MIB)) {
			List<IpcMessage<ByteBuffer>> open = new ArrayList<>();
			for (int i = 0; i < 500; i++) {
				open.add(ask(conversation, "", i, ByteBuffer.class));
			}
			for (int i = 0; i < 500; i++) {
				assertThat(open.get(i).payload().get(7)).isEqualTo((byte) i);
				open.get(i).close();
			}
			assertThat(ask(conversation, "", 1, byte[].class).size()).isLessThan(SMALL);
		}
	}

	/**
	 * What is skipped is not asked for, but its descriptors are still those of blocks.
	 */
	@Test
	void aReferenceInWhatIsSkippedIsNoneOfTheDescriptorsOfTheApplication() throws Exception {
		try (BlockConversation conversation = BlockConversation.with(IpcServer.builder()
			.handler(Integer.class,
					(request) -> Map.of("number", 7, "skipped",
							Map.of("inner", List.of(1, Map.of("data", new byte[MIB]))))));
				IpcMessage<Numbered> reply = ask(conversation, "", 1, Numbered.class)) {
			assertThat(reply.size()).isLessThan(SMALL);
			assertThat(reply.payload().number).isEqualTo(7);
			assertThat(reply.descriptors()).isEmpty();
		}
	}

	/** Read as a bean, and not as a record, whose unknown components Jackson skips. */
	@JsonIgnoreProperties(ignoreUnknown = true)
	static class Numbered {

		public int number;

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
