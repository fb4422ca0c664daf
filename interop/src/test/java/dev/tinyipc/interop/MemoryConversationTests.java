package dev.tinyipc.interop;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import dev.tinyipc.Deadline;
import dev.tinyipc.Exchange;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcRequester;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Conversations with children in other languages through memory are what they are over
 * sockets.
 */
@Timeout(value = 180, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class MemoryConversationTests {

	private static final int SMALLEST = 4096;

	private static final int USUAL = 256 * 1024;

	@BeforeAll
	@Timeout(value = 30, unit = TimeUnit.MINUTES)
	static void build() {
		InteropTests.build();
	}

	@Nested
	class InTheSmallestRings {

		@RegisterExtension
		static final OverMemory MEMORY = new OverMemory(SMALLEST);

		@Nested
		class Conversations extends ConversationTests {

		}

		@Nested
		class CancelsAndLanes extends CancelAndLaneTests {

		}

	}

	@Nested
	class InTheUsualRings {

		@RegisterExtension
		static final OverMemory MEMORY = new OverMemory(USUAL);

		@Nested
		class Conversations extends ConversationTests {

		}

		@Nested
		class CancelsAndLanes extends CancelAndLaneTests {

		}

	}

	@Test
	void thousandChildrenThatShareMemoryLeaveNothing() throws Exception {
		shareWithAChild(); // loads what is needed
		List<String> before = descriptors();
		for (int i = 0; i < 1000; i++) {
			shareWithAChild();
		}
		Awaitility.await().untilAsserted(() -> {
			assertThat(descriptors()).hasSizeLessThanOrEqualTo(before.size());
			assertThat(mappings()).isEmpty();
		});
	}

	private static void shareWithAChild() throws Exception {
		try (Child child = Child.invited(Language.C)) {
			IpcRequester requester = IpcRequester.over(child.channel(), "the child");
			requester.awaitHello(inTime());
			requester.share(USUAL, inTime());
			assertThat(child.socket().isShared()).isTrue();
			Exchange exchange = requester.begin(inTime());
			exchange.request(Map.of("do", "echo", "payload", "x"));
			try (IpcMessage<String> reply = exchange.reply(String.class)) {
				assertThat(reply.payload()).isEqualTo("x");
			}
		}
	}

	private static Deadline inTime() {
		return Deadline.in(Child.PATIENCE);
	}

	/** Of what lanes consist of, and processes: others come and go with the JVM. */
	private static List<String> descriptors() throws IOException {
		List<String> targets = new ArrayList<>();
		try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
			for (Path descriptor : open.toList()) {
				try {
					targets.add(Files.readSymbolicLink(descriptor).toString());
				}
				catch (NoSuchFileException ex) {
					// It has just been closed.
				}
			}
		}
		return targets.stream().filter((target) -> target.matches("(socket:|/memfd:|anon_inode:\\[pidfd).*")).toList();
	}

	private static List<String> mappings() throws IOException {
		try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
			return lines.filter((line) -> line.contains("memfd:tiny-ipc-lane")).toList();
		}
	}

}
