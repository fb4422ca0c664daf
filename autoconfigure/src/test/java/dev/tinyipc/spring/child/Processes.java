package dev.tinyipc.spring.child;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What {@code proc_pid_stat(5)} says, and a shell that sends signals. */
public final class Processes {

	private static final long THIS = ProcessHandle.current().pid();

	private Processes() {
	}

	/** Those of a child that run, in the order of its instances. */
	public static List<Long> pids(IpcChild child) {
		return child.instances().stream().flatMap((instance) -> instance.pid().stream()).toList();
	}

	/** Whether it runs: a zombie does not. */
	public static boolean runs(long pid) {
		String[] stat = stat(Path.of("/proc", Long.toString(pid), "stat"));
		return stat.length > 0 && !stat[0].equals("Z") && !stat[0].equals("X");
	}

	/** Children of this process that have ended and that nobody has waited for. */
	public static List<Path> zombies() {
		try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
			return processes.filter((path) -> path.getFileName().toString().matches("\\d+")).filter((path) -> {
				String[] stat = stat(path.resolve("stat"));
				return stat.length > 1 && stat[0].equals("Z") && stat[1].equals(Long.toString(THIS));
			}).toList();
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	/** From the state on, which follows a name that may hold anything. */
	private static String[] stat(Path path) {
		try {
			String stat = Files.readString(path, StandardCharsets.ISO_8859_1);
			return stat.substring(stat.lastIndexOf(')') + 2).split(" ");
		}
		catch (IOException ex) {
			return new String[0]; // there is no such process
		}
	}

	/** Sends signals, without a process for each. */
	public static final class Killer implements AutoCloseable {

		private final Process shell;

		public Killer() {
			try {
				this.shell = new ProcessBuilder("sh", "-c", "while read signal pid; do kill -$signal $pid; done")
					.redirectError(ProcessBuilder.Redirect.DISCARD)
					.start();
			}
			catch (IOException ex) {
				throw new UncheckedIOException(ex);
			}
		}

		/**
		 * Sends a signal.
		 * @param name such as {@code KILL}
		 * @param pid to whom; if there is no such process, to nobody
		 */
		public synchronized void send(String name, long pid) {
			try {
				this.shell.getOutputStream().write((name + ' ' + pid + '\n').getBytes(StandardCharsets.US_ASCII));
				this.shell.getOutputStream().flush();
			}
			catch (IOException ex) {
				throw new UncheckedIOException(ex);
			}
		}

		/** Waits until all is sent. */
		@Override
		public void close() {
			try {
				this.shell.getOutputStream().close();
				this.shell.waitFor();
			}
			catch (IOException | InterruptedException ex) {
				this.shell.destroyForcibly();
			}
		}

	}

}
