package dev.tinyipc.demo;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

import org.springframework.beans.factory.annotation.Autowired;

import static org.assertj.core.api.Assertions.assertThat;

@DemoTest
class DescriptorTests {

	private final long application = ProcessHandle.current().pid();

	@Autowired
	private DemoClient client;

	@Test
	void aWorkerHasItsOwnEndAndNoOtherSocket() throws IOException {
		Set<String> seen = new HashSet<>(ProcessFiles.sockets(this.application));
		seen.addAll(ProcessFiles.listeningSockets());
		assertThat(this.client.workerPids()).hasSize(2);
		for (long worker : this.client.workerPids()) {
			assertThat(ProcessFiles.sockets(worker)).hasSize(1).doesNotContainAnyElementsOf(seen);
			seen.addAll(ProcessFiles.sockets(worker));
		}
		assertThat(ProcessFiles.listeningSockets()).containsAnyElementsOf(ProcessFiles.sockets(this.application));
	}

	@Test
	void aThousandUploadsLeaveNoDescriptorOpen() {
		uploads(100);
		Map<Long, Integer> open = openFiles();
		uploads(1000);
		Awaitility.await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> {
			assertThat(openFiles()).hasSize(3).containsOnlyKeys(open.keySet());
			openFiles().forEach((pid, count) -> assertThat(count).isLessThanOrEqualTo(open.get(pid)));
		});
	}

	/** How many there are, by process. */
	private Map<Long, Integer> openFiles() {
		return Stream.concat(Stream.of(this.application), this.client.workerPids().stream())
			.collect(Collectors.toMap(Function.identity(), (pid) -> ProcessFiles.open(pid).size()));
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
