package dev.tinyipc.spring.child;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.RawWorker;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import static org.assertj.core.api.Assertions.assertThat;

/** Lanes that nobody uses take no processor time, however messages go. */
@Timeout(120)
class IdleLanesTests {

	/** What the kernel calls the threads that lanes could wake. */
	private static final Pattern HERE = Pattern.compile("(ipc|tiny-ipc)-.*");

	/** In a child, its main thread serves. */
	private static final Pattern IN_A_CHILD = Pattern.compile("(ipc|tiny-ipc)-.*|java|main");

	@ParameterizedTest
	@EnumSource(value = ChildSettings.Transport.class, names = { "SOCKET", "MEMORY" })
	void theyWakeNoThreadOfTheApplicationOrOfTheChild(ChildSettings.Transport transport) {
		RawWorker.nothing()
			.withPropertyValues("ipc.children.worker.main=" + ConversationWorker.class.getName(),
					"ipc.children.worker.concurrency=8", "ipc.children.worker.transport=" + transport)
			.run((context) -> {
				CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
				ExecutorService callers = Executors.newFixedThreadPool(8);
				List<Future<Integer>> calls = callers.invokeAll(Collections.nCopies(1000,
						() -> template.method("sleep").convertSendAndReceive(1, Integer.class)));
				for (Future<Integer> call : calls) {
					assertThat(call.get()).isEqualTo(1);
				}
				callers.shutdown();
				IpcChild.Instance instance = context.getBean(IpcChild.class).instances().get(0);
				assertThat(instance.transports()).hasSizeGreaterThan(1).containsOnly(transport);
				assertFallsSilent(ProcessHandle.current().pid(), HERE);
				assertFallsSilent(instance.pid().orElseThrow(), IN_A_CHILD);
				assertThat(template.method("sleep").convertSendAndReceive(1, Integer.class)).isEqualTo(1);
			});
	}

	/** Whoever polls, however rarely, is seen in two seconds. */
	private static void assertFallsSilent(long pid, Pattern names) throws IOException {
		AtomicReference<Map<String, Long>> last = new AtomicReference<>(wakeUps(pid, names));
		Awaitility.await().pollInterval(Duration.ofSeconds(2)).untilAsserted(() -> {
			Map<String, Long> now = wakeUps(pid, names);
			assertThat(now).isEqualTo(last.getAndSet(now));
		});
	}

	/** How often each thread was given a processor. */
	private static Map<String, Long> wakeUps(long pid, Pattern names) throws IOException {
		Map<String, Long> wakeUps = new TreeMap<>();
		try (Stream<Path> threads = Files.list(Path.of("/proc", Long.toString(pid), "task"))) {
			for (Path thread : threads.toList()) {
				try {
					String name = Files.readString(thread.resolve("comm")).strip();
					if (names.matcher(name).matches()) {
						wakeUps.put(name + ' ' + thread.getFileName(), switches(thread));
					}
				}
				catch (IOException ex) {
					// It has just ended.
				}
			}
		}
		return wakeUps;
	}

	private static long switches(Path thread) throws IOException {
		return Files.readString(thread.resolve("status"))
			.lines()
			.filter((line) -> line.contains("ctxt_switches:"))
			.mapToLong((line) -> Long.parseLong(line.substring(line.indexOf(':') + 1).strip()))
			.sum();
	}

}
