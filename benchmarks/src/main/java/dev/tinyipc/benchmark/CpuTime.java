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

	private static final int CHILDREN_USER = 13;

	private static final int CHILDREN_SYSTEM = 14;

	/** In nanoseconds; {@code USER_HZ} is 100 wherever a JVM runs. */
	private static final long TICK = 10_000_000;

	private CpuTime() {
	}

	/**
	 * In nanoseconds. Of descendants that have ended it contains what their parents
	 * waited for, in whole ticks of the kernel; what a thread used that has ended is not
	 * in it.
	 */
	static long of(ProcessHandle process) {
		return Stream.concat(Stream.of(process), process.descendants()).mapToLong(CpuTime::ofOne).sum();
	}

	private static long ofOne(ProcessHandle process) {
		try (Stream<Path> threads = Files.list(Path.of("/proc", Long.toString(process.pid()), "task"))) {
			return threads.mapToLong(CpuTime::ofThread).sum() + ofThoseThatEnded(process);
		}
		catch (IOException | UncheckedIOException ex) {
			return 0; // it has just ended
		}
	}

	/** In {@code stat}, behind the name, which may contain anything. */
	private static long ofThoseThatEnded(ProcessHandle process) throws IOException {
		String stat = Files.readString(Path.of("/proc", Long.toString(process.pid()), "stat"));
		String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
		return (Long.parseLong(fields[CHILDREN_USER]) + Long.parseLong(fields[CHILDREN_SYSTEM])) * TICK;
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
