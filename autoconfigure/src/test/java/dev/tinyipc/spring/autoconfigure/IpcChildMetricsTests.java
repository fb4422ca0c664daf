package dev.tinyipc.spring.autoconfigure;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.child.IpcChild;
import dev.tinyipc.spring.IpcPeerUnavailableException;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.actuate.IpcChildMetrics;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration;
import org.springframework.boot.micrometer.metrics.autoconfigure.MetricsAutoConfiguration;
import org.springframework.boot.micrometer.metrics.autoconfigure.export.simple.SimpleMetricsExportAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.tuple;

@Timeout(120)
class IpcChildMetricsTests {

	private static final AutoConfigurations METRICS = AutoConfigurations.of(IpcMetricsAutoConfiguration.class,
			MetricsAutoConfiguration.class, SimpleMetricsExportAutoConfiguration.class,
			CompositeMeterRegistryAutoConfiguration.class);

	private final ApplicationContextRunner runner = RawWorker
		.application("ipc.children.cat.command=sh,-c,cat <&3", "ipc.children.worker.instances=3",
				"ipc.children.worker.restart.initial-delay=10ms", "ipc.template.default-destination=worker")
		.withConfiguration(METRICS);

	@Test
	void instancesThatRunAreCountedByDestination() {
		this.runner.run((context) -> {
			MeterRegistry registry = context.getBean(MeterRegistry.class);
			assertThat(running(registry, "worker")).isEqualTo(3);
			assertThat(running(registry, "cat")).isEqualTo(1);
			for (IpcChild child : context.getBeansOfType(IpcChild.class).values()) {
				if (child.name().equals("worker")) {
					child.stopInstances().get();
				}
			}
			assertThat(running(registry, "worker")).isZero();
			assertThat(running(registry, "cat")).isEqualTo(1);
		});
	}

	@Test
	void restartsAreCountedByDestination() {
		this.runner.run((context) -> {
			MeterRegistry registry = context.getBean(MeterRegistry.class);
			assertThat(restarts(registry, "worker")).isZero();
			assertThatExceptionOfType(IpcPeerUnavailableException.class).isThrownBy(
					() -> context.getBean(CborMessageTemplate.class).convertSendAndReceive("die", String.class));
			Awaitility.await().until(() -> restarts(registry, "worker") == 1 && running(registry, "worker") == 3);
			assertThat(restarts(registry, "cat")).isZero();
		});
	}

	@Test
	void callersThatWaitAreCountedByDestination(@TempDir Path folder) {
		Path sign = folder.resolve("go");
		Executor threads = (task) -> new Thread(task).start();
		this.runner.withPropertyValues("ipc.children.worker.instances=1").run((context) -> {
			MeterRegistry registry = context.getBean(MeterRegistry.class);
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			assertThat(waiting(registry, "worker")).isZero();
			CompletableFuture<?>[] calls = new CompletableFuture<?>[3];
			for (int i = 0; i < calls.length; i++) {
				calls[i] = CompletableFuture.runAsync(
						() -> template.convertSendAndReceive("wait-for " + sign, String.class, Duration.ofMinutes(1)),
						threads);
			}
			Awaitility.await().until(() -> waiting(registry, "worker") == 2);
			assertThat(waiting(registry, "cat")).isZero();
			Files.createFile(sign);
			CompletableFuture.allOf(calls).get();
			assertThat(waiting(registry, "worker")).isZero();
		});
	}

	@Test
	void theOnlyTagIsTheDestination() {
		this.runner.run((context) -> {
			assertThat(context.getBean(CborMessageTemplate.class).convertSendAndReceive("hello", String.class))
				.isEqualTo("hello");
			assertThat(context.getBean(MeterRegistry.class).getMeters())
				.filteredOn((meter) -> meter.getId().getName().startsWith("ipc."))
				.hasSizeGreaterThan(6)
				.flatExtracting((meter) -> meter.getId().getTags())
				.extracting(Tag::getKey, Tag::getValue)
				.containsOnly(tuple("destination", "worker"), tuple("destination", "cat"));
		});
	}

	@Test
	void everyMeterSaysWhatItIs() {
		this.runner.run((context) -> assertThat(context.getBean(MeterRegistry.class).getMeters())
			.filteredOn((meter) -> meter.getId().getName().startsWith("ipc."))
			.extracting(Meter::getId)
			.allSatisfy((id) -> assertThat(id.getDescription()).isNotBlank()));
	}

	@Test
	void thereAreNoneOfAnApplicationWithoutAChild() {
		RawWorker.nothing()
			.withConfiguration(METRICS)
			.run((context) -> assertThat(context).hasNotFailed()
				.getBean(MeterRegistry.class)
				.matches((registry) -> registry.find("ipc.children.running").gauges().isEmpty()));
	}

	@Test
	void metricsOfTheUsersWin() {
		IpcChildMetrics mine = new IpcChildMetrics(List.of());
		this.runner.withBean(IpcChildMetrics.class, () -> mine)
			.run((context) -> assertThat(context.getBean(IpcChildMetrics.class)).isSameAs(mine));
	}

	private static double running(MeterRegistry registry, String destination) {
		return registry.get("ipc.children.running").tag("destination", destination).gauge().value();
	}

	private static double restarts(MeterRegistry registry, String destination) {
		return registry.get("ipc.children.restarts").tag("destination", destination).functionCounter().count();
	}

	private static double waiting(MeterRegistry registry, String destination) {
		return registry.get("ipc.exchange.waiting").tag("destination", destination).gauge().value();
	}

}
