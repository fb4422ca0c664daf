package dev.tinyipc;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/**
 * A peer sends anything where a file is expected, also what can be waited on for ever.
 */
@Timeout(60)
class DescriptorKindTests {

	private static final int SYS_EVENTFD2 = System.getProperty("os.arch").equals("aarch64") ? 19 : 290;

	private static final Duration SHORT = Duration.ofMillis(20);

	@TempDir
	Path folder;

	@Test
	void kindIsWhatTheKernelSays() throws Exception {
		Path file = Files.createFile(this.folder.resolve("file"));
		Path deleted = Files.createFile(this.folder.resolve("deleted"));
		assertKind(OwnedFd.open(file), OwnedFd.Kind.FILE);
		assertKind(OwnedFd.open(deleted, StandardOpenOption.DELETE_ON_CLOSE), OwnedFd.Kind.FILE);
		assertKind(OwnedFd.open(Path.of("/proc/self/status")), OwnedFd.Kind.FILE);
		assertKind(SharedMemory.create("memory").descriptor(), OwnedFd.Kind.MEMORY);
		assertKind(OwnedFd.open(this.folder), OwnedFd.Kind.DIRECTORY);
		assertKind(OwnedFd.open(fifo(), StandardOpenOption.READ, StandardOpenOption.WRITE), OwnedFd.Kind.PIPE);
		assertKind(OwnedFd.open(Path.of("/dev/null")), OwnedFd.Kind.DEVICE);
		assertKind(OwnedFd.open(Path.of("/dev/ptmx"), StandardOpenOption.READ, StandardOpenOption.WRITE),
				OwnedFd.Kind.DEVICE);
		assertKind(OwnedFd.of((int) LibC.syscall(SYS_EVENTFD2, 7, LibC.O_CLOEXEC, 0, 0, 0)), OwnedFd.Kind.OTHER);
		try (OwnedFd.Pipe pipe = OwnedFd.pipe(); IpcSocketPair pair = IpcSocket.pair()) {
			assertThat(pipe.source().kind()).isEqualTo(OwnedFd.Kind.PIPE);
			assertThat(pair.parent().descriptor().kind()).isEqualTo(OwnedFd.Kind.SOCKET);
		}
	}

	private static void assertKind(OwnedFd descriptor, OwnedFd.Kind kind) throws Exception {
		try (descriptor) {
			assertThat(descriptor.kind()).isEqualTo(kind);
		}
		assertThatExceptionOfType(IpcException.class).isThrownBy(descriptor::kind);
	}

	/** A named pipe that nobody writes to. */
	private Path fifo() throws Exception {
		Path fifo = this.folder.resolve("fifo");
		if (!Files.exists(fifo)) {
			assertThat(new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor()).isZero();
		}
		return fifo;
	}

	@Test
	void fileOfAMessageIsAFileOrMemoryAndNothingElse() throws Exception {
		Path file = Files.writeString(this.folder.resolve("file"), "in the file");
		try (IpcSocketPair pair = IpcSocket.pair();
				OwnedFd first = OwnedFd.open(file);
				OwnedFd second = Samples.memoryFile("in memory");
				OwnedFd third = OwnedFd.open(fifo(), StandardOpenOption.READ, StandardOpenOption.WRITE);
				OwnedFd fourth = OwnedFd.open(this.folder)) {
			IpcChannel.over(pair.parent()).send("x", first, second, third, fourth, pair.child().descriptor());
			try (IpcMessage<String> message = IpcChannel.over(pair.child()).receive(String.class)) {
				assertThat(Samples.content(message.file(0))).isEqualTo("in the file");
				assertThat(Samples.content(message.file(1))).isEqualTo("in memory");
				assertThat(message.file(0)).isSameAs(message.descriptors().get(0));
				assertThatExceptionOfType(IpcException.class).isThrownBy(() -> message.file(2))
					.withMessage("A file was expected as descriptor 2 of the message, but it is a pipe");
				assertThatExceptionOfType(IpcException.class).isThrownBy(() -> message.file(3))
					.withMessageContaining("but it is a directory");
				assertThatExceptionOfType(IpcException.class).isThrownBy(() -> message.file(4))
					.withMessageContaining("but it is a socket");
				assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> message.file(5));
			}
		}
	}

	@Test
	void readThatNothingComesForTimesOutAndCanBeTriedAgain() throws Exception {
		try (OwnedFd fifo = OwnedFd.open(fifo(), StandardOpenOption.READ, StandardOpenOption.WRITE);
				OwnedFd.Pipe pipe = OwnedFd.pipe();
				IpcSocketPair pair = IpcSocket.pair()) {
			for (OwnedFd silent : new OwnedFd[] { fifo, pipe.source(), pair.parent().descriptor() }) {
				InputStream stream = silent.inputStream(SHORT);
				for (int i = 0; i < 2; i++) {
					// In another thread, as a read that does not time out cannot be
					// ended.
					assertThatExceptionOfType(IpcException.Timeout.class).isThrownBy(Blocked.any(stream::read)::join)
						.withMessageContaining("Nothing arrived from " + silent);
				}
			}
			InputStream stream = pipe.source().inputStream(SHORT);
			pipe.sink().outputStream().write("abc".getBytes(StandardCharsets.UTF_8));
			assertThat(stream.readNBytes(3)).asString().isEqualTo("abc");
			assertThatExceptionOfType(IpcException.Timeout.class).isThrownBy(stream::read);
			pipe.sink().close();
			assertThat(stream.read()).isEqualTo(-1);
		}
	}

	@Test
	void timeoutLeavesFilesAsTheyAre() throws Exception {
		Path file = Files.writeString(this.folder.resolve("file"), "x".repeat(100_000));
		try (InputStream stream = OwnedFd.open(file).inputStream(Duration.ofNanos(1));
				InputStream zero = OwnedFd.open(Path.of("/dev/zero")).inputStream(Duration.ofSeconds(Long.MAX_VALUE))) {
			assertThat(stream.readAllBytes()).hasSize(100_000);
			assertThat(zero.readNBytes(10)).containsOnly(0);
		}
	}

	@Test
	void timeoutIsPositive() throws Exception {
		try (OwnedFd file = Samples.memoryFile("x")) {
			assertThatIllegalArgumentException().isThrownBy(() -> file.inputStream(Duration.ZERO));
			assertThatIllegalArgumentException().isThrownBy(() -> file.inputStream(Duration.ofMillis(-1)));
		}
	}

}
