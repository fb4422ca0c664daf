package dev.tinyipc.demo.worker;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.SharedMemory;
import dev.tinyipc.demo.Pictures;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/** What a worker does, without a process for it. */
class ThumbnailWorkerTests {

	@TempDir
	private Path directory;

	private final Thumbnails worker = new ThumbnailWorker();

	@Test
	void theThumbnailComesBackAsSealedMemory() throws IOException {
		try (IpcMessage<ThumbnailReply> reply = make(Pictures.encode(Pictures.gradient(400, 300), "png"))) {
			assertThat(reply.payload().thumbnail()).isEqualTo(new Dimensions(256, 192));
			assertThat(reply.descriptors()).hasSize(1);
			SharedMemory png = SharedMemory.of(reply.descriptors().get(0));
			assertThat(png.isSealed()).isTrue();
			assertThat(Pictures.decode(png.inputStream().readAllBytes()).getWidth()).isEqualTo(256);
		}
	}

	@Test
	void whatIsNoPictureIsAnsweredAndTheNextPictureToo() throws IOException {
		try (IpcMessage<ThumbnailReply> reply = make(Pictures.text())) {
			assertThat(reply.payload().refusal()).isNotBlank();
			assertThat(reply.descriptors()).isEmpty();
		}
		theThumbnailComesBackAsSealedMemory();
	}

	private IpcMessage<ThumbnailReply> make(byte[] picture) throws IOException {
		Path file = Files.write(this.directory.resolve("picture"), picture);
		try (OwnedFd descriptor = OwnedFd.open(file)) {
			return this.worker.make(descriptor, 256);
		}
	}

}
