package dev.tinyipc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** A thread that is known to be blocked in a system call, not merely likely to be. */
final class Blocked implements AutoCloseable {

	/**
	 * The numbers on x86-64 and on aarch64. Who has waited for a while in the first two
	 * goes on waiting in poll.
	 */
	private static final Map<String, List<Integer>> CALLS = Map.of("recvmsg", List.of(47, 212, 7, 73), "send",
			List.of(44, 206, 7, 73), "poll", List.of(7, 73), "read", List.of(0, 63), "write", List.of(1, 64), "wait4",
			List.of(61, 260), "futex", List.of(202, 98), "epoll_wait", List.of(232, 22));

	private final CompletableFuture<@Nullable Void> outcome = new CompletableFuture<>();

	private final CompletableFuture<String> id = new CompletableFuture<>();

	private final Thread thread;

	private Blocked(Action action) {
		this.thread = new Thread(() -> run(action), "blocked");
		this.thread.setDaemon(true);
		this.thread.start();
	}

	/**
	 * Starts an action, and returns once it is in the system call, or in one of several.
	 */
	static Blocked in(String calls, Action action) {
		Set<String> numbers = Stream.of(calls.split("\\|"))
			.flatMap((call) -> CALLS.get(call).stream())
			.map(String::valueOf)
			.collect(Collectors.toSet());
		Blocked blocked = new Blocked(action);
		await().pollInterval(Duration.ofMillis(2)).until(() -> {
			blocked.checkNotEnded();
			String current = Files.readString(blocked.folder().resolve("syscall"));
			return numbers.contains(current.split("\\s")[0]);
		});
		return blocked;
	}

	/** Starts an action, and returns once it waits for a lock. */
	static Blocked waiting(Action action) {
		Blocked blocked = new Blocked(action);
		await().until(() -> {
			blocked.checkNotEnded();
			return blocked.thread.getState() == Thread.State.TIMED_WAITING
					|| blocked.thread.getState() == Thread.State.WAITING;
		});
		return blocked;
	}

	/** Starts an action that may or may not block. */
	static Blocked any(Action action) {
		return new Blocked(action);
	}

	private void run(Action action) {
		try {
			this.id.complete(Files.readSymbolicLink(Path.of("/proc/thread-self")).getFileName().toString());
			action.run();
			this.outcome.complete(null);
		}
		catch (Throwable ex) {
			this.outcome.completeExceptionally(ex);
		}
	}

	/** What the kernel tells of the thread. */
	Path folder() {
		return Path.of("/proc/self/task", this.id.join());
	}

	boolean hasEnded() {
		return this.outcome.isDone();
	}

	private void checkNotEnded() throws Exception {
		if (hasEnded()) {
			join();
			throw new AssertionError("The call did not block");
		}
	}

	Thread thread() {
		return this.thread;
	}

	/** Waits for the end, and throws what the action threw. */
	void join() throws Exception {
		try {
			this.outcome.get(20, TimeUnit.SECONDS);
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
		assertThat(this.thread.isAlive()).as("still blocked").isFalse();
	}

	interface Action {

		void run() throws Exception;

	}

}
