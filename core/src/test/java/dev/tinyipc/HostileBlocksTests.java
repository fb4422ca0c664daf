package dev.tinyipc;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

/** A peer that refers to whatever it likes is told so, and costs its own message only. */
@Timeout(120)
class HostileBlocksTests {

	private static final String TAG = "da4950534c";

	private static final int SIZE = 64 * 1024;

	private static final int LIMIT = 8 * SIZE;

	private static final int SHRINK = 0x2, GROW = 0x4, SEAL = 0x1;

	private static final int MFD_HUGETLB = 4;

	private final List<OwnedFd> sent = new ArrayList<>();

	private IpcSocketPair pair;

	private IpcServer server;

	private IpcChannel peer;

	@BeforeEach
	void serve() throws Exception {
		this.pair = IpcSocket.pair();
		this.server = IpcServer.builder().handler(Object.class, (request) -> {
			Object payload = request.payload();
			return (payload instanceof byte[] bytes) ? "bytes " + bytes.length + ' ' + bytes[0]
					: "others " + request.descriptors().size();
		}).build();
		this.server.serve(IpcChannel.over(this.pair.child()).withBlocks(LIMIT));
		this.peer = IpcChannel.over(this.pair.parent());
	}

	@AfterEach
	void close() {
		this.pair.close();
		this.server.close();
		OwnedFd.closeAll(this.sent);
	}

	/** A file of a peer, which it can still write. */
	private OwnedFd block(long size, int seals) throws IpcException {
		SharedMemory file = SharedMemory.create("of the peer");
		this.sent.add(file.descriptor());
		int fd = file.descriptor().fd();
		Errno.check("ftruncate", LibC.ftruncate(fd, size));
		Errno.check("fcntl", LibC.fcntl(fd, LibC.F_ADD_SEALS, seals));
		return file.descriptor();
	}

	private OwnedFd block() throws IpcException {
		return block(SIZE, SHRINK | GROW | SEAL);
	}

	private String ask(String body, OwnedFd... descriptors) throws IpcException {
		RawSender.send(this.pair.parent(), Samples.frame(HexFormat.of().parseHex(body)), descriptors);
		try (IpcMessage<String> reply = this.peer.receive(String.class)) {
			return reply.payload();
		}
	}

	private void assertRefused(String why, String body, OwnedFd... descriptors) throws IpcException {
		assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> ask(body, descriptors))
			.withMessageContaining(why);
		assertServes();
	}

	private void assertServes() throws IpcException {
		assertThat(ask(TAG + "830000191000", block())).isEqualTo("bytes 4096 0");
	}

	@ParameterizedTest
	@CsvSource({ "f6, not an array", "00, not an array", "43000000, not an array", "a0, not an array",
			"80, three unsigned numbers", "820001, three unsigned numbers", "8400000101, more than three numbers",
			"83000020, three unsigned numbers", "83002001, three unsigned numbers", "8300f601, three unsigned numbers",
			"83000041ff, three unsigned numbers", "830000f93c00, three unsigned numbers",
			"830000c101, three unsigned numbers", "830000" + TAG + "01, three unsigned numbers",
			"9f00000101ff, more than three numbers", "8300008101, three unsigned numbers" })
	void whatIsNotThreeNumbersIsRefused(String content, String why) throws Exception {
		assertRefused(why, TAG + content, block());
		assertRefused(why, "81" + TAG + content, block());
	}

	@ParameterizedTest
	@CsvSource({ "830100 01", "8318ff0001", "831a7fffffff0001", "831b80000000000000000001",
			"831bffffffffffffffff0001" })
	void aBlockThatTheMessageHasNotIsRefused(String content) throws Exception {
		assertRefused("of a message that has 1", TAG + content.replace(" ", ""), block());
	}

	@Test
	void aReferenceWithoutDescriptorsIsRefused() throws Exception {
		assertRefused("of a message that has 0", TAG + "83000001");
		assertRefused("of a message that has 0", "a16161" + TAG + "83000001");
	}

	@ParameterizedTest
	@ValueSource(strings = { "83000000", "8300001a00010001", "83001a0001000001", "83001a0000ffff02",
			"83001b7fffffffffffffff1a00010000", "83001b7fffffffffffffff1b7fffffffffffffff", "8300011b7fffffffffffffff",
			"83001bffffffffffffffff01", "8300001bffffffffffffffff", "83001b000000010000000001" })
	void whatIsNotInTheBlockIsRefused(String content) throws Exception {
		assertRefused("of a block of " + SIZE, TAG + content, block());
	}

	@ParameterizedTest
	@ValueSource(ints = { 0, SHRINK, GROW, SEAL, SHRINK | GROW, SHRINK | SEAL, GROW | SEAL })
	void aFileThatIsNotSealedIsRefused(int seals) throws Exception {
		assertRefused("sealed against shrinking", TAG + "83000001", block(SIZE, seals));
	}

	@Test
	void whatIsNoMemoryIsRefused() throws Exception {
		for (String path : List.of("/dev/null", "/dev/zero", "/proc/self/exe", "/")) {
			OwnedFd descriptor = OwnedFd.open(Path.of(path));
			this.sent.add(descriptor);
			assertRefused("it refers to " + descriptor.kind().description(), TAG + "83000001", descriptor);
		}
		assertRefused("it refers to a socket", TAG + "83000001", this.pair.child().descriptor());
	}

	@Test
	void memoryOfHugePagesWhichMayFailToBeReadIsRefused() throws Exception {
		NativeBuffer name = NativeBuffer.string("Name", "huge");
		int fd = LibC.memfd_create(name.address(), LibC.MFD_CLOEXEC | LibC.MFD_ALLOW_SEALING | MFD_HUGETLB);
		assumeThat(fd).as("a file with huge pages").isNotNegative();
		OwnedFd descriptor = OwnedFd.of(fd);
		this.sent.add(descriptor);
		LibC.fcntl(fd, LibC.F_ADD_SEALS, SHRINK | GROW | SEAL);
		assertRefused("not to memory of this kind", TAG + "83000001", descriptor);
	}

	@Test
	void emptyFilesAreRefused() throws Exception {
		assertRefused("EINVAL", TAG + "83000001", block(0, SHRINK | GROW | SEAL));
	}

	@Test
	void moreBytesThanWereAcceptedAreRefusedBeforeTheyAreMapped() throws Exception {
		assertRefused("more than " + LIMIT + " bytes", TAG + "83000001", block(LIMIT + 4096, SHRINK | GROW | SEAL));
		assertRefused("more than " + LIMIT + " bytes", TAG + "83000001", block(Long.MAX_VALUE, SHRINK | GROW | SEAL));
		assertRefused("more than " + LIMIT + " bytes", "82" + TAG + "83000001" + TAG + "83010001",
				block(LIMIT, SHRINK | GROW | SEAL), block());
	}

	/** Each of them would be a copy. */
	@Test
	void manyReferencesToTheSameBytesAreRefused() throws Exception {
		String reference = TAG + "8300001a00010000";
		assertThat(ask("88" + reference.repeat(8), block())).isEqualTo("others 0");
		assertRefused("more than " + LIMIT + " bytes", "89" + reference.repeat(9), block());
	}

	@Test
	void tooManyBlocksAreRefused() throws Exception {
		ByteArrayOutputStream body = new ByteArrayOutputStream();
		int count = SharedBlocks.MAX_BLOCKS + 1;
		body.writeBytes(new byte[] { (byte) 0x98, (byte) count });
		OwnedFd[] blocks = new OwnedFd[count];
		for (int i = 0; i < count; i++) {
			body.writeBytes(HexFormat.of().parseHex(TAG + "8318" + HexFormat.of().toHexDigits((byte) i) + "0001"));
			blocks[i] = block(4096, SHRINK | GROW | SEAL);
		}
		assertRefused("one block more", HexFormat.of().formatHex(body.toByteArray()), blocks);
	}

	@Test
	void aTagWithinTagsAndHeadsOfAnyWidthAreUnderstood() throws Exception {
		assertThat(ask("d9d9f7" + TAG + "9f1800190000193001ff", block())).isEqualTo("bytes 12289 0");
		assertThat(ask("db000000004950534c831b0000000000000000001a00001000", block())).isEqualTo("bytes 4096 0");
	}

	@Test
	void whatNobodyReadsIsCheckedAndClosedNevertheless() throws Exception {
		IpcServer picky = IpcServer.builder()
			.handler(Named.class, (request) -> request.payload().name() + request.descriptors().size())
			.build();
		try (picky; IpcSocketPair other = IpcSocket.pair()) {
			picky.serve(IpcChannel.over(other.child()).withBlocks(LIMIT));
			IpcChannel channel = IpcChannel.over(other.parent());
			RawSender.send(other.parent(),
					Samples.frame(HexFormat.of().parseHex("a2646e616d65616e6178" + TAG + "83000001")), block());
			assertThat(channel.receive(String.class).payload()).isEqualTo("n0");
			RawSender.send(other.parent(),
					Samples.frame(HexFormat.of().parseHex("a2646e616d65616e6178" + TAG + "83010001")), block());
			assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> channel.receive(String.class));
		}
	}

	/** It can, but what was received is a copy. */
	@Test
	void aPeerThatWritesLaterChangesNoByteArray() throws Exception {
		IpcSocketPair other = IpcSocket.pair();
		try (other) {
			OwnedFd block = block();
			IpcChannel receiver = IpcChannel.over(other.child()).withBlocks(LIMIT);
			RawSender.send(other.parent(), Samples.frame(HexFormat.of().parseHex(TAG + "8300001a00010000")), block);
			try (IpcMessage<byte[]> message = receiver.receive(byte[].class)) {
				NativeBuffer ones = NativeBuffer.allocate(SIZE);
				ones.bytes().put(0, new byte[] { 1, 1, 1 });
				LibC.pwrite(block.fd(), ones.address(), SIZE, 0);
				assertThat(message.payload()).containsOnly(0);
				assertThat(message.descriptors()).isEmpty();
			}
		}
	}

	@Test
	void aReplyWithAWrongReferenceIsAnErrorOfItsCallerOnly() throws Exception {
		try (IpcSocketPair other = IpcSocket.pair()) {
			IpcRequester requester = IpcRequester.greeted(IpcChannel.over(other.parent()).withBlocks(LIMIT), "the peer",
					new IpcHello(2, true, true, 1, Optional.empty(), 0, 0, false, LIMIT));
			OwnedFd block = block();
			for (String reference : List.of("83000001", "83010001", "8300001a00010001", "83001a0000fff018ff")) {
				Exchange exchange = Conversation.ask(requester, "", "x");
				IpcChannel.over(other.child()).receive(Object.class).close();
				RawSender.send(other.child(),
						Samples.frame(HexFormat.of()
							.parseHex("da49505346a26269641b" + HexFormat.of().toHexDigits(exchange.number())
									+ "677061796c6f6164" + TAG + reference)),
						block);
				if (reference.equals("83000001")) {
					assertThat(exchange.reply(byte[].class).payload()).hasSize(1);
				}
				else {
					assertThatExceptionOfType(JacksonException.class).isThrownBy(() -> exchange.reply(byte[].class));
				}
			}
			assertThat(requester.isUsable()).isTrue();
			assertThat(requester.owed()).isZero();
		}
	}

	@Test
	void randomReferencesCostNothingButAnError() throws Exception {
		Random random = new Random(7);
		OwnedFd block = block();
		int errors = 0;
		for (int i = 0; i < 3000; i++) {
			byte[] body = new byte[1 + random.nextInt(20)];
			random.nextBytes(body);
			ByteBuffer whole = ByteBuffer.allocate(6 + body.length)
				.put(HexFormat.of().parseHex(TAG))
				.put((byte) (0x80 + random.nextInt(5)))
				.put(body);
			try {
				ask(HexFormat.of().formatHex(whole.array()), block);
			}
			catch (IpcException.Remote ex) {
				errors++;
			}
			catch (JacksonException ex) {
				throw new AssertionError(HexFormat.of().formatHex(whole.array()), ex);
			}
		}
		assertThat(errors).isGreaterThan(2000);
		assertServes();
	}

	record Named(String name) {
	}

}
