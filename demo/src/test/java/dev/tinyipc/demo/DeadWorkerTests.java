package dev.tinyipc.demo;

import java.net.http.HttpResponse;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.test.annotation.DirtiesContext;

import static org.assertj.core.api.Assertions.assertThat;

@DemoTest
@DirtiesContext
class DeadWorkerTests {

	private DemoClient client;

	@BeforeEach
	void connect(@LocalServerPort int port) {
		this.client = new DemoClient(port);
	}

	@Test
	void withoutItsWorkerTheServiceIsUnavailable() {
		long worker = this.client.workerPid();
		ProcessHandle.of(worker).orElseThrow().destroyForcibly();
		Awaitility.await().until(() -> ProcessFiles.hasEnded(worker));
		HttpResponse<byte[]> response = this.client.upload(Pictures.photo());
		assertThat(response.statusCode()).isEqualTo(503);
		assertThat(response.headers().firstValue("Content-Type")).hasValue("application/problem+json");
		assertThat(DemoClient.json(response).get("detail").asString())
			.isEqualTo("The worker that makes thumbnails does not answer.");
		Awaitility.await().until(() -> this.client.json("workers").at("/0/pid").isNull());
	}

}
