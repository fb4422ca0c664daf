package dev.tinyipc.interop;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import dev.tinyipc.OwnedFd;
import dev.tinyipc.RawMemory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import static org.assertj.core.api.Assertions.assertThat;

/** Children in other languages that read bulk data from blocks of shared memory. */
@Timeout(value = 180, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SharedBlockTests {

	private static final int REFERENCE = 1230000972;

	private static final int SIZE = 1 << 20;

	private static final int RING = 4096;

	private static final int LIMIT = 64 << 20;

	private final byte[] content = new byte[SIZE];

	SharedBlockTests() {
		new Random(14).nextBytes(this.content);
	}

	static Stream<Language> withBlocks() {
		return Arrays.stream(Language.values()).filter(Language::blocks);
	}

	@BeforeAll
	@Timeout(value = 30, unit = TimeUnit.MINUTES)
	static void build() {
		InteropTests.build();
	}

	@ParameterizedTest
	@MethodSource("withBlocks")
	void referenceIsAByteString(Language language) throws Exception {
		try (Child child = start(language); RawMemory block = block(SIZE)) {
			RawParent parent = RawParent.greeting(child);
			assertReads(parent, block);
			RawParent sharing = new RawParent(parent.share(RING));
			assertReads(sharing, block);
			sharing.close();
		}
	}

	private static Child start(Language language) throws Exception {
		language.require();
		return new Child(language.command(), Map.of("TINY_IPC_HELLO", "1", "TINY_IPC_BLOCKS", Integer.toString(LIMIT)));
	}

	private void assertReads(RawParent parent, RawMemory block) throws IOException {
		byte[] part = Arrays.copyOfRange(this.content, 7, 107);
		RawAnswer reply = ask(parent, "echo", "payload", reference(0, 7, 100), block);
		assertThat(reply.value().binaryValue()).isEqualTo(part);
		assertThat(total(parent, reference(0, 0, SIZE), block)).isEqualTo(sum(this.content));
		assertThat(total(parent, reference(0, 7, 100), block)).isEqualTo(sum(part));
	}

	@ParameterizedTest
	@MethodSource("withBlocks")
	void blockIsMappedOnceAndReadAgain(Language language) throws Exception {
		try (Child child = start(language); RawMemory block = block(SIZE)) {
			RawParent parent = RawParent.greeting(child);
			parent.assertInStep();
			List<String> before = child.openDescriptors();
			for (int i = 0; i < 100; i++) {
				block.bytes().put(i, (byte) 1);
				this.content[i] = 1;
				assertThat(total(parent, reference(0, 0, SIZE), block)).isEqualTo(sum(this.content));
			}
			parent.assertInStep();
			assertThat(child.openDescriptors()).isEqualTo(before);
			assertThat(child.mappings(RawMemory.NAME)).isOne();
		}
	}

	@ParameterizedTest
	@MethodSource("withBlocks")
	void blocksThatAreNotUsedMakeRoomForOthers(Language language) throws Exception {
		int large = 40 << 20;
		try (Child child = start(language)) {
			RawParent parent = RawParent.greeting(child);
			for (int i = 0; i < 20; i++) {
				try (RawMemory block = block(large)) {
					assertThat(total(parent, reference(0, 0, large), block)).isEqualTo(sum(this.content));
				}
			}
			assertThat(child.mappings(RawMemory.NAME)).isOne();
		}
	}

	@ParameterizedTest
	@MethodSource("withBlocks")
	void wrongReferenceIsRefused(Language language) throws Exception {
		try (Child child = start(language);
				RawMemory block = block(SIZE);
				RawMemory unsealed = new RawMemory(SIZE, Map.of(), 0);
				RawMemory growing = new RawMemory(SIZE, Map.of(), 0x1 | 0x2);
				RawMemory tooLarge = block(LIMIT + 1);
				RawMemory half = block(40 << 20);
				RawMemory otherHalf = block(40 << 20)) {
			RawParent parent = RawParent.greeting(child);
			parent.assertInStep();
			List<String> before = child.openDescriptors();
			for (byte[] wrong : List.of(reference(1, 0, 1), reference(0, 0, 0), reference(0, 0, SIZE + 1),
					reference(0, SIZE, 1), reference(0, Long.MAX_VALUE, Long.MAX_VALUE), reference(0, -1, 1),
					reference(-1, 0, 1), reference(0, 0), reference(0, 0, 1, 1), reference())) {
				ask(parent, "echo", "payload", wrong, block).assertError(null);
			}
			ask(parent, "echo", "payload", reference(0, 0, 1)).assertError(null);
			for (RawMemory wrong : List.of(unsealed, growing, tooLarge)) {
				ask(parent, "echo", "payload", reference(0, 0, 1), wrong).assertError(null);
			}
			byte[] both = concat(new byte[] { (byte) 0x82 }, reference(0, 0, 1), reference(1, 0, 1));
			ask(parent, "echo", "payload", both, half, otherHalf).assertError(null);
			assertThat(total(parent, reference(0, 0, SIZE), block)).isEqualTo(sum(this.content));
			parent.assertInStep();
			assertThat(child.openDescriptors()).isEqualTo(before);
		}
	}

	private RawMemory block(int size) throws IOException {
		return new RawMemory(size, Map.of(0, this.content), RawMemory.SEALS);
	}

	private static byte[] reference(long... numbers) {
		return Cbor.tagged(REFERENCE, Cbor.bytes(numbers));
	}

	private static RawAnswer ask(RawParent parent, String method, String key, byte[] item, RawMemory... blocks)
			throws IOException {
		byte[] map = { (byte) 0xa2 };
		parent.send(concat(map, Cbor.bytes("do"), Cbor.bytes(method), Cbor.bytes(key), item),
				Stream.of(blocks).map(RawMemory::descriptor).toArray(OwnedFd[]::new));
		return parent.receive();
	}

	private static long total(RawParent parent, byte[] reference, RawMemory block) throws IOException {
		return ask(parent, "total", "bytes", reference, block).value().longValue();
	}

	private static long sum(byte[] bytes) {
		long sum = 0;
		for (byte each : bytes) {
			sum += each & 0xff;
		}
		return sum;
	}

	private static byte[] concat(byte[]... parts) {
		ByteArrayOutputStream all = new ByteArrayOutputStream();
		for (byte[] part : parts) {
			all.writeBytes(part);
		}
		return all.toByteArray();
	}

}
