package dev.tinyipc.spring;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

import dev.tinyipc.OwnedFd;
import dev.tinyipc.SharedMemory;
import dev.tinyipc.spring.autoconfigure.IpcAutoConfiguration;
import dev.tinyipc.spring.autoconfigure.IpcMessagingAutoConfiguration;
import dev.tinyipc.spring.child.ConversationWorker;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.messaging.Message;
import org.springframework.messaging.MessagingException;
import org.springframework.messaging.converter.MessageConversionException;
import org.springframework.messaging.core.AbstractMessagingTemplate;
import org.springframework.messaging.core.DestinationResolutionException;
import org.springframework.messaging.support.MessageBuilder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** The operations of Spring Messaging, with a real child. */
@Timeout(120)
class IpcMessagingTemplateTests {

	record Square(int side) {

	}

	private final ApplicationContextRunner application = new ApplicationContextRunner()
		.withConfiguration(AutoConfigurations.of(JacksonAutoConfiguration.class, IpcAutoConfiguration.class,
				IpcMessagingAutoConfiguration.class))
		.withPropertyValues("ipc.children.worker.main=" + ConversationWorker.class.getName(),
				"ipc.children.worker.ready=true");

	@Test
	void requestIsConvertedAndItsReplyReadAsTheTargetClass() {
		withTemplate((template) -> {
			assertThat(template.convertSendAndReceive("worker", "hello", String.class)).isEqualTo("hello");
			assertThat(template.convertSendAndReceive("worker", "", Map.of(IpcMessagingTemplate.METHOD, "shapes"),
					Square[].class))
				.containsExactly(new Square(1), new Square(2));
			template.setDefaultDestination("worker");
			assertThat(template.convertSendAndReceive("by default", String.class)).isEqualTo("by default");
		});
	}

	@Test
	void headersAreThoseOfTheEnvelope() {
		withTemplate((template) -> {
			Message<String> request = MessageBuilder.withPayload("")
				.setHeader(IpcMessagingTemplate.METHOD, "headers")
				.setHeader("traceparent", "00-1-2-01")
				.setHeader("number", 1)
				.build();
			Message<?> reply = template.sendAndReceive("worker", request);
			assertThat(reply.getPayload()).asInstanceOf(InstanceOfAssertFactories.MAP)
				.containsEntry("traceparent", "00-1-2-01")
				.doesNotContainKeys("number", "id", "timestamp", IpcMessagingTemplate.METHOD);
		});
	}

	@Test
	void descriptorsAreHeadersInBothDirections() {
		withTemplate((template) -> {
			try (SharedMemory memory = SharedMemory.create("content")) {
				memory.outputStream().write("content".getBytes(StandardCharsets.UTF_8));
				Message<?> reply = template.sendAndReceive("worker",
						MessageBuilder.withPayload("name")
							.setHeader(IpcMessagingTemplate.METHOD, "copy")
							.setHeader(IpcMessagingTemplate.DESCRIPTORS, List.of(memory.descriptor()))
							.build());
				assertThat(reply.getPayload()).isEqualTo("name");
				List<?> descriptors = reply.getHeaders().get(IpcMessagingTemplate.DESCRIPTORS, List.class);
				assertThat(descriptors).hasSize(1);
				try (OwnedFd copy = (OwnedFd) descriptors.get(0); InputStream content = copy.inputStream()) {
					assertThat(content).hasContent("content");
				}
			}
			catch (Exception ex) {
				throw new IllegalStateException(ex);
			}
		});
	}

	@Test
	void messagesAreSentOneWayAndReceived() {
		withTemplate((template) -> {
			template.convertAndSend("worker", "one way");
			assertThat(template.receive("worker").getPayload()).isEqualTo("one way");
			template.send("worker", MessageBuilder.withPayload("again").build());
			assertThat(template.receiveAndConvert("worker", String.class)).isEqualTo("again");
		});
	}

	@Test
	void failuresAreThoseOfSpringMessaging() {
		withTemplate((template) -> {
			assertThatExceptionOfType(DestinationResolutionException.class)
				.isThrownBy(() -> template.convertSendAndReceive("nobody", "", String.class))
				.withMessageContaining("There are: worker");
			assertThatExceptionOfType(MessageConversionException.class)
				.isThrownBy(() -> template.convertSendAndReceive("worker", "text", Square.class));
			assertThatExceptionOfType(MessagingException.class)
				.isThrownBy(() -> template.convertSendAndReceive("worker", "on purpose",
						Map.of(IpcMessagingTemplate.METHOD, "fail"), String.class))
				.withMessageContaining("on purpose")
				.withCauseInstanceOf(IpcRemoteException.class);
		});
	}

	@Test
	void receivingReturnsNullIfNothingComesInTime() {
		this.application.withPropertyValues("ipc.children.worker.exchange-timeout=100ms").run((context) -> {
			IpcMessagingTemplate template = context.getBean(IpcMessagingTemplate.class);
			assertThat(template.receive("worker")).isNull();
			assertThat(template.receiveAndConvert("worker", String.class)).isNull();
			assertThat(context.getBean(CborMessageOperations.class)
				.timeout(Duration.ofSeconds(30))
				.<String>convertSendAndReceive("next", String.class)).isEqualTo("next");
		});
	}

	@Test
	void withoutSpringMessagingThereIsNone() {
		this.application.withClassLoader(new FilteredClassLoader(AbstractMessagingTemplate.class))
			.run((context) -> assertThat(context).hasNotFailed()
				.hasSingleBean(IpcClient.class)
				.doesNotHaveBean("ipcMessagingTemplate"));
	}

	private void withTemplate(Consumer<IpcMessagingTemplate> test) {
		this.application.run((context) -> test.accept(context.getBean(IpcMessagingTemplate.class)));
	}

}
