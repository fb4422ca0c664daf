package dev.tinyipc.spring.child;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.TestWorker;
import dev.tinyipc.spring.TestWorker.Reply;
import dev.tinyipc.spring.TestWorker.Request;

import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;

/** Applications whose child {@code worker} is a class in a JVM of its own. */
final class JavaChildren {

	private JavaChildren() {
	}

	/**
	 * An application with this child, without archives.
	 * @param properties more of them
	 */
	static ApplicationContextRunner application(String... properties) {
		return RawWorker.nothing()
			.withPropertyValues("ipc.children.worker.main=" + TestWorker.class.getName(), "ipc.template.timeout=60s",
					"ipc.class-sharing.enabled=false", "ipc.children.worker.shutdown-timeout=60s",
					"ipc.children.worker.restart.policy=never")
			.withPropertyValues(properties);
	}

	static String ask(ApplicationContext context, String does, String text) {
		return context.getBean(CborMessageTemplate.class)
			.convertSendAndReceive(new Request(does, text), Reply.class)
			.text();
	}

}
