package dev.tinyipc.demo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collection;
import java.util.List;

import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SpanExporter;

/** To which the application and its workers append their spans as these end. */
public record SpanFile(Path path) implements SpanExporter {

	/** A span that has ended; {@code parent} is zeros for none. */
	public record Span(long pid, String trace, String id, String parent, String name) {

	}

	List<Span> spans() {
		try {
			return Files.readAllLines(this.path)
				.stream()
				.map((line) -> line.split(" ", 5))
				.map((parts) -> new Span(Long.parseLong(parts[0]), parts[1], parts[2], parts[3], parts[4]))
				.toList();
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	@Override
	public CompletableResultCode export(Collection<SpanData> spans) {
		for (SpanData span : spans) {
			String line = String.join(" ", String.valueOf(ProcessHandle.current().pid()), span.getTraceId(),
					span.getSpanId(), span.getParentSpanId(), span.getName());
			try {
				Files.writeString(this.path, line + '\n', StandardOpenOption.APPEND);
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
