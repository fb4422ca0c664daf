package dev.tinyipc.spring.child;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

import dev.tinyipc.spring.CborMessageOperations;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcRemoteException;
import dev.tinyipc.spring.IpcReplyLostException;
import dev.tinyipc.spring.IpcTimeoutException;
import dev.tinyipc.spring.RawWorker;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.boot.test.context.runner.ApplicationContextRunner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** Which lane a caller gets, and when. */
@Timeout(120)
class PoolUseTests {

	private final ExecutorService callers = Executors.newCachedThreadPool();

	@TempDir
	private Path folder;

	@AfterEach
	void stopCallers() {
		this.callers.shutdownNow();
	}

	@Test
	void oneCallerGetsTheInstanceThatIsWarm() {
		RawWorker.application("ipc.children.worker.instances=4").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			int pid = who(template);
			for (int i = 0; i < 50; i++) {
				assertThat(who(template)).isEqualTo(pid);
			}
		});
	}

	@Test
	void theOthersServeOnceTheWarmOneIsBusyAndWhichIsWarmThenIsUsedOn() {
		RawWorker.application("ipc.children.worker.instances=3").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			Path sign = this.folder.resolve("sign");
			int first = who(template);
			Future<Integer> busy = occupy(template, context.getBean(IpcChild.class), sign, 1);
			int second = who(template);
			assertThat(second).isNotEqualTo(first);
			assertThat(who(template)).isEqualTo(second);
			Files.createFile(sign);
			assertThat(busy.get()).isEqualTo(first);
			assertThat(who(template)).isEqualTo(first);
		});
	}

	@Test
	void anInstanceThatHasDoneEnoughIsReplacedAndTheOthersServeOn() {
		RawWorker.application("ipc.children.worker.instances=3", "ipc.children.worker.max-exchanges=20")
			.run((context) -> {
				CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
				Set<Integer> pids = new HashSet<>();
				Awaitility.await().until(() -> {
					pids.add(who(template));
					return pids.size() > 3;
				});
			});
	}

	@Test
	void anInstanceThatHasDoneEnoughIsNotPreferredWhileItsSuccessorStarts() {
		ReadyWorker worker = new ReadyWorker(this.folder);
		worker.openGate();
		worker.application("ipc.children.worker.instances=2", "ipc.children.worker.max-exchanges=1").run((context) -> {
			worker.closeGate();
			long first = ReadinessTests.who(context);
			assertThat(ReadinessTests.who(context)).isNotEqualTo(first);
		});
	}

	@Test
	void anInstanceThatWasNotUsedIsFoundToHaveEndedAndRestarted() {
		RawWorker.application("ipc.children.worker.instances=3").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IpcChild child = context.getBean(IpcChild.class);
			long warm = who(template);
			List<Long> others = Processes.pids(child).stream().filter((pid) -> pid != warm).toList();
			others.forEach((pid) -> ProcessHandle.of(pid).orElseThrow().destroyForcibly());
			Awaitility.await()
				.until(() -> Processes.pids(child).size() == 3
						&& Processes.pids(child).stream().noneMatch(others::contains));
			assertThat(who(template)).isEqualTo((int) warm);
		});
	}

	@Test
	void anInstanceThatAnswersWithAnErrorIsNotPreferred() {
		conversation("ipc.children.worker.instances=2").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			CborMessageOperations who = template.method("who");
			// Not always at once: an idle lane on which something was seen to arrive is
			// passed over while it is looked at.
			Awaitility.await().untilAsserted(() -> {
				int pid = who.convertSendAndReceive("", Integer.class);
				assertThat(who.<Integer>convertSendAndReceive("", Integer.class)).isEqualTo(pid);
				assertThatExceptionOfType(IpcRemoteException.class)
					.isThrownBy(() -> template.method("fail").convertSendAndReceive("on purpose", String.class));
				int other = who.convertSendAndReceive("", Integer.class);
				assertThat(other).isNotEqualTo(pid);
				assertThat(who.<Integer>convertSendAndReceive("", Integer.class)).isEqualTo(other);
			});
		});
	}

	@Test
	void anInstanceThatAnswersTooLateIsNotPreferred() {
		conversation("ipc.children.worker.instances=2", "ipc.children.worker.cancel-timeout=60s").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			CborMessageOperations who = template.method("who");
			int late = who.convertSendAndReceive("", Integer.class);
			assertThatExceptionOfType(IpcTimeoutException.class).isThrownBy(
					() -> template.method("stubborn").convertSendAndReceive(500, String.class, Duration.ofMillis(200)));
			// Also once its reply has come, which nobody sees.
			Awaitility.await()
				.during(Duration.ofSeconds(2))
				.until(() -> who.<Integer>convertSendAndReceive("", Integer.class) != late);
		});
	}

	private static ApplicationContextRunner conversation(String... properties) {
		return RawWorker.nothing()
			.withPropertyValues("ipc.children.worker.main=" + ConversationWorker.class.getName(),
					"ipc.children.worker.ready=true")
			.withPropertyValues(properties);
	}

	@Test
	void callersAreSpreadOverInstancesBeforeTheyShareOne() {
		conversation("ipc.children.worker.instances=2", "ipc.children.worker.concurrency=4").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IpcChild child = context.getBean(IpcChild.class);
			openAllLanes(template, child, 8);
			Future<?> busy = this.callers.submit(() -> template.method("hang").convertSendAndReceive("", String.class));
			Awaitility.await().until(() -> busyLanes(child) == 1);
			long pid = child.instances()
				.stream()
				.filter((instance) -> instance.busyLanes() == 1)
				.findFirst()
				.flatMap(IpcChild.Instance::pid)
				.orElseThrow();
			for (int i = 0; i < 20; i++) {
				assertThat(template.method("who").<Integer>convertSendAndReceive("", Integer.class).longValue())
					.isNotEqualTo(pid);
			}
			busy.cancel(true);
		});
	}

	private void openAllLanes(CborMessageTemplate template, IpcChild child, int lanes) {
		AtomicBoolean enough = new AtomicBoolean();
		List<Future<?>> calls = new ArrayList<>();
		for (int i = 0; i < 2 * lanes; i++) {
			calls.add(this.callers.submit(() -> {
				while (!enough.get()) {
					template.method("sleep").convertSendAndReceive(5, Integer.class);
				}
			}));
		}
		Awaitility.await().until(() -> child.instances().stream().mapToInt(IpcChild.Instance::lanes).sum() == lanes);
		enough.set(true);
		Awaitility.await().until(() -> calls.stream().allMatch(Future::isDone) && busyLanes(child) == 0);
	}

	private static int busyLanes(IpcChild child) {
		return child.instances().stream().mapToInt(IpcChild.Instance::busyLanes).sum();
	}

	@Test
	void whoWaitsIsNotOvertaken() {
		RawWorker.application().run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IpcChild child = context.getBean(IpcChild.class);
			Path served = this.folder.resolve("served");
			Path sign = this.folder.resolve("sign");
			List<Future<?>> calls = new ArrayList<>();
			calls.add(this.callers.submit(() -> {
				template.convertSendAndReceive("wait-for " + sign, String.class);
				template.convertSendAndReceive("write again:" + served, String.class);
			}));
			Awaitility.await().until(() -> busyLanes(child) == 1);
			for (int i = 0; i < 5; i++) {
				int number = i;
				calls.add(this.callers
					.submit(() -> template.convertSendAndReceive("write " + number + ":" + served, String.class)));
				Awaitility.await().until(() -> child.waitingCallers() == number + 1);
			}
			Files.createFile(sign);
			for (Future<?> call : calls) {
				call.get();
			}
			assertThat(served).hasContent("0\n1\n2\n3\n4\nagain\n");
		});
	}

	@Test
	void whoWaitsIsServedAlthoughOthersCallAgainAtOnce() {
		RawWorker.application("ipc.children.worker.instances=2").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			AtomicBoolean enough = new AtomicBoolean();
			Map<Integer, AtomicInteger> served = new ConcurrentHashMap<>();
			List<Future<?>> calls = new ArrayList<>();
			for (int i = 0; i < 16; i++) {
				AtomicInteger mine = served.computeIfAbsent(i, (number) -> new AtomicInteger());
				calls.add(this.callers.submit(() -> {
					String text = "caller " + mine.hashCode();
					while (!enough.get()) {
						assertThat(template.convertSendAndReceive(text, String.class)).isEqualTo(text);
						mine.incrementAndGet();
					}
				}));
			}
			Awaitility.await().until(() -> served.values().stream().allMatch((count) -> count.get() > 100));
			enough.set(true);
			for (Future<?> call : calls) {
				call.get();
			}
			IpcChild child = context.getBean(IpcChild.class);
			assertThat(child.waitingCallers()).isZero();
			assertThat(busyLanes(child)).isZero();
		});
	}

	@Test
	void nothingIsLostWhenInstancesEndWhileTheirLanesAreHandedOver() {
		RawWorker
			.application("ipc.children.worker.instances=2", "ipc.children.worker.restart.max-failures=1000",
					"ipc.children.worker.restart.initial-delay=10ms", "ipc.children.worker.restart.max-delay=20ms")
			.run((context) -> {
				CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
				IpcChild child = context.getBean(IpcChild.class);
				AtomicBoolean enough = new AtomicBoolean();
				AtomicInteger answered = new AtomicInteger();
				AtomicInteger lost = new AtomicInteger();
				List<Future<?>> calls = new ArrayList<>();
				for (int i = 0; i < 16; i++) {
					String text = "caller " + i;
					calls.add(this.callers.submit(() -> {
						while (!enough.get()) {
							try {
								assertThat(template.convertSendAndReceive(text, String.class)).isEqualTo(text);
								answered.incrementAndGet();
							}
							catch (IpcReplyLostException ex) {
								lost.incrementAndGet();
							}
						}
					}));
				}
				for (int i = 0; i < 10; i++) {
					int before = answered.get();
					Awaitility.await().until(() -> answered.get() > before + 50 && !Processes.pids(child).isEmpty());
					ProcessHandle.of(Processes.pids(child).get(0)).ifPresent(ProcessHandle::destroyForcibly);
				}
				enough.set(true);
				for (Future<?> call : calls) {
					call.get();
				}
				// At most the one that each of them was working on.
				assertThat(lost).hasValueLessThanOrEqualTo(10);
				assertThat(child.waitingCallers()).isZero();
				assertThat(busyLanes(child)).isZero();
				assertThat(template.convertSendAndReceive("still here", String.class)).isEqualTo("still here");
			});
	}

	@Test
	void whoIsInterruptedPassesTheLaneOn() {
		RawWorker.application().run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			for (int i = 0; i < 200; i++) {
				Future<?> busy = this.callers.submit(() -> template.convertSendAndReceive("busy", String.class));
				Future<?> leaves = this.callers.submit(() -> template.convertSendAndReceive("leaves", String.class));
				Future<String> stays = this.callers.submit(() -> template.convertSendAndReceive("stays", String.class));
				leaves.cancel(true);
				assertThat(stays.get()).isEqualTo("stays");
				busy.get();
			}
			assertThat(context.getBean(IpcChild.class).waitingCallers()).isZero();
		});
	}

	private static int who(CborMessageTemplate template) {
		return template.convertSendAndReceive("who", Integer.class);
	}

	/**
	 * Keeps an instance busy.
	 * @param sign the file whose creation ends that
	 * @param lanes how many are busy then
	 */
	private Future<Integer> occupy(CborMessageTemplate template, IpcChild child, Path sign, int lanes) {
		Future<Integer> busy = this.callers
			.submit(() -> template.convertSendAndReceive("who wait-for " + sign, Integer.class));
		Awaitility.await().until(() -> busyLanes(child) == lanes);
		return busy;
	}

}
