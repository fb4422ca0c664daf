package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;

import ch.qos.logback.classic.Level;
import dev.tinyipc.spring.CborMessageOperations;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcReplyLostException;
import dev.tinyipc.spring.IpcTimeoutException;
import dev.tinyipc.spring.PostMortem;
import dev.tinyipc.spring.actuate.InstanceDetails;
import dev.tinyipc.spring.actuate.IpcEndpoint;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;
import org.springframework.context.ApplicationListener;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * What a child that names a signal for its stacks was doing when it did not answer. That
 * of a JVM is in {@link ChildEventTests}, as is a child that names none.
 */
@Timeout(120)
class StackDumpTests {

	private static final String IMPATIENT = "ipc.children.worker.cancel-timeout=100ms";

	private final Queue<IpcChildEvent> exits = new ConcurrentLinkedQueue<>();

	@Test
	void beforeAChildInPythonIsKilledForItsSilenceItPrintsItsStacksIntoEventEndpointAndLog() {
		try (LogOf log = new LogOf("ipc.child.worker")) {
			application(IMPATIENT).run((context) -> {
				timeOut(context);
				PostMortem end = awaitExit();
				assertThat(end.exitStatus().signal()).hasValue(9);
				assertThat(end.stacks()).anyMatch(StackDumpTests::isCulprit);
				assertThat(end.lastLines()).noneMatch(StackDumpTests::isCulprit);
				IpcChild child = context.getBean(IpcChild.class);
				assertThat(new IpcEndpoint(List.of(child), null).child("worker").instances()).singleElement()
					.extracting(InstanceDetails::stacks)
					.isEqualTo(end.stacks());
				assertThat(log.of(Level.WARN).stream().filter(StackDumpTests::isCulprit)).hasSize(1);
			});
		}
	}

	@Test
	void othersWhoseRequestsDieWithItFindTheStacksInTheirException() {
		application(IMPATIENT, "ipc.children.worker.concurrency=4").run((context) -> {
			CborMessageOperations stubborn = context.getBean(CborMessageTemplate.class).method("stubborn");
			CompletableFuture<Object> other = CompletableFuture
				.supplyAsync(() -> stubborn.convertSendAndReceive(1000, Object.class, Duration.ofSeconds(60)));
			Awaitility.await().until(() -> context.getBean(IpcChild.class).instances().get(0).busyLanes() == 1);
			for (int i = 0; i < 3; i++) {
				timeOut(context);
			}
			assertThat(other).failsWithin(Duration.ofSeconds(60))
				.withThrowableThat()
				.havingCause()
				.isInstanceOfSatisfying(IpcReplyLostException.class,
						(ex) -> assertThat(ex.postMortem().orElseThrow().stacks()).anyMatch(StackDumpTests::isCulprit));
		});
	}

	@Test
	void aChildWhoseOutputNobodyReadsIsNotAskedForItsStacks() {
		application(IMPATIENT, "ipc.children.worker.output=discard").run((context) -> {
			timeOut(context);
			PostMortem end = awaitExit();
			assertThat(end.exitStatus().signal()).hasValue(9);
			assertThat(end.stacks()).isEmpty();
		});
	}

	private ApplicationContextRunner application(String... properties) {
		ApplicationListener<?> listener = ApplicationListener.forPayload((IpcChildEvent event) -> {
			if (event.type() == IpcChildEvent.Type.EXITED) {
				this.exits.add(event);
			}
		});
		return PythonWorker.application()
			.withPropertyValues("ipc.children.worker.ready=true")
			.withPropertyValues(properties)
			.withInitializer((context) -> context.addApplicationListener(listener));
	}

	private static void timeOut(ApplicationContext context) {
		CborMessageOperations stubborn = context.getBean(CborMessageTemplate.class).method("stubborn");
		assertThatExceptionOfType(IpcTimeoutException.class)
			.isThrownBy(() -> stubborn.convertSendAndReceive(1000, Object.class, Duration.ofMillis(300)));
	}

	private PostMortem awaitExit() {
		Awaitility.await().until(() -> !this.exits.isEmpty());
		return this.exits.element().postMortem().orElseThrow();
	}

	/** A line of the stack of the thread that does not answer. */
	private static boolean isCulprit(String line) {
		return line.contains("conversation_worker.py") && line.contains("in stubborn");
	}

}
