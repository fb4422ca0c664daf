package dev.tinyipc.spring.test;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import dev.tinyipc.IpcExchange;
import dev.tinyipc.IpcServer;
import dev.tinyipc.SharedMemory;
import dev.tinyipc.spring.CborMessageOperations;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.ChildCalls;
import dev.tinyipc.spring.ImportIpcServices;
import dev.tinyipc.spring.IpcMessageConversionException;
import dev.tinyipc.spring.IpcMessagingException;
import dev.tinyipc.spring.IpcPeerUnavailableException;
import dev.tinyipc.spring.IpcPoisonRequestException;
import dev.tinyipc.spring.IpcReplyLostException;
import dev.tinyipc.spring.IpcTimeoutException;
import dev.tinyipc.spring.autoconfigure.IpcAutoConfiguration;
import dev.tinyipc.spring.child.ChildState;
import dev.tinyipc.spring.child.IpcChild;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/** Handlers in the place of a child, and the faults that they can have. */
@Timeout(120)
class TestIpcTests {

	private static final Duration SHORT = Duration.ofMillis(300);

	private final ApplicationContextRunner runner = new ApplicationContextRunner()
		.withConfiguration(AutoConfigurations.of(JacksonAutoConfiguration.class, IpcAutoConfiguration.class,
				TestIpcAutoConfiguration.class))
		.withPropertyValues("ipc.children.worker.command=/does/not/exist", "ipc.children.worker.ready=true",
				"ipc.children.worker.concurrency=4", "ipc.children.worker.cancel-timeout=100ms",
				"ipc.children.worker.restart.initial-delay=1ms", "ipc.children.worker.restart.max-failures=100",
				"ipc.template.max-message-size=200KB");

	private final ApplicationContextRunner worker = this.runner.withBean(TestIpcChild.class, TestIpcTests::worker);

	private static TestIpcChild worker() {
		AtomicInteger arrived = new AtomicInteger();
		CountDownLatch all = new CountDownLatch(3);
		return TestIpcChild.of("worker",
				(server) -> server.handler(Object.class, (request) -> request.payload())
					.handler("count", Integer.class, (request) -> IntStream.range(0, request.payload()).boxed())
					.handler("copy", Object.class, (request) -> {
						SharedMemory copy = SharedMemory.create("copy");
						try (InputStream source = request.file(0).inputStream();
								OutputStream target = copy.outputStream()) {
							source.transferTo(target);
						}
						return new IpcServer.Reply(request.payload(), copy.descriptor());
					})
					.handler("ask-back", String.class,
							(request, context) -> context.parent().call("ask", request.payload(), String.class))
					.handler("meet", Object.class, (request) -> {
						all.countDown();
						all.await();
						return arrived.incrementAndGet();
					}));
	}

	@ParameterizedTest
	@ValueSource(strings = { "auto", "socket", "memory" })
	void handlersAnswerValuesStreamsFilesAndCallBackOverARealSocket(String transport) {
		this.worker.withPropertyValues("ipc.transport=" + transport)
			.withBean(ChildCalls.class,
					() -> new ChildCalls("worker",
							(calls) -> calls.handler("ask", String.class, (request) -> request.payload() + "!")))
			.run((context) -> {
				CborMessageOperations template = template(context);
				assertThat(template.convertSendAndReceive("hello", String.class)).isEqualTo("hello");
				try (Stream<Integer> numbers = template.method("count")
					.convertSendAndStream("worker", 3, Integer.class)) {
					assertThat(numbers).containsExactly(0, 1, 2);
				}
				try (SharedMemory memory = SharedMemory.create("file")) {
					try (OutputStream target = memory.outputStream()) {
						target.write("a file".getBytes(StandardCharsets.UTF_8));
					}
					try (var reply = template.method("copy")
						.sendAndReceive("worker", 7, Integer.class, memory.descriptor())) {
						assertThat(reply.payload()).isEqualTo(7);
						assertThat(reply.file(0).inputStream().readAllBytes()).asString().isEqualTo("a file");
					}
				}
				assertThat(template.method("ask-back").convertSendAndReceive("worker", "back", String.class))
					.isEqualTo("back!");
				byte[] large = new byte[150_000];
				Arrays.fill(large, (byte) 3);
				assertThat(template.convertSendAndReceive(large, byte[].class)).isEqualTo(large);
				assertThat(context.getBean(IpcChild.class).instances().get(0).pid())
					.contains(ProcessHandle.current().pid());
			});
	}

	@Test
	void severalRequestsAreServedAtATime() {
		this.worker.run((context) -> {
			CborMessageOperations template = template(context).method("meet");
			List<Thread> callers = IntStream.range(0, 3)
				.mapToObj((i) -> new Thread(() -> template.convertSendAndReceive("worker", "any", Integer.class)))
				.toList();
			callers.forEach(Thread::start);
			for (Thread caller : callers) {
				caller.join(60_000);
				assertThat(caller.isAlive()).isFalse();
			}
		});
	}

	@Test
	void aHandlerThatDiesLosesItsReplyAndIsReplaced() {
		this.worker.run((context) -> {
			context.getBean(IpcFaults.class).die("worker");
			assertThatExceptionOfType(IpcReplyLostException.class).isThrownBy(() -> echo(context))
				.satisfies((ex) -> assertThat(ex.exitStatus().orElseThrow().code()).hasValue(1));
			assertThat(echo(context)).isEqualTo("hello");
			assertThat(context.getBean(IpcChild.class).instances().get(0).restarts()).isEqualTo(1);
		});
	}

	@Test
	void aRequestThatKillsTwoHandlersIsRefusedAsInProduction() {
		this.worker.withPropertyValues("ipc.children.worker.quarantine=1h").run((context) -> {
			IpcFaults faults = context.getBean(IpcFaults.class);
			for (int i = 0; i < 2; i++) {
				faults.die("worker");
				assertThatExceptionOfType(IpcReplyLostException.class).isThrownBy(() -> echo(context));
			}
			assertThatExceptionOfType(IpcPoisonRequestException.class).isThrownBy(() -> echo(context));
		});
	}

	@Test
	void aHandlerThatHangsTimesOut() {
		this.worker.withPropertyValues("ipc.children.worker.concurrency=1").run((context) -> {
			assertThat(echo(context)).isEqualTo("hello");
			context.getBean(IpcFaults.class).hang("worker");
			assertThatExceptionOfType(IpcTimeoutException.class)
				.isThrownBy(() -> template(context).convertSendAndReceive("hello", String.class, SHORT));
			assertThat(echo(context)).isEqualTo("hello");
			Awaitility.await().until(() -> context.getBean(IpcChild.class).instances().get(0).restarts() == 1);
		});
	}

	@Test
	void anAnswerThatIsLateReachesNobodyElse() {
		this.worker.run((context) -> {
			context.getBean(IpcFaults.class).answerLate("worker", SHORT.multipliedBy(2));
			assertThatExceptionOfType(IpcTimeoutException.class)
				.isThrownBy(() -> template(context).convertSendAndReceive("late", String.class, SHORT));
			for (int i = 0; i < 3; i++) {
				assertThat(echo(context)).isEqualTo("hello");
			}
			context.getBean(IpcFaults.class).answerLate("worker", SHORT);
			assertThat(echo(context)).isEqualTo("hello");
		});
	}

	@Test
	void anAnswerThatIsTooLargeIsDroppedAndItsInstanceStays() {
		this.worker.run((context) -> {
			context.getBean(IpcFaults.class).answerTooLarge("worker");
			assertThatExceptionOfType(IpcMessagingException.class).isThrownBy(() -> echo(context))
				.withMessageContaining("204800 are accepted");
			assertThat(echo(context)).isEqualTo("hello");
			assertThat(context.getBean(IpcChild.class).instances().get(0).restarts()).isZero();
		});
	}

	@Test
	void anAnswerThatIsMalformedIsAnErrorOfItsCallerAndItsInstanceStays() {
		this.worker.run((context) -> {
			context.getBean(IpcFaults.class).answerMalformed("worker");
			assertThatExceptionOfType(IpcMessageConversionException.class).isThrownBy(() -> echo(context));
			assertThat(echo(context)).isEqualTo("hello");
			assertThat(context.getBean(IpcChild.class).instances().get(0).restarts()).isZero();
		});
	}

	@Test
	void faultsMeetRequestsInTheirOrderAndCanBeCleared() {
		this.worker.run((context) -> {
			IpcFaults faults = context.getBean(IpcFaults.class);
			faults.answerMalformed("worker");
			faults.die("worker");
			faults.die("worker");
			assertThatExceptionOfType(IpcMessageConversionException.class).isThrownBy(() -> echo(context));
			assertThatExceptionOfType(IpcReplyLostException.class).isThrownBy(() -> echo(context));
			faults.clear();
			assertThat(echo(context)).isEqualTo("hello");
			assertThatIllegalArgumentException().isThrownBy(() -> faults.die("walker"))
				.withMessageContainingAll("walker", "worker");
		});
	}

	@Test
	void aChildIsStoppedAndStarted() {
		this.worker.run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			child.stopInstances().join();
			assertThat(child.instances().get(0).state()).isEqualTo(ChildState.STOPPED);
			child.startInstances();
			assertThat(echo(context)).isEqualTo("hello");
			child.restartInstances().join();
			assertThat(echo(context)).isEqualTo("hello");
		});
	}

	@Test
	void aDeclaredChildWithoutHandlersIsNotStarted() {
		this.runner.run((context) -> {
			assertThat(context).hasNotFailed();
			assertThatExceptionOfType(IpcPeerUnavailableException.class).isThrownBy(() -> echo(context))
				.withMessageContaining("nothing runs in its place in this test");
		});
	}

	@Test
	void handlersForAChildThatIsNotDeclaredFailTheStart() {
		this.worker.withBean("other", TestIpcChild.class, () -> TestIpcChild.of("walker", (server) -> {
		}))
			.run((context) -> assertThat(context).getFailure()
				.hasMessageContainingAll("not declared: walker", "Declared are: worker"));
	}

	@Test
	void aContractTakesALambda() {
		this.runner
			.withBean(TestIpcChild.class, () -> TestIpcChild.of("worker", Doubling.class, (number) -> 2 * number))
			.withUserConfiguration(Client.class)
			.run((context) -> assertThat(context.getBean(Doubling.class).twice(21)).isEqualTo(42));
	}

	@Test
	void noThreadAndNoSocketIsLeft() throws Exception {
		this.worker.run((context) -> assertThat(echo(context)).isEqualTo("hello"));
		// What is there already belongs to contexts that are cached.
		Set<Thread> before = threads();
		long sockets = sockets();
		this.worker.run((context) -> {
			IpcFaults faults = context.getBean(IpcFaults.class);
			assertThat(echo(context)).isEqualTo("hello");
			assertThat(threads()).isNotEqualTo(before);
			faults.die("worker");
			assertThatExceptionOfType(IpcReplyLostException.class).isThrownBy(() -> echo(context));
			faults.hang("worker");
			assertThatExceptionOfType(IpcTimeoutException.class)
				.isThrownBy(() -> template(context).convertSendAndReceive("hello", String.class, SHORT));
		});
		Awaitility.await().untilAsserted(() -> {
			assertThat(before).containsAll(threads());
			assertThat(sockets()).isLessThanOrEqualTo(sockets);
		});
	}

	private static long sockets() throws IOException {
		try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
			return descriptors.filter((descriptor) -> {
				try {
					return Files.readSymbolicLink(descriptor).toString().startsWith("socket:");
				}
				catch (IOException ex) {
					return false; // closed meanwhile
				}
			}).count();
		}
	}

	private static Set<Thread> threads() {
		return Thread.getAllStackTraces()
			.keySet()
			.stream()
			.filter((thread) -> thread.getName().startsWith("tiny-ipc-test-")
					|| thread.getName().equals("tiny-ipc-in-process"))
			.collect(Collectors.toSet());
	}

	private static CborMessageOperations template(ApplicationContext context) {
		return context.getBean(CborMessageTemplate.class);
	}

	private static String echo(ApplicationContext context) {
		return template(context).convertSendAndReceive("hello", String.class);
	}

	/** A contract with one method. */
	@IpcExchange
	interface Doubling {

		int twice(int number);

	}

	@ImportIpcServices(destination = "worker", types = Doubling.class)
	static class Client {

	}

}
