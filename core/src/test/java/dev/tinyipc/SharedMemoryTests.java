package dev.tinyipc;

import java.nio.channels.SeekableByteChannel;
import java.nio.channels.ClosedChannelException;
import java.io.OutputStream;
import java.io.InputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ReadOnlyBufferException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

@Timeout(60)
class SharedMemoryTests {

	private static final int PROT_WRITE = 2;

	@Test
	void contentIsWrittenSealedSentAndMapped() throws Exception {
		byte[] content = Samples.random(100_000);
		try (IpcSocketPair pair = IpcSocket.pair()) {
			try (SharedMemory memory = SharedMemory.create("image")) {
				assertThat(memory.size()).isZero();
				memory.outputStream().write(content);
				assertThat(memory.size()).isEqualTo(100_000);
				assertThat(memory.isSealed()).isFalse();
				memory.seal();
				assertThat(memory.isSealed()).isTrue();
				pair.parent().send(Samples.bytes("x"), memory.descriptor());
			}
			try (Packet packet = pair.child().receive(ByteBuffer.allocate(1));
					SharedMemory memory = SharedMemory.of(packet.take(0));
					SharedMemory.Mapping mapping = memory.map()) {
				memory.close();
				byte[] mapped = new byte[100_000];
				mapping.buffer().get(mapped);
				Samples.assertSame(mapped, content);
			}
		}
	}

	@Test
	void nameIsForDebuggingOnlyAndDescriptorIsCloseOnExec() throws Exception {
		try (SharedMemory one = SharedMemory.create("grün"); SharedMemory other = SharedMemory.create("grün")) {
			assertThat(Samples.target(one.descriptor().fd())).isEqualTo("/memfd:grün (deleted)");
			assertThat(Samples.isCloseOnExec(one.descriptor().fd())).isTrue();
			one.outputStream().write(1);
			assertThat(other.size()).isZero();
		}
		assertThatIllegalArgumentException().isThrownBy(() -> SharedMemory.create("a\0b"));
	}

	@Test
	void sealedContentCannotBeChangedByAnybody() throws Exception {
		try (SharedMemory memory = sealed("final"); OwnedFd copy = memory.descriptor().duplicate()) {
			assertRefused(() -> memory.outputStream().write(1));
			assertRefused(() -> copy.channel().truncate(1));
			assertRefused(() -> copy.channel().position(5).write(Samples.bytes("more")));
			assertThat(Samples.content(copy)).isEqualTo("final");
		}
	}

	private static void assertRefused(ThrowingCallable call) {
		assertThatExceptionOfType(IpcException.class).isThrownBy(call)
			.withMessageContaining("EPERM (Operation not permitted)");
	}

	@Test
	void sealingTwiceIsNoError() throws Exception {
		try (SharedMemory memory = sealed("x")) {
			memory.seal();
			assertThat(memory.isSealed()).isTrue();
		}
	}

	@Test
	void sealIsRefusedWhileSomebodyCouldStillWriteThroughAMap() throws Exception {
		try (SharedMemory memory = SharedMemory.create("busy")) {
			memory.outputStream().write(new byte[4096]);
			long address = LibC.mmap(0, 4096, LibC.PROT_READ | PROT_WRITE, LibC.MAP_SHARED, memory.descriptor().fd(),
					0);
			assertThat(address).isNotEqualTo(-1);
			assertThatExceptionOfType(IpcException.class).isThrownBy(memory::seal)
				.withMessageContaining("EBUSY (Device or resource busy)");
			assertThat(memory.isSealed()).isFalse();
			LibC.munmap(address, 4096);
			memory.seal();
		}
	}

	@Test
	void contentThatIsNotSealedIsReadAndNeverMapped() throws Exception {
		try (SharedMemory memory = SharedMemory.create("open")) {
			memory.outputStream().write("content".getBytes());
			assertThatExceptionOfType(IpcException.class).isThrownBy(memory::map)
				.withMessageContaining("not sealed")
				.withMessageContaining("inputStream()");
			assertThat(new String(memory.inputStream().readAllBytes())).isEqualTo("content");
		}
	}

	/** Either seal alone leaves a way to change what is mapped. */
	@Test
	void halfSealedContentIsNotMapped() throws Exception {
		for (int seals : new int[] { 0x2, 0x4, 0x8, 0x2 | 0x4, 0x4 | 0x8, 0x10 | 0x2 }) {
			try (SharedMemory memory = SharedMemory.create("half")) {
				memory.outputStream().write(1);
				assertThat(LibC.fcntl(memory.descriptor().fd(), LibC.F_ADD_SEALS, seals)).isZero();
				assertThat(memory.isSealed()).isFalse();
				assertThatExceptionOfType(IpcException.class).isThrownBy(memory::map);
			}
		}
	}

	@Test
	void emptyContentIsNotMapped() throws Exception {
		try (SharedMemory memory = sealed("")) {
			assertThatExceptionOfType(IpcException.class).isThrownBy(memory::map).withMessageContaining("0 bytes");
			assertThat(memory.inputStream().read()).isEqualTo(-1);
		}
	}

	@Test
	void whatIsNoMemfdIsRefusedAndStaysTheCallers(@TempDir Path folder) throws Exception {
		try (OwnedFd.Pipe pipe = OwnedFd.pipe();
				OwnedFd device = OwnedFd.open(Path.of("/dev/null"));
				OwnedFd file = OwnedFd.open(Files.writeString(folder.resolve("file"), "x"))) {
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> SharedMemory.of(pipe.source()))
				.withMessageContaining("is a pipe, not memory");
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> SharedMemory.of(device))
				.withMessageContaining("is a device, not memory");
			assertThat(file.isClosed() || device.isClosed() || pipe.source().isClosed()).isFalse();
		}
	}

	@Test
	void streamsAndChannelsThatAreClosedLeaveTheMemoryOpen() throws Exception {
		try (SharedMemory memory = SharedMemory.create("stays")) {
			OutputStream out = memory.outputStream();
			out.write(Samples.random(10));
			out.close();
			assertThatExceptionOfType(IOException.class).isThrownBy(() -> out.write(1));
			memory.seal();
			InputStream in = memory.inputStream();
			Samples.assertSame(in.readAllBytes(), Samples.random(10));
			in.close();
			assertThatExceptionOfType(IOException.class).isThrownBy(in::read);
			SeekableByteChannel channel = memory.channel();
			channel.close();
			assertThat(channel.isOpen()).isFalse();
			assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(channel::size);
			assertThat(memory.size()).isEqualTo(10);
		}
	}

	@Test
	void bufferIsReadOnlyAndInNativeOrder() throws Exception {
		try (SharedMemory memory = sealed("12345678"); SharedMemory.Mapping mapping = memory.map()) {
			ByteBuffer buffer = mapping.buffer();
			assertThat(buffer.remaining()).isEqualTo(8);
			assertThatExceptionOfType(ReadOnlyBufferException.class).isThrownBy(() -> buffer.put(0, (byte) 1));
			assertThat(buffer.order()).isEqualTo(ByteOrder.nativeOrder());
			buffer.position(3);
			assertThat(mapping.buffer().position()).isZero();
		}
	}

	@Test
	void closedMapGivesNoBufferAndIsGone() throws Exception {
		try (SharedMemory memory = sealed("x")) {
			long before = maps();
			SharedMemory.Mapping mapping = memory.map();
			assertThat(maps()).isEqualTo(before + 1);
			mapping.close();
			mapping.close();
			assertThat(maps()).isEqualTo(before);
			assertThatIllegalStateException().isThrownBy(mapping::buffer);
		}
	}

	private static long maps() throws Exception {
		return Files.readAllLines(Path.of("/proc/self/maps"))
			.stream()
			.filter((line) -> line.contains("memfd:map"))
			.count();
	}

	private static SharedMemory sealed(String content) throws Exception {
		SharedMemory memory = SharedMemory.create("map");
		memory.outputStream().write(content.getBytes());
		memory.seal();
		return memory;
	}

}
