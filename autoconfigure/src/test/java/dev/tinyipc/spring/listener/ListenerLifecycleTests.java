package dev.tinyipc.spring.listener;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcListener;
import dev.tinyipc.spring.IpcMessagingException;
import dev.tinyipc.spring.IpcRemoteException;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.autoconfigure.IpcAutoConfiguration;
import dev.tinyipc.spring.autoconfigure.IpcListenerAutoConfiguration;
import dev.tinyipc.spring.child.ChildState;
import dev.tinyipc.spring.child.IpcChild;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** Start, pause and end of listeners, on both sides. */
@Timeout(120)
class ListenerLifecycleTests {

	@TempDir
	private Path folder;

	private final ApplicationContextRunner parent = RawWorker.nothing()
		.withConfiguration(AutoConfigurations.of(IpcListenerAutoConfiguration.class))
		.withPropertyValues("ipc.children.shop.main=" + ShopApplication.class.getName(), "ipc.children.shop.ready=true",
				"ipc.children.shop.concurrency=4", "ipc.children.shop.restart.policy=never");

	private static String call(ApplicationContext context, String method, Object payload) {
		return context.getBean(CborMessageTemplate.class)
			.method(method)
			.convertSendAndReceive("shop", payload, String.class);
	}

	private static CompletableFuture<String> begin(ApplicationContext context, String method, Object payload) {
		return CompletableFuture.supplyAsync(() -> call(context, method, payload), (task) -> new Thread(task).start());
	}

	private static IpcChild.Instance instance(ApplicationContext context) {
		return context.getBean(IpcChild.class).instances().get(0);
	}

	private static void awaitBusy(ApplicationContext context, int lanes) {
		Awaitility.await().until(() -> instance(context).busyLanes() == lanes);
	}

	@Test
	void childIsReadyOnceItsApplicationIs() throws IOException {
		Path gate = this.folder.resolve("gate");
		this.parent
			.withPropertyValues("ipc.children.shop.await-ready=false", "ipc.children.shop.jvm-arguments=-Dgate=" + gate)
			.run((context) -> {
				CompletableFuture<String> early = begin(context, "echo", "early");
				Awaitility.await().until(() -> context.getBean(IpcChild.class).waitingCallers() == 1);
				// Its runner has not returned, whatever has been started before.
				assertThat(instance(context).state()).isEqualTo(ChildState.STARTING);
				Files.createFile(gate);
				assertThat(early.join()).isEqualTo("early");
				assertThat(instance(context).state()).isEqualTo(ChildState.RUNNING);
			});
	}

	/** A child that nobody tells when its application is ready. */
	@ImportAutoConfiguration({ JacksonAutoConfiguration.class, IpcAutoConfiguration.class,
			IpcListenerAutoConfiguration.class })
	static class BareContext {

		public static void main(String[] arguments) {
			new AnnotationConfigApplicationContext(BareContext.class);
		}

		@IpcListener("parent")
		String echo(String text) {
			return text;
		}

	}

	@Test
	void childWithoutASpringApplicationIsReadyOnceItsContextIs() {
		this.parent.withPropertyValues("ipc.children.shop.main=" + BareContext.class.getName())
			.run((context) -> assertThat(call(context, "echo", "hello")).isEqualTo("hello"));
	}

	@Test
	void pausedListenersFinishWhatTheyWorkOnAndRefuseWhatComesUntilTheyAreStartedAgain() {
		this.parent.run((context) -> {
			Path gate = this.folder.resolve("gate");
			Path resume = this.folder.resolve("resume");
			CompletableFuture<String> slow = begin(context, "await", gate.toString());
			awaitBusy(context, 1);
			call(context, "resumeAfter", resume.toString());
			call(context, "pause", "");
			assertThatExceptionOfType(IpcRemoteException.class).isThrownBy(() -> call(context, "echo", "refused"))
				.satisfies((failure) -> assertThat(failure.remoteType()).isEqualTo("Unavailable"));
			Files.createFile(gate);
			assertThat(slow.join()).isEqualTo("at last");
			Files.createFile(resume);
			Awaitility.await()
				.ignoreException(IpcRemoteException.class)
				.untilAsserted(() -> assertThat(call(context, "echo", "again")).isEqualTo("again"));
		});
	}

	@Test
	void childThatClosesItsContextAnswersWhatItWorksOnBeforeItEnds() {
		this.parent.run((context) -> {
			Path gate = this.folder.resolve("gate");
			CompletableFuture<String> slow = begin(context, "await", gate.toString());
			awaitBusy(context, 1);
			call(context, "close", "");
			Awaitility.await()
				.until(() -> begin(context, "echo", "").handle((reply, failure) -> failure != null).join());
			assertThat(slow.isDone()).isFalse();
			Files.createFile(gate);
			assertThat(slow.join()).isEqualTo("at last");
			Awaitility.await().until(() -> instance(context).lastExit().isPresent());
			assertThat(instance(context).lastExit()).hasToString("Optional[exit code 0]");
		});
	}

	@Test
	void childWithNothingButListenersStaysUntilItsParentCloses() {
		this.parent.run((context) -> {
			assertThat(call(context, "echo", "first")).isEqualTo("first");
			context.getBean(IpcChild.class).stopInstances().join();
			assertThat(instance(context).lastExit()).hasToString("Optional[exit code 0]");
		});
	}

	@Test
	@EnabledForJreRange(min = JRE.JAVA_21)
	void listenersRunInVirtualThreadsIfTheApplicationWantsThat() {
		this.parent.withPropertyValues("ipc.children.shop.jvm-arguments=-Dspring.threads.virtual.enabled=true")
			.run((context) -> {
				assertThat(call(context, "thread", "")).isEqualTo("virtual");
				assertThat(call(context, "echo", "text")).isEqualTo("text");
			});
	}

	@Test
	void listenersRunInPlatformThreadsByDefault() {
		this.parent.run((context) -> assertThat(call(context, "thread", "")).isEqualTo("platform"));
	}

	/** What the parent answers. */
	static class Answers {

		@IpcListener("shop")
		String ask(String text) {
			return "answer to " + text + ' ';
		}

		@IpcListener("shop")
		Stream<Integer> numbers(int count) {
			return Stream.iterate(0, (number) -> number + 1).limit(count);
		}

	}

	@Test
	void childAndParentListenToEachOther() {
		this.parent.withUserConfiguration(Answers.class).run((context) -> {
			assertThat(call(context, "askBack", "a question")).isEqualTo("answer to a question 012");
			assertThatExceptionOfType(IpcRemoteException.class)
				.isThrownBy(() -> call(context, "sendWithoutRequest", ""))
				.withMessageContaining("call the parent by a request");
		});
	}

	@Test
	void registryStartsAndStopsTheListenersOfADestination() {
		this.parent.withUserConfiguration(Answers.class).run((context) -> {
			IpcListenerEndpointRegistry registry = context.getBean(IpcListenerEndpointRegistry.class);
			assertThat(registry.getListenerContainerIds()).containsExactly("shop");
			assertThat(registry.getListenerContainers()).hasSize(1);
			SmartLifecycle container = registry.getListenerContainer("shop");
			assertThat(registry.getListenerContainer("other")).isNull();
			assertThat(container.isRunning()).isTrue();
			// So a child can call as soon as it runs, and until it has ended.
			assertThat(container.getPhase()).isLessThan(context.getBean(IpcChild.class).getPhase());
			container.stop();
			assertThatExceptionOfType(IpcMessagingException.class)
				.isThrownBy(() -> call(context, "askBack", "a question"))
				.withMessageContaining("takes no requests");
			container.start();
			assertThat(call(context, "askBack", "a question")).startsWith("answer");
		});
	}

	@Test
	void listenersThatDoNotStartWithTheApplicationAreStartedByTheRegistry() {
		this.parent.withUserConfiguration(Answers.class)
			.withPropertyValues("ipc.listener.auto-startup=false")
			.run((context) -> {
				assertThatExceptionOfType(IpcMessagingException.class)
					.isThrownBy(() -> call(context, "askBack", "a question"))
					.withMessageContaining("takes no requests");
				context.getBean(IpcListenerEndpointRegistry.class).getListenerContainer("shop").start();
				assertThat(call(context, "askBack", "a question")).startsWith("answer");
			});
	}

}
