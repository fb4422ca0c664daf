package dev.tinyipc.demo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What {@code /proc} tells of a process. */
public final class ProcessFiles {

	private ProcessFiles() {
	}

	/** What the descriptors of a process are open on. */
	public static List<String> open(long pid) {
		List<String> targets = new ArrayList<>();
		try (Stream<Path> descriptors = Files.list(Path.of("/proc/" + pid + "/fd"))) {
			for (Path descriptor : (Iterable<Path>) descriptors::iterator) {
				try {
					targets.add(Files.readSymbolicLink(descriptor).toString());
				}
				catch (NoSuchFileException ex) {
					// It was the one that listed them, or was closed in between.
				}
			}
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
		return targets;
	}

	/** Such as {@code socket:[12345]}. */
	public static Set<String> sockets(long pid) {
		return open(pid).stream().filter((target) -> target.startsWith("socket:")).collect(Collectors.toSet());
	}

	/** The sockets of this machine that accept connections. */
	public static Set<String> listeningSockets() throws IOException {
		Set<String> sockets = new TreeSet<>();
		for (String protocol : List.of("tcp", "tcp6")) {
			for (String line : Files.readAllLines(Path.of("/proc/net", protocol))) {
				String[] columns = line.trim().split(" +");
				if (columns[3].equals("0A")) {
					sockets.add("socket:[" + columns[9] + ']');
				}
			}
		}
		return sockets;
	}

	/** Whether a process runs no more, also if nobody has waited for it yet. */
	public static boolean hasEnded(long pid) {
		try {
			String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
			return stat.charAt(stat.lastIndexOf(')') + 2) == 'Z';
		}
		catch (IOException ex) {
			return true;
		}
	}

}
