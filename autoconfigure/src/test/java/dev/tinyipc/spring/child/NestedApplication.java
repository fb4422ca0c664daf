package dev.tinyipc.spring.child;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.ChildProcess;
import dev.tinyipc.spring.IpcMessagingException;
import dev.tinyipc.spring.TestWorker;
import dev.tinyipc.spring.TestWorker.Reply;
import dev.tinyipc.spring.TestWorker.Request;
import dev.tinyipc.spring.autoconfigure.IpcAutoConfiguration;

import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;
import org.springframework.context.annotation.Bean;

/**
 * A child that declares children, itself among them. It is asked for a child's name, and
 * answers with what this child says, or why it says nothing.
 */
@ChildProcess(name = "nested", main = NestedApplication.class)
@ChildProcess(name = "other", main = TestWorker.class)
@ImportAutoConfiguration({ JacksonAutoConfiguration.class, IpcAutoConfiguration.class })
class NestedApplication {

	public static void main(String[] arguments) {
		SpringApplication.run(NestedApplication.class, arguments);
	}

	@Bean
	CommandLineRunner server(CborMessageTemplate template) {
		return (arguments) -> {
			while (true) {
				String child = template.receiveAndConvert("parent", String.class);
				if (child != null) {
					template.convertAndSend("parent", ask(template, child));
				}
			}
		};
	}

	private static String ask(CborMessageTemplate template, String child) {
		try {
			return template.convertSendAndReceive(child, new Request("environment", "TINY_IPC_CHILD"), Reply.class)
				.text();
		}
		catch (IpcMessagingException ex) {
			return String.valueOf(ex.getMessage());
		}
	}

}
