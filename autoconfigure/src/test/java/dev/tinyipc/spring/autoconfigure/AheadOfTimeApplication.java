package dev.tinyipc.spring.autoconfigure;

import dev.tinyipc.Sandbox;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.ChildProcess;
import dev.tinyipc.spring.ImportIpcServices;
import dev.tinyipc.spring.IpcListener;
import dev.tinyipc.spring.TestWorker;
import dev.tinyipc.spring.TestWorker.Reply;
import dev.tinyipc.spring.TestWorker.Request;
import dev.tinyipc.spring.listener.IpcListenerEndpointRegistry;

import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.boot.ApplicationRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;
import org.springframework.context.annotation.Bean;

/** What {@link AheadOfTimeTests} processes. */
@ChildProcess(name = "worker", main = TestWorker.class)
@ChildProcess(name = "other", main = TestWorker.class, sandbox = Sandbox.Profile.NO_NETWORK)
@ImportIpcServices(destination = "worker", types = AheadOfTimeApplication.Greeting.class)
@ImportAutoConfiguration({ JacksonAutoConfiguration.class, IpcAutoConfiguration.class,
		IpcListenerAutoConfiguration.class })
class AheadOfTimeApplication {

	public static void main(String[] arguments) {
		SpringApplication.run(AheadOfTimeApplication.class, arguments).close();
	}

	/** A contract that is not public. */
	interface Greeting {

		String greet(String name);

	}

	@IpcListener("worker")
	String ask(String text) {
		return text;
	}

	@Bean
	ApplicationRunner runner(@Qualifier("worker") CborMessageTemplate template, Greeting greeting,
			IpcListenerEndpointRegistry registry) {
		return (arguments) -> {
			if (arguments.containsOption("tell-parent")) {
				template.convertAndSend("parent", "hello");
				return;
			}
			System.out.println("the reply is: "
					+ template.convertSendAndReceive(new Request("echo", "ahead of time"), Reply.class).text()
					+ "; there is a " + greeting + "; listeners of " + registry.getListenerContainerIds());
			if (arguments.containsOption("ask-other")) {
				System.out.println("the other's reply is: "
						+ template.convertSendAndReceive("other", new Request("echo", "locked-down"), Reply.class)
							.text());
			}
		};
	}

}
