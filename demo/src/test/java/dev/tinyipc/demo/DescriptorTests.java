package dev.tinyipc.demo;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Set;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import org.springframework.boot.test.web.server.LocalServerPort;

import static org.assertj.core.api.Assertions.assertThat;

@DemoTest
class DescriptorTests {

	private final long application = ProcessHandle.current().pid();

	private DemoClient client;

	private long worker;

	@BeforeEach
	void connect(@LocalServerPort int port) {
		this.client = new DemoClient(port);
		this.worker = this.client.workerPid();
	}

	@Test
	void theWorkerHasItsOwnEndAndNoOtherSocket() throws IOException {
		Set<String> sockets = ProcessFiles.sockets(this.worker);
		assertThat(sockets).hasSize(1)
			.doesNotContainAnyElementsOf(ProcessFiles.sockets(this.application))
			.doesNotContainAnyElementsOf(ProcessFiles.listeningSockets());
		assertThat(ProcessFiles.listeningSockets()).containsAnyElementsOf(ProcessFiles.sockets(this.application));
	}

	@Test
	void aThousandUploadsLeaveNoDescriptorOpen() {
		uploads(100);
		int application = ProcessFiles.open(this.application).size();
		int worker = ProcessFiles.open(this.worker).size();
		uploads(1000);
		Awaitility.await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> {
			assertThat(ProcessFiles.open(this.application)).hasSizeLessThanOrEqualTo(application);
			assertThat(ProcessFiles.open(this.worker)).hasSizeLessThanOrEqualTo(worker);
		});
	}

	/** Nine of ten of them pictures. */
	private void uploads(int count) {
		byte[] picture = Pictures.encode(Pictures.gradient(80, 60), "png");
		for (int i = 0; i < count; i++) {
			boolean good = i % 10 != 0;
			HttpResponse<byte[]> response = this.client.upload(good ? picture : Pictures.text());
			assertThat(response.statusCode()).isEqualTo(good ? 200 : 422);
		}
	}

}
