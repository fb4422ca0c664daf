package dev.tinyipc.demo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

import dev.tinyipc.demo.SpanFile.Span;
import dev.tinyipc.demo.worker.TracedWorker;
import io.opentelemetry.sdk.trace.SpanProcessor;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

import static org.assertj.core.api.Assertions.assertThat;

/** A trace goes from the browser's request through the socket into the worker. */
@DemoTest
@DirtiesContext
class TraceTests {

	private static final SpanFile spans = new SpanFile(file());

	private static Path file() {
		try {
			return Files.createTempFile("spans", "");
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	@AfterAll
	static void delete() throws IOException {
		Files.delete(spans.path());
	}

	@DynamicPropertySource
	static void trace(DynamicPropertyRegistry properties) {
		properties.add("management.tracing.sampling.probability", () -> "1");
		properties.add("ipc.children.thumbnailer.main", TracedWorker.class::getName);
		properties.add("ipc.children.thumbnailer.sandbox.write", () -> spans.path().toString());
		properties.add("ipc.children.thumbnailer.environment." + TracedWorker.FILE, () -> spans.path().toString());
	}

	@TestConfiguration(proxyBeanMethods = false)
	static class Tracing {

		@Bean
		SpanProcessor spansToFile() {
			return SimpleSpanProcessor.create(spans);
		}

	}

	@Test
	void aTraceOfOneUploadHasFourSpansInTwoProcessesWithTheRightParents(@Autowired DemoClient client) {
		assertThat(client.upload(Pictures.photo()).statusCode()).isEqualTo(200);
		Span request = await("http post /thumbnails");
		Span exchange = await("ipc.exchange make");
		Span process = await("ipc.process make");
		Span thumbnail = await("thumbnail");
		assertThat(request.parent()).isEqualTo("0".repeat(16));
		assertThat(exchange.parent()).isEqualTo(request.id());
		assertThat(process.parent()).isEqualTo(exchange.id());
		assertThat(thumbnail.parent()).isEqualTo(process.id());
		long ours = ProcessHandle.current().pid();
		assertThat(request.pid()).isEqualTo(ours);
		assertThat(exchange.pid()).isEqualTo(ours);
		assertThat(process.pid()).isIn(client.workerPids());
		assertThat(thumbnail.pid()).isEqualTo(process.pid());
		assertThat(ofTrace(request)).containsExactlyInAnyOrder(request, exchange, process, thumbnail);
	}

	private static Span await(String name) {
		return Awaitility.await()
			.until(() -> spans.spans().stream().filter((span) -> span.name().equals(name)).findFirst(),
					Optional::isPresent)
			.orElseThrow();
	}

	private static List<Span> ofTrace(Span one) {
		return spans.spans().stream().filter((span) -> span.trace().equals(one.trace())).toList();
	}

}
