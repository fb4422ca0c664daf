package dev.tinyipc.spring.autoconfigure;

import java.util.Map;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.tinyipc.IpcMapperCustomizer;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcMessageConversionException;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.TestWorker;
import dev.tinyipc.spring.TestWorker.Reply;
import dev.tinyipc.spring.TestWorker.Request;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.dataformat.cbor.CBORMapper;

import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** Both ends of a socket write and read alike, whatever the application does for REST. */
@Timeout(60)
class MapperTests {

	private static final String CUSTOMIZER = "ipc.template.mapper-customizer=" + SnakeCase.class.getName();

	private static final Names ADA = new Names("Ada", "Lovelace");

	@Test
	void noFieldIsLostToWhatIsSetForRest() {
		main(NamesApplication.class).withPropertyValues("spring.jackson.property-naming-strategy=SNAKE_CASE")
			.run((context) -> assertThat(exchange(context)).isEqualTo(ADA));
	}

	@Test
	void aCustomizerThatIsNamedIsUsedAtBothEnds() {
		main(NamesApplication.class).withPropertyValues(CUSTOMIZER)
			.run((context) -> assertThat(exchange(context)).isEqualTo(ADA));
		RawWorker.application(CUSTOMIZER)
			.run((context) -> assertThat(template(context).convertSendAndReceive(ADA, Object.class))
				.isEqualTo(Map.of("first_name", "Ada", "last_name", "Lovelace")));
	}

	@Test
	void aMainClassIsToldTheCustomizerAndAProgramIsNot() {
		main(TestWorker.class).withPropertyValues(CUSTOMIZER)
			.run((context) -> assertThat(context.getBean(CborMessageTemplate.class)
				.convertSendAndReceive(new Request("environment", "TINY_IPC_MAPPER_CUSTOMIZER"), Reply.class)
				.text()).isEqualTo(SnakeCase.class.getName()));
		RawWorker.nothing()
			.withPropertyValues(CUSTOMIZER, "ipc.children.worker.command[0]=" + java(),
					"ipc.children.worker.command[1]=-cp",
					"ipc.children.worker.command[2]=" + System.getProperty("java.class.path"),
					"ipc.children.worker.command[3]=" + TestWorker.class.getName())
			.run((context) -> assertThat(context.getBean(CborMessageTemplate.class)
				.convertSendAndReceive(new Request("environment", "TINY_IPC_MAPPER_CUSTOMIZER"), Reply.class)
				.text()).isEqualTo("null"));
	}

	@Test
	void aClassThatIsNoCustomizerIsRefused() {
		RawWorker.nothing()
			.withPropertyValues("ipc.template.mapper-customizer=java.lang.String")
			.run((context) -> assertThat(context).getFailure()
				.hasStackTraceContaining("ipc.template.mapper-customizer")
				.hasStackTraceContaining("java.lang.String"));
	}

	@Test
	void beansThatCustomizeAreApplied() {
		main(TestWorker.class)
			.withBean(IpcMapperCustomizer.class,
					() -> (builder) -> builder.enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES))
			.run((context) -> assertThatExceptionOfType(IpcMessageConversionException.class)
				.isThrownBy(() -> template(context).convertSendAndReceive(new Request("echo", "x"), OnlyText.class)));
		main(TestWorker.class).run((context) -> assertThat(
				template(context).convertSendAndReceive(new Request("echo", "x"), OnlyText.class).text())
			.isEqualTo("x"));
	}

	@Test
	void aMapperThatIsQualifiedIsUsedAndAnotherIsNot() {
		main(TestWorker.class).withUserConfiguration(Qualified.class)
			.run((context) -> assertThatExceptionOfType(IpcMessageConversionException.class)
				.isThrownBy(() -> template(context).convertSendAndReceive(new Request("echo", "x"), OnlyText.class)));
		main(TestWorker.class)
			.withBean("mine", CBORMapper.class,
					() -> CBORMapper.builder().enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build())
			.run((context) -> assertThat(
					template(context).convertSendAndReceive(new Request("echo", "x"), OnlyText.class).text())
				.isEqualTo("x"));
	}

	@Test
	void aFieldThatTheTypeRequiresIsMissed() {
		main(TestWorker.class).run((context) -> assertThatExceptionOfType(IpcMessageConversionException.class)
			.isThrownBy(() -> template(context).convertSendAndReceive(new Request("echo", "x"), Demanding.class))
			.withMessageContaining("missing"));
	}

	private static ApplicationContextRunner main(Class<?> main) {
		return RawWorker.nothing().withPropertyValues("ipc.children.worker.main=" + main.getName());
	}

	private static CborMessageTemplate template(ApplicationContext context) {
		return context.getBean(CborMessageTemplate.class);
	}

	private static Names exchange(ApplicationContext context) {
		return template(context).convertSendAndReceive(ADA, Names.class);
	}

	private static String java() {
		return System.getProperty("java.home") + "/bin/java";
	}

	record Names(String firstName, String lastName) {

	}

	record OnlyText(String text) {

	}

	record Demanding(String text, @JsonProperty(required = true) String missing) {

	}

	/** As it could stand in an application. */
	public static final class SnakeCase implements IpcMapperCustomizer {

		@Override
		public void customize(CBORMapper.Builder builder) {
			builder.propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE);
		}

	}

	@Configuration(proxyBeanMethods = false)
	static class Qualified {

		@Bean
		@Qualifier("ipc")
		CBORMapper strict() {
			return CBORMapper.builder().enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();
		}

	}

	/** A child that answers with what it read. */
	@ImportAutoConfiguration({ JacksonAutoConfiguration.class, IpcAutoConfiguration.class })
	static class NamesApplication {

		public static void main(String[] arguments) {
			SpringApplication.run(NamesApplication.class, arguments);
		}

		@Bean
		CommandLineRunner server(CborMessageTemplate template) {
			return (arguments) -> {
				while (true) {
					Names names = template.receiveAndConvert(Names.class);
					if (names != null) {
						template.convertAndSend(names);
					}
				}
			};
		}

	}

}
