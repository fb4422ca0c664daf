package dev.tinyipc.demo;

import java.util.Map;
import java.util.TreeMap;

import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.TestPropertySource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What locked-down workers are protected from: otherwise, refusals would prove nothing.
 */
@DemoTest
@DirtiesContext
@TestPropertySource(properties = "ipc.children.thumbnailer.sandbox.profile=none")
class UnprotectedWorkerTests {

	@Autowired
	private DemoClient client;

	@Test
	void withoutAProfileTheExploitSucceedsAndTheApplicationAndItsWorkersAreWell() {
		Map<String, String> refusals = new TreeMap<>();
		for (JsonNode attempt : exploit().get("attempts")) {
			refusals.put(attempt.get("action").asString(), attempt.get("refusal").asString("none"));
		}
		// Yama forbids it on many machines, to every process.
		refusals.remove("Trace the application");
		assertThat(refusals).hasSize(9).allSatisfy((action, refusal) -> assertThat(refusal).isEqualTo("none"));
		assertThat(this.client.workerPids()).hasSize(2)
			.allSatisfy((worker) -> assertThat(this.client.upload(Pictures.photo()).statusCode()).isEqualTo(200));
	}

	private JsonNode exploit() {
		return DemoClient.json(this.client.upload(this.client.get("samples/exploit.png").body()));
	}

}
