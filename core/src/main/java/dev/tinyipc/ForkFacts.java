package dev.tinyipc;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/** What the kernel says about a process and those that forked it. */
final class ForkFacts {

	/** A wrapper of a wrapper of a program. */
	private static final int MAX_DEPTH = 16;

	/** The kernel counts a thread for a moment after others have waited for it. */
	private static final Duration TIME_TO_END = Duration.ofSeconds(1);

	private ForkFacts() {
	}

	/**
	 * Returns the parent of a process.
	 * @param ancestor must be that parent, or one further up
	 * @return empty if it is not, or the process does not lead a group of its own
	 */
	static OptionalInt parentOf(int pid, long ancestor) throws IpcException {
		int parent = 0;
		for (int next = pid, depth = 0; depth < MAX_DEPTH && next > 1; depth++) {
			List<String> fields = fieldsFromThird(next);
			if (fields.isEmpty() || (next == pid && Integer.parseInt(fields.get(2)) != pid)) {
				return OptionalInt.empty();
			}
			next = Integer.parseInt(fields.get(1));
			parent = (depth == 0) ? next : parent;
			if (next == ancestor) {
				return OptionalInt.of(parent);
			}
		}
		return OptionalInt.empty();
	}

	/**
	 * The fields of {@code proc_pid_stat(5)}: state, parent, group and more.
	 * @return empty if the process has ended
	 */
	static List<String> fieldsFromThird(int pid) throws IpcException {
		Path process = Path.of("/proc/" + pid);
		try {
			// The second field is a name in parentheses, which may have any bytes.
			String stat = Files.readString(process.resolve("stat"), StandardCharsets.ISO_8859_1);
			return List.of(stat.substring(stat.lastIndexOf(')') + 2).split(" "));
		}
		catch (IOException ex) {
			if (Files.exists(process) || !Files.exists(Path.of("/proc/self/stat"))) {
				throw new IpcException("The state of process " + pid + " cannot be read from /proc: " + ex, ex);
			}
			return List.of();
		}
	}

	/** The names of the threads of a process besides its first. */
	static List<String> otherThreadsOf(int pid) throws IpcException {
		long end = System.nanoTime() + TIME_TO_END.toNanos();
		List<String> names = names(pid);
		while (!names.isEmpty() && System.nanoTime() - end < 0) {
			LockSupport.parkNanos(Duration.ofMillis(1).toNanos());
			names = names(pid);
		}
		return names;
	}

	private static List<String> names(int pid) throws IpcException {
		List<String> names = new ArrayList<>();
		String first = Integer.toString(pid);
		try (Stream<Path> threads = Files.list(Path.of("/proc/" + pid + "/task"))) {
			for (Path thread : (Iterable<Path>) threads::iterator) {
				if (!thread.endsWith(first)) {
					name(thread).ifPresent(names::add);
				}
			}
		}
		catch (IOException | UncheckedIOException ex) {
			throw new IpcException("The threads of process " + pid + " cannot be counted", ex);
		}
		return names;
	}

	private static Optional<String> name(Path thread) throws IOException {
		try {
			// Any bytes: what is no character is replaced.
			String name = new String(Files.readAllBytes(thread.resolve("comm")), StandardCharsets.UTF_8);
			return Optional.of(Printable.of(name.strip()));
		}
		catch (IOException ex) {
			if (Files.exists(thread)) {
				throw ex;
			}
			return Optional.empty(); // it has just ended
		}
	}

}
