package dev.tinyipc.demo;

import java.net.http.HttpResponse;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.TestPropertySource;

import static org.assertj.core.api.Assertions.assertThat;

/** With workers whose JVM gives up where the demo's own would survive. */
@DemoTest
@DirtiesContext
@TestPropertySource(properties = "ipc.children.thumbnailer.jvm-arguments=-Xmx24m,-XX:+ExitOnOutOfMemoryError")
class FatalPictureTests {

	@Test
	void aPictureThatKillsItsWorkerIsToBlameAndTheNextOneIsMade(@Autowired DemoClient client) {
		HttpResponse<byte[]> response = client.upload(Pictures.photo());
		assertThat(response.statusCode()).isEqualTo(422);
		assertThat(response.headers().firstValue("Content-Type")).hasValue("application/problem+json");
		assertThat(DemoClient.json(response).get("detail").asString())
			.isEqualTo("The worker crashed while it processed this picture. A new worker is taking its place.");
		assertThat(client.upload(Pictures.encode(Pictures.gradient(400, 300), "png")).statusCode()).isEqualTo(200);
		Awaitility.await().until(() -> client.workerPids().size() == 2);
		assertThat(client.workers()).filteredOn((worker) -> worker.get("restarts").asLong() == 1)
			.singleElement()
			.extracting((worker) -> worker.get("lastExit"))
			.extracting(JsonNode::asString)
			.isEqualTo("exit code 3");
	}

}
