package dev.tinyipc.spring;

import java.io.IOException;

import dev.tinyipc.spring.child.ChildState;
import dev.tinyipc.spring.child.IpcChild;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcServer;
import dev.tinyipc.spring.autoconfigure.IpcAutoConfiguration;
import dev.tinyipc.spring.autoconfigure.IpcMetricsAutoConfiguration;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** A child that answers, but not with what was asked for. */
@Timeout(60)
class RemoteErrorTests {

	private final ApplicationContextRunner application = new ApplicationContextRunner()
		.withConfiguration(AutoConfigurations.of(JacksonAutoConfiguration.class, IpcAutoConfiguration.class,
				IpcMetricsAutoConfiguration.class))
		.withBean(SimpleMeterRegistry.class)
		.withPropertyValues("ipc.children.worker.main=" + Worker.class.getName());

	@Test
	void anErrorOfTheChildsIsThrownAndTheSameChildServesTheNextRequest() {
		this.application.run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			long pid = template.convertSendAndReceive("pid", Long.class);
			for (Class<?> type : new Class<?>[] { Object.class, JsonNode.class, String.class }) {
				assertThatExceptionOfType(IpcRemoteException.class)
					.isThrownBy(() -> template.convertSendAndReceive("fail", type))
					.withMessageContaining("'worker'")
					.withMessageContaining("fail, as you wish")
					.withCauseInstanceOf(IpcException.Remote.class)
					.satisfies((error) -> assertThat(error.remoteType()).isEqualTo("java.io.IOException"))
					.satisfies((error) -> assertThat(error.remoteMessage()).isEqualTo("fail, as you wish"));
			}
			assertThat(template.convertSendAndReceive("pid", Long.class)).isEqualTo(pid);
			assertThat(context.getBean(IpcChild.class).instances()).allSatisfy((instance) -> {
				assertThat(instance.state()).isEqualTo(ChildState.RUNNING);
				assertThat(instance.restarts()).isZero();
			});
		});
	}

	@Test
	void anErrorOfTheChildsIsThrownWhereAMessageIsReceived() {
		this.application.run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			template.convertAndSend("fail");
			assertThatExceptionOfType(IpcRemoteException.class).isThrownBy(() -> template.receive(Object.class));
			assertThat(template.convertSendAndReceive("pid", Long.class)).isPositive();
		});
	}

	/**
	 * The request may have been done in part: only an instance that died is asked again.
	 */
	@Test
	void aRequestThatMayBeRepeatedIsNotRepeatedAfterAnError() {
		this.application.run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			assertThatExceptionOfType(IpcRemoteException.class)
				.isThrownBy(() -> template.idempotent().convertSendAndReceive("fail", Object.class));
			assertThat(count(context.getBean(MeterRegistry.class), "ipc.messages.sent")).isEqualTo(1);
		});
	}

	@Test
	void anErrorOfTheChildsIsCountedAsAMessageAndAsAnError() {
		this.application.run((context) -> {
			MeterRegistry registry = context.getBean(MeterRegistry.class);
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			assertThatExceptionOfType(IpcRemoteException.class)
				.isThrownBy(() -> template.convertSendAndReceive("fail", Object.class));
			assertThat(count(registry, "ipc.messages.received")).isEqualTo(1);
			// The length, the tag, the map, and four texts.
			assertThat(count(registry, "ipc.bytes.received")).isEqualTo(
					8 + 5 + 1 + 5 + (1 + "java.io.IOException".length()) + 8 + (1 + "fail, as you wish".length()));
			assertThat(count(registry, "ipc.errors")).isEqualTo(1);
		});
	}

	private static double count(MeterRegistry registry, String meter) {
		return registry.get(meter).tag("destination", "worker").counter().count();
	}

	static final class Worker {

		public static void main(String[] arguments) throws IpcException {
			IpcServer.serve(String.class, (request) -> {
				if (request.payload().equals("fail")) {
					throw new IOException("fail, as you wish");
				}
				return ProcessHandle.current().pid();
			});
		}

	}

}
