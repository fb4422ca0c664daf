package dev.tinyipc.demo;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Map;

import org.awaitility.Awaitility;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Lazy;

import static java.nio.charset.StandardCharsets.UTF_8;

/**
 * Talks to the demo as {@code curl} does: with no header that it is not told to send.
 */
@Lazy // the port is not known before the application has started
public final class DemoClient {

	private static final String BOUNDARY = "----boundary";

	private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

	private final URI base;

	public DemoClient(@Value("${local.server.port}") int port) {
		this.base = URI.create("http://localhost:" + port + '/');
	}

	public HttpResponse<byte[]> get(String path, String... headers) {
		return exchange(request(path, headers));
	}

	public JsonNode json(String path) {
		return json(get(path));
	}

	public static JsonNode json(HttpResponse<byte[]> response) {
		return JsonMapper.shared().readTree(response.body());
	}

	/** The reading of a counter of the thumbnailer's. */
	public long count(String meter) {
		return json("actuator/metrics/" + meter + "?tag=destination:thumbnailer").at("/measurements/0/value").asLong();
	}

	/** What the application tells of the workers, in the order of their numbers. */
	public List<JsonNode> workers() {
		return json("workers").valueStream().toList();
	}

	/** The process ids of the workers that run, in the same order. */
	public List<Long> workerPids() {
		return workers().stream()
			.map((worker) -> worker.get("pid"))
			.filter(JsonNode::isNumber)
			.map(JsonNode::asLong)
			.toList();
	}

	/** Waits for the worker that takes the place of another one. */
	public JsonNode awaitReplacement(JsonNode worker) {
		return Awaitility.await()
			.atMost(Duration.ofSeconds(30))
			.until(() -> workers().get(worker.get("instance").asInt()),
					(other) -> other.get("state").asString().equals("RUNNING")
							&& !other.get("pid").equals(worker.get("pid"))
							&& other.get("restarts").asLong() > worker.get("restarts").asLong());
	}

	public HttpResponse<byte[]> crashAWorker() {
		return exchange(request("workers/crash").POST(BodyPublishers.noBody()));
	}

	/** Tells the Actuator endpoint to do something to the workers. */
	public HttpResponse<byte[]> tellWorkersTo(String action) {
		return exchange(request("actuator/ipc/thumbnailer").header("Content-Type", "application/json")
			.POST(BodyPublishers.ofString("{\"action\": \"" + action + "\"}")));
	}

	public HttpResponse<byte[]> upload(byte[] file) {
		return upload(file, Map.of());
	}

	public HttpResponse<byte[]> upload(byte[] file, Map<String, String> fields, String... headers) {
		ByteArrayOutputStream body = new ByteArrayOutputStream();
		fields.forEach((name, value) -> body.writeBytes(part("name=\"" + name + '"', value.getBytes(UTF_8))));
		body.writeBytes(part("name=\"file\"; filename=\"picture.png\"", file));
		return post(body, headers);
	}

	public HttpResponse<byte[]> uploadNothing() {
		return post(new ByteArrayOutputStream());
	}

	private static byte[] part(String disposition, byte[] content) {
		ByteArrayOutputStream part = new ByteArrayOutputStream();
		part.writeBytes(
				("--" + BOUNDARY + "\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\n").getBytes(UTF_8));
		part.writeBytes(content);
		part.writeBytes("\r\n".getBytes(UTF_8));
		return part.toByteArray();
	}

	private HttpResponse<byte[]> post(ByteArrayOutputStream parts, String... headers) {
		parts.writeBytes(("--" + BOUNDARY + "--\r\n").getBytes(UTF_8));
		return exchange(
				request("thumbnails", headers).header("Content-Type", "multipart/form-data; boundary=" + BOUNDARY)
					.POST(BodyPublishers.ofByteArray(parts.toByteArray())));
	}

	private HttpRequest.Builder request(String path, String... headers) {
		HttpRequest.Builder request = HttpRequest.newBuilder(this.base.resolve(path)).timeout(Duration.ofSeconds(60));
		return (headers.length > 0) ? request.headers(headers) : request;
	}

	private HttpResponse<byte[]> exchange(HttpRequest.Builder request) {
		try {
			return this.client.send(request.build(), BodyHandlers.ofByteArray());
		}
		catch (IOException ex) {
			throw new IllegalStateException(ex);
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
			throw new IllegalStateException(ex);
		}
	}

}
