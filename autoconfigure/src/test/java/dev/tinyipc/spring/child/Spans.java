package dev.tinyipc.spring.child;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import org.awaitility.Awaitility;

import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The spans of several processes, which append each one to a file as it ends: a line with
 * the process id, name, trace, id, parent, status and attributes.
 */
record Spans(Path file) {

	/** Names the file. */
	static final String PROPERTY = "test.spans";

	/**
	 * A span that has ended.
	 *
	 * @param parent the id of the span above it; zeros for none
	 * @param status {@code ERROR} if it has failed
	 */
	record Span(long pid, String name, String trace, String id, String parent, String status,
			Map<String, String> attributes) {

		boolean isOurs() {
			return this.pid == ProcessHandle.current().pid();
		}

	}

	/** Those that have ended so far. */
	List<Span> ended() {
		try {
			return Files.exists(this.file) ? Files.readAllLines(this.file).stream().map(Spans::parse).toList()
					: List.of();
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	/** Waits for a number of spans, which must not be exceeded. */
	List<Span> await(int count) {
		Awaitility.await().until(() -> ended().size() >= count);
		assertThat(ended()).hasSize(count);
		return ended();
	}

	/** The only one of that name, in this process or in another. */
	static Span named(List<Span> spans, String name, boolean ours) {
		List<Span> found = spans.stream().filter((span) -> span.name().equals(name) && span.isOurs() == ours).toList();
		assertThat(found).as(name + (ours ? " here" : " there") + " among " + spans).hasSize(1);
		return found.get(0);
	}

	private static Span parse(String line) {
		String[] parts = line.split("\t", -1);
		Map<String, String> attributes = new TreeMap<>();
		for (String attribute : parts[6].isEmpty() ? new String[0] : parts[6].split(",")) {
			String[] pair = attribute.split("=", 2);
			attributes.put(pair[0], pair[1]);
		}
		return new Span(Long.parseLong(parts[0]), parts[1], parts[2], parts[3], parts[4], parts[5], attributes);
	}

	/** An application whose spans go to the file. */
	@Configuration(proxyBeanMethods = false)
	static class Traced {

		@Bean
		SimpleSpanProcessor spansToFile(Environment environment) {
			return (SimpleSpanProcessor) SimpleSpanProcessor
				.create(new ToFile(Path.of(environment.getRequiredProperty(PROPERTY))));
		}

	}

	/** Appends spans to a file. */
	private record ToFile(Path file) implements SpanExporter {

		@Override
		public CompletableResultCode export(Collection<SpanData> spans) {
			for (SpanData span : spans) {
				String attributes = span.getAttributes()
					.asMap()
					.entrySet()
					.stream()
					.map((attribute) -> attribute.getKey().getKey() + '=' + attribute.getValue())
					.collect(Collectors.joining(","));
				String line = String.join("\t", String.valueOf(ProcessHandle.current().pid()), span.getName(),
						span.getTraceId(), span.getSpanId(), span.getParentSpanId(),
						span.getStatus().getStatusCode().name(), attributes);
				try {
					Files.writeString(this.file, line + '\n', StandardOpenOption.CREATE, StandardOpenOption.APPEND);
				}
				catch (IOException ex) {
					throw new UncheckedIOException(ex);
				}
			}
			return CompletableResultCode.ofSuccess();
		}

		@Override
		public CompletableResultCode flush() {
			return CompletableResultCode.ofSuccess();
		}

		@Override
		public CompletableResultCode shutdown() {
			return CompletableResultCode.ofSuccess();
		}

	}

}
