package dev.tinyipc.spring.child;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
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
		// The first line is a name, for which the process can choose any bytes.
		try (Stream<String> lines = Files.lines(status, StandardCharsets.ISO_8859_1)) {
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
