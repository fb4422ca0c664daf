package dev.tinyipc;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** A start that fails leaves nothing, however late it fails. */
@Timeout(120)
class ChildStartFailureTests {

	@Test
	void aStartThatRunsShortOfDescriptorsSucceedsOrFailsAndLeavesNothing() throws Exception {
		String output = new ChildJvm(Short.class).after("ulimit -n 200").run();
		assertThat(output).matches("(?s).*left: \\[], failures: \\{(dev\\.tinyipc\\.\\w+=\\d+)?}\n");
	}

	@Test
	void aChildThatCannotBeWatchedIsEndedAndLeavesNothing() throws Exception {
		ChildWatcher.get();
		LeakWatch watch = new LeakWatch();
		ChildStreams streams = new ChildStreams();
		streams.input(Redirect.PIPE);
		streams.output(Redirect.PIPE);
		streams.error(Redirect.PIPE);
		streams.readLines(2, (line) -> {
		});
		int child = PosixSpawn.spawn(List.of("sleep", "600"), System.getenv(), null, streams.childEnds());
		streams.parentEnd(2).close(); // which cannot be read from then on
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> ChildWatcher.watch(child, true, null, streams));
		assertThat(ProcessHandle.of(child)).isEmpty();
		streams.closeChildEnds();
		streams.closeParentEnds();
		watch.assertNoneLeft();
	}

	/** Threads that take the last descriptors from each other. */
	static final class Short {

		private static final int THREADS = 8;

		private static final int SUCCESSES = 600;

		/** Fewer than all threads need at a time. */
		private static final int DESCRIPTORS = 50;

		private static final Map<String, Integer> failures = new ConcurrentHashMap<>();

		public static void main(String[] args) throws Exception {
			start();
			LeakCheck.held(); // which opens something of the JDK's
			Set<String> before = LeakCheck.held();
			List<OwnedFd> taken = takeAllBut(DESCRIPTORS);
			AtomicInteger successes = new AtomicInteger();
			List<Thread> threads = new ArrayList<>();
			for (int i = 0; i < THREADS; i++) {
				Thread thread = new Thread(() -> start(successes));
				thread.start();
				threads.add(thread);
			}
			for (Thread thread : threads) {
				thread.join();
			}
			OwnedFd.closeAll(taken);
			Set<String> left = Set.of("unknown");
			long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
			while (!left.isEmpty() && System.nanoTime() < end) {
				left = new TreeSet<>(LeakCheck.held());
				left.removeAll(before);
			}
			System.out.println("left: " + left + ", failures: " + failures);
		}

		private static List<OwnedFd> takeAllBut(int count) {
			List<OwnedFd> taken = new ArrayList<>();
			try {
				while (true) {
					taken.add(OwnedFd.open(Path.of("/dev/null")));
				}
			}
			catch (IpcException ex) {
				OwnedFd.closeAll(taken.subList(0, count));
				return taken;
			}
		}

		private static void start(AtomicInteger successes) {
			while (successes.get() < SUCCESSES) {
				try {
					start();
					successes.incrementAndGet();
				}
				catch (IOException | InterruptedException | RuntimeException ex) {
					failures.merge(ex.getClass().getName(), 1, Integer::sum);
				}
			}
		}

		private static void start() throws IOException, InterruptedException {
			try (IpcProcess child = new IpcProcessBuilder("true").outputLines((line) -> {
			}).errorLines((line) -> {
			}).start()) {
				if (!child.waitFor(20, TimeUnit.SECONDS)) {
					throw new IllegalStateException("its end was not noticed");
				}
			}
		}

	}

}
