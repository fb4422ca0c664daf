package dev.tinyipc.spring.autoconfigure;

import java.io.File;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.JavaCommand;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * An application in a JVM of its own, from whose class path optional jars are missing: to
 * hide their classes would leave what they register.
 */
@Timeout(120)
class WithoutActuatorTests {

	@Test
	void withActuatorThereIsAnEndpointAndHealth() throws Exception {
		assertThat(output("no-such-jar")).contains("answered hello, endpoint true, health true");
	}

	@Test
	void withoutActuatorThereIsHealthAndNoEndpoint() throws Exception {
		assertThat(output("spring-boot-actuator")).contains("answered hello, endpoint false, health true");
	}

	@Test
	void withoutHealthThereIsNeither() throws Exception {
		assertThat(output("spring-boot-actuator|spring-boot-health|spring-boot-micrometer|micrometer-"))
			.contains("answered hello, endpoint false, health false");
	}

	@Test
	void withoutSpringMessagingThereAreTheTemplateAndTheClient() throws Exception {
		assertThat(output("spring-messaging")).contains("answered hello, endpoint true, health true, client true");
	}

	@Test
	void exchangesAreObservedWithTracingAndWithoutItAndNotAtAllWithoutMicrometer() throws Exception {
		assertThat(output("no-such-jar")).contains("observed true, traced true");
		assertThat(output(".*(tracing|opentelemetry).*")).contains("observed true, traced false");
		assertThat(output("spring-boot-actuator|spring-boot-health|spring-boot-micrometer|micrometer-"))
			.contains("observed false, traced false");
	}

	private static String output(String withoutJars) throws Exception {
		String classPath = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
			.filter((entry) -> !Path.of(entry).getFileName().toString().matches("(" + withoutJars + ").*\\.jar"))
			.collect(Collectors.joining(File.pathSeparator));
		Process application = new ProcessBuilder(JavaCommand.of("-cp", classPath, Application.class.getName(),
				"--management.endpoints.web.exposure.include=ipc",
				"--ipc.children.echo.command=sh,-c,exec cat <&3 >&3"))
			.redirectErrorStream(true)
			.start();
		String output = new String(application.getInputStream().readAllBytes());
		assertThat(application.waitFor()).as(output).isZero();
		return output;
	}

	@EnableAutoConfiguration
	static class Application {

		public static void main(String[] arguments) {
			try (ConfigurableApplicationContext context = SpringApplication.run(Application.class, arguments)) {
				CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
				System.out.println("answered " + template.convertSendAndReceive("hello", String.class) + ", endpoint "
						+ context.containsBean("ipcEndpoint") + ", health " + context.containsBean("ipcHealthIndicator")
						+ ", client " + context.containsBean("ipcClient") + ", observed "
						+ context.containsBean("ipcInstrumentation") + ", traced "
						+ context.containsBean("micrometerOtelTracer"));
			}
		}

	}

}
