package dev.tinyipc.benchmark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * The time that a process and its descendants have had a core, all threads together,
 * which says more than the clock where others want the cores too.
 */
final class CpuTime {

	private CpuTime() {
	}

	/** In nanoseconds. What a thread or process used that has ended is not in it. */
	static long of(ProcessHandle process) {
		return Stream.concat(Stream.of(process), process.descendants()).mapToLong(CpuTime::ofOne).sum();
	}

	private static long ofOne(ProcessHandle process) {
		try (Stream<Path> threads = Files.list(Path.of("/proc", Long.toString(process.pid()), "task"))) {
			return threads.mapToLong(CpuTime::ofThread).sum();
		}
		catch (IOException | UncheckedIOException ex) {
			return 0; // it has just ended
		}
	}

	/** The first number of {@code schedstat}. */
	private static long ofThread(Path thread) {
		try {
			return Long.parseLong(Files.readString(thread.resolve("schedstat")).split(" ")[0]);
		}
		catch (IOException ex) {
			return 0;
		}
	}

}
