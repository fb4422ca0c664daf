package dev.tinyipc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** Memory that other processes created, and the limits of sizes. */
@Timeout(60)
class SharedMemoryPeerTests {

	private static final int SEAL_SHRINK = 2;

	private static final int SEAL_WRITE = 8;

	private static final String PYTHON = """
			import fcntl, mmap, os, socket
			parent = socket.socket(fileno=int(os.environ['TINY_IPC_FD']))
			memory = os.memfd_create('theirs', os.MFD_ALLOW_SEALING)
			os.write(memory, b'from python')
			mapped = mmap.mmap(memory, 11)
			socket.send_fds(parent, [b'mapped'], [memory])
			assert parent.recv(9) == b'unmap'
			mapped.close()
			fcntl.fcntl(memory, 1033, 15)
			parent.send(b'sealed')
			""";

	@Test
	void memoryOfAnotherProgramIsReadUntilThatHasSealedItAndMappedThen() throws Exception {
		try (IpcProcess python = new IpcProcessBuilder("python3", "-c", PYTHON).inheritIO().start();
				Packet packet = python.socket().receive(ByteBuffer.allocate(9));
				SharedMemory memory = SharedMemory.of(packet.take(0))) {
			assertThatExceptionOfType(IpcException.class).isThrownBy(memory::seal).withMessageContaining("EBUSY");
			assertThatExceptionOfType(IpcException.class).isThrownBy(memory::map).withMessageContaining("not sealed");
			assertThat(new String(memory.inputStream().readAllBytes())).isEqualTo("from python");
			python.socket().send(Samples.bytes("unmap"));
			assertThat(Samples.receiveText(python.socket())).isEqualTo("sealed");
			try (SharedMemory.Mapping mapping = memory.map()) {
				assertThat(StandardCharsets.UTF_8.decode(mapping.buffer()).toString()).isEqualTo("from python");
			}
			assertThat(python.waitFor(20, TimeUnit.SECONDS)).isTrue();
			assertThat(python.exitValue()).isZero();
		}
	}

	/** The receiver reads short, and lives. */
	@Test
	void contentThatItsSenderShrinksEndsEarlier() throws Exception {
		try (SharedMemory memory = SharedMemory.create("shrinking");
				SharedMemory received = SharedMemory.of(memory.descriptor().duplicate())) {
			memory.outputStream().write(new byte[100_000]);
			SeekableByteChannel channel = received.channel();
			assertThat(channel.position(90_000).read(ByteBuffer.allocate(10))).isEqualTo(10);
			memory.channel().truncate(10);
			assertThat(channel.read(ByteBuffer.allocate(10))).isEqualTo(-1);
			assertThat(received.inputStream().readAllBytes()).hasSize(10);
		}
	}

	@Test
	void mapOutlivesTheMemoryItsDescriptorAndOtherMaps() throws Exception {
		SharedMemory memory = SharedMemory.create("outlived");
		memory.outputStream().write("still there".getBytes(StandardCharsets.UTF_8));
		memory.seal();
		int number = memory.descriptor().fd();
		try (SharedMemory.Mapping one = memory.map(); SharedMemory.Mapping other = memory.map()) {
			one.close();
			memory.close();
			assertThat(Samples.target(number)).doesNotContain("outlived");
			assertThat(StandardCharsets.UTF_8.decode(other.buffer()).toString()).isEqualTo("still there");
		}
	}

	/** What is there cannot change, so that the size of the map is right for ever. */
	@Test
	void contentThatMayOnlyGrowIsMappedAsItIs() throws Exception {
		try (SharedMemory memory = SharedMemory.create("growing")) {
			memory.outputStream().write(1);
			Errno.check("fcntl", LibC.fcntl(memory.descriptor().fd(), LibC.F_ADD_SEALS, SEAL_SHRINK | SEAL_WRITE));
			assertThat(memory.isSealed()).isTrue();
			try (SharedMemory.Mapping mapping = memory.map()) {
				DescriptorIo.truncate(memory.descriptor(), 2);
				assertThat(mapping.buffer().remaining()).isOne();
			}
		}
	}

	/** ipc-channel: shared memory taken after it was empty. */
	@Test
	void memoryThatWasEmptyIsFilledAndMapped() throws Exception {
		try (SharedMemory memory = SharedMemory.create("")) {
			assertThat(memory.inputStream().read()).isEqualTo(-1);
			memory.outputStream().write('x');
			assertThat(memory.size()).isOne();
			memory.seal();
			try (SharedMemory.Mapping mapping = memory.map()) {
				assertThat(mapping.buffer().get()).isEqualTo((byte) 'x');
			}
		}
	}

	@Test
	void contentOfMoreThan2GiBIsReadAndNotMapped() throws Exception {
		try (SharedMemory memory = SharedMemory.create("large")) {
			long size = 1L << 31;
			DescriptorIo.truncate(memory.descriptor(), size); // takes no room
			memory.seal();
			assertThat(memory.size()).isEqualTo(size);
			assertThatExceptionOfType(IpcException.class).isThrownBy(memory::map)
				.withMessageContaining("2147483648 bytes");
			assertThat(memory.channel().position(size - 1).read(ByteBuffer.allocate(2))).isOne();
		}
	}

	@Test
	void streamsAndChannelsHavePositionsOfTheirOwn() throws Exception {
		try (SharedMemory memory = SharedMemory.create("positions")) {
			memory.outputStream().write("first".getBytes(StandardCharsets.US_ASCII));
			memory.outputStream().write('F');
			assertThat(new String(memory.inputStream().readAllBytes())).isEqualTo("First");
			assertThat(new String(memory.inputStream().readAllBytes())).isEqualTo("First");
			assertThat(memory.channel().position()).isZero();
		}
	}

	/** One on a tmpfs knows seals, and has none. */
	@Test
	void fileIsNeverMapped(@TempDir Path folder) throws Exception {
		Path shm = Path.of("/dev/shm");
		for (Path where : new Path[] { folder, Files.isWritable(shm) ? shm : folder }) {
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> mapFileIn(where));
		}
	}

	private static void mapFileIn(Path folder) throws IOException {
		Path path = Files.createTempFile(folder, "tiny-ipc", ".txt");
		try (OwnedFd file = OwnedFd.open(path)) {
			Files.writeString(path, "content");
			SharedMemory.of(file).map().close();
		}
		finally {
			Files.delete(path);
		}
	}

	@Test
	void memoryThatMayNotBeSealedIsRead() throws Exception {
		NativeBuffer name = NativeBuffer.string("Name", "plain");
		int number = LibC.memfd_create(name.address(), LibC.MFD_CLOEXEC);
		try (SharedMemory memory = SharedMemory.of(OwnedFd.adopt(number))) {
			memory.outputStream().write('x');
			assertThatExceptionOfType(IpcException.class).isThrownBy(memory::seal).withMessageContaining("EPERM");
			assertThat(memory.isSealed()).isFalse();
			assertThat(memory.inputStream().read()).isEqualTo('x');
		}
	}

	@Test
	void closedMemorySaysSo() throws Exception {
		SharedMemory memory = SharedMemory.create("closed");
		memory.close();
		memory.close();
		assertThatExceptionOfType(IpcException.class).isThrownBy(memory::size).withMessageContaining("closed");
		assertThatExceptionOfType(IpcException.class).isThrownBy(memory::seal).withMessageContaining("closed");
		assertThatExceptionOfType(IpcException.class).isThrownBy(memory::isSealed).withMessageContaining("closed");
		assertThatExceptionOfType(IpcException.class).isThrownBy(memory::map).withMessageContaining("closed");
		assertThatExceptionOfType(IpcException.class).isThrownBy(memory::channel).withMessageContaining("closed");
	}

}
