package dev.tinyipc.spring.autoconfigure;

import tools.jackson.dataformat.cbor.CBORMapper;

import java.time.Duration;

import dev.tinyipc.SharedMemory;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcMessagingException;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.child.IpcChild;
import dev.tinyipc.spring.IpcBusyException;
import dev.tinyipc.spring.IpcObserver;
import dev.tinyipc.spring.TestWorker;
import dev.tinyipc.spring.TestWorker.Reply;
import dev.tinyipc.spring.TestWorker.Request;
import dev.tinyipc.spring.actuate.MicrometerIpcObserver;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.junit.jupiter.api.Test;

import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;
import org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration;
import org.springframework.boot.micrometer.metrics.autoconfigure.MetricsAutoConfiguration;
import org.springframework.boot.micrometer.metrics.autoconfigure.export.simple.SimpleMetricsExportAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

class IpcMetricsAutoConfigurationTests {

	private final ApplicationContextRunner runner = new ApplicationContextRunner()
		.withConfiguration(AutoConfigurations.of(JacksonAutoConfiguration.class, IpcAutoConfiguration.class,
				IpcMetricsAutoConfiguration.class))
		.withPropertyValues("ipc.children.worker.main=" + TestWorker.class.getName());

	private final ApplicationContextRunner measured = this.runner
		.withConfiguration(AutoConfigurations.of(MetricsAutoConfiguration.class,
				SimpleMetricsExportAutoConfiguration.class, CompositeMeterRegistryAutoConfiguration.class));

	@Test
	void metersAreThereBeforeTheFirstMessage() {
		this.measured.run((context) -> {
			MeterRegistry registry = context.getBean(MeterRegistry.class);
			assertThat(count(registry, "ipc.messages.sent")).isZero();
			assertThat(count(registry, "ipc.messages.received")).isZero();
		});
	}

	@Test
	void messagesBytesDescriptorsAndExchangesAreCounted() {
		this.measured.run((context) -> {
			MeterRegistry registry = context.getBean(MeterRegistry.class);
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			try (SharedMemory memory = SharedMemory.create("file")) {
				template.convertSendAndReceive(new Request("give", "x"), Reply.class, memory.descriptor());
			}
			template.convertAndSend(new Request("echo", "y"));
			template.receiveAndConvert(Reply.class);
			assertThat(count(registry, "ipc.messages.sent")).isEqualTo(2);
			assertThat(count(registry, "ipc.messages.received")).isEqualTo(2);
			assertThat(count(registry, "ipc.descriptors.sent")).isEqualTo(1);
			assertThat(count(registry, "ipc.descriptors.received")).isEqualTo(1);
			assertThat(count(registry, "ipc.errors")).isZero();
			assertThat(registry.get("ipc.exchange").tag("destination", "worker").timer().count()).isEqualTo(1);
			// Two requests {"does": …, "text": …} of 18 and 18 bytes of CBOR, each behind
			// 8 of length.
			double once = count(registry, "ipc.bytes.sent");
			template.convertAndSend(new Request("echo", "y"));
			template.receiveAndConvert(Reply.class);
			assertThat(count(registry, "ipc.bytes.sent") - once).isEqualTo(8 + cborSize(new Request("echo", "y")));
		});
	}

	@Test
	void aCallThatFailsIsCountedAsAnError() {
		this.measured.run((context) -> {
			assertThatExceptionOfType(IpcMessagingException.class)
				.isThrownBy(() -> context.getBean(CborMessageTemplate.class)
					.convertSendAndReceive(new Request("die", ""), Reply.class));
			assertThat(count(context.getBean(MeterRegistry.class), "ipc.errors")).isEqualTo(1);
		});
	}

	@Test
	void waitingForAnInstanceIsMeasuredApartFromTheExchange() {
		RawWorker.application("ipc.children.worker.max-waiting=0")
			.withBean(SimpleMeterRegistry.class)
			.withConfiguration(AutoConfigurations.of(IpcMetricsAutoConfiguration.class))
			.run((context) -> {
				MeterRegistry registry = context.getBean(MeterRegistry.class);
				CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
				assertThat(template.convertSendAndReceive("hello", String.class)).isEqualTo("hello");
				assertThat(registry.get("ipc.acquire").tag("destination", "worker").timer().count()).isEqualTo(1);
				assertThat(registry.get("ipc.exchange").tag("destination", "worker").timer().count()).isEqualTo(1);
				assertThat(count(registry, "ipc.acquire.failures")).isZero();
				context.getBean(IpcChild.class).exchange(Duration.ofSeconds(30), false, (exchange) -> {
					assertThatExceptionOfType(IpcBusyException.class)
						.isThrownBy(() -> template.convertSendAndReceive("hello", String.class));
					return "nothing";
				});
				assertThat(count(registry, "ipc.acquire.failures")).isEqualTo(1);
				assertThat(count(registry, "ipc.errors")).isEqualTo(1);
			});
	}

	@Test
	void staysOutWithoutMicrometer() {
		this.runner.withClassLoader(new FilteredClassLoader("io.micrometer")).run((context) -> {
			assertThat(context).hasNotFailed().doesNotHaveBean(IpcObserver.class);
			assertThat(context.getBean(CborMessageTemplate.class)
				.convertSendAndReceive(new Request("echo", "quiet"), Reply.class)
				.text()).isEqualTo("quiet");
		});
	}

	@Test
	void staysOutWithoutARegistry() {
		this.runner.run((context) -> assertThat(context).hasNotFailed().doesNotHaveBean(IpcObserver.class));
	}

	@Test
	void anObserverOfTheUsersWins() {
		this.measured.withBean("mine", IpcObserver.class, () -> IpcObserver.NONE)
			.run((context) -> assertThat(context).hasSingleBean(IpcObserver.class)
				.doesNotHaveBean(MicrometerIpcObserver.class));
	}

	private static int cborSize(Object value) {
		return new CBORMapper().writeValueAsBytes(value).length;
	}

	private static double count(MeterRegistry registry, String meter) {
		return registry.get(meter).tag("destination", "worker").counter().count();
	}

}
