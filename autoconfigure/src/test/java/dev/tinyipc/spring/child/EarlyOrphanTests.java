package dev.tinyipc.spring.child;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

/** An application is killed, or is to end, while it starts its first child. */
@Timeout(300)
class EarlyOrphanTests {

	/** How the applications are started, which are many. */
	private static List<String> jvm;

	@BeforeAll
	static void archive(@TempDir Path folder) throws Exception {
		jvm = ChildApplication.archive(folder);
	}

	/** In the command line of all that must end, and of nothing else. */
	private final String sign = Long.toString(Math.abs(UUID.randomUUID().getMostSignificantBits()));

	@AfterEach
	void endWhatIsLeft() {
		try (Processes.Killer killer = new Processes.Killer()) {
			running().forEach((pid) -> killer.send("KILL", pid));
		}
	}

	/** The child itself kills the application, so many milliseconds after its start. */
	@ParameterizedTest
	@ValueSource(ints = { 0, 1, 2, 5, 10, 20 })
	void anApplicationThatIsKilledByItsFirstChildLeavesNoneBehind(int delay) throws Exception {
		String script = "trap '' HUP INT TERM QUIT; setsid sleep 600.%s & sleep 0.%03d; kill -9 $PPID; sleep 600.%s; :"
			.formatted(this.sign, delay, this.sign);
		Process application = ChildApplication.start(jvm, "ipc.children.stubborn.command[0]=sh",
				"ipc.children.stubborn.command[1]=-c", "ipc.children.stubborn.command[2]=" + script);
		assertThat(application.waitFor()).isEqualTo(128 + 9);
		Awaitility.await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> assertThat(running()).isEmpty());
	}

	/** Fifty moments of a start, at some of which Spring skips what it has to do. */
	@Test
	void anApplicationThatIsToEndWhileItStartsLeavesNoneBehind() throws Exception {
		ExecutorService starts = Executors.newFixedThreadPool(4);
		List<Future<Integer>> exits = new ArrayList<>();
		for (int moment = 0; moment < 50; moment++) {
			String script = "sleep 600.%s & sleep 0.%03d; kill -TERM $PPID; cat <&3; sleep 600.%s; :"
				.formatted(this.sign, 4 * moment, this.sign);
			exits.add(starts.submit(
					() -> ChildApplication
						.start(jvm, "ipc.children.first.command[0]=sh", "ipc.children.first.command[1]=-c",
								"ipc.children.first.command[2]=" + script, "ipc.children.first.shutdown-timeout=100ms",
								"ipc.children.second.command=cat")
						.waitFor()));
		}
		for (Future<Integer> exit : exits) {
			assertThat(exit.get()).isEqualTo(128 + 15);
		}
		starts.shutdown();
		Awaitility.await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> assertThat(running()).isEmpty());
	}

	/** The application waits for a hello that does not come. */
	@Test
	void anApplicationThatIsToEndWhileItWaitsForItsChildLeavesNoneBehind() throws Exception {
		String script = "sleep 600.%s & kill -TERM $PPID; cat <&3; sleep 600.%s; :".formatted(this.sign, this.sign);
		Process application = ChildApplication.start(jvm, "ipc.children.first.command[0]=sh",
				"ipc.children.first.command[1]=-c", "ipc.children.first.command[2]=" + script,
				"ipc.children.first.ready=true", "ipc.children.first.start-timeout=1h",
				"ipc.children.first.shutdown-timeout=100ms");
		assertThat(application.waitFor()).isEqualTo(128 + 15);
		Awaitility.await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> assertThat(running()).isEmpty());
	}

	private List<Long> running() {
		try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
			return processes.map((process) -> process.getFileName().toString())
				.filter((name) -> name.matches("\\d+"))
				.map(Long::valueOf)
				.filter((pid) -> isOurs(Path.of("/proc", pid.toString(), "cmdline")))
				.toList();
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	private boolean isOurs(Path commandLine) {
		try {
			return Files.readString(commandLine, StandardCharsets.ISO_8859_1)
				.matches("(?s)(sh\0-c\0|sleep\0).*600\\." + this.sign + ".*");
		}
		catch (IOException ex) {
			return false; // it has ended
		}
	}

}
