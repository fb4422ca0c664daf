package dev.tinyipc.spring.listener;

import java.io.File;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import dev.tinyipc.IpcServer;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.ChildProcess;
import dev.tinyipc.spring.IpcListener;
import dev.tinyipc.spring.JavaCommand;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * An application and its child, two JVMs of their own, from whose class path jars are
 * missing.
 */
@Timeout(120)
class StarterAloneTests {

	/** Of what tests need, only what the starter brings is left. */
	private static final String OPTIONAL = "spring-boot-actuator|spring-boot-health|spring-boot-micrometer|micrometer-"
			+ "|spring-boot-validation|spring-boot-starter-validation|hibernate-validator|jakarta.validation|tomcat-|jakarta.el";

	@Test
	void listenersNeedNothingButTheStarter() throws Exception {
		assertThat(output(Parent.class, OPTIONAL)).contains("the reply is: served hello");
	}

	@Test
	void withoutSpringMessagingThereAreNoListenersAndEverythingElse() throws Exception {
		assertThat(output(WithoutListeners.class, OPTIONAL + "|spring-messaging"))
			.contains("the reply is: plain hello, registry false");
	}

	private static String output(Class<?> application, String withoutJars) throws Exception {
		String classPath = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
			.filter((entry) -> !Path.of(entry).getFileName().toString().matches("(" + withoutJars + ").*\\.jar"))
			.collect(Collectors.joining(File.pathSeparator));
		Process process = new ProcessBuilder(JavaCommand.of("-cp", classPath, application.getName()))
			.redirectErrorStream(true)
			.start();
		String output = new String(process.getInputStream().readAllBytes());
		assertThat(process.waitFor()).as(output).isZero();
		return output;
	}

	@EnableAutoConfiguration
	@ChildProcess(name = "child", main = Child.class, ready = true)
	static class Parent {

		public static void main(String[] arguments) {
			try (ConfigurableApplicationContext context = SpringApplication.run(Parent.class, arguments)) {
				System.out.println("the reply is: " + context.getBean(CborMessageTemplate.class)
					.method("serve")
					.<String>convertSendAndReceive("hello", String.class));
			}
		}

	}

	@EnableAutoConfiguration
	static class Child {

		public static void main(String[] arguments) {
			SpringApplication.run(Child.class, arguments);
		}

		@IpcListener("parent")
		String serve(String text) {
			return "served " + text;
		}

	}

	@EnableAutoConfiguration
	@ChildProcess(name = "child", main = PlainChild.class, ready = true)
	static class WithoutListeners {

		public static void main(String[] arguments) {
			try (ConfigurableApplicationContext context = SpringApplication.run(WithoutListeners.class, arguments)) {
				System.out.println("the reply is: "
						+ context.getBean(CborMessageTemplate.class)
							.<String>convertSendAndReceive("hello", String.class)
						+ ", registry " + context.containsBean("ipcListenerEndpointRegistry"));
			}
		}

		/** The annotation is there, and nobody looks for it. */
		@IpcListener("nobody")
		String serve(String text) {
			return text;
		}

	}

	static class PlainChild {

		public static void main(String[] arguments) throws Exception {
			IpcServer.serve(String.class, (request) -> "plain " + request.payload());
		}

	}

}
