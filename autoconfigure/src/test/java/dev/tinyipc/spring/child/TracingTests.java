package dev.tinyipc.spring.child;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import java.util.stream.Stream;

import dev.tinyipc.spring.CborMessageOperations;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.ChildCalls;
import dev.tinyipc.spring.IpcRemoteException;
import dev.tinyipc.spring.IpcTimeoutException;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.autoconfigure.IpcObservationAutoConfiguration;
import dev.tinyipc.spring.child.Spans.Span;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.tracing.Tracer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.micrometer.observation.autoconfigure.ObservationAutoConfiguration;
import org.springframework.boot.micrometer.tracing.autoconfigure.MicrometerTracingAutoConfiguration;
import org.springframework.boot.micrometer.tracing.opentelemetry.autoconfigure.OpenTelemetryTracingAutoConfiguration;
import org.springframework.boot.opentelemetry.autoconfigure.OpenTelemetrySdkAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;
import org.springframework.core.ParameterizedTypeReference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** One trace goes through all processes, whatever they are written in. */
@Timeout(180)
class TracingTests {

	private static final boolean HERE = true;

	private static final boolean THERE = false;

	private static final ParameterizedTypeReference<String> TEXT = ParameterizedTypeReference.forType(String.class);

	@TempDir
	private Path folder;

	private Spans spans;

	private ApplicationContextRunner traced(ApplicationContextRunner application) {
		Path file = this.folder.resolve("spans");
		this.spans = new Spans(file);
		return application
			.withConfiguration(AutoConfigurations.of(IpcObservationAutoConfiguration.class,
					ObservationAutoConfiguration.class, OpenTelemetrySdkAutoConfiguration.class,
					OpenTelemetryTracingAutoConfiguration.class, MicrometerTracingAutoConfiguration.class))
			.withUserConfiguration(Spans.Traced.class)
			.withBean(ChildCalls.class, () -> new ChildCalls("worker",
					(calls) -> calls.handler("ask", String.class, (request) -> "parent(" + request.payload() + ')')))
			.withPropertyValues(Spans.PROPERTY + '=' + file, "ipc.children.worker.ready=true",
					"ipc.children.worker.environment.TEST_SPANS=" + file, "management.tracing.sampling.probability=1",
					"management.tracing.baggage.remote-fields=user");
	}

	private ApplicationContextRunner withSpringChild() {
		return traced(RawWorker.nothing()
			.withPropertyValues("ipc.children.worker.main=" + TracedApplication.class.getName(),
					"ipc.children.worker.jvm-arguments=-Dmanagement.tracing.sampling.probability=1"));
	}

	private ApplicationContextRunner withJavaChild() {
		return traced(RawWorker.nothing()
			.withPropertyValues("ipc.children.worker.main=" + ConversationWorker.class.getName()));
	}

	/** Runs code within a span, as within an HTTP request. */
	private static void within(ApplicationContext context, BiConsumer<CborMessageTemplate, Tracer> code) {
		Observation.createNotStarted("request", context.getBean(ObservationRegistry.class))
			.observe(() -> code.accept(context.getBean(CborMessageTemplate.class), context.getBean(Tracer.class)));
	}

	/** Has the child ask its parent. */
	private static void askBack(ApplicationContext context, String reply) {
		within(context,
				(template,
						tracer) -> assertThat(
								template.method("ask-back").<String>convertSendAndReceive("text", String.class))
							.isEqualTo(reply));
	}

	@Test
	void whatASpringChildObservesBelongsToTheTraceOfItsCaller() {
		withSpringChild().run((context) -> {
			within(context,
					(template,
							tracer) -> assertThat(
									template.method("work").<String>convertSendAndReceive("text", String.class))
								.isEqualTo("worked on text"));
			List<Span> all = this.spans.await(4);
			Span request = Spans.named(all, "request", HERE);
			Span exchange = Spans.named(all, "ipc.exchange work", HERE);
			Span process = Spans.named(all, "ipc.process work", THERE);
			Span inner = Spans.named(all, "inner", THERE);
			assertChain(request, exchange, process, inner);
			assertThat(exchange.attributes()).containsEntry("destination", "worker")
				.containsEntry("method", "work")
				.containsEntry("outcome", "SUCCESS")
				.containsEntry("exception", "none");
			assertThat(process.attributes()).containsEntry("destination", "parent")
				.containsEntry("method", "work")
				.containsEntry("outcome", "SUCCESS");
		});
	}

	@Test
	void aCallInAnotherThreadBelongsToTheTraceOfTheOneThatBeganIt() {
		withSpringChild().run((context) -> {
			within(context, (template, tracer) -> {
				assertThat(template.method("work").convertSendAndReceiveAsync("text", TEXT).join())
					.isEqualTo("worked on text");
				assertThat(tracer.currentSpan()).isNotNull();
			});
			List<Span> all = this.spans.await(4);
			assertChain(Spans.named(all, "request", HERE), Spans.named(all, "ipc.exchange work", HERE),
					Spans.named(all, "ipc.process work", THERE), Spans.named(all, "inner", THERE));
		});
	}

	/** Of three calls of one instance, only the first has begun. */
	@Test
	void aCallThatIsNeverMadeEndsItsSpan() {
		withSpringChild().run((context) -> {
			within(context, (template, tracer) -> {
				List<CompletableFuture<String>> calls = Stream
					.generate(() -> template.method("hang").convertSendAndReceiveAsync("text", TEXT))
					.limit(3)
					.toList();
				calls.forEach((call) -> call.cancel(true));
			});
			Awaitility.await()
				.untilAsserted(() -> assertThat(this.spans.ended())
					.filteredOn((span) -> span.name().equals("ipc.exchange hang") && span.isOurs())
					.hasSize(3)
					.noneMatch((span) -> span.attributes().get("exception").equals("none")));
		});
	}

	@Test
	void whatASpringChildAsksItsParentBelongsToTheSameTrace() {
		withSpringChild().run((context) -> {
			askBack(context, "parent(text)");
			List<Span> all = this.spans.await(5);
			assertChain(Spans.named(all, "request", HERE), Spans.named(all, "ipc.exchange ask-back", HERE),
					Spans.named(all, "ipc.process ask-back", THERE), Spans.named(all, "ipc.exchange ask", THERE),
					Spans.named(all, "ipc.process ask", HERE));
		});
	}

	@Test
	void aChildInPlainJavaHandsTheTraceOnWhenItAsksItsParent() {
		withJavaChild().run((context) -> {
			askBack(context, "child(parent(text))");
			List<Span> all = this.spans.await(3);
			assertChain(Spans.named(all, "request", HERE), Spans.named(all, "ipc.exchange ask-back", HERE),
					Spans.named(all, "ipc.process ask", HERE));
		});
	}

	@Test
	void aChildInPlainJavaCanReadTheTraceAndTheBaggage() {
		withJavaChild().run((context) -> {
			within(context, (template, tracer) -> {
				try (var baggage = tracer.createBaggageInScope("user", "anna")) {
					Map<?, ?> headers = template.method("headers").convertSendAndReceive("", Map.class);
					assertThat(headers.get("baggage")).asString().startsWith("user=anna");
					assertThat(headers.get("traceparent")).asString()
						.contains(tracer.currentSpan().context().traceId())
						.doesNotContain(tracer.currentSpan().context().spanId());
				}
			});
			Span exchange = Spans.named(this.spans.await(2), "ipc.exchange headers", HERE);
			assertThat(exchange.status()).isNotEqualTo("ERROR");
		});
	}

	@Test
	void aChildInPythonWithoutOpenTelemetryHandsTheTraceOnToo() {
		traced(PythonWorker.application()).run((context) -> {
			askBack(context, "child(parent(text))");
			List<Span> all = this.spans.await(3);
			assertChain(Spans.named(all, "request", HERE), Spans.named(all, "ipc.exchange ask-back", HERE),
					Spans.named(all, "ipc.process ask", HERE));
		});
	}

	@Test
	void aChildInPythonWithOpenTelemetryHasSpansOfItsOwn() {
		traced(PythonWorker.traced()).run((context) -> {
			askBack(context, "child(parent(text))");
			List<Span> all = this.spans.await(4);
			assertChain(Spans.named(all, "request", HERE), Spans.named(all, "ipc.exchange ask-back", HERE),
					Spans.named(all, "ipc.process ask-back", THERE), Spans.named(all, "ipc.process ask", HERE));
		});
	}

	@Test
	void aChildThatKnowsNoEnvelopesWorksAsBefore() {
		traced(RawWorker.application()).withPropertyValues("ipc.children.worker.ready=false").run((context) -> {
			within(context,
					(template, tracer) -> assertThat(template.<String>convertSendAndReceive("hello", String.class))
						.isEqualTo("hello"));
			List<Span> all = this.spans.await(2);
			assertChain(Spans.named(all, "request", HERE), Spans.named(all, "ipc.exchange", HERE));
		});
	}

	@Test
	void theSpanOfAStreamEndsWithTheStream() {
		withSpringChild().run((context) -> {
			CborMessageOperations counting = context.getBean(CborMessageTemplate.class).method("count");
			within(context, (template, tracer) -> {
				String current = tracer.currentSpan().context().spanId();
				try (Stream<Integer> numbers = counting.convertSendAndStream(3, Integer.class)) {
					assertThat(tracer.currentSpan().context().spanId()).isEqualTo(current);
					assertThat(this.spans.ended()).noneMatch((span) -> span.name().startsWith("ipc.exchange"));
					assertThat(numbers).containsExactly(0, 1, 2);
				}
			});
			List<Span> all = this.spans.await(3);
			Span exchange = Spans.named(all, "ipc.exchange count", HERE);
			Span process = Spans.named(all, "ipc.process count", THERE);
			assertChain(Spans.named(all, "request", HERE), exchange, process);
			assertThat(exchange.attributes()).containsEntry("outcome", "SUCCESS");
			assertThat(process.attributes()).containsEntry("outcome", "SUCCESS");
		});
	}

	@Test
	void aStreamThatIsClosedEarlyIsCancelledAtBothEnds() {
		withSpringChild().run((context) -> {
			within(context, (template, tracer) -> {
				try (Stream<Integer> numbers = template.method("count")
					.convertSendAndStream(Integer.MAX_VALUE, Integer.class)) {
					assertThat(numbers.findFirst()).isPresent();
					assertThat(this.spans.ended()).isEmpty();
				}
			});
			List<Span> all = this.spans.await(3);
			Span exchange = Spans.named(all, "ipc.exchange count", HERE);
			Span process = Spans.named(all, "ipc.process count", THERE);
			assertChain(Spans.named(all, "request", HERE), exchange, process);
			assertThat(exchange.attributes()).containsEntry("outcome", "CANCELLED").containsEntry("exception", "none");
			assertThat(process.attributes()).containsEntry("outcome", "CANCELLED");
			assertThat(process.status()).isEqualTo("ERROR");
		});
	}

	@Test
	void aRequestThatFailsIsAnErrorAtBothEnds() {
		withSpringChild().run((context) -> {
			within(context, (template, tracer) -> assertThatExceptionOfType(IpcRemoteException.class)
				.isThrownBy(() -> template.method("fail").convertSendAndReceive("", String.class)));
			List<Span> all = this.spans.await(3);
			Span exchange = Spans.named(all, "ipc.exchange fail", HERE);
			Span process = Spans.named(all, "ipc.process fail", THERE);
			assertChain(Spans.named(all, "request", HERE), exchange, process);
			assertThat(exchange.status()).isEqualTo("ERROR");
			assertThat(exchange.attributes()).containsEntry("outcome", "ERROR")
				.containsEntry("exception", "IpcRemoteException");
			assertThat(process.status()).isEqualTo("ERROR");
			assertThat(process.attributes()).containsEntry("outcome", "ERROR")
				.containsEntry("exception", "IllegalStateException");
		});
	}

	@Test
	void aRequestThatIsGivenUpIsAnErrorHereAndCancelledThere() {
		withSpringChild().run((context) -> {
			within(context, (template, tracer) -> assertThatExceptionOfType(IpcTimeoutException.class).isThrownBy(
					() -> template.method("hang").convertSendAndReceive("", String.class, Duration.ofSeconds(1))));
			List<Span> all = this.spans.await(3);
			Span exchange = Spans.named(all, "ipc.exchange hang", HERE);
			Span process = Spans.named(all, "ipc.process hang", THERE);
			assertChain(Spans.named(all, "request", HERE), exchange, process);
			assertThat(exchange.status()).isEqualTo("ERROR");
			assertThat(exchange.attributes()).containsEntry("exception", "IpcTimeoutException");
			assertThat(process.status()).isEqualTo("ERROR");
			assertThat(process.attributes()).containsEntry("outcome", "CANCELLED")
				.containsEntry("exception", "InterruptedException");
		});
	}

	/** Each is the parent of the next one. */
	private static void assertChain(Span root, Span... below) {
		Span parent = root;
		for (Span span : below) {
			assertThat(span.trace()).isEqualTo(root.trace());
			assertThat(span.parent()).as("parent of " + span.name()).isEqualTo(parent.id());
			parent = span;
		}
	}

}
