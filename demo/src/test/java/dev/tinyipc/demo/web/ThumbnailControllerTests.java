package dev.tinyipc.demo.web;

import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import dev.tinyipc.demo.DemoClient;
import dev.tinyipc.demo.DemoTest;
import dev.tinyipc.demo.Pictures;
import jakarta.servlet.ServletContext;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import org.springframework.beans.factory.annotation.Autowired;

import static org.assertj.core.api.Assertions.assertThat;

@DemoTest
class ThumbnailControllerTests {

	@Autowired
	private ServletContext servletContext;

	@Autowired
	private DemoClient client;

	private List<Long> workers;

	@BeforeEach
	void lookAtTheWorkers() {
		this.workers = this.client.workerPids();
		assertThat(this.workers).hasSize(2);
	}

	/** Whatever came before. They take turns. */
	@AfterEach
	void theSameWorkersMakeTheNextThumbnails() {
		for (int i = 0; i < this.workers.size(); i++) {
			assertThumbnail(this.client.upload(Pictures.encode(Pictures.gradient(400, 300), "png")), 256, 192);
		}
		assertThat(this.client.workerPids()).isEqualTo(this.workers);
	}

	@AfterEach
	void nothingIsLeftOnTheDisk() {
		Path directory = ((File) this.servletContext.getAttribute(ServletContext.TEMPDIR)).toPath();
		Awaitility.await().untilAsserted(() -> {
			try (Stream<Path> files = Files.walk(directory)) {
				assertThat(files.filter(Files::isRegularFile)).isEmpty();
			}
		});
	}

	@Test
	void aPhotographBecomesAThumbnail() {
		HttpResponse<byte[]> response = this.client.upload(Pictures.photo());
		assertThumbnail(response, 256, 192);
		assertThat(response.headers().firstValueAsLong("X-Original-Width")).hasValue(Pictures.PHOTO_WIDTH);
		assertThat(response.headers().firstValueAsLong("X-Original-Height")).hasValue(Pictures.PHOTO_HEIGHT);
		assertThat(response.headers().firstValueAsLong("Content-Length")).hasValue(response.body().length);
	}

	@Test
	void aPictureStaysTransparent() {
		HttpResponse<byte[]> response = this.client.upload(Pictures.encode(Pictures.disc(800, 400), "png"));
		assertThumbnail(response, 256, 128);
		assertThat(Pictures.decode(response.body()).getRGB(0, 0) >>> 24).isZero();
	}

	@ParameterizedTest
	@ValueSource(strings = { "jpeg", "png", "gif", "bmp", "tiff" })
	void aPictureOfAnyKnownFormatBecomesAThumbnail(String format) {
		assertThumbnail(this.client.upload(Pictures.encode(Pictures.gradient(300, 600), format)), 128, 256);
	}

	@Test
	void aPictureIsMadeForWhoAcceptsOnlyPictures() {
		assertThumbnail(this.client.upload(Pictures.photo(), Map.of(), "Accept", "image/*"), 256, 192);
	}

	@ParameterizedTest
	@ValueSource(ints = { 16, 100, 1024 })
	void theLongestSideBecomesTheSize(int size) {
		assertThumbnail(this.client.upload(Pictures.photo(), Map.of("size", "" + size)), size, size * 3 / 4);
	}

	@ParameterizedTest
	@ValueSource(strings = { "15", "1025", "0", "-256", "abc", "2.5", "99999999999" })
	void anotherSizeIsABadRequest(String size) {
		HttpResponse<byte[]> response = this.client.upload(Pictures.photo(), Map.of("size", size));
		assertThat(assertProblem(response, 400)).contains(size);
	}

	@Test
	void noFileIsABadRequest() {
		assertThat(assertProblem(this.client.uploadNothing(), 400)).contains("'file'");
	}

	@Test
	void aTextFileIsNoPicture() {
		assertThat(assertProblem(this.client.upload(Pictures.text()), 422)).startsWith("This is not a picture");
	}

	@Test
	void anEmptyFileIsNoPicture() {
		assertThat(assertProblem(this.client.upload(Pictures.empty()), 422)).startsWith("This is not a picture");
	}

	@Test
	void halfAPhotographIsNoPicture() {
		assertThat(assertProblem(this.client.upload(Pictures.truncatedPhoto()), 422)).contains("incomplete");
	}

	@Test
	void aPictureThatWouldFillTheMemoryIsRefused() {
		assertThat(assertProblem(this.client.upload(Pictures.bomb()), 422)).contains("30,000 × 30,000");
	}

	@ParameterizedTest
	@ValueSource(ints = { 20 * 1024 * 1024 + 1, 50 * 1024 * 1024 })
	void aFileOverTheLimitIsTooLarge(int size) {
		assertThat(assertProblem(this.client.upload(new byte[size]), 413)).contains("20 MB");
	}

	@ParameterizedTest
	@ValueSource(strings = { "*/*", "image/png", "application/cbor", "text/html,application/xml;q=0.9,*/*;q=0.8" })
	void aProblemIsJsonWhateverIsAccepted(String accept) {
		assertProblem(this.client.upload(Pictures.text(), Map.of(), "Accept", accept), 422);
		assertProblem(this.client.upload(Pictures.text(), Map.of("size", "1"), "Accept", accept), 400);
	}

	private static void assertThumbnail(HttpResponse<byte[]> response, int width, int height) {
		assertThat(response.statusCode()).as(() -> new String(response.body())).isEqualTo(200);
		assertThat(response.headers().firstValue("Content-Type")).hasValue("image/png");
		BufferedImage thumbnail = Pictures.decode(response.body());
		assertThat(thumbnail.getWidth()).isEqualTo(width);
		assertThat(thumbnail.getHeight()).isEqualTo(height);
	}

	private static String assertProblem(HttpResponse<byte[]> response, int status) {
		assertThat(response.statusCode()).isEqualTo(status);
		assertThat(response.headers().firstValue("Content-Type")).hasValue("application/problem+json");
		assertThat(DemoClient.json(response).get("status").asInt()).isEqualTo(status);
		return DemoClient.json(response).get("detail").asString();
	}

}
