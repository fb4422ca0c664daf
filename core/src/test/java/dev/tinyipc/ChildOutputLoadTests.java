package dev.tinyipc;

import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** Much output, and that of many children. */
@Timeout(120)
class ChildOutputLoadTests {

	private static final long MEGABYTE = 1 << 20;

	private static final MemoryMXBean MEMORY = ManagementFactory.getMemoryMXBean();

	@Test
	void aFloodOfLinesIsCountedRightAndStaysOutOfTheHeap() throws Exception {
		AtomicLong lines = new AtomicLong();
		AtomicLong length = new AtomicLong();
		AtomicLong heap = new AtomicLong();
		long before = heapInUse();
		// 300 MiB of lines of 1024 bytes.
		try (IpcProcess child = new IpcProcessBuilder("sh", "-c", "yes $(printf %01023d 7) | head -c 300M")
			.outputLines((line) -> {
				length.addAndGet(line.length() + 1L);
				if (lines.incrementAndGet() % 50_000 == 0) {
					heap.accumulateAndGet(heapInUse(), Math::max);
				}
			})
			.start()) {
			assertThat(child.waitFor()).isZero();
		}
		assertThat(length).hasValue(300 * MEGABYTE);
		assertThat(lines).hasValue(300 * 1024);
		assertThat(heap.get() - before).isLessThan(16 * MEGABYTE);
	}

	@Test
	void aFloodWithoutALineEndIsOneLineThatWasCut() throws Exception {
		List<String> lines = new ArrayList<>();
		AtomicLong heap = new AtomicLong();
		long before = heapInUse();
		try (IpcProcess child = new IpcProcessBuilder("sh", "-c", "head -c 300M /dev/zero; echo end >&2; cat <&3")
			.outputLines(lines::add)
			.errorLines((line) -> heap.set(heapInUse()))
			.start()) {
			await().until(() -> heap.get() > 0);
			child.socket().close();
			assertThat(child.waitFor()).isZero();
		}
		assertThat(lines).singleElement().asString().endsWith(ChildOutput.CUT_MARK);
		assertThat(heap.get() - before).isLessThan(16 * MEGABYTE);
	}

	/** It may lose lines, and says how many. */
	@Test
	void aConsumerThatBlocksNeitherHoldsItsChildUpNorFillsTheHeap() throws Exception {
		CountDownLatch release = new CountDownLatch(1);
		List<String> lines = Collections.synchronizedList(new ArrayList<>());
		long before = heapInUse();
		try (IpcProcess child = new IpcProcessBuilder("sh", "-c",
				"yes $(printf %01023d 7) | head -c 300M; echo written >&3; cat <&3")
			.outputLines((line) -> {
				try {
					release.await();
				}
				catch (InterruptedException ex) {
					throw new AssertionError(ex);
				}
				lines.add(line);
			})
			.start()) {
			assertThat(Samples.receiveText(child.socket())).isEqualTo("written\n");
			assertThat(heapInUse() - before).isLessThan(16 * MEGABYTE);
			release.countDown();
			child.socket().close();
			assertThat(child.waitFor()).isZero();
		}
		// What was still in the pipe comes after the word on those that were dropped.
		Awaitility.await().untilAsserted(() -> {
			List<String> all = List.copyOf(lines);
			List<String> words = all.stream().filter((line) -> line.startsWith("… (")).toList();
			assertThat(words).isNotEmpty().allMatch((word) -> word.matches("… \\(\\d+ lines were dropped: .*"));
			long dropped = words.stream().mapToLong((word) -> Long.parseLong(word.replaceAll("\\D", ""))).sum();
			assertThat(all.size() - words.size() + dropped).isEqualTo(300 * 1024);
		});
	}

	@Test
	void fewThreadsServeAllChildren() throws Exception {
		LeakWatch watch = new LeakWatch();
		Set<Thread> before = threads();
		CountDownLatch first = new CountDownLatch(2 * 50);
		AtomicLong lines = new AtomicLong();
		List<IpcProcess> children = new ArrayList<>();
		for (int i = 0; i < 50; i++) {
			children.add(new IpcProcessBuilder("sh", "-c", "echo out; echo err >&2; cat <&3; echo end")
				.outputLines((line) -> {
					lines.incrementAndGet();
					first.countDown();
				})
				.errorLines((line) -> {
					lines.incrementAndGet();
					first.countDown();
				})
				.start());
		}
		first.await();
		Set<Thread> during = threads();
		for (IpcProcess child : children) {
			child.close();
		}
		for (IpcProcess child : children) {
			assertThat(child.waitFor()).isZero();
		}
		assertThat(lines).hasValue(150);
		assertThat(during).filteredOn((thread) -> thread.getName().equals("tiny-ipc-children")).hasSize(1);
		during.removeAll(before);
		assertThat(during).as("threads for 50 children")
			.hasSizeLessThan(ForeignCalls.MAX_THREADS)
			.allSatisfy((thread) -> assertThat(thread.getName()).isEqualTo("tiny-ipc-lines"));
		watch.assertNoneLeft();
	}

	private static Set<Thread> threads() {
		return new HashSet<>(Thread.getAllStackTraces().keySet());
	}

	private static long heapInUse() {
		MEMORY.gc();
		return MEMORY.getHeapMemoryUsage().getUsed();
	}

}
