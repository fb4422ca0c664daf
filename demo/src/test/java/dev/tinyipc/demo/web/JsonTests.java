package dev.tinyipc.demo.web;

import java.net.http.HttpResponse;
import java.util.List;
import java.util.stream.Stream;

import dev.tinyipc.demo.DemoClient;
import dev.tinyipc.demo.DemoTest;
import dev.tinyipc.demo.Pictures;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

import org.springframework.beans.factory.annotation.Autowired;

import static org.assertj.core.api.Assertions.assertThat;

@DemoTest
class JsonTests {

	private static final String BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

	@Autowired
	private DemoClient client;

	@ParameterizedTest
	@ValueSource(strings = { "workers", "actuator", "actuator/health", "actuator/health/ipc", "actuator/ipc",
			"actuator/info", "actuator/metrics", "actuator/metrics/ipc.messages.sent" })
	void jsonStaysJsonThoughCborIsOnTheClassPath(String path) {
		Stream
			.of(this.client.get(path), this.client.get(path, "Accept", "*/*"),
					this.client.get(path, "Accept", "application/json"), this.client.get(path, "Accept", BROWSER))
			.forEach(JsonTests::assertJson);
	}

	private static void assertJson(HttpResponse<byte[]> response) {
		assertThat(response.statusCode()).isEqualTo(200);
		assertThat(response.headers().firstValue("Content-Type").orElseThrow())
			.matches("application/(vnd.spring-boot.actuator.v3\\+)?json");
		assertThat(DemoClient.json(response).isContainer()).isTrue();
	}

	@Test
	void thereAreTwoWorkersAndTheyRun() {
		List<JsonNode> workers = this.client.workers();
		assertThat(workers).hasSize(2).allSatisfy((worker) -> {
			assertThat(worker.get("name").asString()).isEqualTo("thumbnailer");
			assertThat(worker.get("state").asString()).isEqualTo("RUNNING");
			assertThat(worker.get("uptimeSeconds").isIntegralNumber()).isTrue();
			assertThat(worker.get("restarts").asLong()).isZero();
			// Spring stops the workers while tests with another context run.
			assertThat(worker.get("lastExit").asString("exit code 0")).isEqualTo("exit code 0");
			assertThat(ProcessHandle.of(worker.get("pid").asLong())).get()
				.extracting((process) -> process.parent().orElseThrow().pid())
				.isEqualTo(ProcessHandle.current().pid());
		});
		assertThat(workers).extracting((worker) -> worker.get("instance").asInt()).containsExactly(0, 1);
		assertThat(this.client.workerPids()).doesNotHaveDuplicates();
	}

	@Test
	void operatorsAreToldTheSame() {
		List<Long> pids = this.client.workerPids();
		JsonNode health = this.client.json("actuator/health/ipc");
		assertThat(health.get("status").asString()).isEqualTo("UP");
		assertThat(health.at("/details/thumbnailer").valueStream().map((worker) -> worker.get("pid").asLong()))
			.isEqualTo(pids);
		assertThat(this.client.json("actuator/ipc")
			.at("/children/thumbnailer/instances")
			.valueStream()
			.map((worker) -> worker.get("pid").asLong())).isEqualTo(pids);
	}

	@Test
	void everyRequestCountsOneMessageEachWay() {
		long sent = this.client.count("ipc.messages.sent");
		long received = this.client.count("ipc.messages.received");
		long descriptors = this.client.count("ipc.descriptors.received");
		this.client.upload(Pictures.encode(Pictures.gradient(400, 300), "png"));
		this.client.upload(Pictures.text());
		assertThat(this.client.count("ipc.messages.sent")).isEqualTo(sent + 2);
		assertThat(this.client.count("ipc.messages.received")).isEqualTo(received + 2);
		assertThat(this.client.count("ipc.descriptors.received")).isEqualTo(descriptors + 1);
	}

	@Test
	void thePictureIsNotInTheMessage() {
		long bytes = this.client.count("ipc.bytes.sent");
		byte[] photo = Pictures.photo();
		this.client.upload(photo);
		assertThat(this.client.count("ipc.bytes.sent") - bytes).isLessThan(300).isLessThan(photo.length / 10);
	}

	@Test
	void thePageIsServedAndNeedsNothingFromElsewhere() {
		HttpResponse<byte[]> page = this.client.get("");
		assertThat(page.headers().firstValue("Content-Type"))
			.hasValueSatisfying((type) -> assertThat(type).startsWith("text/html"));
		assertThat(new String(page.body())).contains("<title>").doesNotContainPattern("(src|href)=\"(https?:)?//");
	}

}
