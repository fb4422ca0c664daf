package dev.tinyipc.spring.child;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcTimeoutException;
import dev.tinyipc.spring.RawWorker;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Instances that nobody has: while they are idle, and while a late reply is awaited.
 */
@Timeout(120)
@ExtendWith(OutputCaptureExtension.class)
class IdleInstanceTests {

	private static final Duration SHORT = Duration.ofMillis(300);

	/** Before the loop that answers requests. */
	private static final String PRELUDE = """
			import os, socket, struct, time
			first = socket.socket(fileno=int(os.environ["TINY_IPC_FD"]))
			def wait_for_sign():
			    while not os.path.exists("%s"):
			        time.sleep(0.01)
			""";

	@TempDir
	private Path folder;

	@Test
	void lateReplyOfAnInstanceThatWasIdleBeforeIsAwaited() {
		RawWorker.application("ipc.children.worker.startup-grace=3s").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IpcChild child = context.getBean(IpcChild.class);
			long pid = Processes.pids(child).get(0);
			awaitWatch();
			assertThatExceptionOfType(IpcTimeoutException.class)
				.isThrownBy(() -> template.convertSendAndReceive("sleep 1", String.class, SHORT));
			assertThat(template.<Integer>convertSendAndReceive("who", Integer.class).longValue()).isEqualTo(pid);
			assertThat(child.instances().get(0).restarts()).isZero();
		});
	}

	@Test
	void instanceThatAnsweredLateIsNotEndedWhileItServesTheNextCaller() {
		RawWorker.application("ipc.children.worker.startup-grace=2s").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			assertThatExceptionOfType(IpcTimeoutException.class)
				.isThrownBy(() -> template.convertSendAndReceive("sleep 1", String.class, SHORT));
			assertThat(template.convertSendAndReceive("sleep 2", String.class)).isEqualTo("sleep 2");
			assertThat(context.getBean(IpcChild.class).instances().get(0).restarts()).isZero();
		});
	}

	@Test
	void instanceThatAnsweredLateMayStillOweTheAnswerToAOneWayMessage() {
		RawWorker.application("ipc.children.worker.startup-grace=2s").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			assertThatExceptionOfType(IpcTimeoutException.class)
				.isThrownBy(() -> template.convertSendAndReceive("sleep 1", String.class, SHORT));
			template.convertAndSend("sleep 2");
			assertThat(template.convertSendAndReceive("hello", String.class)).isEqualTo("hello");
			assertThat(context.getBean(IpcChild.class).instances().get(0).restarts()).isZero();
		});
	}

	@Test
	void helloOfAnIdleInstanceIsNoExchange() {
		Path sign = this.folder.resolve("sign");
		Path said = this.folder.resolve("said");
		RawWorker.python(PRELUDE.formatted(sign) + """
				wait_for_sign()
				hello = bytes.fromhex("da4950534aa168656e76656c6f7065f4")
				first.send(struct.pack("=Q", len(hello)) + hello)
				open("%s", "w").close()
				""".formatted(said), "ipc.children.worker.max-exchanges=1").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			long pid = Processes.pids(child).get(0);
			awaitWatch();
			Files.createFile(sign);
			Awaitility.await().until(() -> Files.exists(said) && pendingSize(child) == null);
			assertThat(context.getBean(CborMessageTemplate.class)
				.<Integer>convertSendAndReceive("who", Integer.class)
				.longValue()).isEqualTo(pid);
		});
	}

	@Test
	void messageThatNobodyAskedForIsNoticedAlsoAfterAnExchange(CapturedOutput output) {
		Path sign = this.folder.resolve("sign");
		RawWorker.python(PRELUDE.formatted(sign) + """
				reply = first.recv(1 << 20)
				first.send(reply[:10])
				time.sleep(0.3)
				first.send(reply[10:])
				wait_for_sign()
				first.send(reply)
				""").run((context) -> {
			long pid = Processes.pids(context.getBean(IpcChild.class)).get(0);
			awaitWatch();
			assertThat(context.getBean(CborMessageTemplate.class).convertSendAndReceive("hello", String.class))
				.isEqualTo("hello");
			Files.createFile(sign);
			Awaitility.await().until(() -> !Processes.runs(pid));
			Awaitility.await().untilAsserted(() -> assertThat(output).contains("sent a message that nobody asked for"));
		});
	}

	@Test
	void childThatAnswersAndThenClosesItsSocketIsReplacedWithoutARequest(CapturedOutput output) {
		RawWorker.application().run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			long pid = Processes.pids(context.getBean(IpcChild.class)).get(0);
			template.convertAndSend("one way");
			template.convertAndSend("hang-up");
			Awaitility.await().until(() -> !Processes.runs(pid));
			Awaitility.await()
				.untilAsserted(() -> assertThat(output).contains("it closed its socket and has not ended"));
		});
	}

	@Test
	void allAnswersToOneWayMessagesCanBeReceived() {
		RawWorker.application().run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			template.convertAndSend("one");
			template.convertAndSend("two");
			template.convertAndSend("three note-in " + this.folder);
			// It has answered the others.
			Awaitility.await().until(() -> Files.list(this.folder).findAny().isPresent());
			assertThat(template.receiveAndConvert(String.class)).isEqualTo("one");
			assertThat(template.receiveAndConvert(String.class)).isEqualTo("two");
			assertThat(template.receiveAndConvert(String.class)).startsWith("three");
		});
	}

	/** The thread starts with the first socket. */
	private static void awaitWatch() {
		Awaitility.await()
			.until(() -> Thread.getAllStackTraces()
				.keySet()
				.stream()
				.anyMatch((thread) -> thread.getName().equals("ipc-idle-sockets")));
	}

	private static Integer pendingSize(IpcChild child) {
		return child.instances().get(0).socket().orElseThrow().pendingSize();
	}

}
