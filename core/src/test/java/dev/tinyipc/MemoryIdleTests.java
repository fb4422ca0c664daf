package dev.tinyipc;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** What memory lanes cost that nobody uses, or that were used and closed. */
@Timeout(120)
class MemoryIdleTests {

	private static final int LANES = 8;

	/** What the kernel calls the threads that lanes could wake. */
	private static final Pattern HERE = Pattern.compile("(ipc|tiny-ipc)-.*|" + Watching.NAME);

	/** In a child, its main thread serves. */
	private static final Pattern IN_A_CHILD = Pattern.compile("(ipc|tiny-ipc)-.*|java|main");

	@Test
	void idleLanesWakeNoThreadOfEitherEnd() throws Exception {
		try (IpcProcess child = Conversation.start(new ChildJvm(Child.class)); IpcPoller poller = IpcPoller.open()) {
			List<IpcRequester> lanes = lanes(child);
			try {
				for (IpcRequester lane : lanes) {
					assertThat(lane.channel().socket().isShared()).isTrue();
					for (int i = 0; i < 1000; i++) {
						assertThat(Conversation.call(lane, "", i)).isEqualTo(i);
					}
					poller.add(lane.channel().socket(), IpcPoller.Interest.READ);
				}
				Watching watching = new Watching(poller);
				watching.start();
				assertFallsSilent(() -> wakeUps(child.pid(), IN_A_CHILD));
				assertFallsSilent(() -> wakeUps(ProcessHandle.current().pid(), HERE));
				poller.wakeUp();
				watching.join();
				assertThat(watching.events).isEmpty();
				for (IpcRequester lane : lanes) {
					poller.remove(lane.channel().socket());
					assertThat(Conversation.call(lane, "", "still there")).isEqualTo("still there");
				}
			}
			finally {
				lanes.forEach((lane) -> lane.channel().socket().close());
			}
		}
	}

	private static List<IpcRequester> lanes(IpcProcess child) throws IpcException {
		IpcRequester first = IpcRequester.over(IpcChannel.over(child.socket()), "the child");
		first.awaitHello(Conversation.inTime());
		first.share(LaneMemory.DEFAULT_RING_SIZE, Conversation.inTime());
		List<IpcRequester> lanes = new ArrayList<>(List.of(first));
		while (lanes.size() < LANES) {
			lanes.add(first.openLane(Conversation.inTime()));
		}
		return lanes;
	}

	/** Whoever polls, however rarely, is seen in two seconds. */
	private static void assertFallsSilent(Callable<Map<String, Long>> wakeUps) throws Exception {
		List<Map<String, Long>> seen = new ArrayList<>(List.of(wakeUps.call()));
		await().pollInterval(Duration.ofSeconds(2)).atMost(Duration.ofSeconds(60)).untilAsserted(() -> {
			Map<String, Long> before = seen.set(0, wakeUps.call());
			assertThat(seen.get(0)).isEqualTo(before);
		});
	}

	/** How often each thread was given a processor. */
	private static Map<String, Long> wakeUps(long pid, Pattern names) throws IOException {
		Map<String, Long> wakeUps = new TreeMap<>();
		try (Stream<Path> threads = Files.list(Path.of("/proc", Long.toString(pid), "task"))) {
			threads.forEach((thread) -> {
				try {
					String name = Files.readString(thread.resolve("comm")).strip();
					if (names.matcher(name).matches()) {
						wakeUps.put(name + ' ' + thread.getFileName(), switches(thread));
					}
				}
				catch (IOException ex) {
					// It has just ended.
				}
			});
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

	@Test
	void thousandPeersLeaveNeitherDescriptorsNorMappings() throws Exception {
		LeakWatch watch = new LeakWatch();
		for (int i = 0; i < 1000; i++) {
			try (Conversation conversation = Conversation
				.with(IpcServer.builder().handler(Integer.class, IpcMessage::payload))) {
				IpcRequester requester = conversation.requester();
				requester.share(LaneMemory.MIN_RING_SIZE, Conversation.inTime());
				IpcRequester lane = requester.openLane(Conversation.inTime());
				assertThat(conversation.call("", i)).isEqualTo(i);
				assertThat(Conversation.call(lane, "", i)).isEqualTo(i);
				lane.channel().socket().close();
			}
		}
		watch.assertNoneLeft();
		await().untilAsserted(() -> assertThat(mappings()).isEmpty());
	}

	private static List<String> mappings() throws IOException {
		try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
			return lines.filter((line) -> line.contains("memfd:tiny-ipc-lane")).toList();
		}
	}

	static final class Child {

		public static void main(String[] arguments) throws IpcException {
			IpcServer.builder().handler(Object.class, IpcMessage::payload).threads(LANES).serve();
		}

	}

	/** Waits for what the lanes bring, without an end. */
	private static final class Watching extends Thread {

		static final String NAME = "lanes-of-a-test";

		private final IpcPoller poller;

		private List<IpcPoller.Event> events = List.of();

		Watching(IpcPoller poller) {
			super(NAME);
			this.poller = poller;
		}

		@Override
		public void run() {
			try {
				this.events = this.poller.await(null);
			}
			catch (IpcException ex) {
				throw new UncheckedIOException(ex);
			}
		}

	}

}
