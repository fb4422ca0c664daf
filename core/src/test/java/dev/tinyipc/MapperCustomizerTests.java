package dev.tinyipc;

import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.dataformat.cbor.CBORMapper;

import static org.assertj.core.api.Assertions.assertThat;

/** A child and its parent must name and write things in the same way. */
@Timeout(60)
class MapperCustomizerTests {

	record Person(String firstName) {
	}

	static final class SnakeCase implements IpcMapperCustomizer {

		@Override
		public void customize(CBORMapper.Builder builder) {
			builder.propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE);
		}

	}

	static final class Failing implements IpcMapperCustomizer {

		Failing() {
			throw new IllegalStateException("on purpose");
		}

		@Override
		public void customize(CBORMapper.Builder builder) {
			// never called
		}

	}

	static final class FailingLater implements IpcMapperCustomizer {

		@Override
		public void customize(CBORMapper.Builder builder) {
			throw new IllegalStateException("on purpose");
		}

	}

	static final class WithParameter implements IpcMapperCustomizer {

		WithParameter(String parameter) {
		}

		@Override
		public void customize(CBORMapper.Builder builder) {
			// never called
		}

	}

	static final class Child {

		public static void main(String[] arguments) throws IpcException {
			IpcServer.serve(Person.class, IpcMessage::payload);
		}

	}

	@Test
	void childHasTheMapperThatItsParentNames() throws Exception {
		try (IpcProcess child = start(SnakeCase.class.getName())) {
			IpcChannel channel = IpcChannel.over(child.socket());
			channel.send(Map.of("first_name", "Ada"));
			assertThat(channel.receive(Object.class).payload()).isEqualTo(Map.of("first_name", "Ada"));
		}
	}

	@ParameterizedTest
	@ValueSource(strings = { "", "no.such.Class", "java.lang.String", "dev.tinyipc.MapperCustomizerTests$Failing",
			"dev.tinyipc.MapperCustomizerTests$FailingLater", "dev.tinyipc.MapperCustomizerTests$WithParameter",
			"dev.tinyipc.IpcMapperCustomizer" })
	void customizerThatCannotBeMadeEndsTheChildWithAMessage(String name) throws Exception {
		try (IpcProcess child = start(name)) {
			assertThat(child.getInputStream().readAllBytes()).asString()
				.contains("IpcException: The environment says TINY_IPC_MAPPER_CUSTOMIZER=" + name + ",")
				.contains(name.contains("Failing") ? "on purpose" : "constructor without parameters");
			assertThat(child.waitFor()).isEqualTo(1);
		}
	}

	private static IpcProcess start(String customizer) throws Exception {
		IpcProcessBuilder builder = new IpcProcessBuilder(new ChildJvm(Child.class).command())
			.redirectErrorStream(true);
		builder.environment().put(IpcServer.MAPPER_CUSTOMIZER_VARIABLE, customizer);
		return builder.start();
	}

}
