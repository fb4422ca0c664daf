package dev.tinyipc;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JsonParser;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.type.TypeReference;
import tools.jackson.core.util.JsonParserDelegate;
import tools.jackson.dataformat.cbor.CBORFactory;
import tools.jackson.dataformat.cbor.CBORMapper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

/** Bulk data goes through memory that both ends map, and everything else as before. */
@Timeout(120)
class SharedBlocksTests {

	private static final int MIB = BlockConversation.MIB;

	private static final int LIMIT = BlockConversation.LIMIT;

	private final List<AutoCloseable> open = new ArrayList<>();

	private IpcChannel channel;

	private IpcChannel served;

	@AfterEach
	void close() throws Exception {
		for (AutoCloseable each : this.open) {
			each.close();
		}
	}

	private IpcRequester ask(IpcServerBuilder builder) throws IpcException {
		return ask(builder, BlockConversation.HELLO, LIMIT);
	}

	private IpcRequester ask(IpcServerBuilder builder, IpcHello hello, int limitOfServer) throws IpcException {
		BlockConversation conversation = BlockConversation.with(builder, hello, limitOfServer);
		this.open.add(conversation);
		this.channel = conversation.channel();
		this.served = conversation.served();
		return conversation.requester();
	}

	private static IpcServerBuilder echo() {
		return IpcServer.builder()
			.handler("bytes", byte[].class, IpcMessage::payload)
			.handler("any", Object.class, IpcMessage::payload)
			.handler("image", Image.class, IpcMessage::payload)
			.handler("buffer", ByteBuffer.class, IpcMessage::payload);
	}

	private static <T> T call(IpcRequester requester, String method, Object payload, Class<T> type)
			throws IpcException {
		try (IpcMessage<T> reply = Conversation.ask(requester, method, payload).reply(type)) {
			return reply.payload();
		}
	}

	@ParameterizedTest
	@ValueSource(strings = { "bytes", "any", "buffer" })
	void aLargeByteArrayGoesThroughABlockInBothDirections(String method) throws Exception {
		IpcRequester requester = ask(echo());
		byte[] data = Samples.random(3 * MIB + 1);
		Exchange exchange = requester.begin(Conversation.inTime()).method(method);
		assertThat(exchange.request(data)).isLessThan(300);
		try (IpcMessage<byte[]> reply = exchange.reply(byte[].class)) {
			assertThat(reply.size()).isLessThan(100);
			assertThat(reply.descriptors()).isEmpty();
			assertThat(Arrays.equals(reply.payload(), data)).isTrue();
		}
	}

	@Test
	void arraysAreFoundWhereverTheyAreAndSmallOnesStay() throws Exception {
		IpcRequester requester = ask(echo());
		Image image = new Image("a", Samples.random(MIB), List.of(Samples.random(300_000), Samples.random(10)),
				Map.of("x", Samples.random(SharedBlocks.THRESHOLD), "y", Samples.random(SharedBlocks.THRESHOLD - 1)),
				ByteBuffer.wrap(Samples.random(400_000)));
		Exchange exchange = requester.begin(Conversation.inTime()).method("image");
		assertThat(exchange.request(image)).isBetween((long) SharedBlocks.THRESHOLD, SharedBlocks.THRESHOLD + 1000L);
		try (IpcMessage<Image> reply = exchange.reply(Image.class)) {
			Image back = reply.payload();
			assertThat(Arrays.equals(back.pixels(), image.pixels())).isTrue();
			assertThat(back.layers()).usingElementComparator(Arrays::compare).isEqualTo(image.layers());
			assertThat(back.named().get("x")).isEqualTo(image.named().get("x"));
			assertThat(back.named().get("y")).isEqualTo(image.named().get("y"));
			assertThat(back.buffer()).isEqualTo(image.buffer());
			assertThat(back.name()).isEqualTo("a");
		}
	}

	@Test
	void aHandlerSeesAReadOnlyView() throws Exception {
		IpcRequester requester = ask(IpcServer.builder().handler("whole", ByteBuffer.class, (request) -> {
			ByteBuffer data = request.payload();
			return List.of(data.isReadOnly(), data.isDirect(), data.remaining(), (int) data.get(MIB - 1));
		}).handler("part", Part.class, (request) -> {
			ByteBuffer data = request.payload().data();
			return List.of(data.isReadOnly(), data.isDirect(), data.remaining(), (int) data.get(MIB - 1));
		}));
		byte[] data = new byte[MIB];
		data[MIB - 1] = 7;
		assertThat(call(requester, "whole", data, Object.class)).isEqualTo(List.of(true, true, MIB, 7));
		assertThat(call(requester, "part", new Part(ByteBuffer.wrap(data)), Object.class))
			.isEqualTo(List.of(true, true, MIB, 7));
	}

	@Test
	void aCopyIsThePrivateMemoryOfWhoeverHasMadeIt() throws Exception {
		CompletableFuture<ByteBuffer> copied = new CompletableFuture<>();
		IpcRequester requester = ask(IpcServer.builder()
			.handler("copy", ByteBuffer.class, (request) -> copied.complete(SharedBlocks.copy(request.payload())))
			.handler("bytes", byte[].class, IpcMessage::payload));
		byte[] data = Samples.random(MIB);
		call(requester, "copy", data, Object.class);
		call(requester, "bytes", new byte[MIB], byte[].class);
		assertThat(copied.join().isDirect()).isFalse();
		assertThat(copied.join()).isEqualTo(ByteBuffer.wrap(data));
	}

	@Test
	void descriptorsOfTheApplicationComeFirstAndThoseOfBlocksAreNotSeen() throws Exception {
		IpcRequester requester = ask(IpcServer.builder()
			.handler("", Object.class, (request) -> new IpcServer.Reply(request.payload(),
					request.descriptors().stream().map(SharedBlocksTests::duplicate).toArray(OwnedFd[]::new))));
		try (SharedMemory memory = SharedMemory.create("mine")) {
			memory.outputStream().write("abc".getBytes());
			Exchange exchange = Conversation.ask(requester, "", List.of(new byte[MIB], new byte[2 * MIB]),
					memory.descriptor());
			try (IpcMessage<List<byte[]>> reply = exchange.reply(new TypeReference<List<byte[]>>() {
			}.getType())) {
				assertThat(reply.descriptors()).hasSize(1);
				assertThat(reply.descriptors().get(0).inputStream().readAllBytes()).asString().isEqualTo("abc");
				assertThat(reply.payload()).extracting((each) -> each.length).containsExactly(MIB, 2 * MIB);
			}
		}
	}

	private static OwnedFd duplicate(OwnedFd descriptor) {
		try {
			return descriptor.duplicate();
		}
		catch (IpcException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	@Test
	void aBlockIsUsedAgainOnceItsMessageWasAnswered() throws Exception {
		IpcRequester requester = ask(echo());
		for (int i = 0; i < 20; i++) {
			byte[] data = Samples.random(MIB - i);
			assertThat(Arrays.equals(call(requester, "bytes", data, byte[].class), data)).isTrue();
		}
		assertThat(this.channel.blocks().size()).isEqualTo(MIB);
		assertThat(this.served.blocks().size()).isEqualTo(MIB);
		assertThat(this.channel.receivedBlocks().size()).isEqualTo(MIB);
	}

	@Test
	void aBlockIsNotWrittenWhileAnAbandonedRequestIsStillWorkedOn() throws Exception {
		CountDownLatch goOn = new CountDownLatch(1);
		CompletableFuture<Boolean> unchanged = new CompletableFuture<>();
		IpcRequester requester = ask(IpcServer.builder().handler("slow", ByteBuffer.class, (request) -> {
			goOn.await();
			ByteBuffer data = request.payload();
			unchanged.complete(IntStream.range(0, data.remaining()).allMatch((at) -> data.get(at) == 1));
			return null;
		}).handler("fast", byte[].class, (request) -> request.payload()[0]));
		byte[] ones = new byte[MIB];
		Arrays.fill(ones, (byte) 1);
		Exchange given = requester.begin(Deadline.in(Duration.ofMillis(50))).method("slow");
		given.request(ones);
		assertThatExceptionOfType(IpcException.Timeout.class).isThrownBy(() -> given.reply(Object.class));
		byte[] twos = new byte[MIB];
		Arrays.fill(twos, (byte) 2);
		Exchange next = Conversation.ask(requester, "fast", twos);
		goOn.countDown();
		try (IpcMessage<Integer> reply = next.reply(Integer.class)) {
			assertThat(reply.payload()).isEqualTo(2);
		}
		assertThat(unchanged.join()).isTrue();
		assertThat(this.channel.blocks().size()).isEqualTo(2 * MIB);
		assertThat(call(requester, "fast", ones, Integer.class)).isEqualTo(1);
		assertThat(this.channel.blocks().size()).isEqualTo(2 * MIB);
	}

	/** Its answer may be read at any time. */
	@Test
	void theAnswerToAOneWayMessageHasNoBlocksAndNoneIsWrittenWhileOneIsStillToBeRead() throws Exception {
		IpcRequester requester = ask(IpcServer.builder().handler(Integer.class, (request) -> {
			byte[] data = new byte[MIB];
			Arrays.fill(data, request.payload().byteValue());
			return data;
		}));
		call(requester, "", 1, byte[].class);
		assertThat(this.served.blocks().size()).isEqualTo(MIB);
		for (int i = 2; i < 4; i++) {
			requester.send(i, Conversation.inTime());
		}
		for (int i = 2; i < 4; i++) {
			try (IpcMessage<byte[]> answer = requester.receive(byte[].class, Conversation.inTime())) {
				assertThat(answer.size()).isGreaterThan(MIB);
				assertThat(answer.payload()).containsOnly(i);
			}
		}
		requester.send(4, Conversation.inTime());
		Exchange exchange = Conversation.ask(requester, "", 5);
		try (IpcMessage<byte[]> reply = exchange.reply(byte[].class)) {
			assertThat(reply.size()).isGreaterThan(MIB);
			assertThat(reply.payload()).containsOnly(5);
		}
		assertThat(call(requester, "", 6, byte[].class)).containsOnly(6);
		assertThat(this.served.blocks().size()).isEqualTo(MIB);
	}

	@Test
	void dataInBlocksDoesNotCountForTheMaximumMessageSize() throws Exception {
		IpcRequester requester = ask(echo());
		byte[] data = new byte[20 * MIB];
		data[20 * MIB - 1] = 1;
		assertThat(Arrays.equals(call(requester, "bytes", data, byte[].class), data)).isTrue();
	}

	@Test
	void whatDoesNotFitIntoBlocksIsSentInTheMessageIfThatMayBeSoLarge() throws Exception {
		IpcRequester requester = ask(echo(), new IpcHello(2, true, true, 64, Optional.empty(), 0, 0, true, MIB), MIB);
		byte[] data = Samples.random(2 * MIB);
		Exchange exchange = requester.begin(Conversation.inTime()).method("bytes");
		assertThat(exchange.request(data)).isGreaterThan(2 * MIB);
		try (IpcMessage<byte[]> reply = exchange.reply(byte[].class)) {
			assertThat(Arrays.equals(reply.payload(), data)).isTrue();
		}
		assertThatExceptionOfType(IpcException.MessageTooLarge.class)
			.isThrownBy(() -> call(requester, "bytes", new byte[20 * MIB], byte[].class));
		assertThat(call(requester, "bytes", data, byte[].class)).hasSize(2 * MIB);
	}

	@Test
	void moreArraysThanBlocksAreSentBothWays() throws Exception {
		IpcRequester requester = ask(echo());
		List<byte[]> data = IntStream.range(0, SharedBlocks.MAX_BLOCKS + 2)
			.mapToObj((i) -> Samples.random(SharedBlocks.THRESHOLD + i))
			.toList();
		assertThat(((List<?>) call(requester, "any", data, Object.class)).stream().map((each) -> (byte[]) each))
			.usingElementComparator(Arrays::compare)
			.containsExactlyElementsOf(data);
	}

	@Test
	void aPeerThatHasNotSaidThatItTakesBlocksGetsByteStrings() throws Exception {
		IpcRequester requester = ask(echo(), Conversation.HELLO, 0);
		Exchange exchange = requester.begin(Conversation.inTime()).method("bytes");
		assertThat(exchange.request(new byte[MIB])).isGreaterThan(MIB);
		try (IpcMessage<byte[]> reply = exchange.reply(byte[].class)) {
			assertThat(reply.size()).isGreaterThan(MIB);
		}
	}

	@Test
	void anInspectorSeesWhatIsInBlocks() throws Exception {
		IpcRequester requester = ask(echo());
		for (int i = 0; i < 2; i++) {
			byte[] data = Samples.random(MIB);
			List<String> seen = new ArrayList<>();
			Exchange exchange = requester.begin(Conversation.inTime()).method("any");
			exchange.inspectedBy((method, body, blocks, descriptors) -> seen
				.add(method + body.remaining() + blocks.equals(List.of(ByteBuffer.wrap(data))) + descriptors));
			exchange.request(List.of(data));
			exchange.reply(Object.class).close();
			assertThat(seen).containsExactly("any14true[]");
		}
	}

	@Test
	void aReaderCannotWriteIntoABlockOrChangeItsSize() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			IpcRequester requester = IpcRequester.greeted(IpcChannel.over(pair.parent()).withBlocks(LIMIT), "the peer",
					BlockConversation.HELLO);
			Conversation.ask(requester, "", new byte[MIB]);
			try (IpcMessage<Object> request = IpcChannel.over(pair.child()).receive(Object.class)) {
				int fd = request.descriptors().get(0).fd();
				NativeBuffer one = NativeBuffer.zeroed(1);
				assertThat(LibC.pwrite(fd, one.address(), 1, 0)).isNegative();
				assertThat(LibC.ftruncate(fd, MIB / 2)).isNegative();
				assertThat(LibC.ftruncate(fd, 2 * MIB)).isNegative();
				assertThat(LibC.mmap(0, MIB, LibC.PROT_WRITE, LibC.MAP_SHARED, fd, 0)).isEqualTo(-1);
			}
		}
	}

	@Test
	void aMapperWhoseParsersAreWrappedHasNoBlocks() throws Exception {
		CBORMapper decorated = new CBORMapper(new CBORFactory() {

			@Override
			public JsonParser createParser(ObjectReadContext context, byte[] content, int offset, int length) {
				return new JsonParserDelegate(super.createParser(context, content, offset, length));
			}

		});
		try (IpcSocketPair pair = IpcSocket.pair()) {
			assertThat(IpcChannel.over(pair.parent(), decorated).withBlocks(LIMIT).maxBlocksSize()).isZero();
			assertThat(IpcChannel.over(pair.parent()).withBlocks(LIMIT).maxBlocksSize()).isEqualTo(LIMIT);
		}
	}

	@Test
	void allMemoryIsGivenBackWhenTheSocketsAreClosed() throws Exception {
		IpcRequester requester = ask(echo());
		call(requester, "bytes", new byte[MIB], byte[].class);
		assertThat(BlockConversation.mapped()).isEqualTo(4);
		close();
		this.open.clear();
		await().until(() -> BlockConversation.mapped() == 0);
	}

	@Test
	void aHandlerReadsOnAfterItsSocketWasClosed() throws Exception {
		CountDownLatch begun = new CountDownLatch(1);
		CountDownLatch goOn = new CountDownLatch(1);
		CompletableFuture<Integer> read = new CompletableFuture<>();
		IpcRequester requester = ask(IpcServer.builder().handler("", ByteBuffer.class, (request) -> {
			begun.countDown();
			try {
				goOn.await();
			}
			catch (InterruptedException ex) {
				goOn.await(); // the peer is gone
			}
			read.complete((int) request.payload().get(MIB - 1));
			return null;
		}));
		byte[] data = new byte[MIB];
		data[MIB - 1] = 9;
		Conversation.ask(requester, "", data);
		begun.await();
		this.channel.socket().close();
		this.served.socket().close();
		goOn.countDown();
		assertThat(read.join()).isEqualTo(9);
	}

	/** Where addresses were unmapped, this would end the JVM. */
	@Test
	void aViewThatSomebodyKeepsHasZeroesOnceTheMemoryIsGivenBack() throws Exception {
		CompletableFuture<ByteBuffer> kept = new CompletableFuture<>();
		IpcRequester requester = ask(IpcServer.builder().handler("", ByteBuffer.class, (request) -> {
			kept.complete(request.payload());
			return null;
		}));
		byte[] data = new byte[MIB];
		Arrays.fill(data, (byte) 5);
		call(requester, "", data, Object.class);
		assertThat(kept.join().get(MIB - 1)).isEqualTo((byte) 5);
		await().until(() -> this.served.receivedBlocks().drop(0));
		assertThat(kept.join().get(MIB - 1)).isZero();
		assertThat(call(requester, "", data, Object.class)).isNull();
	}

	@Test
	void blocksThatNobodyUsesAreGivenBack() throws Exception {
		IpcRequester requester = ask(echo());
		call(requester, "bytes", new byte[MIB], byte[].class);
		call(requester, "bytes", new byte[0], byte[].class);
		for (IpcChannel each : List.of(this.channel, this.served)) {
			assertThat(each.blocks().drop(0)).isTrue();
			await().until(() -> each.receivedBlocks().drop(0));
		}
		assertThat(BlockConversation.mapped()).isZero();
		assertThat(call(requester, "bytes", Samples.random(MIB), byte[].class)).isEqualTo(Samples.random(MIB));
	}

	@Test
	void aOneWayMessageIsSentAsBefore() throws Exception {
		IpcRequester requester = ask(echo().handler(byte[].class, (request) -> request.payload().length));
		assertThat(requester.send(new byte[MIB], Conversation.inTime())).isGreaterThan(MIB);
		try (IpcMessage<Integer> answer = requester.receive(Integer.class, Conversation.inTime())) {
			assertThat(answer.payload()).isEqualTo(MIB);
		}
		assertThat(BlockConversation.mapped()).isZero();
	}

	@Test
	void invitedChildTakesAndGivesAsMuchAsItsParentAccepts() throws Exception {
		IpcProcessBuilder builder = new IpcProcessBuilder(new ChildJvm(Echo.class).command());
		builder.environment().put(IpcServer.HELLO_VARIABLE, "1");
		builder.environment().put(IpcServer.BLOCKS_VARIABLE, Integer.toString(LIMIT));
		try (IpcProcess child = builder.start()) {
			IpcChannel channel = IpcChannel.over(child.socket()).withBlocks(LIMIT);
			IpcRequester requester = IpcRequester.over(channel, "the child");
			assertThat(requester.awaitHello(Conversation.inTime()).blocks()).isEqualTo(LIMIT);
			for (int i = 0; i < 3; i++) {
				byte[] data = Samples.random(20 * MIB);
				Exchange exchange = requester.begin(Conversation.inTime());
				assertThat(exchange.request(data)).isLessThan(300);
				try (IpcMessage<byte[]> reply = exchange.reply(byte[].class)) {
					assertThat(reply.size()).isLessThan(300);
					assertThat(Arrays.equals(reply.payload(), data)).isTrue();
				}
			}
			child.destroyForcibly().waitFor();
		}
		assertThat(BlockConversation.mapped()).isZero();
	}

	static final class Echo {

		public static void main(String[] args) throws Exception {
			IpcServer.serve(byte[].class, IpcMessage::payload);
		}

	}

	@ParameterizedTest
	@ValueSource(strings = { "", "-1", "64MB" })
	void whatIsNoNumberOfBytesEndsTheChildWithAMessage(String limit) throws Exception {
		IpcProcessBuilder builder = new IpcProcessBuilder(new ChildJvm(Echo.class).command()).redirectErrorStream(true);
		builder.environment().put(IpcServer.HELLO_VARIABLE, "1");
		builder.environment().put(IpcServer.BLOCKS_VARIABLE, limit);
		try (IpcProcess child = builder.start()) {
			assertThat(child.getInputStream().readAllBytes()).asString()
				.contains("The environment says TINY_IPC_BLOCKS=" + limit + ",");
			assertThat(child.waitFor()).isEqualTo(1);
		}
	}

	@Test
	void sizesOfBlocksAreFewAndWasteLittle() {
		Set<Integer> sizes = new LinkedHashSet<>();
		for (int length = SharedBlocks.THRESHOLD; length <= LIMIT; length += 4099) {
			int size = SharedBlocks.sizeOf(length);
			assertThat(size).isBetween(length, length + length / 8 + 4096);
			sizes.add(size);
		}
		assertThat(sizes).hasSizeLessThan(80);
		assertThat(SharedBlocks.sizeOf(Integer.MAX_VALUE)).isPositive();
	}

	record Image(String name, byte[] pixels, List<byte[]> layers, Map<String, byte[]> named, ByteBuffer buffer) {
	}

	record Part(ByteBuffer data) {
	}

}
