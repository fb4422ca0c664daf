package dev.tinyipc.spring.autoconfigure;

import java.util.List;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.ChildProcess;
import dev.tinyipc.spring.IpcObserver;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.child.IpcChild;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import static org.assertj.core.api.Assertions.assertThat;

/** Two contexts with the auto-configuration, one of which is the parent of the other. */
@Timeout(60)
class ContextHierarchyTests {

	@Test
	void aChildOfThePropertiesRunsOnceForBoth() {
		RawWorker.application()
			.run((parent) -> RawWorker.application()
				.withParent(parent)
				.withUserConfiguration(UsesWorker.class)
				.run((context) -> {
					assertThat(context.getBeansOfType(IpcChild.class)).isEmpty();
					assertThat(context.getBean("answer")).isEqualTo(pid(parent.getBean(IpcChild.class)));
					assertThat(context.getBean(CborMessageTemplate.class)
						.convertSendAndReceive("worker", "who", Long.class)).isEqualTo(context.getBean("answer"));
				}));
	}

	@Test
	void aChildThatBothDeclareRunsOnceForBoth() {
		RawWorker.nothing()
			.withUserConfiguration(DeclaresCat.class)
			.run((parent) -> RawWorker.nothing()
				.withParent(parent)
				.withUserConfiguration(DeclaresCat.class)
				.run((context) -> assertThat(context.getBeansOfType(IpcChild.class)).isEmpty()));
	}

	@Test
	void aTemplateOfTheLowerContextReachesTheChildrenOfBoth() {
		RawWorker.application()
			.run((parent) -> RawWorker.nothing()
				.withParent(parent)
				.withUserConfiguration(DeclaresCat.class)
				.run((context) -> {
					assertThat(context.getBeansOfType(IpcChild.class)).containsOnlyKeys("catIpcChild");
					CborMessageTemplate template = context.getBean("catCborMessageTemplate", CborMessageTemplate.class);
					assertThat(template.convertSendAndReceive("hello", String.class)).isEqualTo("hello");
					assertThat(template.convertSendAndReceive("worker", "hello", String.class)).isEqualTo("hello");
				}));
	}

	@Test
	void aTemplateOfTheParentContextsUserIsTheOneCandidate() {
		RawWorker.application()
			.withBean("mine", CborMessageTemplate.class, () -> new CborMessageTemplate(List.of(), IpcObserver.NONE))
			.run((parent) -> RawWorker.nothing()
				.withParent(parent)
				.withUserConfiguration(UsesTemplate.class)
				.run((context) -> assertThat(context.getBean("used"))
					.isEqualTo(new Object[] { parent.getBean("mine") })));
	}

	private static long pid(IpcChild child) {
		return child.instances().get(0).pid().orElseThrow();
	}

	@Configuration(proxyBeanMethods = false)
	static class UsesWorker {

		@Bean
		Long answer(@Qualifier("worker") CborMessageTemplate template) {
			return template.convertSendAndReceive("who", Long.class);
		}

	}

	@Configuration(proxyBeanMethods = false)
	static class UsesTemplate {

		@Bean
		Object[] used(CborMessageTemplate template) {
			return new Object[] { template };
		}

	}

	@Configuration(proxyBeanMethods = false)
	@ChildProcess(name = "cat", command = { "sh", "-c", "exec cat <&3 >&3" })
	static class DeclaresCat {

	}

}
