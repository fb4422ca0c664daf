package dev.tinyipc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;

import static org.awaitility.Awaitility.await;

/**
 * A call in which a thread waits, by its numbers on x86-64 and on aarch64. Who has waited
 * for a while for a packet or for room goes on waiting in poll.
 */
enum SystemCall {

	RECVMMSG("299|243|7|73"), SENDMMSG("307|269|7|73"), EPOLL_WAIT("232|281|22|441");

	private final String numbers;

	SystemCall(String numbers) {
		this.numbers = numbers;
	}

	/**
	 * Starts an action in a thread, and returns once it waits in this call, or has ended.
	 */
	Blocked enter(Blocked.Action action) {
		Blocked blocked = Blocked.any(action);
		Path folder = blocked.folder();
		await().pollInterval(Duration.ofMillis(2)).until(() -> blocked.hasEnded() || isIn(folder));
		return blocked;
	}

	/** Waits until a thread of another process is in this call. */
	void awaitIn(Process process) {
		await().atMost(Duration.ofSeconds(30)).pollInterval(Duration.ofMillis(10)).until(() -> {
			try (Stream<Path> threads = Files.list(Path.of("/proc/" + process.pid() + "/task"))) {
				return threads.anyMatch(this::isIn);
			}
		});
	}

	private boolean isIn(Path thread) {
		try {
			return Files.readString(thread.resolve("syscall")).matches("(?s)(" + this.numbers + ") .*");
		}
		catch (IOException ex) {
			return false; // it has ended
		}
	}

}
