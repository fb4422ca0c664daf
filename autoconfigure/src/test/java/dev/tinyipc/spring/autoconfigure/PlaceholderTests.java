package dev.tinyipc.spring.autoconfigure;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.ChildProcess;
import dev.tinyipc.spring.ChildStartException;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.TestWorker;
import dev.tinyipc.spring.TestWorker.Reply;
import dev.tinyipc.spring.TestWorker.Request;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import org.springframework.context.ApplicationContext;

import static org.assertj.core.api.Assertions.assertThat;

/** Placeholders resolve as everywhere in Spring, and once. */
@Timeout(60)
class PlaceholderTests {

	@Test
	void aDeclarationsPlaceholdersResolve() {
		RawWorker.nothing()
			.withUserConfiguration(Declared.class)
			.withPropertyValues("greeting=hello ${whom}", "whom=world")
			.run((context) -> assertThat(greeting(context)).isEqualTo("hello world"));
	}

	@Test
	void aPlaceholderThatNothingResolvesIsNamedWithItsChild() {
		RawWorker.nothing()
			.withUserConfiguration(Declared.class)
			.run((context) -> assertThat(context).getFailure()
				.hasStackTraceContaining(ChildStartException.class.getName())
				.hasStackTraceContaining("Child process 'worker' could not be started")
				.hasStackTraceContaining("the placeholder ${greeting}"));
	}

	@Test
	void aPlaceholderInAValueThatNothingResolvesIsNamedWithoutTheValue() {
		RawWorker.nothing()
			.withUserConfiguration(Declared.class)
			.withPropertyValues("greeting=a${whom}c")
			.run((context) -> {
				assertThat(context).getFailure().hasStackTraceContaining("the placeholder ${whom}");
				assertThat(context).getFailure().rootCause().hasMessageNotContaining("a${whom}c");
			});
	}

	@Test
	void whatLooksLikeAPlaceholderInTheValueOfASettingStaysAsItIs() {
		RawWorker.nothing()
			.withPropertyValues("ipc.children.worker.main=" + TestWorker.class.getName(),
					"ipc.children.worker.jvm-arguments=-Dgreeting=${greeting}", "greeting=a${whom}c")
			.run((context) -> assertThat(greeting(context)).isEqualTo("a${whom}c"));
	}

	private static String greeting(ApplicationContext context) {
		return context.getBean(CborMessageTemplate.class)
			.convertSendAndReceive(new Request("property", "greeting"), Reply.class)
			.text();
	}

	@ChildProcess(name = "worker", main = TestWorker.class, jvmArguments = "-Dgreeting=${greeting}")
	static class Declared {

	}

}
