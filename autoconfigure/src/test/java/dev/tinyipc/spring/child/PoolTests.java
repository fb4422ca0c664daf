package dev.tinyipc.spring.child;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcMessagingException;
import dev.tinyipc.spring.IpcTimeoutException;
import dev.tinyipc.spring.RawWorker;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

@Timeout(120)
class PoolTests {

	private static final Duration SHORT = Duration.ofMillis(300);

	private final ExecutorService callers = Executors.newCachedThreadPool();

	@TempDir
	private Path folder;

	@AfterEach
	void stopCallers() {
		this.callers.shutdownNow();
	}

	@Test
	void fourInstancesAnswerFourRequestsAtOnce() {
		RawWorker.application("ipc.children.worker.instances=4").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			// Each is answered once all four are being served.
			List<Future<Integer>> replies = new ArrayList<>();
			for (int i = 0; i < 4; i++) {
				replies.add(this.callers
					.submit(() -> template.convertSendAndReceive("who meet-in " + this.folder, Integer.class)));
			}
			Set<Integer> pids = new HashSet<>();
			for (Future<Integer> reply : replies) {
				pids.add(reply.get());
			}
			assertThat(pids).hasSize(4);
		});
	}

	@Test
	void callersGetAnInstanceInTheOrderInWhichTheyCame() {
		RawWorker.application().run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IpcChild child = context.getBean(IpcChild.class);
			List<Future<?>> calls = new ArrayList<>();
			Path sign = this.folder.resolve("go");
			Path served = this.folder.resolve("served");
			calls.add(occupy(template, sign));
			for (int i = 0; i < 10; i++) {
				int number = i;
				calls.add(this.callers
					.submit(() -> template.convertSendAndReceive("write " + number + ":" + served, String.class)));
				Awaitility.await().untilAsserted(() -> assertThat(child.waitingCallers()).isEqualTo(number + 1));
			}
			Files.createFile(sign);
			for (Future<?> call : calls) {
				call.get();
			}
			assertThat(Files.readAllLines(served)).containsExactly("0", "1", "2", "3", "4", "5", "6", "7", "8", "9");
			assertThat(child.waitingCallers()).isZero();
		});
	}

	@Test
	void whoWaitsTooLongForAnInstanceIsToldSoAndTheBusyOneIsLeftAlone() {
		RawWorker.application().run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IpcChild child = context.getBean(IpcChild.class);
			Path sign = this.folder.resolve("go");
			Future<Integer> busy = occupy(template, sign);
			assertThatExceptionOfType(IpcTimeoutException.class)
				.isThrownBy(() -> template.convertSendAndReceive("hello", String.class, SHORT))
				.withMessageContaining("'worker'")
				.withMessageContaining("no instance was free within PT0.3S");
			assertThat(child.waitingCallers()).isZero();
			Files.createFile(sign);
			long pid = busy.get();
			assertThat(template.<Integer>convertSendAndReceive("who", Integer.class).longValue()).isEqualTo(pid);
			assertThat(child.instances().get(0).restarts()).isZero();
		});
	}

	@Test
	void aCallerWhoIsInterruptedWhileWaitingLeavesTheQueue() {
		RawWorker.application().run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IpcChild child = context.getBean(IpcChild.class);
			Path sign = this.folder.resolve("go");
			Future<?> busy = occupy(template, sign);
			CompletableFuture<Throwable> outcome = new CompletableFuture<>();
			Thread waiting = new Thread(() -> {
				try {
					template.convertSendAndReceive("hello", String.class);
				}
				catch (RuntimeException ex) {
					outcome.complete(Thread.currentThread().isInterrupted() ? ex : null);
				}
			});
			waiting.start();
			Awaitility.await().until(() -> child.waitingCallers() == 1);
			waiting.interrupt();
			assertThat(outcome.get()).isInstanceOf(IpcMessagingException.class).hasMessageContaining("interrupted");
			assertThat(child.waitingCallers()).isZero();
			Files.createFile(sign);
			busy.get();
			assertThat(template.convertSendAndReceive("hello", String.class)).isEqualTo("hello");
		});
	}

	@Test
	void messagesThatWantNoReplyAreSpread() {
		RawWorker.application("ipc.children.worker.instances=4").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			for (int i = 0; i < 4; i++) {
				template.convertAndSend("note-in " + this.folder);
			}
			Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> {
				try (Stream<Path> notes = Files.list(this.folder)) {
					return notes.count() == 4;
				}
			});
		});
	}

	/**
	 * Keeps the one instance busy.
	 * @param sign the file whose creation ends that
	 */
	private Future<Integer> occupy(CborMessageTemplate template, Path sign) throws Exception {
		Path notes = Files.createDirectory(this.folder.resolve("notes"));
		Future<Integer> busy = this.callers
			.submit(() -> template.convertSendAndReceive("who note-in " + notes + " wait-for " + sign, Integer.class));
		Awaitility.await().until(() -> !isEmpty(notes));
		return busy;
	}

	private static boolean isEmpty(Path folder) throws IOException {
		try (Stream<Path> files = Files.list(folder)) {
			return files.findAny().isEmpty();
		}
	}

}
