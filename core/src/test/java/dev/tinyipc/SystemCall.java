package dev.tinyipc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

import static org.awaitility.Awaitility.await;

/** A call in which a thread waits, by its numbers on x86-64 and on aarch64. */
enum SystemCall {

	RECVMMSG("299|243"), SENDMMSG("307|269"), EPOLL_WAIT("232|281|22|441");

	private final String numbers;

	SystemCall(String numbers) {
		this.numbers = numbers;
	}

	/** Starts an action in a thread, and returns once it waits in this call. */
	Outcome enter(Blocked.Action action) {
		CompletableFuture<@Nullable Void> outcome = new CompletableFuture<>();
		CompletableFuture<Path> id = new CompletableFuture<>();
		Thread thread = new Thread(() -> {
			try {
				id.complete(Files.readSymbolicLink(Path.of("/proc/thread-self")));
				action.run();
				outcome.complete(null);
			}
			catch (Throwable ex) {
				outcome.completeExceptionally(ex);
			}
		}, name());
		thread.setDaemon(true);
		thread.start();
		Path folder = Path.of("/proc").resolve(id.join());
		await().pollInterval(Duration.ofMillis(2)).until(() -> outcome.isDone() || isIn(folder));
		return new Outcome(thread, outcome);
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

	/** What comes of the action. */
	record Outcome(Thread thread, CompletableFuture<@Nullable Void> future) implements AutoCloseable {

		/** Waits for the end, and throws what the action threw. */
		void join() throws Exception {
			try {
				this.future.get(20, TimeUnit.SECONDS);
			}
			catch (ExecutionException ex) {
				if (ex.getCause() instanceof IOException cause) {
					throw cause;
				}
				throw new AssertionError(ex.getCause());
			}
		}

		@Override
		public void close() throws Exception {
			this.thread.join(20_000);
			if (this.thread.isAlive()) {
				throw new AssertionError("Still in " + this.thread.getName());
			}
		}

	}

}
