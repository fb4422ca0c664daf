package dev.tinyipc.interop;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.spring.child.ChildState;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.child.IpcChild;
import dev.tinyipc.spring.IpcRemoteException;
import dev.tinyipc.spring.autoconfigure.IpcAutoConfiguration;
import tools.jackson.databind.JsonNode;

import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** An application whose child is in another language, declared by properties only. */
final class SpringParent {

	private SpringParent() {
	}

	static ApplicationContextRunner application(String name, List<String> command) {
		return new ApplicationContextRunner()
			.withConfiguration(AutoConfigurations.of(JacksonAutoConfiguration.class, IpcAutoConfiguration.class))
			.withPropertyValues(IntStream.range(0, command.size())
				.mapToObj((i) -> "ipc.children." + name + ".command[" + i + "]=" + command.get(i))
				.toArray(String[]::new));
	}

	static void check(Language language) throws Exception {
		Path content = Files.write(Programs.TARGET.resolve(language + "-spring"), new byte[321]);
		try (OwnedFd file = OwnedFd.open(content)) {
			application(language.toString(), language.command()).run((context) -> {
				CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
				assertThat(template.convertSendAndReceive(Map.of("do", "echo", "payload", "Größe"), String.class))
					.isEqualTo("Größe");
				if (language.passesDescriptors()) {
					assertThat(template.convertSendAndReceive(Map.of("do", "length"), Long.class, file)).isEqualTo(321);
					try (IpcMessage<JsonNode> reply = template.sendAndReceive(Map.of("do", "memory", "text", "words"),
							JsonNode.class)) {
						assertThat(reply.descriptors().get(0).inputStream().readAllBytes())
							.isEqualTo("words".getBytes(StandardCharsets.UTF_8));
					}
				}
				assertThatExceptionOfType(IpcRemoteException.class)
					.isThrownBy(() -> template.convertSendAndReceive(Map.of("do", "fail", "message", "on purpose"),
							Object.class))
					.satisfies((error) -> assertThat(error.remoteMessage()).contains("on purpose"));
				assertThat(template.convertSendAndReceive(Map.of("do", "sum", "numbers", List.of(1, 2)), Long.class))
					.isEqualTo(3);
				IpcChild child = context.getBean(IpcChild.class);
				assertThat(child.instances()).allSatisfy((instance) -> {
					assertThat(instance.state()).isEqualTo(ChildState.RUNNING);
					assertThat(instance.restarts()).isZero();
				});
				context.close();
				assertThat(child.instances().get(0).lastExit().orElseThrow().isSuccess()).isTrue();
			});
		}
	}

}
