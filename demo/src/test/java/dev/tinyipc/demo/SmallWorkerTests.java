package dev.tinyipc.demo;

import java.net.http.HttpResponse;

import org.junit.jupiter.api.Test;

import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.TestPropertySource;

import static org.assertj.core.api.Assertions.assertThat;

@DemoTest
@DirtiesContext
@TestPropertySource(properties = "ipc.children.thumbnailer.jvm-arguments=-Xmx24m")
class SmallWorkerTests {

	@Test
	void aWorkerWhoseMemoryIsFullMakesTheNextThumbnail(@LocalServerPort int port) {
		DemoClient client = new DemoClient(port);
		long worker = client.workerPid();
		HttpResponse<byte[]> response = client.upload(Pictures.photo());
		assertThat(response.statusCode()).isEqualTo(422);
		assertThat(DemoClient.json(response).get("detail").asString())
			.isEqualTo("This picture takes more memory than there is for one.");
		assertThat(client.upload(Pictures.encode(Pictures.gradient(400, 300), "png")).statusCode()).isEqualTo(200);
		assertThat(client.workerPid()).isEqualTo(worker);
	}

}
