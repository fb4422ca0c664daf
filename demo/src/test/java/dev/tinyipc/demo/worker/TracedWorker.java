package dev.tinyipc.demo.worker;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

import dev.tinyipc.IpcServer;
import dev.tinyipc.demo.SpanFile;
import dev.tinyipc.spring.observation.MicrometerIpcInstrumentation;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler.FirstMatchingCompositeObservationHandler;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.tracing.Tracer;
import io.micrometer.tracing.handler.DefaultTracingObservationHandler;
import io.micrometer.tracing.handler.PropagatingReceiverTracingObservationHandler;
import io.micrometer.tracing.otel.bridge.OtelCurrentTraceContext;
import io.micrometer.tracing.otel.bridge.OtelPropagator;
import io.micrometer.tracing.otel.bridge.OtelTracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;

import javax.imageio.ImageIO;

/**
 * The demo's worker, with tracing: plain Java has nobody who configures that for it.
 */
public final class TracedWorker {

	/** The environment variable that names the file of the spans. */
	public static final String FILE = "SPAN_FILE";

	private TracedWorker() {
	}

	public static void main(String[] arguments) throws IOException {
		ImageIO.setUseCache(false);
		ObservationRegistry registry = registry(new SpanFile(Path.of(System.getenv(FILE))));
		ThumbnailWorker worker = new ThumbnailWorker();
		IpcServer.builder()
			.instrumentation("parent", new MicrometerIpcInstrumentation(registry, null, null))
			.service(Thumbnails.class,
					(picture, size) -> Observation.createNotStarted("thumbnail", registry)
						.observeChecked(() -> worker.make(picture, size)))
			.serve();
	}

	private static ObservationRegistry registry(SpanFile file) {
		io.opentelemetry.api.trace.Tracer spans = SdkTracerProvider.builder()
			.addSpanProcessor(SimpleSpanProcessor.create(file))
			.build()
			.get("worker");
		Tracer tracer = new OtelTracer(spans, new OtelCurrentTraceContext(), (event) -> {
		});
		OtelPropagator propagator = new OtelPropagator(
				ContextPropagators.create(W3CTraceContextPropagator.getInstance()), spans);
		ObservationRegistry registry = ObservationRegistry.create();
		registry.observationConfig()
			.observationHandler(new FirstMatchingCompositeObservationHandler(
					List.of(new PropagatingReceiverTracingObservationHandler<>(tracer, propagator),
							new DefaultTracingObservationHandler(tracer))));
		return registry;
	}

}
