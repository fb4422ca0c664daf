package dev.tinyipc.demo;

import java.net.http.HttpResponse;
import java.util.List;

import org.junit.jupiter.api.Test;

import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.TestPropertySource;

import static org.assertj.core.api.Assertions.assertThat;

@DemoTest
@DirtiesContext
@TestPropertySource(
		properties = { "ipc.children.thumbnailer.jvm-arguments=-Xmx24m", "ipc.children.thumbnailer.instances=1" })
class SmallWorkerTests {

	@Test
	void aWorkerWhoseMemoryIsFullMakesTheNextThumbnail(@Autowired DemoClient client) {
		List<Long> worker = client.workerPids();
		assertThat(worker).hasSize(1);
		HttpResponse<byte[]> response = client.upload(Pictures.photo());
		assertThat(response.statusCode()).isEqualTo(422);
		assertThat(DemoClient.json(response).get("detail").asString())
			.isEqualTo("This picture needs more memory than the worker has.");
		assertThat(client.upload(Pictures.encode(Pictures.gradient(400, 300), "png")).statusCode()).isEqualTo(200);
		assertThat(client.workerPids()).isEqualTo(worker);
	}

}
