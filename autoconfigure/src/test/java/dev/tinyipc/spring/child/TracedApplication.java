package dev.tinyipc.spring.child;

import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;

import dev.tinyipc.IpcServerBuilder;
import dev.tinyipc.spring.autoconfigure.IpcAutoConfiguration;
import dev.tinyipc.spring.autoconfigure.IpcObservationAutoConfiguration;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;

import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;
import org.springframework.boot.micrometer.observation.autoconfigure.ObservationAutoConfiguration;
import org.springframework.boot.micrometer.tracing.autoconfigure.MicrometerTracingAutoConfiguration;
import org.springframework.boot.micrometer.tracing.opentelemetry.autoconfigure.OpenTelemetryTracingAutoConfiguration;
import org.springframework.boot.opentelemetry.autoconfigure.OpenTelemetrySdkAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;

/** A child that is an application with tracing, and knows nothing of traces itself. */
@ImportAutoConfiguration({ JacksonAutoConfiguration.class, IpcAutoConfiguration.class,
		IpcObservationAutoConfiguration.class, ObservationAutoConfiguration.class,
		OpenTelemetrySdkAutoConfiguration.class, OpenTelemetryTracingAutoConfiguration.class,
		MicrometerTracingAutoConfiguration.class })
@Import(Spans.Traced.class)
class TracedApplication {

	public static void main(String[] arguments) {
		SpringApplication.run(TracedApplication.class, arguments);
	}

	@Bean
	CommandLineRunner serve(IpcServerBuilder server, ObservationRegistry registry) {
		return (arguments) -> server
			.handler("work", String.class,
					(request) -> Observation.createNotStarted("inner", registry)
						.observe(() -> "worked on " + request.payload()))
			.handler("ask-back", String.class,
					(request, context) -> context.parent().call("ask", request.payload(), String.class))
			.handler("count", Integer.class, (request) -> Stream.iterate(0, (i) -> i + 1).limit(request.payload()))
			.handler("fail", String.class, (request) -> {
				throw new IllegalStateException("on purpose");
			})
			.handler("hang", String.class, (request) -> {
				new CountDownLatch(1).await();
				return "never";
			})
			.serve();
	}

}
