package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.RawWorker;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import org.springframework.boot.test.context.runner.ApplicationContextRunner;

import static org.assertj.core.api.Assertions.assertThat;

/** Two hundred children of one application: a hundred names, and a pool of a hundred. */
@Timeout(180)
class ManyChildrenTests {

	private static final int HALF = 100;

	private static final int MOST_THREADS = 20;

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

	private static Set<Long> runOnce() {
		Set<Long> pids = new HashSet<>();
		int threads = threads();
		application().run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			for (int i = 0; i < HALF; i++) {
				assertThat(template.convertSendAndReceive("echo" + i, "hello " + i, String.class))
					.isEqualTo("hello " + i);
			}
			Set<Integer> answered = new HashSet<>();
			for (int i = 0; i < HALF; i++) {
				answered.add(template.convertSendAndReceive("worker", "who", Integer.class));
			}
			assertThat(answered).hasSize(HALF);
			assertThat(threads() - threads).isLessThan(MOST_THREADS);
			Collection<IpcChild> children = context.getBeansOfType(IpcChild.class).values();
			children.forEach((child) -> pids.addAll(Processes.pids(child)));
			context.close();
			assertThat(children).allSatisfy(
					(child) -> assertThat(child.instances()).allSatisfy((instance) -> assertThat(instance.lastExit())
						.hasValueSatisfying((exit) -> assertThat(exit.isSuccess()).isTrue())));
		});
		return pids;
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
