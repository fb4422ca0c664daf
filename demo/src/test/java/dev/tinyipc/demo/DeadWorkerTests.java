package dev.tinyipc.demo;

import java.net.http.HttpResponse;
import java.util.List;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.annotation.DirtiesContext;

import static org.assertj.core.api.Assertions.assertThat;

@DemoTest
@DirtiesContext
class DeadWorkerTests {

	@Autowired
	private DemoClient client;

	@Test
	void aKilledWorkerIsReplacedWhileTheOtherOneGoesOn() {
		List<JsonNode> before = this.client.workers();
		kill(before.subList(0, 1));
		assertThat(this.client.upload(Pictures.photo()).statusCode()).isEqualTo(200);
		JsonNode replacement = this.client.awaitReplacement(before.get(0));
		assertThat(restarts(replacement)).isEqualTo(restarts(before.get(0)) + 1);
		assertThat(replacement.get("lastExit").asString()).isEqualTo("signal 9 (SIGKILL)");
		assertThat(this.client.workers().get(1).get("pid")).isEqualTo(before.get(1).get("pid"));
	}

	@Test
	void anUploadWaitsWhileNoWorkerRuns() {
		List<JsonNode> before = this.client.workers();
		kill(before);
		assertThat(this.client.workerPids()).isEmpty();
		assertThat(this.client.upload(Pictures.photo()).statusCode()).isEqualTo(200);
		before.forEach(this.client::awaitReplacement);
	}

	@Test
	void theWorkerThatWasRestartedLeastIsCrashedNext() {
		for (int i = 0; i < 2; i++) {
			long fewest = this.client.workers().stream().mapToLong(DeadWorkerTests::restarts).min().orElseThrow();
			HttpResponse<byte[]> response = this.client.crashAWorker();
			assertThat(response.statusCode()).isEqualTo(202);
			assertThat(restarts(DemoClient.json(response))).isEqualTo(fewest);
			JsonNode replacement = this.client.awaitReplacement(DemoClient.json(response));
			assertThat(replacement.get("lastExit").asString()).isEqualTo("signal 9 (SIGKILL)");
		}
		assertThat(this.client.upload(Pictures.photo()).statusCode()).isEqualTo(200);
	}

	@Test
	void afterTheWorkersWereStoppedTheServiceIsUnavailableUntilTheyAreStarted() {
		assertThat(this.client.tellWorkersTo("stop").statusCode()).isEqualTo(200);
		Awaitility.await()
			.untilAsserted(() -> assertThat(this.client.workers())
				.allMatch((worker) -> worker.get("state").asString().equals("STOPPED")));
		assertProblem(this.client.upload(Pictures.photo()), 503,
				"Thumbnails are not available right now. Please try again later.");
		assertProblem(this.client.crashAWorker(), 409, "No worker is running.");
		assertThat(this.client.tellWorkersTo("start").statusCode()).isEqualTo(200);
		assertThat(this.client.upload(Pictures.photo()).statusCode()).isEqualTo(200);
		assertThat(this.client.workerPids()).hasSize(2);
	}

	private static long restarts(JsonNode worker) {
		return worker.get("restarts").asLong();
	}

	private static void assertProblem(HttpResponse<byte[]> response, int status, String detail) {
		assertThat(response.statusCode()).isEqualTo(status);
		assertThat(response.headers().firstValue("Content-Type")).hasValue("application/problem+json");
		assertThat(DemoClient.json(response).get("detail").asString()).isEqualTo(detail);
	}

	/** Returns when the application knows: until then it may hand out the dead. */
	private void kill(List<JsonNode> workers) {
		List<Long> pids = workers.stream().map((worker) -> worker.get("pid").asLong()).toList();
		assertThat(pids).allMatch((pid) -> pid > 0);
		pids.forEach((pid) -> ProcessHandle.of(pid).orElseThrow().destroyForcibly());
		Awaitility.await().until(() -> this.client.workerPids().stream().noneMatch(pids::contains));
	}

}
