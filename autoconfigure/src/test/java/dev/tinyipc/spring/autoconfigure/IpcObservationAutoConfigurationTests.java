package dev.tinyipc.spring.autoconfigure;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import java.util.stream.Stream;

import dev.tinyipc.IpcContext;
import dev.tinyipc.IpcInstrumentation;
import dev.tinyipc.IpcServerBuilder;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.ChildCalls;
import dev.tinyipc.spring.IpcMessagingException;
import dev.tinyipc.spring.IpcObserver;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.child.ConversationWorker;
import dev.tinyipc.spring.observation.DefaultIpcExchangeObservationConvention;
import dev.tinyipc.spring.observation.DefaultIpcProcessObservationConvention;
import dev.tinyipc.spring.observation.IpcExchangeObservationContext;
import dev.tinyipc.spring.observation.IpcProcessObservationContext;
import dev.tinyipc.spring.observation.MicrometerIpcInstrumentation;
import io.micrometer.common.KeyValues;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.tracing.Span;
import io.micrometer.tracing.exporter.FinishedSpan;
import io.micrometer.tracing.otel.bridge.OtelFinishedSpan;
import io.micrometer.tracing.test.simple.SpansAssert;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.trace.ReadWriteSpan;
import io.opentelemetry.sdk.trace.ReadableSpan;
import io.opentelemetry.sdk.trace.SpanProcessor;
import org.assertj.core.data.Index;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration;
import org.springframework.boot.micrometer.metrics.autoconfigure.MetricsAutoConfiguration;
import org.springframework.boot.micrometer.observation.autoconfigure.ObservationAutoConfiguration;
import org.springframework.boot.micrometer.tracing.autoconfigure.MicrometerTracingAutoConfiguration;
import org.springframework.boot.micrometer.tracing.opentelemetry.autoconfigure.OpenTelemetryTracingAutoConfiguration;
import org.springframework.boot.opentelemetry.autoconfigure.OpenTelemetrySdkAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

@Timeout(120)
class IpcObservationAutoConfigurationTests {

	private static final AutoConfigurations OURS = AutoConfigurations.of(IpcMetricsAutoConfiguration.class,
			IpcObservationAutoConfiguration.class);

	private final ApplicationContextRunner withoutRegistry = RawWorker.application().withConfiguration(OURS);

	private final ApplicationContextRunner measured = measured(RawWorker.application());

	/** The child calls back. */
	private final ApplicationContextRunner withCalls = measured(RawWorker.nothing())
		.withPropertyValues("ipc.children.worker.main=" + ConversationWorker.class.getName(),
				"ipc.children.worker.ready=true")
		.withBean(ChildCalls.class, () -> new ChildCalls("worker",
				(calls) -> calls.handler("ask", String.class, (request) -> request.payload())));

	/** As Boot sets it up with Actuator. */
	private static ApplicationContextRunner measured(ApplicationContextRunner application) {
		return application.withConfiguration(OURS)
			.withBean(SimpleMeterRegistry.class)
			.withConfiguration(AutoConfigurations.of(MetricsAutoConfiguration.class,
					CompositeMeterRegistryAutoConfiguration.class, ObservationAutoConfiguration.class));
	}

	@Test
	void withoutAnObservationRegistryThereIsNoInstrumentation() {
		this.withoutRegistry.run((context) -> {
			assertThat(context).doesNotHaveBean(IpcInstrumentation.class).hasSingleBean(IpcServerBuilder.class);
			echo(context.getBean(CborMessageTemplate.class));
		});
	}

	@Test
	void staysOutWithoutMicrometer() {
		this.withoutRegistry.withClassLoader(new FilteredClassLoader("io.micrometer.observation"))
			.run((context) -> assertThat(context).hasNotFailed().doesNotHaveBean(IpcInstrumentation.class));
		this.withoutRegistry.withClassLoader(new FilteredClassLoader("io.micrometer.core"))
			.withBean(ObservationRegistry.class, ObservationRegistry::create)
			.run((context) -> {
				assertThat(context).hasNotFailed().hasSingleBean(MicrometerIpcInstrumentation.class);
				echo(context.getBean(CborMessageTemplate.class));
			});
	}

	@Test
	void anInstrumentationOfTheUsersWins() {
		this.measured.withBean("mine", IpcInstrumentation.class, () -> IpcInstrumentation.NONE)
			.run((context) -> assertThat(context).hasSingleBean(IpcInstrumentation.class)
				.doesNotHaveBean(MicrometerIpcInstrumentation.class));
	}

	@Test
	void anExchangeIsTimedOnceWithTheTagThatItHasAlwaysHad() {
		this.measured.run((context) -> {
			echo(context.getBean(CborMessageTemplate.class));
			MeterRegistry registry = context.getBean(MeterRegistry.class);
			assertThat(registry.find("ipc.exchange").timers()).singleElement().satisfies((timer) -> {
				assertThat(timer.count()).isEqualTo(1);
				assertThat(timer.getId().getTags()).containsExactly(Tag.of("destination", "worker"));
			});
			assertThat(registry.getMeters()).extracting(Meter::getId)
				.extracting(Meter.Id::getName)
				.doesNotContain("ipc.exchange.active");
		});
	}

	@Test
	void withTracingItIsTimedOnceToo() {
		this.measured
			.withConfiguration(AutoConfigurations.of(OpenTelemetrySdkAutoConfiguration.class,
					OpenTelemetryTracingAutoConfiguration.class, MicrometerTracingAutoConfiguration.class))
			.withBean(EndedSpans.class)
			.withPropertyValues("management.tracing.sampling.probability=1")
			.run((context) -> {
				echo(context.getBean(CborMessageTemplate.class));
				assertThat(context.getBean(MeterRegistry.class).find("ipc.exchange").timers()).singleElement()
					.satisfies((timer) -> assertThat(timer.count()).isEqualTo(1));
				SpansAssert.assertThat(context.getBean(EndedSpans.class).spans)
					.hasNumberOfSpansEqualTo(1)
					.assertThatASpanWithNameEqualTo("ipc.exchange")
					.hasKindEqualTo(Span.Kind.CLIENT)
					.hasRemoteServiceNameEqualTo("worker")
					.hasTag("destination", "worker")
					.hasTag("method", "none")
					.hasTag("outcome", "SUCCESS")
					.hasTag("exception", "none");
			});
	}

	@Test
	void anExchangeIsAnObservationThatFailsAsItsCallDoes() {
		Contexts contexts = new Contexts();
		this.measured.withBean(ObservationHandler.class, () -> contexts).run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			echo(template);
			assertThatExceptionOfType(IpcMessagingException.class)
				.isThrownBy(() -> template.convertSendAndReceive("die", String.class));
			assertThat(contexts.of(IpcExchangeObservationContext.class)).hasSize(2).satisfies((exchange) -> {
				assertThat(exchange.getName()).isEqualTo("ipc.exchange");
				assertThat(exchange.getError()).isNull();
				assertThat(keys(exchange)).containsExactlyInAnyOrder("destination=worker", "method=none",
						"outcome=SUCCESS", "exception=none");
			}, Index.atIndex(0)).satisfies((exchange) -> {
				assertThat(exchange.getError()).isInstanceOf(IpcMessagingException.class);
				assertThat(keys(exchange)).contains("outcome=ERROR",
						"exception=" + exchange.getError().getClass().getSimpleName());
			}, Index.atIndex(1));
		});
	}

	@Test
	void callsOfAChildAreTimedWithTheirMethod() {
		this.withCalls.run((context) -> {
			context.getBean(CborMessageTemplate.class).method("ask-back").convertSendAndReceive("hello", String.class);
			MeterRegistry registry = context.getBean(MeterRegistry.class);
			Awaitility.await().until(() -> registry.find("ipc.process").timer() != null);
			assertThat(registry.get("ipc.process")
				.tags("destination", "worker", "method", "ask", "outcome", "SUCCESS", "exception", "none")
				.timer()
				.count()).isEqualTo(1);
		});
	}

	@Test
	void aConventionOfTheUsersReplacesTheDefault() {
		this.withCalls.withBean(OwnExchanges.class).withBean(OwnProcesses.class).run((context) -> {
			context.getBean(CborMessageTemplate.class).method("ask-back").convertSendAndReceive("hello", String.class);
			MeterRegistry registry = context.getBean(MeterRegistry.class);
			assertThat(registry.get("own.exchange").tag("colour", "red").timer().count()).isEqualTo(1);
			assertThat(registry.get("ipc.exchange").timer().count()).isEqualTo(1);
			Awaitility.await().until(() -> registry.find("own.process").timer() != null);
			assertThat(registry.get("own.process").tag("colour", "blue").timer().count()).isEqualTo(1);
			assertThat(registry.find("ipc.process").timer()).isNull();
		});
	}

	@Test
	void withARegistryThatIsNoOpNothingIsCreated() {
		IpcInstrumentation instrumentation = new MicrometerIpcInstrumentation(ObservationRegistry.NOOP,
				new DefaultIpcExchangeObservationConvention() {
					@Override
					public String getName() {
						throw new AssertionError("A convention was asked");
					}
				}, null);
		assertThat(instrumentation.calling("worker", "")).isSameAs(IpcInstrumentation.Observed.NONE);
		// Not even the request is looked at.
		assertThat(instrumentation.serving("parent", noRequest())).isSameAs(IpcInstrumentation.Observed.NONE);
		assertThat(IpcInstrumentation.guarded(instrumentation).calling("worker", ""))
			.isSameAs(IpcInstrumentation.Observed.NONE);
		assertThat(IpcInstrumentation.Observed.NONE.headers()).isSameAs(Map.of());
	}

	@SuppressWarnings("NullAway") // to see that it is not used
	private static IpcContext noRequest() {
		Supplier<IpcContext> none = () -> null;
		return none.get();
	}

	@Test
	void anObservationThatAPredicateRefusesCostsNothingMore() {
		ObservationRegistry registry = ObservationRegistry.create();
		registry.observationConfig().observationHandler(new Contexts());
		registry.observationConfig().observationPredicate((name, context) -> !name.startsWith("ipc."));
		assertThat(new MicrometerIpcInstrumentation(registry, null, null).calling("worker", ""))
			.isSameAs(IpcInstrumentation.Observed.NONE);
	}

	@Test
	void aHandlerOfObservationsThatThrowsIsHarmless() {
		this.measured.withBean(ObservationHandler.class, Hostile::new)
			.run((context) -> echo(context.getBean(CborMessageTemplate.class)));
	}

	@Test
	void anObserverOfTheUsersLeavesTheTimerToTheObservation() {
		this.measured.withBean("mine", IpcObserver.class, () -> IpcObserver.NONE).run((context) -> {
			echo(context.getBean(CborMessageTemplate.class));
			assertThat(context.getBean(MeterRegistry.class).find("ipc.exchange").timers()).singleElement()
				.satisfies((timer) -> assertThat(timer.count()).isEqualTo(1))
				.satisfies((timer) -> assertThat(timer.getId().getTag("outcome")).isEqualTo("SUCCESS"));
		});
	}

	private static void echo(CborMessageTemplate template) {
		assertThat(template.<String>convertSendAndReceive("hello", String.class)).isEqualTo("hello");
	}

	private static Stream<String> keys(Observation.Context context) {
		return context.getLowCardinalityKeyValues().stream().map((key) -> key.getKey() + '=' + key.getValue());
	}

	static class OwnExchanges extends DefaultIpcExchangeObservationConvention {

		@Override
		public String getName() {
			return "own.exchange";
		}

		@Override
		public KeyValues getLowCardinalityKeyValues(IpcExchangeObservationContext context) {
			return super.getLowCardinalityKeyValues(context).and("colour", "red");
		}

	}

	static class OwnProcesses extends DefaultIpcProcessObservationConvention {

		@Override
		public String getName() {
			return "own.process";
		}

		@Override
		public KeyValues getLowCardinalityKeyValues(IpcProcessObservationContext context) {
			return super.getLowCardinalityKeyValues(context).and("colour", "blue");
		}

	}

	/** Keeps the contexts of observations that have stopped. */
	static class Contexts implements ObservationHandler<Observation.Context> {

		private final List<Observation.Context> stopped = new CopyOnWriteArrayList<>();

		<T> List<T> of(Class<T> type) {
			return this.stopped.stream().filter(type::isInstance).map(type::cast).toList();
		}

		@Override
		public void onStop(Observation.Context context) {
			this.stopped.add(context);
		}

		@Override
		public boolean supportsContext(Observation.Context context) {
			return true;
		}

	}

	static class Hostile extends Contexts {

		@Override
		public void onStart(Observation.Context context) {
			throw new IllegalStateException("on purpose");
		}

	}

	/** The spans of Micrometer's test kit. */
	static class EndedSpans implements SpanProcessor {

		final List<FinishedSpan> spans = new CopyOnWriteArrayList<>();

		@Override
		public void onStart(Context parent, ReadWriteSpan span) {
			// It has not ended.
		}

		@Override
		public boolean isStartRequired() {
			return false;
		}

		@Override
		public void onEnd(ReadableSpan span) {
			this.spans.add(OtelFinishedSpan.fromOtel(span.toSpanData()));
		}

		@Override
		public boolean isEndRequired() {
			return true;
		}

	}

}
