package dev.tinyipc.spring.child;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** The memory of a process, see {@code proc_pid_status(5)}. */
final class ProcessMemory {

	private ProcessMemory() {
	}

	/** {@code VmRSS}, in bytes; 0 if the process has just ended. */
	static long residentSize(long pid) {
		Path status = Path.of("/proc", Long.toString(pid), "status");
		try (Stream<String> lines = Files.lines(status)) {
			return lines.filter((line) -> line.startsWith("VmRSS:"))
				.mapToLong((line) -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
				.findFirst()
				.orElse(0);
		}
		catch (IOException | UncheckedIOException ex) {
			return 0; // its slot learns elsewhere that it has ended
		}
	}

}
