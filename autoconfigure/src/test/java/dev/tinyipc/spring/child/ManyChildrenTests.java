package dev.tinyipc.spring.child;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.RawWorker;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.boot.test.context.runner.ApplicationContextRunner;

import static org.assertj.core.api.Assertions.assertThat;

/** Two hundred children of one application: a hundred names, and a pool of a hundred. */
@Timeout(180)
class ManyChildrenTests {

	private static final int HALF = 100;

	private static final int MOST_THREADS = 20;

	@TempDir
	private Path folder;

	@Test
	void theyStartAnswerAndStopWithHardlyAThread() {
		runOnce(); // what is opened once, and stays
		Map<String, Long> descriptors = OpenDescriptors.withoutFiles();
		Set<Long> pids = runOnce();
		assertThat(pids).hasSize(2 * HALF).noneMatch(Processes::runs);
		assertThat(Processes.zombies()).isEmpty();
		Awaitility.await()
			.atMost(Duration.ofSeconds(30))
			.untilAsserted(() -> assertThat(OpenDescriptors.withoutFiles()).isEqualTo(descriptors));
	}

	private Set<Long> runOnce() {
		Set<Long> pids = new HashSet<>();
		int threads = threads();
		application().run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			for (int i = 0; i < HALF; i++) {
				assertThat(template.convertSendAndReceive("echo" + i, "hello " + i, String.class))
					.isEqualTo("hello " + i);
			}
			assertThat(askAllAtOnce(template)).hasSize(HALF);
			// Once those of the callers are gone.
			Awaitility.await().untilAsserted(() -> assertThat(threads() - threads).isLessThan(MOST_THREADS));
			Collection<IpcChild> children = context.getBeansOfType(IpcChild.class).values();
			children.forEach((child) -> pids.addAll(Processes.pids(child)));
			context.close();
			assertThat(children).allSatisfy(
					(child) -> assertThat(child.instances()).allSatisfy((instance) -> assertThat(instance.lastExit())
						.hasValueSatisfying((exit) -> assertThat(exit.isSuccess()).isTrue())));
		});
		return pids;
	}

	/** One caller would always get the same instance. */
	private Set<Integer> askAllAtOnce(CborMessageTemplate template) throws Exception {
		Path asked = Files.createTempDirectory(this.folder, "asked");
		Path sign = asked.resolveSibling(asked.getFileName() + "-sign");
		ExecutorService callers = Executors.newFixedThreadPool(HALF);
		Set<Integer> answered = new HashSet<>();
		try {
			List<Future<Integer>> calls = new ArrayList<>();
			for (int i = 0; i < HALF; i++) {
				calls.add(callers.submit(() -> template.convertSendAndReceive("worker",
						"who note-in " + asked + " wait-for " + sign + " ", Integer.class)));
			}
			Awaitility.await().until(() -> asked.toFile().list().length == HALF);
			Files.createFile(sign);
			for (Future<Integer> call : calls) {
				answered.add(call.get());
			}
		}
		finally {
			callers.shutdownNow();
		}
		return answered;
	}

	private static ApplicationContextRunner application() {
		List<String> properties = new ArrayList<>();
		// Reads a packet, and writes it as one.
		IntStream.range(0, HALF)
			.forEach((i) -> properties.add("ipc.children.echo" + i + ".command=sh,-c,exec cat <&3 >&3"));
		return RawWorker.application("ipc.children.worker.instances=" + HALF, "ipc.template.timeout=60s")
			.withPropertyValues(properties.toArray(String[]::new));
	}

	private static int threads() {
		return Thread.getAllStackTraces().size();
	}

}
