package dev.tinyipc.spring.child;

import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcListener;
import dev.tinyipc.spring.autoconfigure.IpcAutoConfiguration;
import dev.tinyipc.spring.autoconfigure.IpcListenerAutoConfiguration;
import dev.tinyipc.spring.autoconfigure.IpcObservationAutoConfiguration;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;

import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;
import org.springframework.boot.micrometer.observation.autoconfigure.ObservationAutoConfiguration;
import org.springframework.boot.micrometer.tracing.autoconfigure.MicrometerTracingAutoConfiguration;
import org.springframework.boot.micrometer.tracing.opentelemetry.autoconfigure.OpenTelemetryTracingAutoConfiguration;
import org.springframework.boot.opentelemetry.autoconfigure.OpenTelemetrySdkAutoConfiguration;
import org.springframework.context.annotation.Import;

/** A child that is an application with tracing, and knows nothing of traces itself. */
@ImportAutoConfiguration({ JacksonAutoConfiguration.class, IpcAutoConfiguration.class,
		IpcListenerAutoConfiguration.class, IpcObservationAutoConfiguration.class, ObservationAutoConfiguration.class,
		OpenTelemetrySdkAutoConfiguration.class, OpenTelemetryTracingAutoConfiguration.class,
		MicrometerTracingAutoConfiguration.class })
@Import(Spans.Traced.class)
class TracedApplication {

	public static void main(String[] arguments) {
		SpringApplication.run(TracedApplication.class, arguments);
	}

	private final ObservationRegistry registry;

	private final ObjectProvider<CborMessageTemplate> template;

	TracedApplication(ObservationRegistry registry, ObjectProvider<CborMessageTemplate> template) {
		this.registry = registry;
		this.template = template;
	}

	@IpcListener("parent")
	String work(String text) {
		return Observation.createNotStarted("inner", this.registry).observe(() -> "worked on " + text);
	}

	@IpcListener(value = "parent", method = "ask-back")
	String askBack(String text) {
		return this.template.getObject().method("ask").convertSendAndReceive("parent", text, String.class);
	}

	@IpcListener("parent")
	Stream<Integer> count(int limit) {
		return Stream.iterate(0, (i) -> i + 1).limit(limit);
	}

	@IpcListener("parent")
	String fail(String text) {
		throw new IllegalStateException("on purpose");
	}

	@IpcListener("parent")
	String hang(String text) throws InterruptedException {
		new CountDownLatch(1).await();
		return "never";
	}

}
