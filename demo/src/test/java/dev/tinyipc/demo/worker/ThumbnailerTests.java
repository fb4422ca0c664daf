package dev.tinyipc.demo.worker;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

import dev.tinyipc.demo.Pictures;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

class ThumbnailerTests {

	@TempDir
	private Path directory;

	private final ByteArrayOutputStream png = new ByteArrayOutputStream();

	@ParameterizedTest
	@ValueSource(strings = { "jpeg", "png", "gif", "bmp", "tiff" })
	void readsTheKnownFormats(String format) throws IOException {
		ThumbnailReply reply = make(Pictures.encode(Pictures.gradient(400, 300), format), 100);
		assertThat(reply).isEqualTo(ThumbnailReply.made(new Dimensions(400, 300), new Dimensions(100, 75)));
		assertThat(thumbnail()).extracting(BufferedImage::getWidth, BufferedImage::getHeight).containsExactly(100, 75);
	}

	@ParameterizedTest
	@CsvSource({ "400, 300, 100, 75", "300, 400, 75, 100", "257, 257, 256, 256", "1000, 3, 100, 1", "2, 9000, 1, 100",
			"101, 100, 100, 99", "5000, 4999, 1024, 1024" })
	void theLongestSideBecomesTheSize(int width, int height, int thumbnailWidth, int thumbnailHeight)
			throws IOException {
		int size = Math.max(thumbnailWidth, thumbnailHeight);
		ThumbnailReply reply = make(Pictures.encode(Pictures.gradient(width, height), "png"), size);
		assertThat(reply.thumbnail()).isEqualTo(new Dimensions(thumbnailWidth, thumbnailHeight));
		assertThat(thumbnail()).extracting(BufferedImage::getWidth, BufferedImage::getHeight)
			.containsExactly(thumbnailWidth, thumbnailHeight);
	}

	@Test
	void aSmallPictureIsNotEnlarged() throws IOException {
		BufferedImage small = Pictures.gradient(40, 30);
		assertThat(make(Pictures.encode(small, "png"), 256).thumbnail()).isEqualTo(new Dimensions(40, 30));
		assertThat(thumbnail().getRGB(7, 11)).isEqualTo(small.getRGB(7, 11));
	}

	@Test
	void whatIsTransparentStaysSoAndDoesNotBleed() throws IOException {
		make(Pictures.encode(Pictures.disc(1000, 1000), "png"), 100);
		BufferedImage thumbnail = thumbnail();
		assertThat(thumbnail.getRGB(0, 0) >>> 24).isZero();
		assertThat(thumbnail.getRGB(50, 50)).isEqualTo(Color.RED.getRGB());
		for (int x = 0; x < 100; x++) {
			Color color = new Color(thumbnail.getRGB(x, 50), true);
			assertThat(color.getAlpha() == 0 || color.getRed() > 250).as("%s at %d", color, x).isTrue();
		}
	}

	@Test
	void whatIsTooFineIsAveragedAndNotLeftOut() throws IOException {
		BufferedImage stripes = new BufferedImage(1024, 1024, BufferedImage.TYPE_INT_RGB);
		for (int i = 0; i < 1024 * 1024; i += 2) {
			stripes.setRGB(i % 1024, i / 1024, Color.WHITE.getRGB());
		}
		make(Pictures.encode(stripes, "png"), 128);
		assertThat(new Color(thumbnail().getRGB(64, 64)).getRed()).isBetween(120, 135);
	}

	@Test
	void aTextFileIsRefused() throws IOException {
		assertThat(make(Pictures.text(), 256)).isEqualTo(
				ThumbnailReply.refused("This is not a picture in a supported format: JPEG, PNG, GIF, BMP or TIFF."));
	}

	@Test
	void anEmptyFileIsRefused() throws IOException {
		assertThat(make(Pictures.empty(), 256).refusal()).startsWith("This is not a picture");
	}

	@Test
	void halfAPhotographIsRefusedAndNotPaintedGrey() throws IOException {
		assertThat(make(Pictures.truncatedPhoto(), 256).refusal())
			.isEqualTo("This picture is incomplete: the file ends too early.");
	}

	@ParameterizedTest
	@ValueSource(strings = { "png", "gif", "bmp", "tiff" })
	void halfAPictureIsRefused(String format) throws IOException {
		byte[] picture = Pictures.encode(Pictures.gradient(400, 300), format);
		assertThat(make(Arrays.copyOf(picture, picture.length / 2), 256).refusal())
			.isEqualTo("This picture is damaged and cannot be read.");
	}

	@Test
	void aPictureWithTooManyPixelsIsRefusedBeforeItIsDecoded() throws IOException {
		assertThat(make(Pictures.bomb(), 256).refusal())
			.isEqualTo("This picture has 30,000 × 30,000 pixels. The limit is 64 million pixels.");
	}

	private ThumbnailReply make(byte[] picture, int size) throws IOException {
		Path file = Files.write(this.directory.resolve("picture"), picture);
		this.png.reset();
		try (SeekableByteChannel channel = Files.newByteChannel(file)) {
			return Thumbnailer.make(channel, size, this.png);
		}
	}

	private BufferedImage thumbnail() {
		return Pictures.decode(this.png.toByteArray());
	}

}
