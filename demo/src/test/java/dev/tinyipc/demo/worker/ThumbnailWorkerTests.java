package dev.tinyipc.demo.worker;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.IpcSocketPair;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.SharedMemory;
import dev.tinyipc.demo.Pictures;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

@Timeout(60)
class ThumbnailWorkerTests {

	@TempDir
	private Path directory;

	private IpcSocketPair sockets;

	private IpcChannel channel;

	private CompletableFuture<Void> worker;

	@BeforeEach
	void start() throws IOException {
		this.sockets = IpcSocket.pair();
		this.channel = IpcChannel.over(this.sockets.parent());
		this.worker = CompletableFuture.runAsync(this::serve);
	}

	private void serve() {
		try (IpcSocket socket = this.sockets.child()) {
			ThumbnailWorker.serve(IpcChannel.over(socket));
		}
		catch (IOException ex) {
			throw new IllegalStateException(ex);
		}
	}

	@AfterEach
	void close() {
		this.sockets.close();
	}

	@Test
	void theThumbnailComesBackAsSealedMemory() throws IOException {
		send(Pictures.encode(Pictures.gradient(400, 300), "png"));
		try (IpcMessage<ThumbnailReply> reply = this.channel.receive(ThumbnailReply.class)) {
			assertThat(reply.payload().thumbnail()).isEqualTo(new Dimensions(256, 192));
			assertThat(reply.descriptors()).hasSize(1);
			SharedMemory png = SharedMemory.of(reply.descriptors().get(0));
			assertThat(png.isSealed()).isTrue();
			assertThat(Pictures.decode(png.inputStream().readAllBytes()).getWidth()).isEqualTo(256);
		}
	}

	@Test
	void whatIsNoPictureIsAnsweredAndTheNextPictureToo() throws IOException {
		send(Pictures.text());
		try (IpcMessage<ThumbnailReply> reply = this.channel.receive(ThumbnailReply.class)) {
			assertThat(reply.payload().refusal()).isNotBlank();
			assertThat(reply.descriptors()).isEmpty();
		}
		theThumbnailComesBackAsSealedMemory();
	}

	@Test
	void endsWhenItsParentIsGone() {
		this.sockets.parent().close();
		assertThat(this.worker).succeedsWithin(30, TimeUnit.SECONDS);
	}

	@Test
	void endsWhenItsParentIsGoneBeforeTheAnswer() throws IOException {
		send(Pictures.photo());
		this.sockets.parent().close();
		assertThat(this.worker).succeedsWithin(30, TimeUnit.SECONDS);
	}

	private void send(byte[] picture) throws IOException {
		Path file = Files.write(this.directory.resolve("picture"), picture);
		try (OwnedFd descriptor = OwnedFd.open(file)) {
			this.channel.send(new ThumbnailRequest(256), descriptor);
		}
	}

}
