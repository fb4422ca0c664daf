package dev.tinyipc.spring;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.SharedMemory;
import dev.tinyipc.spring.child.ConversationWorker;
import dev.tinyipc.spring.child.IpcChild;
import dev.tinyipc.spring.child.OpenDescriptors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.ParameterizedTypeReference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

/** The fluent client, and calls that nobody waits for, with real children. */
@Timeout(120)
class IpcClientTests {

	private static final Duration SHORT = Duration.ofMillis(200);

	private final ApplicationContextRunner application = RawWorker.nothing()
		.withPropertyValues("ipc.children.worker.main=" + ConversationWorker.class.getName(),
				"ipc.children.worker.ready=true");

	@Test
	void clientSendsWhatTheTemplateSends() {
		run((client, child) -> {
			IpcClient.OperationSpec worker = client.destination("worker");
			assertThat(worker.call("hello", String.class)).isEqualTo("hello");
			assertThat(worker.method("shapes").call("", new ParameterizedTypeReference<List<Map<String, Integer>>>() {
			})).containsExactly(Map.of("side", 1), Map.of("side", 2));
			assertThat(worker.method("headers")
				.header("one", "1")
				.header("two", "2")
				.call("", new ParameterizedTypeReference<Map<String, String>>() {
				})).containsEntry("one", "1").containsEntry("two", "2");
			try (Stream<Integer> numbers = worker.method("count").stream(1000, Integer.class)) {
				assertThat(numbers).hasSize(1000).isSorted();
			}
			worker.send("one way");
			assertThat(worker.idempotent().call("next", String.class)).isEqualTo("next");
			assertThatExceptionOfType(UnknownDestinationException.class)
				.isThrownBy(() -> client.destination("nobody").call("", String.class))
				.withMessageContaining("worker");
		});
	}

	@Test
	void handleIsImmutableAndCanBeUsedAgain() {
		run((client, child) -> {
			IpcClient.OperationSpec worker = client.destination("worker");
			IpcClient.OperationSpec who = worker.method("who");
			who.header("a", "b").timeout(Duration.ofSeconds(5));
			assertThat(who.call("", Integer.class)).isEqualTo(who.call("", Integer.class));
			assertThat(worker.call("no method", String.class)).isEqualTo("no method");
		});
	}

	@Test
	void descriptorsTravelBothWaysAndStayTheCallers() {
		run((client, child) -> {
			try (OwnedFd content = memory("content")) {
				IpcClient.OperationSpec copy = client.destination("worker").method("copy").descriptors(content);
				for (int i = 0; i < 2; i++) {
					try (IpcMessage<String> reply = copy.messages().call("name", String.class)) {
						assertThat(reply.payload()).isEqualTo("name");
						assertThat(reply.descriptors().get(0).inputStream()).hasContent("content");
					}
				}
				assertThat(content.isClosed()).isFalse();
			}
		});
	}

	@Test
	void timeoutsAreThoseOfTheCall() {
		run((client, child) -> {
			assertThatExceptionOfType(IpcTimeoutException.class)
				.isThrownBy(() -> client.destination("worker").method("hang").timeout(SHORT).call("", String.class));
			assertThatExceptionOfType(IpcTimeoutException.class).isThrownBy(() -> client.destination("worker")
				.method("endless")
				.totalTimeout(SHORT)
				.stream("", Long.class)
				.forEach((number) -> {
				}));
			assertThatIllegalArgumentException().isThrownBy(() -> client.destination("worker").timeout(Duration.ZERO))
				.withMessageContaining("more than zero");
			assertThat(child.instances().get(0).restarts()).isZero();
		});
	}

	@Test
	void whatTheBuilderSetsHoldsForEveryRequest() {
		this.application.run((context) -> {
			CborMessageOperations operations = context.getBean(CborMessageOperations.class);
			IpcClient.OperationSpec worker = IpcClient.builder(operations)
				.defaultHeader("traceparent", "00-1-2-01")
				.build()
				.destination("worker");
			assertThat(worker.method("headers").call("", new ParameterizedTypeReference<Map<String, String>>() {
			})).containsEntry("traceparent", "00-1-2-01");
			IpcClient impatient = IpcClient.builder(operations).defaultTimeout(SHORT).build();
			assertThatExceptionOfType(IpcTimeoutException.class)
				.isThrownBy(() -> impatient.destination("worker").method("hang").call("", String.class))
				.withMessageContaining("PT0.2S");
			assertThatIllegalStateException().isThrownBy(() -> worker.send("one way"))
				.withMessageContaining("no headers");
		});
	}

	@Test
	void asynchronousCallBringsItsReplyOrItsFailure() {
		run((client, child) -> {
			IpcClient.OperationSpec worker = client.destination("worker");
			assertThat(worker.callAsync("hello", String.class).join()).isEqualTo("hello");
			assertThat(
					worker.method("shapes").callAsync("", new ParameterizedTypeReference<List<Map<String, Integer>>>() {
					}).thenApply(List::size).join())
				.isEqualTo(2);
			assertFails(worker.method("fail").callAsync("on purpose", String.class), IpcRemoteException.class);
			assertFails(worker.method("hang").timeout(SHORT).callAsync("", String.class), IpcTimeoutException.class);
			assertFails(client.destination("nobody").callAsync("", String.class), UnknownDestinationException.class);
			assertThat(child.instances().get(0).restarts()).isZero();
		});
	}

	@Test
	void descriptorsOfAnAsynchronousCallCanBeClosedRightAfterIt() {
		run((client, child) -> {
			client.destination("worker").call("it is up", String.class);
			CompletableFuture<IpcMessage<String>> copied;
			CompletableFuture<Integer> busy = client.destination("worker")
				.method("sleep")
				.callAsync(100, Integer.class);
			try (OwnedFd content = memory("content")) {
				copied = client.destination("worker")
					.method("copy")
					.descriptors(content)
					.messages()
					.callAsync("name", String.class);
			}
			assertThat(busy.join()).isEqualTo(100);
			try (IpcMessage<String> reply = copied.join()) {
				assertThat(reply.descriptors().get(0).inputStream()).hasContent("content");
			}
			Awaitility.await().until(() -> !OpenDescriptors.byKind().containsKey("/memfd:async (deleted)"));
			OwnedFd closed = memory("closed");
			closed.close();
			assertFails(client.destination("worker").descriptors(closed).callAsync("", String.class),
					UncategorizedIpcException.class);
		});
	}

	@Test
	void cancelTellsTheChildAndCostsNoProcess() {
		run((client, child) -> {
			IpcClient.OperationSpec worker = client.destination("worker");
			int pid = worker.method("who").call("", Integer.class);
			for (int i = 0; i < 3; i++) {
				CompletableFuture<String> hanging = worker.method("hang").callAsync("", String.class);
				awaitBusy(child);
				assertThat(hanging.cancel(true)).isTrue();
				assertThatExceptionOfType(CancellationException.class).isThrownBy(hanging::join);
				assertThat(worker.call("next", String.class)).isEqualTo("next");
			}
			assertThat(worker.method("cancelled").call("", Integer.class)).isEqualTo(3);
			assertThat(worker.method("who").call("", Integer.class)).isEqualTo(pid);
			assertThat(child.instances().get(0).restarts()).isZero();
		});
	}

	@Test
	void callerThatGivesUpInAnotherWayCancelsToo() {
		run((client, child) -> {
			IpcClient.OperationSpec worker = client.destination("worker");
			CompletableFuture<String> hanging = worker.method("hang").callAsync("", String.class);
			awaitBusy(child);
			hanging.orTimeout(1, TimeUnit.MILLISECONDS);
			assertThat(worker.call("next", String.class)).isEqualTo("next");
			Awaitility.await()
				.untilAsserted(() -> assertThat(worker.method("cancelled").call("", Integer.class)).isOne());
		});
	}

	@Test
	void cancelThatMayNotInterruptLetsTheRequestTakeItsCourse() {
		run((client, child) -> {
			IpcClient.OperationSpec worker = client.destination("worker");
			CompletableFuture<Integer> sleeping = worker.method("sleep").callAsync(1000, Integer.class);
			awaitBusy(child);
			assertThat(sleeping.cancel(false)).isTrue();
			assertThat(worker.call("next", String.class)).isEqualTo("next");
			assertThat(worker.method("cancelled").call("", Integer.class)).isZero();
			assertThat(child.instances().get(0).restarts()).isZero();
		});
	}

	@Test
	void replyThatNobodyWaitsForIsClosed() {
		run((client, child) -> {
			IpcClient.OperationSpec worker = client.destination("worker").method("copy-late");
			CompletableFuture<IpcMessage<String>> late = worker.messages().callAsync("late", String.class);
			awaitBusy(child);
			assertThat(late.cancel(false)).isTrue();
			Awaitility.await().until(() -> child.instances().get(0).busyLanes() == 0);
			Awaitility.await().until(() -> !OpenDescriptors.byKind().containsKey("/memfd:content (deleted)"));
			try (IpcMessage<String> taken = worker.messages().callAsync("taken", String.class).join()) {
				assertThat(OpenDescriptors.byKind()).containsKey("/memfd:content (deleted)");
			}
		});
	}

	@Test
	void cancelCostsAChildThatDoesNotUnderstandItItsInstance() {
		RawWorker.application().run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			IpcClient.OperationSpec worker = context.getBean(IpcClient.class).destination("worker");
			int pid = worker.call("who", Integer.class);
			CompletableFuture<String> sleeping = worker.callAsync("sleep 1000", String.class);
			awaitBusy(child);
			sleeping.cancel(true);
			assertThat(worker.call("who", Integer.class)).isNotEqualTo(pid);
			assertThat(child.instances().get(0).restarts()).isOne();
		});
	}

	@Test
	void manyCallsNeedNoMoreThreadsThanThereAreLanes() {
		this.application.withPropertyValues("ipc.children.worker.concurrency=2").run((context) -> {
			IpcClient.OperationSpec worker = context.getBean(IpcClient.class).destination("worker");
			worker.call("it is up", String.class);
			Set<Thread> before = Thread.getAllStackTraces().keySet();
			List<CompletableFuture<Integer>> calls = IntStream.range(0, 500)
				.mapToObj((i) -> worker.method("sleep").callAsync(1, Integer.class))
				.toList();
			calls.forEach((call) -> assertThat(call.join()).isOne());
			// Two that wait and two that deliver, and some that were about to rest when
			// another one was wanted. They stay for a while after that.
			assertThat(Thread.getAllStackTraces().keySet()).filteredOn((thread) -> !before.contains(thread))
				.filteredOn((thread) -> thread.getName().startsWith("ipc-async-"))
				.hasSizeBetween(1, 20);
			assertThat(worker.method("peak").call("", Integer.class)).isLessThanOrEqualTo(2);
		});
	}

	@Test
	void callThatWaitsInVainForItsTurnSaysThatNothingWasSent() {
		run((client, child) -> {
			IpcClient.OperationSpec worker = client.destination("worker");
			CompletableFuture<String> hanging = worker.method("hang").callAsync("", String.class);
			awaitBusy(child);
			CompletableFuture<String> waiting = worker.timeout(SHORT).callAsync("waits", String.class);
			try (OwnedFd content = memory("content")) {
				worker.descriptors(content).callAsync("is cancelled", String.class).cancel(true);
				worker.descriptors(content).callAsync("is cancelled", String.class).cancel(false);
			}
			assertThat(OpenDescriptors.byKind()).doesNotContainKey("/memfd:async (deleted)");
			assertThatExceptionOfType(CompletionException.class).isThrownBy(waiting::join)
				.withCauseInstanceOf(IpcBusyException.class)
				.withMessageContaining("no instance was free within PT0.2S, and 0 other")
				.withMessageContaining("Nothing was sent");
			hanging.cancel(true);
			assertThat(worker.callAsync("next", String.class).join()).isEqualTo("next");
		});
	}

	@Test
	void whatDependsOnAReplyMayWaitForAnotherCall() {
		run((client, child) -> {
			IpcClient.OperationSpec worker = client.destination("worker");
			CompletableFuture<String> last = worker.callAsync("1", String.class)
				.thenApply((one) -> one + worker.callAsync("2", String.class).join())
				.thenApply((two) -> two + worker.callAsync("3", String.class).join());
			assertThat(last.join()).isEqualTo("123");
		});
	}

	@Test
	void limitForWaitingCallsHoldsForAsynchronousOnes() {
		this.application.withPropertyValues("ipc.children.worker.max-waiting=1").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			IpcClient.OperationSpec worker = context.getBean(IpcClient.class).destination("worker");
			CompletableFuture<String> hanging = worker.method("hang").callAsync("", String.class);
			awaitBusy(child);
			CompletableFuture<String> waiting = worker.callAsync("waits", String.class);
			Awaitility.await().until(() -> child.waitingCallers() == 1);
			assertFails(worker.callAsync("one too many", String.class), IpcBusyException.class);
			hanging.cancel(true);
			assertThat(waiting.join()).isEqualTo("waits");
		});
	}

	@Test
	@EnabledForJreRange(min = JRE.JAVA_21)
	void virtualThreadsAreUsedIfTheApplicationWantsThem(@TempDir Path folder) {
		RawWorker.application("spring.threads.virtual.enabled=true").run((context) -> {
			IpcClient.OperationSpec worker = context.getBean(IpcClient.class).destination("worker");
			Path sign = folder.resolve("sign");
			CompletableFuture<String> waiting = worker.callAsync("wait-for " + sign, String.class);
			CompletableFuture<Thread> thread = waiting.thenApply((reply) -> Thread.currentThread());
			Files.createFile(sign);
			assertThat(Thread.class.getMethod("isVirtual").invoke(thread.join())).isEqualTo(true);
			CompletableFuture<String> hanging = worker.callAsync("sleep 1000", String.class);
			awaitBusy(context.getBean(IpcChild.class));
			hanging.cancel(true);
			assertThat(worker.call("next", String.class)).isEqualTo("next");
		});
	}

	@Configuration(proxyBeanMethods = false)
	static class OwnClient {

		@Bean
		IpcClient ownClient(CborMessageOperations operations) {
			return IpcClient.builder(operations).defaultTimeout(SHORT).build();
		}

	}

	@Test
	void clientOfTheApplicationTakesPrecedence() {
		this.application.withUserConfiguration(OwnClient.class)
			.run((context) -> assertThat(context).hasSingleBean(IpcClient.class).hasBean("ownClient"));
	}

	private void run(Conversation test) {
		this.application.run((context) -> test.run(context.getBean(IpcClient.class), context.getBean(IpcChild.class)));
	}

	/** What a test does with its client and the only child. */
	@FunctionalInterface
	private interface Conversation {

		void run(IpcClient client, IpcChild child) throws Exception;

	}

	private static void awaitBusy(IpcChild child) {
		Awaitility.await().until(() -> child.instances().get(0).busyLanes() == 1);
	}

	private static void assertFails(CompletableFuture<?> call, Class<? extends IpcMessagingException> type) {
		assertThatExceptionOfType(CompletionException.class).isThrownBy(call::join).withCauseInstanceOf(type);
	}

	private static OwnedFd memory(String content) {
		try {
			SharedMemory memory = SharedMemory.create("async");
			memory.outputStream().write(content.getBytes(StandardCharsets.UTF_8));
			return memory.descriptor();
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

}
