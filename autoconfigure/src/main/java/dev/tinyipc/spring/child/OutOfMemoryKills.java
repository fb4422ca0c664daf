package dev.tinyipc.spring.child;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

/**
 * Notices whether the kernel kills processes because memory runs out. It counts them, but
 * does not say which ones, unless one may read its log: {@code oom_kill} in
 * {@code memory.events} of the process's control group (cgroup v2), or else in
 * {@code /proc/vmstat}, for the whole machine.
 */
final class OutOfMemoryKills {

	private static final String COUNT = "oom_kill ";

	/** Of the only hierarchy of version 2, in {@code /proc/<pid>/cgroup}. */
	private static final String VERSION_2 = "0::/";

	private final Path counters;

	private final OptionalLong before;

	private OutOfMemoryKills(Path counters, OptionalLong before) {
		this.counters = counters;
		this.before = before;
	}

	/** Begins to count for a process that has just been started. */
	static OutOfMemoryKills during(long pid) {
		return during(pid, Path.of("/proc"), Path.of("/sys/fs/cgroup"));
	}

	static OutOfMemoryKills during(long pid, Path processes, Path groups) {
		Path group = group(processes.resolve(Long.toString(pid)).resolve("cgroup"), groups);
		if (group != null) {
			OptionalLong count = count(group);
			if (count.isPresent()) {
				return new OutOfMemoryKills(group, count);
			}
		}
		Path machine = processes.resolve("vmstat");
		return new OutOfMemoryKills(machine, count(machine));
	}

	private static @Nullable Path group(Path membership, Path groups) {
		return line(membership, VERSION_2).map((path) -> groups.resolve(path).resolve("memory.events")).orElse(null);
	}

	private static OptionalLong count(Path counters) {
		return line(counters, COUNT).map((count) -> OptionalLong.of(Long.parseLong(count.strip())))
			.orElse(OptionalLong.empty());
	}

	/** What follows a prefix. */
	private static Optional<String> line(Path file, String prefix) {
		try (Stream<String> lines = Files.lines(file)) {
			return lines.filter((line) -> line.startsWith(prefix))
				.map((line) -> line.substring(prefix.length()))
				.findFirst();
		}
		catch (IOException | UncheckedIOException ex) {
			return Optional.empty(); // another version, or a container that hides it
		}
	}

	/** Whether there were any since the start; false if that cannot be known. */
	boolean any() {
		OptionalLong now = count(this.counters);
		return this.before.isPresent() && now.isPresent() && now.getAsLong() > this.before.getAsLong();
	}

}
