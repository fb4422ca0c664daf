package dev.tinyipc.demo.web;

import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

import dev.tinyipc.demo.DemoClient;
import dev.tinyipc.demo.DemoTest;
import dev.tinyipc.demo.Pictures;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

import org.springframework.beans.factory.annotation.Autowired;

import static org.assertj.core.api.Assertions.assertThat;

@DemoTest
class SampleTests {

	@Autowired
	private DemoClient client;

	@ParameterizedTest
	@CsvSource({ "landscape.jpg, image/jpeg, 255", "glass.png, image/png, 0" })
	void aSampleBecomesAThumbnail(String name, String type, int opacity) {
		HttpResponse<byte[]> sample = this.client.get("samples/" + name);
		assertThat(sample.headers().firstValue("Content-Type")).hasValue(type);
		HttpResponse<byte[]> thumbnail = this.client.upload(sample.body());
		assertThat(thumbnail.statusCode()).isEqualTo(200);
		assertThat(Pictures.decode(thumbnail.body()).getWidth()).isEqualTo(256);
		assertThat(Pictures.decode(thumbnail.body()).getRGB(0, 0) >>> 24).isEqualTo(opacity);
	}

	@Test
	void theBombIsRefusedAndTheNextPictureIsMade() {
		HttpResponse<byte[]> response = this.client.upload(bomb());
		assertThat(response.statusCode()).isEqualTo(422);
		assertThat(response.headers().firstValue("Content-Type")).hasValue("application/problem+json");
		assertThat(DemoClient.json(response).get("detail").asString()).contains("40,000 × 40,000");
		assertThat(this.client.upload(Pictures.photo()).statusCode()).isEqualTo(200);
	}

	@Test
	void theExploitIsRefusedWhateverItTriesAndTheSameWorkersGoOn() {
		List<Long> workers = this.client.workerPids();
		HttpResponse<byte[]> response = this.client.upload(this.client.get("samples/exploit.png").body());
		assertThat(response.statusCode()).isEqualTo(422);
		JsonNode problem = DemoClient.json(response);
		assertThat(problem.get("detail").asString())
			.isEqualTo("An exploit in this picture took over its worker. 10 of 10 attempts were refused.");
		assertThat(problem.get("attempts")).hasSize(10)
			.allSatisfy((attempt) -> assertThat(attempt.get("refusal").asString(null)).as(attempt.toString())
				.isIn("Permission denied", "Operation not permitted"));
		workers.forEach(
				(worker) -> assertThat(this.client.upload(this.client.get("samples/glass.png").body()).statusCode())
					.isEqualTo(200));
		assertThat(this.client.workerPids()).isEqualTo(workers);
	}

	/** The reader of this JVM checks the checksums of its chunks. */
	@Test
	void aDecoderWithoutTheBugSeesAnOrdinaryPicture() {
		assertThat(Pictures.decode(this.client.get("samples/exploit.png").body()).getWidth()).isEqualTo(1600);
	}

	/** Zlib's checksum is looked at by the inflater. */
	@Test
	void theBombIsSmallAndHoldsAllThePixelsThatItAnnounces() throws DataFormatException {
		byte[] png = bomb();
		assertThat(png.length).isLessThan(1_000_000);
		int length = ByteBuffer.wrap(png).getInt(33);
		assertThat(new String(png, 37, 4)).isEqualTo("IDAT");
		Inflater inflater = new Inflater();
		inflater.setInput(png, 41, length);
		byte[] buffer = new byte[1 << 20];
		byte[] black = new byte[buffer.length];
		while (!inflater.finished()) {
			int count = inflater.inflate(buffer);
			assertThat(count > 0 || inflater.finished()).isTrue();
			assertThat(Arrays.equals(buffer, black)).isTrue();
		}
		assertThat(inflater.getBytesWritten()).isEqualTo(40_000 * (1 + 40_000 * 4L / 8));
		assertThat(inflater.getRemaining()).isZero();
		inflater.end();
	}

	private byte[] bomb() {
		return this.client.get("samples/bomb.png").body();
	}

}
