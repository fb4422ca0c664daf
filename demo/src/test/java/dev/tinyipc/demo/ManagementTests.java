package dev.tinyipc.demo;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.TestPropertySource;

import static org.assertj.core.api.Assertions.assertThat;

/** What operators see of the worker and can do, over HTTP. */
@DemoTest
@DirtiesContext
@TestPropertySource(properties = { "management.endpoints.web.exposure.include=health,ipc",
		"management.endpoint.health.show-details=always", "ipc.children.thumbnailer.instances=1",
		"ipc.children.thumbnailer.restart.initial-delay=10ms" })
class ManagementTests {

	private static final String WORKER = "children/thumbnailer/instances/0";

	private DemoClient client;

	@LocalServerPort
	private int port;

	@BeforeEach
	void connect() {
		this.client = new DemoClient(this.port);
	}

	@Test
	void healthTellsOfTheWorker() {
		JsonNode health = this.client.json("actuator/health/ipc");
		assertThat(health.at("/status").asString()).isEqualTo("UP");
		JsonNode worker = health.at("/details/thumbnailer/0");
		assertThat(worker.at("/state").asString()).isEqualTo("RUNNING");
		assertThat(worker.at("/pid").asLong()).satisfies((pid) -> assertThat(isOurs(pid)).isTrue());
		assertThat(worker.at("/uptime").asString()).startsWith("PT");
		assertThat(worker.at("/restarts").isIntegralNumber()).isTrue();
	}

	@Test
	void theEndpointListsTheWorkerAndItsSocket() {
		JsonNode worker = this.client.json("actuator/ipc").at('/' + WORKER);
		assertThat(worker.at("/state").asString()).isEqualTo("RUNNING");
		assertThat(worker.at("/pid").asLong()).satisfies((pid) -> assertThat(isOurs(pid)).isTrue());
		assertThat(worker.at("/socket/descriptor").asInt()).isGreaterThan(2);
		assertThat(worker.at("/socket/ended").asBoolean()).isFalse();
		assertThat(this.client.json("actuator/ipc/thumbnailer").at("/instances/0/pid")).isEqualTo(worker.at("/pid"));
		assertThat(this.client.json("actuator/ipc/thumbnailer").at("/waitingCallers").asInt()).isZero();
	}

	@Test
	void theEndpointTellsThatTheWorkerIsLockedDown() {
		JsonNode protection = this.client.json("actuator/ipc").at('/' + WORKER + "/protection");
		assertThat(protection.at("/profile").asString()).isEqualTo("LOCKED_DOWN");
		assertThat(protection.at("/landlockAbi").asInt()).isPositive();
		assertThat(protection.at("/seccompFilters").asInt()).isPositive();
		assertThat(protection.at("/noNewPrivileges").asBoolean()).isTrue();
	}

	@Test
	void aWorkerThatWasKilledIsSeenWithItsSignal() {
		long worker = pid();
		ProcessHandle.of(worker).orElseThrow().destroyForcibly();
		Awaitility.await().until(() -> {
			JsonNode now = this.client.json("actuator/ipc").at('/' + WORKER);
			return now.at("/state").asString().equals("RUNNING") && now.at("/pid").asLong() != worker;
		});
		JsonNode now = this.client.json("actuator/ipc").at('/' + WORKER);
		assertThat(now.at("/lastExit").asString()).isEqualTo("signal 9 (SIGKILL)");
		assertThat(now.at("/restarts").asInt()).isPositive();
	}

	@Test
	void theWorkerIsStoppedAndStartedAndRestarted() throws Exception {
		assertThat(act("thumbnailer", "stop").statusCode()).isEqualTo(200);
		Awaitility.await().until(() -> state().equals("STOPPED"));
		assertThat(this.client.upload(Pictures.photo()).statusCode()).isEqualTo(503);
		HttpResponse<byte[]> started = act("thumbnailer", "start");
		assertThat(started.statusCode()).isEqualTo(200);
		// It is ready a moment later, for which an upload waits.
		assertThat(JsonMapper.shared().readTree(started.body()).at("/instances/0/state").asString()).isIn("STARTING",
				"RUNNING");
		assertThat(this.client.upload(Pictures.photo()).statusCode()).isEqualTo(200);
		long before = pid();
		assertThat(act("thumbnailer", "restart").statusCode()).isEqualTo(200);
		Awaitility.await().until(() -> state().equals("RUNNING") && pid() != before);
	}

	@Test
	void aChildOrAnActionThatDoesNotExistIsRefused() throws Exception {
		assertThat(this.client.get("actuator/ipc/nobody").statusCode()).isEqualTo(404);
		assertThat(act("nobody", "stop").statusCode()).isEqualTo(400);
		assertThat(act("thumbnailer", "explode").statusCode()).isEqualTo(400);
		assertThat(state()).isEqualTo("RUNNING");
	}

	private long pid() {
		return this.client.json("actuator/ipc").at('/' + WORKER + "/pid").asLong();
	}

	private static boolean isOurs(long pid) {
		return ProcessHandle.current().children().anyMatch((child) -> child.pid() == pid);
	}

	private String state() {
		return this.client.json("actuator/ipc").at('/' + WORKER + "/state").asString();
	}

	private HttpResponse<byte[]> act(String child, String action) throws Exception {
		return HttpClient.newHttpClient()
			.send(HttpRequest.newBuilder(URI.create("http://localhost:" + this.port + "/actuator/ipc/" + child))
				.header("Content-Type", "application/json")
				.POST(HttpRequest.BodyPublishers.ofString("{\"action\": \"" + action + "\"}"))
				.build(), HttpResponse.BodyHandlers.ofByteArray());
	}

}
