package dev.tinyipc.spring.child;

import java.time.Duration;

import ch.qos.logback.classic.Level;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.TestWorker;
import dev.tinyipc.spring.TestWorker.Reply;
import dev.tinyipc.spring.TestWorker.Request;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;

import static org.assertj.core.api.Assertions.assertThat;

/** A child that is an application with children of its own. */
@Timeout(120)
class NestedChildrenTests {

	@Test
	void aChildStartsNoChildrenAndSaysSoOnce() {
		try (LogOf log = new LogOf("ipc.child.nested")) {
			application().run((context) -> {
				assertThat(ask(context, "other")).contains("this process is itself a child")
					.contains("ipc.parent.start-children");
				assertThat(ask(context, "nested")).contains("this process is itself an instance of it");
				Awaitility.await()
					.untilAsserted(() -> assertThat(log.of(Level.INFO))
						.filteredOn((line) -> line.contains("No children are started"))
						.singleElement()
						.asString()
						.contains("ipc.parent.start-children"));
			});
		}
	}

	@Test
	void aChildStartsNoneOfTheChildrenThatItsConfigurationNames() {
		application()
			.withPropertyValues("ipc.children.nested.environment.IPC_CHILDREN_CONFIGURED_COMMAND=cat",
					"ipc.children.nested.environment.IPC_CHILDREN_OFTHEPARENT_INSTANCES=2")
			.run((context) -> assertThat(ask(context, "configured")).contains("this process is itself a child"));
	}

	@Test
	void aChildThatIsToldToStartsItsChildrenButNeverItself() {
		application().withPropertyValues("ipc.children.nested.environment.IPC_PARENT_STARTCHILDREN=true")
			.run((context) -> {
				assertThat(ask(context, "other")).isEqualTo("nested/other");
				assertThat(ask(context, "nested")).contains("this process is itself an instance of it");
			});
	}

	@Test
	void aChildIsToldItsName() {
		RawWorker.nothing()
			.withPropertyValues("ipc.children.worker.main=" + TestWorker.class.getName())
			.run((context) -> assertThat(context.getBean(CborMessageTemplate.class)
				.convertSendAndReceive(new Request("environment", "TINY_IPC_CHILD"), Reply.class)
				.text()).isEqualTo("worker"));
	}

	@Test
	void aRunnerThatListensToTheParentEndsQuietlyWithIt() {
		try (LogOf log = new LogOf("ipc.child.nested")) {
			application().run((context) -> {
				IpcChild child = context.getBean(IpcChild.class);
				ask(context, "nested");
				context.close();
				assertThat(child.instances().get(0).lastExit().orElseThrow().code()).hasValue(0);
				assertThat(log.of(Level.INFO)).anyMatch((line) -> line.contains("The parent process is gone"))
					.noneMatch((line) -> line.contains("\tat "))
					.noneMatch((line) -> line.contains("Application run failed"));
				assertThat(log.of(Level.WARN)).isEmpty();
			});
		}
	}

	private static ApplicationContextRunner application() {
		return RawWorker.nothing()
			.withPropertyValues("ipc.children.nested.main=" + NestedApplication.class.getName(),
					"ipc.children.nested.shutdown-timeout=" + Duration.ofSeconds(30));
	}

	private static String ask(ApplicationContext context, String child) {
		return context.getBean(CborMessageTemplate.class).convertSendAndReceive(child, String.class);
	}

}
