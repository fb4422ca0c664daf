package dev.tinyipc.spring.child;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

import dev.tinyipc.IpcException;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcReplyLostException;
import dev.tinyipc.spring.RawWorker;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowable;

/** Messages that go through memory or through sockets, as the properties say. */
@Timeout(120)
class TransportTests {

	private static final String TRANSPORT = "ipc.children.worker.transport=";

	private static final String HELLO_WITH_MEMORY = """
			import os, struct, time
			hello = bytes.fromhex("da4950534aa1666d656d6f7279f5")
			os.write(int(os.environ["TINY_IPC_FD"]), struct.pack("=Q", len(hello)) + hello)
			""";

	private static ApplicationContextRunner java(String transport, String... properties) {
		return RawWorker.nothing()
			.withPropertyValues("ipc.children.worker.main=" + ConversationWorker.class.getName(), TRANSPORT + transport)
			.withPropertyValues(properties);
	}

	private static Object ask(ApplicationContext context, Object payload) {
		return context.getBean(CborMessageTemplate.class).convertSendAndReceive(payload, Object.class);
	}

	private static List<ChildSettings.Transport> transports(ApplicationContext context) {
		return context.getBean(IpcChild.class).instances().get(0).transports();
	}

	@ParameterizedTest
	@ValueSource(strings = { "auto", "memory" })
	void messagesOfAChildThatCanShareMemoryGoThroughIt(String transport) {
		java(transport, "ipc.children.worker.ready=true").run((context) -> {
			for (int i = 0; i < 100; i++) {
				assertThat(ask(context, "text " + i)).isEqualTo("text " + i);
			}
			String large = "x".repeat(1_000_000);
			assertThat(ask(context, large)).isEqualTo(large);
			assertThat(transports(context)).containsExactly(ChildSettings.Transport.MEMORY);
		});
	}

	@Test
	void messagesGoThroughMemoryFromTheFirstCallAfterTheHelloOn() {
		java("auto").run((context) -> Awaitility.await().untilAsserted(() -> {
			assertThat(ask(context, "x")).isEqualTo("x");
			assertThat(transports(context)).containsExactly(ChildSettings.Transport.MEMORY);
		}));
	}

	@Test
	void memoryHasTheSizeThatIsAskedForAndTakesLargerMessages() {
		java("memory", "ipc.children.worker.ready=true", "ipc.children.worker.ring-size=32KB").run((context) -> {
			byte[] large = "x".repeat(1_000_000).getBytes(StandardCharsets.US_ASCII);
			assertThat(context.getBean(CborMessageTemplate.class).convertSendAndReceive(large, byte[].class))
				.isEqualTo(large);
			assertThat(Files.readAllLines(Path.of("/proc/self/maps")))
				.filteredOn((line) -> line.contains("tiny-ipc-lane"))
				.anyMatch((line) -> size(line) == 4096 + 2 * 32 * 1024);
		});
	}

	/** A line begins with the first and the last address. */
	private static long size(String line) {
		String[] addresses = line.split(" ")[0].split("-");
		return Long.parseUnsignedLong(addresses[1], 16) - Long.parseUnsignedLong(addresses[0], 16);
	}

	@Test
	void callWithLittleTimeLeavesTheChangeToAnother() {
		java("memory").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			template.convertSendAndReceive("x", String.class, Duration.ofMillis(900));
			assertThat(transports(context)).containsExactly(ChildSettings.Transport.SOCKET);
			template.convertSendAndReceive("x", String.class, Duration.ofSeconds(60));
			assertThat(transports(context)).containsExactly(ChildSettings.Transport.MEMORY);
		});
	}

	@Test
	void furtherLanesGoTheSameWay() {
		java("memory", "ipc.children.worker.concurrency=4").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IntStream.range(0, 200)
				.parallel()
				.forEach((i) -> template.method("sleep").convertSendAndReceive(5, Integer.class));
			assertThat(transports(context)).isNotEmpty().containsOnly(ChildSettings.Transport.MEMORY);
		});
	}

	@Test
	void socketsAreUsedIfThePropertySaysSo() {
		java("socket").run((context) -> {
			assertThat(ask(context, "x")).isEqualTo("x");
			assertThat(transports(context)).containsExactly(ChildSettings.Transport.SOCKET);
		});
	}

	@Test
	void childThatSharesNoMemoryIsUsedOverSocketsUnlessItMust() {
		RawWorker.application(TRANSPORT + "auto").run((context) -> {
			assertThat(ask(context, "x")).isEqualTo("x");
			assertThat(transports(context)).containsExactly(ChildSettings.Transport.SOCKET);
		});
		RawWorker.python(ReadyWorker.HELLO, TRANSPORT + "memory")
			.run((context) -> assertThat(context).getFailure()
				.rootCause()
				.hasMessageContaining("its hello does not say that it shares memory")
				.hasMessageContaining("ipc.children.worker.transport"));
	}

	@Test
	void childThatIsOneWayCannotSayThatItSharesMemory() {
		RawWorker.application(TRANSPORT + "memory", "ipc.children.worker.one-way=true")
			.run((context) -> assertThat(context).getFailure()
				.rootCause()
				.hasMessageContaining("ipc.children.worker.transport")
				.hasMessageContaining("A one-way child is not invited to say hello"));
	}

	@Test
	void processThatIsKilledInTheMiddleLosesTheReplyAndTheNextOneSharesMemoryAgain() {
		java("memory").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			int pid = template.method("who").convertSendAndReceive("", Integer.class);
			Thread killer = new Thread(() -> {
				Awaitility.await().until(() -> context.getBean(IpcChild.class).instances().get(0).busyLanes() == 1);
				ProcessHandle.of(pid).orElseThrow().destroyForcibly();
			});
			killer.start();
			assertThatExceptionOfType(IpcReplyLostException.class)
				.isThrownBy(() -> template.method("hang").convertSendAndReceive("", String.class));
			killer.join();
			assertThat(ask(context, "x")).isEqualTo("x");
			assertThat(transports(context)).containsExactly(ChildSettings.Transport.MEMORY);
		});
	}

	/** It had gone to sleep, so that it has surely not got the request. */
	@Test
	void requestToAProcessThatHasJustDiedGoesToTheNext() {
		java("memory").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			for (int i = 0; i < 3; i++) {
				int pid = template.method("who").convertSendAndReceive("", Integer.class);
				ProcessHandle.of(pid).orElseThrow().destroyForcibly();
				assertThat(ask(context, "text " + i)).isEqualTo("text " + i);
			}
		});
	}

	@Test
	void childThatIsLockedDownSharesMemory() {
		java("memory", "ipc.children.worker.sandbox.profile=locked-down").run((context) -> {
			assertThat(ask(context, "x")).isEqualTo("x");
			assertThat(transports(context)).containsExactly(ChildSettings.Transport.MEMORY);
		});
	}

	@Test
	void interruptEndsAChangeThatTheChildDoesNotAnswer() {
		RawWorker.python(HELLO_WITH_MEMORY + "time.sleep(1000)\n", "ipc.children.worker.ready=true", TRANSPORT + "auto")
			.run((context) -> {
				CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
				CompletableFuture<Throwable> failure = new CompletableFuture<>();
				Thread caller = new Thread(() -> failure.complete(catchThrowable(
						() -> template.convertSendAndReceive("x", String.class, Duration.ofMinutes(10)))));
				caller.start();
				Awaitility.await().until(() -> context.getBean(IpcChild.class).instances().get(0).busyLanes() == 1);
				caller.interrupt();
				assertThat(failure.get(30, TimeUnit.SECONDS)).hasRootCauseInstanceOf(IpcException.Interrupted.class);
			});
	}

	@Test
	void callOfAThreadThatIsInterruptedLeavesTheChangeToAnother() {
		java("memory").run((context) -> {
			Thread.currentThread().interrupt();
			Throwable failure = catchThrowable(() -> ask(context, "x"));
			assertThat(Thread.interrupted()).isTrue();
			assertThat(failure).hasRootCauseInstanceOf(IpcException.Interrupted.class);
			assertThat(ask(context, "x")).isEqualTo("x");
			assertThat(transports(context)).containsExactly(ChildSettings.Transport.MEMORY);
			assertThat(context.getBean(IpcChild.class).instances().get(0).restarts()).isZero();
		});
	}

}
