package dev.tinyipc.spring.child;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

import com.fasterxml.jackson.annotation.JsonCreator;
import dev.tinyipc.IpcContext;
import dev.tinyipc.IpcExchange;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.ChildCalls;
import dev.tinyipc.spring.IpcListener;
import dev.tinyipc.spring.IpcRemoteException;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.autoconfigure.IpcListenerAutoConfiguration;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.validation.autoconfigure.ValidationAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Lazy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** Listeners of the parent, which answer the calls of its children. */
@Timeout(120)
class CallListenerTests {

	private static final AutoConfigurations LISTENERS = AutoConfigurations.of(ValidationAutoConfiguration.class,
			IpcListenerAutoConfiguration.class);

	private final ApplicationContextRunner application = RawWorker.nothing()
		.withConfiguration(LISTENERS)
		.withPropertyValues("ipc.children.worker.main=" + ConversationWorker.class.getName(),
				"ipc.children.worker.ready=true", "ipc.children.worker.concurrency=8");

	/** Answers, and asks the one that asks. */
	static class Answers {

		private final CborMessageTemplate template;

		Answers(CborMessageTemplate template) {
			this.template = template;
		}

		@IpcListener("worker")
		String ask(String text) {
			int left = Integer.parseInt(text) - 1;
			return "parent(" + ((left == 0) ? "0"
					: this.template.method("ask-back").convertSendAndReceive(Integer.toString(left), String.class))
					+ ')';
		}

	}

	private static String askBack(CborMessageTemplate template, String text) {
		return template.method("ask-back").convertSendAndReceive(text, String.class);
	}

	@Test
	void childInJavaAsksItsParentWhichAsksTheChildAgain() {
		this.application.withUserConfiguration(Answers.class)
			.run((context) -> assertThat(askBack(context.getBean(CborMessageTemplate.class), "3"))
				.isEqualTo("child(parent(child(parent(child(parent(0))))))"));
	}

	@Test
	void childInPythonAsksItsParentWhichAsksTheChildAgain() {
		PythonWorker.application()
			.withConfiguration(LISTENERS)
			.withPropertyValues("ipc.children.worker.ready=true", "ipc.children.worker.concurrency=8")
			.withUserConfiguration(Answers.class)
			.run((context) -> assertThat(askBack(context.getBean(CborMessageTemplate.class), "2"))
				.isEqualTo("child(parent(child(parent(0))))"));
	}

	/** Only short questions. */
	static class Strict {

		record Question(@Size(max = 3) String text) {

			@JsonCreator(mode = JsonCreator.Mode.DELEGATING)
			static Question of(String text) {
				return new Question(text);
			}

		}

		@IpcListener("${who:worker}")
		CompletableFuture<String> ask(@Valid Question question, IpcContext context) {
			return CompletableFuture.completedFuture(context.method().orElseThrow() + ' ' + question.text());
		}

	}

	@Test
	void invalidQuestionOfAChildIsAnErrorThatNamesTheField() {
		this.application.withUserConfiguration(Strict.class).run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			assertThat(askBack(template, "why")).isEqualTo("child(ask why)");
			assertThatExceptionOfType(IpcRemoteException.class).isThrownBy(() -> askBack(template, "why not"))
				.withMessageContaining("text size must be between 0 and 3");
		});
	}

	/** A contract that nobody else can see. */
	@IpcExchange
	private interface Asked {

		String ask(String text);

	}

	@IpcListener("worker")
	static class AskedBean implements Asked {

		@Override
		public String ask(String text) {
			return "asked " + text;
		}

	}

	@Test
	void beanAnswersTheCallsOfAChildByAContract() {
		this.application.withUserConfiguration(AskedBean.class)
			.run((context) -> assertThat(askBack(context.getBean(CborMessageTemplate.class), "why"))
				.isEqualTo("child(asked why)"));
	}

	@Configuration(proxyBeanMethods = false)
	static class Mixed {

		@Bean
		ChildCalls others() {
			return new ChildCalls("worker", (calls) -> calls.handler("other", String.class, (request) -> "other"));
		}

		@Bean
		@Lazy
		Answers answers(CborMessageTemplate template) {
			return new Answers(template);
		}

	}

	@Test
	void childCallsAndListenersOfLazyBeansServeOneChild() {
		this.application.withUserConfiguration(Mixed.class)
			.run((context) -> assertThat(askBack(context.getBean(CborMessageTemplate.class), "1"))
				.isEqualTo("child(parent(0))"));
	}

	@Test
	void listenersServeAgainAfterTheChildWasStoppedAndStarted() {
		this.application.withUserConfiguration(Answers.class).run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			child.stop();
			child.start();
			assertThat(askBack(context.getBean(CborMessageTemplate.class), "1")).isEqualTo("child(parent(0))");
		});
	}

	/** Lets in one at a time. */
	static class OneAtATime {

		private final AtomicInteger active = new AtomicInteger();

		private final AtomicInteger peak = new AtomicInteger();

		@IpcListener(value = "worker", concurrency = "1")
		String ask(String text) throws InterruptedException {
			this.peak.accumulateAndGet(this.active.incrementAndGet(), Math::max);
			try {
				Thread.sleep(2); // so that others come meanwhile, if they can
				return text;
			}
			finally {
				this.active.decrementAndGet();
			}
		}

	}

	@Test
	void concurrencyLimitsTheCallsOfAChild() {
		this.application.withUserConfiguration(OneAtATime.class).run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			assertThat(Stream.iterate(0, (i) -> i + 1)
				.limit(200)
				.map((i) -> CompletableFuture.supplyAsync(() -> askBack(template, "a" + i)))
				.toList()).allSatisfy((call) -> assertThat(call.join()).startsWith("child(a"));
			assertThat(context.getBean(OneAtATime.class).peak).hasValue(1);
		});
	}

}
