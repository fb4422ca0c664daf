package dev.tinyipc;

import java.io.BufferedInputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;
import org.junit.jupiter.api.io.TempDir;

import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/** Streams and channels over any descriptor. */
@Timeout(60)
class DescriptorIoTests {

	private static final long SYS_EVENTFD2 = System.getProperty("os.arch").equals("aarch64") ? 19 : 290;

	private static final int F_SETFL = 4;

	private static final int O_NONBLOCK = 0x800;

	@TempDir
	Path folder;

	@Test
	void streamReadsALargeFileByteForByte() throws Exception {
		Path file = Files.write(this.folder.resolve("large"), Samples.random(1_000_003));
		try (InputStream stream = OwnedFd.open(file).inputStream()) {
			Samples.assertSame(stream.readNBytes(10), Arrays.copyOf(Samples.random(1_000_003), 10));
			assertThat(stream.read()).isEqualTo(Samples.random(1_000_003)[10] & 0xff);
			stream.skipNBytes(100_000);
			assertThat(stream.readAllBytes()).hasSize(1_000_003 - 100_011);
			assertThat(stream.read()).isEqualTo(-1);
			assertThat(stream.read(new byte[0])).isZero();
			assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> stream.read(new byte[2], 1, 2));
		}
	}

	@Test
	void streamWritesALargeFileByteForByteAndLeavesWhatIsBehind() throws Exception {
		Path file = Files.write(this.folder.resolve("large"), Samples.random(300_000));
		try (OutputStream stream = OwnedFd.open(file, WRITE).outputStream()) {
			stream.write(0x1ff);
			stream.write(new byte[150_000], 5, 149_995);
			stream.write(new byte[0]);
		}
		byte[] expected = Samples.random(300_000);
		Arrays.fill(expected, 0, 149_996, (byte) 0);
		expected[0] = (byte) 0xff;
		Samples.assertSame(Files.readAllBytes(file), expected);
	}

	@Test
	void streamAppendsWhereThatWasSaid() throws Exception {
		Path file = Files.writeString(this.folder.resolve("log"), "before ");
		try (OutputStream stream = OwnedFd.open(file, APPEND).outputStream()) {
			stream.write("one ".getBytes());
			stream.write("two".getBytes());
		}
		assertThat(file).hasContent("before one two");
	}

	/**
	 * As {@code SeekableByteChannel.write} says: the position advances to the end first.
	 */
	@Test
	void channelThatAppendsIsBehindWhatItWrote() throws Exception {
		Path file = Files.writeString(this.folder.resolve("log"), "before ");
		try (SeekableByteChannel channel = OwnedFd.open(file, READ, APPEND).channel()) {
			channel.write(Samples.bytes("one"));
			assertThat(channel.position()).isEqualTo(10);
		}
	}

	@Test
	void streamsOfOneFileHaveAPositionEach() throws Exception {
		try (OwnedFd file = Samples.memoryFile("0123456789")) {
			InputStream first = file.inputStream();
			InputStream second = file.duplicate().inputStream();
			assertThat(first.readNBytes(4)).isEqualTo("0123".getBytes());
			assertThat(second.readNBytes(2)).isEqualTo("01".getBytes());
			assertThat(first.readNBytes(2)).isEqualTo("45".getBytes());
			assertThat(Lseek.lseek(file.fd(), 0, Lseek.SEEK_CUR)).as("shared offset").isZero();
			second.close();
			assertThat(file.isClosed()).isFalse();
		}
	}

	@Test
	void unlinkedFileIsReadAndWritten() throws Exception {
		Path path = Files.writeString(this.folder.resolve("unlinked"), "content");
		try (OwnedFd file = OwnedFd.open(path, READ, WRITE)) {
			Files.delete(path);
			SeekableByteChannel channel = file.channel();
			channel.position(7).write(Samples.bytes(" and more"));
			assertThat(channel.size()).isEqualTo(16);
			assertThat(new String(file.inputStream().readAllBytes())).isEqualTo("content and more");
		}
	}

	@Test
	void channelSeeksAndTruncatesAsFileChannelDoes() throws Exception {
		Path file = Files.writeString(this.folder.resolve("file"), "0123456789");
		try (SeekableByteChannel channel = OwnedFd.open(file, READ, WRITE).channel()) {
			assertThat(channel.position()).isZero();
			ByteBuffer three = ByteBuffer.allocateDirect(5).position(1).limit(4);
			assertThat(channel.position(5).read(three)).isEqualTo(3);
			assertThat(three.position()).isEqualTo(4);
			assertThat(three.get(1)).isEqualTo((byte) '5');
			assertThat(channel.position()).isEqualTo(8);
			assertThat(channel.read(ByteBuffer.allocate(0))).isZero();
			assertThat(channel.position(1L << 40).read(ByteBuffer.allocate(1))).isEqualTo(-1);
			assertThat(channel.size()).isEqualTo(10);
			assertThat(channel.position(12).write(Samples.bytes("x"))).isEqualTo(1);
			assertThat(Files.readAllBytes(file)).isEqualTo("0123456789\0\0x".getBytes());
			assertThat(channel.truncate(4).position()).isEqualTo(4);
			assertThat(channel.truncate(100).size()).isEqualTo(4);
			assertThatIllegalArgumentException().isThrownBy(() -> channel.position(-1));
			assertThatIllegalArgumentException().isThrownBy(() -> channel.truncate(-1));
			channel.close();
			channel.close();
			assertThat(channel.isOpen()).isFalse();
			assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(() -> channel.read(three));
			assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(channel::size);
		}
	}

	@Test
	void channelIsRefusedWhereThereIsNoPosition() throws Exception {
		try (OwnedFd.Pipe pipe = OwnedFd.pipe(); IpcSocketPair pair = IpcSocket.pair()) {
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> pipe.source().channel())
				.withMessageContaining("is a pipe, which has no position");
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> pair.parent().descriptor().channel())
				.withMessageContaining("is a socket, which has no position");
			assertThat(pipe.source().isClosed()).isFalse();
		}
	}

	@Test
	void channelOfADirectoryOrADeviceSaysWhatItIs(@TempDir Path folder) throws Exception {
		try (OwnedFd directory = OwnedFd.open(folder); OwnedFd device = OwnedFd.open(Path.of("/dev/null"))) {
			assertThatExceptionOfType(IpcException.class).isThrownBy(directory::channel)
				.withMessageContaining("is a directory, which has no position");
			assertThatExceptionOfType(IpcException.class).isThrownBy(device::channel)
				.withMessageContaining("is a device, which has no position");
		}
	}

	/** Another process may have made the pipe non-blocking. */
	@Test
	void nonBlockingPipeIsWaitedForAndStaysNonBlocking() throws Exception {
		try (OwnedFd.Pipe pipe = OwnedFd.pipe()) {
			LibC.fcntl(pipe.source().fd(), F_SETFL, O_NONBLOCK);
			LibC.fcntl(pipe.sink().fd(), F_SETFL, LibC.O_WRONLY | O_NONBLOCK);
			byte[] sent = Samples.random(500_000);
			try (Blocked reader = Blocked.in("poll", () -> {
				Samples.assertSame(pipe.source().inputStream().readAllBytes(), sent);
			})) {
				pipe.sink().outputStream().write(sent);
				pipe.sink().close();
				reader.join();
			}
			assertThat(LibC.fcntl(pipe.source().fd(), LibC.F_GETFL, 0) & O_NONBLOCK).isNotZero();
		}
	}

	/** Descriptors that can be sought as the kernel says, but not read at a position. */
	@Test
	void eventCounterIsReadAsAStream() throws Exception {
		try (OwnedFd counter = OwnedFd.of((int) LibC.syscall(SYS_EVENTFD2, 7, LibC.O_CLOEXEC, 0, 0, 0))) {
			byte[] value = counter.inputStream().readNBytes(8);
			assertThat(ByteBuffer.wrap(value).order(ByteOrder.nativeOrder()).getLong()).isEqualTo(7);
		}
	}

	@Test
	void devicesAndKernelFilesAreRead() throws Exception {
		try (InputStream zero = OwnedFd.open(Path.of("/dev/zero")).inputStream();
				InputStream nothing = OwnedFd.open(Path.of("/dev/null")).inputStream();
				InputStream status = OwnedFd.open(Path.of("/proc/self/status")).inputStream();
				OutputStream full = OwnedFd.open(Path.of("/dev/full"), WRITE).outputStream()) {
			assertThat(zero.readNBytes(100_000)).containsOnly(0).hasSize(100_000);
			assertThat(nothing.read()).isEqualTo(-1);
			assertThat(new String(status.readAllBytes())).contains("VmRSS:");
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> full.write(1))
				.withMessageContaining("ENOSPC (No space left on device)");
		}
	}

	/** A buffered stream asks after every read how much more there is. */
	@Test
	void bufferedStreamReadsWhatCannotTellHowMuchThereIs() throws Exception {
		try (InputStream zero = new BufferedInputStream(OwnedFd.open(Path.of("/dev/zero")).inputStream());
				InputStream random = new BufferedInputStream(OwnedFd.open(Path.of("/dev/urandom")).inputStream());
				InputStream file = new BufferedInputStream(Samples.memoryFile("x".repeat(100_000)).inputStream())) {
			assertThat(zero.read(new byte[200_000])).isPositive();
			assertThat(random.read(new byte[200_000])).isPositive();
			assertThat(file.available()).isEqualTo(100_000);
			assertThat(file.readAllBytes()).hasSize(100_000);
			assertThat(file.available()).isZero();
		}
	}

	/** A device may be neither a file nor something that can be waited for. */
	@Test
	@EnabledForJreRange(min = JRE.JAVA_21)
	void devicesAreReadByVirtualThreadsToo() throws Exception {
		ExecutorService threads = (ExecutorService) Executors.class.getMethod("newVirtualThreadPerTaskExecutor")
			.invoke(null);
		try (InputStream zero = OwnedFd.open(Path.of("/dev/zero")).inputStream();
				OutputStream nothing = OwnedFd.open(Path.of("/dev/null"), WRITE).outputStream()) {
			assertThat(threads.submit(() -> zero.read()).get()).isZero();
			threads.submit(() -> {
				nothing.write(1);
				return null;
			}).get();
		}
		finally {
			threads.shutdown();
		}
	}

	@Test
	void directionThatTheDescriptorWasNotOpenedForIsAnError() throws Exception {
		Path file = Files.writeString(this.folder.resolve("file"), "x");
		try (OwnedFd read = OwnedFd.open(file, READ); OwnedFd write = OwnedFd.open(file, WRITE)) {
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> read.outputStream().write(1))
				.withMessageContaining("EBADF");
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> write.inputStream().read())
				.withMessageContaining("EBADF");
			assertThat(file).hasContent("x");
		}
	}

	@Test
	void closedStreamSaysSo() throws Exception {
		OwnedFd file = Samples.memoryFile("x");
		InputStream in = file.inputStream();
		OutputStream out = file.outputStream();
		in.close();
		in.close();
		assertThat(file.isClosed()).isTrue();
		assertThatExceptionOfType(IpcException.class).isThrownBy(in::read).withMessageContaining("closed on this side");
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> out.write(1));
		assertThatExceptionOfType(IpcException.class).isThrownBy(file::inputStream);
		assertThatExceptionOfType(IpcException.class).isThrownBy(file::channel);
	}

	/** What came out of a pipe cannot be put back. */
	@Test
	void readOnlyBufferIsRefusedBeforeAnythingIsRead() throws Exception {
		try (SeekableByteChannel channel = Samples.memoryFile("x").channel()) {
			assertThatExceptionOfType(RuntimeException.class)
				.isThrownBy(() -> channel.read(ByteBuffer.allocate(1).asReadOnlyBuffer()));
			assertThat(channel.position()).isZero();
			assertThat(channel.write(Samples.bytes("y").asReadOnlyBuffer())).isEqualTo(1);
		}
	}

}
