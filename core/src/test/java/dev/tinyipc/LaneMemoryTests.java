package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** Memory that a peer offers is checked before it is mapped. */
class LaneMemoryTests {

	private static final int RING = LaneMemory.MIN_RING_SIZE;

	/** {@code F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW}. */
	private static final int SEALS = 7;

	private static final String MAGIC = "tinyipcM";

	private static byte[] header(String magic, int version, int size, long first, long second) {
		return ByteBuffer.allocate(4096)
			.order(ByteOrder.nativeOrder())
			.put(magic.getBytes())
			.putInt(version)
			.putInt(size)
			.putLong(first)
			.putLong(second)
			.array();
	}

	private static SharedMemory file(byte[] header, long size, int seals) throws Exception {
		SharedMemory file = SharedMemory.create(MemoryLane.NAME);
		file.outputStream().write(header);
		int fd = file.descriptor().fd();
		Errno.check("ftruncate", LibC.ftruncate(fd, size));
		Errno.check("fcntl", LibC.fcntl(fd, LibC.F_ADD_SEALS, seals));
		return file;
	}

	private static void assertRefused(SharedMemory file, String why) throws Exception {
		try (file) {
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> LaneMemory.accept(file))
				.withMessageStartingWith("The memory of a lane is refused: ")
				.withMessageContaining(why);
		}
		assertThat(MemoryLane.isMapped()).isFalse();
	}

	@Test
	void whatTheOpenerCreatesIsAccepted() throws Exception {
		try (SharedMemory file = SharedMemory.create(MemoryLane.NAME)) {
			assertThat(LaneMemory.isOne(file.descriptor())).isFalse();
			LaneMemory created = LaneMemory.create(file, RING);
			assertThat(LaneMemory.isOne(file.descriptor())).isTrue();
			LaneMemory accepted = LaneMemory.accept(file);
			assertThat(accepted.incoming().size()).isEqualTo(RING);
			assertThat(MemoryLane.isMapped()).isTrue();
			created.discard();
			accepted.discard();
		}
		assertThat(MemoryLane.isMapped()).isFalse();
	}

	@ParameterizedTest
	@ValueSource(ints = { 0, 1, 2, 3, 4, 5, 6 })
	void memoryThatCouldBecomeSmallerIsRefused(int seals) throws Exception {
		assertRefused(file(header(MAGIC, 1, 4096, RING, RING), 4096 + 2 * RING, seals), "it is not sealed");
	}

	@ParameterizedTest
	@ValueSource(longs = { 0, 8, 100, 4095 })
	void memoryWithoutAWholeHeaderIsRefused(long size) throws Exception {
		byte[] header = Arrays.copyOf(header(MAGIC, 1, 4096, RING, RING), (int) size);
		assertRefused(file(header, size, SEALS), "does not begin with the header");
	}

	@ParameterizedTest
	@CsvSource({ "TINYIPCM,1,4096,does not begin with the header", "tinyipcM,2,4096,its version is 2",
			"tinyipcM,0,4096,its version is 0", "tinyipcM,1,8192,a header of 8192 bytes" })
	void memoryOfAnotherKindIsRefused(String magic, int version, int size, String why) throws Exception {
		assertRefused(file(header(magic, version, size, RING, RING), 4096 + 2 * RING, SEALS), why);
	}

	@ParameterizedTest
	@ValueSource(longs = { 0, 1, RING / 2, RING + 1, 3 * RING, 2L * LaneMemory.MAX_RING_SIZE, 1L << 40, 1L << 63, -1 })
	void ringOfAnImpossibleSizeIsRefused(long size) throws Exception {
		assertRefused(file(header(MAGIC, 1, 4096, size, RING), 4096 + 2 * RING, SEALS), "must have a power of two");
		assertRefused(file(header(MAGIC, 1, 4096, RING, size), 4096 + 2 * RING, SEALS), "must have a power of two");
	}

	@ParameterizedTest
	@ValueSource(longs = { 4096, 4096 + 2 * RING - 1, 4096 + 2 * RING + 1, 4096 + 4 * RING })
	void ringsThatDoNotFillTheFileAreRefused(long size) throws Exception {
		assertRefused(file(header(MAGIC, 1, 4096, RING, RING), size, SEALS), "it has " + size + " bytes");
	}

	@Test
	void whatIsNoMemoryIsNoneOfALane() throws Exception {
		try (OwnedFd.Pipe pipe = OwnedFd.pipe();
				IpcSocketPair pair = IpcSocket.pair();
				OwnedFd file = Samples.memoryFile("some other content")) {
			assertThat(LaneMemory.isOne(pipe.source())).isFalse();
			assertThat(LaneMemory.isOne(pair.child().descriptor())).isFalse();
			assertThat(LaneMemory.isOne(file)).isFalse();
		}
	}

}
