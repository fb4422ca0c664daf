package dev.tinyipc.demo.worker;

import java.io.IOException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;

import javax.imageio.stream.ImageInputStream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

class ChannelImageInputTests {

	private final byte[] content = new byte[100_000];

	private SeekableByteChannel channel;

	private ImageInputStream input;

	@BeforeEach
	void open(@TempDir Path directory) throws IOException {
		new Random(1).nextBytes(this.content);
		this.channel = Files.newByteChannel(Files.write(directory.resolve("content"), this.content));
		this.input = new ChannelImageInput(this.channel);
	}

	@AfterEach
	void close() throws IOException {
		this.channel.close();
	}

	@Test
	void readsEveryByteAndThenTheEnd() throws IOException {
		byte[] read = new byte[this.content.length];
		this.input.readFully(read);
		assertThat(read).isEqualTo(this.content);
		assertThat(this.input.read()).isEqualTo(-1);
		assertThat(this.input.read(read, 0, 1)).isEqualTo(-1);
		assertThat(this.input.getStreamPosition()).isEqualTo(this.input.length()).isEqualTo(this.content.length);
	}

	@Test
	void readsFromWhereItIsToldTo() throws IOException {
		Random random = new Random(2);
		for (int i = 0; i < 1000; i++) {
			int position = random.nextInt(this.content.length - 100);
			byte[] read = new byte[100];
			this.input.seek(position);
			this.input.readFully(read);
			assertThat(read).isEqualTo(Arrays.copyOfRange(this.content, position, position + 100));
			assertThat(this.input.getStreamPosition()).isEqualTo(position + 100);
		}
	}

	@Test
	void goesBackToWhatWasMarked() throws IOException {
		this.input.skipBytes(40_000);
		this.input.mark();
		int first = this.input.readInt();
		this.input.skipBytes(50_000);
		this.input.reset();
		assertThat(this.input.readInt()).isEqualTo(first);
	}

}
