package dev.tinyipc;

import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Kills contained children when this process ends in any way, even by {@code kill -9}.
 * The guard is a small shell that reads the process groups to guard from a pipe, and
 * kills what is left of them at the pipe's end. It then looks for processes with a mark
 * in their environment, which is inherited: children that it was not told of yet, and
 * descendants that have left the group. It starts before the first contained child, in
 * its own group, so that a signal that ends this process does not reach it.
 * <p>
 * {@code PR_SET_PDEATHSIG} is no alternative: it is tied to the thread that started the
 * child, and does not reach the child's own children.
 */
final class OrphanGuard {

	private static final Logger logger = LoggerFactory.getLogger(OrphanGuard.class);

	/** Marks a contained child, with a value that no other process uses. */
	static final String VARIABLE = "TINY_IPC_GUARD";

	static final String MARK = ProcessHandle.current().pid() + "-"
			+ Long.toHexString(ThreadLocalRandom.current().nextLong());

	/**
	 * It looks ten times within a second, because a starting child has the mark only once
	 * its program runs.
	 */
	private static final String SCRIPT = """
			trap '' HUP INT TERM QUIT
			groups=' '
			while read -r action group; do
				case $action in
					+) groups="$groups$group " ;;
					-) groups="${groups%% $group *} ${groups#* $group }" ;;
				esac
			done
			for group in $groups; do kill -KILL "-$group"; done
			for round in 1 2 3 4 5 6 7 8 9 10; do
				for file in $(grep -lsF "$1" /proc/[0-9]*/environ); do
					process=${file#/proc/}
					kill -KILL "${process%/environ}"
				done
				sleep 0.1
			done
			""";

	private static final long SHORT_LIFE = TimeUnit.SECONDS.toNanos(1);

	/** After this many in a row, the next guard would only die, too. */
	private static final int MAX_SHORT_LIVES = 3;

	private static final Set<Integer> groups = new TreeSet<>();

	private static @Nullable OrphanGuard current;

	private static int shortLives;

	private final OwnedFd pipe;

	private final ChildExit process;

	private final long startTime = System.nanoTime();

	private OrphanGuard(OwnedFd pipe, ChildExit process) {
		this.pipe = pipe;
		this.process = process;
	}

	/**
	 * Starts the guard if need be. Must be called before a contained child is started.
	 */
	static synchronized void ensure() {
		synchronized (groups) {
			if (current != null) {
				return;
			}
		}
		try {
			start();
		}
		catch (IOException ex) {
			logger.warn("Children will survive if this process is killed: the shell that ends them cannot start ({})",
					ex.getMessage());
		}
	}

	private static void start() throws IOException {
		OwnedFd.Pipe ends = OwnedFd.pipe();
		try (OwnedFd source = ends.source();
				OwnedFd nothing = OwnedFd.open(Path.of("/dev/null"), StandardOpenOption.WRITE)) {
			// A guard that does not read must not block anybody.
			Errno.check("fcntl(F_SETFL)", LibC.fcntl(ends.sink().fd(), LibC.F_SETFL, LibC.O_NONBLOCK));
			int pid = PosixSpawn.spawn(List.of("sh", "-c", SCRIPT, "sh", VARIABLE + '=' + MARK), environment(), null,
					List.of(source, nothing, nothing));
			OrphanGuard guard = new OrphanGuard(ends.sink(), ChildWatcher.watch(pid, false, null, new ChildStreams()));
			synchronized (groups) {
				current = guard;
				groups.forEach((group) -> guard.tell("+ " + group));
			}
			guard.process.status().thenRun(guard::ended);
		}
		catch (IOException | RuntimeException | Error ex) {
			ends.sink().close();
			throw ex;
		}
	}

	private static Map<String, String> environment() {
		return Optional.ofNullable(System.getenv("PATH")).map((path) -> Map.of("PATH", path)).orElse(Map.of());
	}

	private void ended() {
		this.pipe.close();
		synchronized (groups) {
			if (this == current) {
				current = null;
			}
			shortLives = (System.nanoTime() - this.startTime < SHORT_LIFE) ? shortLives + 1 : 0;
			if (shortLives > MAX_SHORT_LIVES) {
				return;
			}
		}
		// Even if there is no group: a child may have started that is not known here yet.
		// Not in the thread that watches all children.
		Thread thread = new Thread(OrphanGuard::ensure, "tiny-ipc-guard");
		thread.setDaemon(true);
		thread.setContextClassLoader(OrphanGuard.class.getClassLoader());
		thread.start();
	}

	/** Has the guard kill a new child at the end, with its group. */
	static void watchOver(int group) {
		synchronized (groups) {
			groups.add(group);
			if (current != null) {
				current.tell("+ " + group);
			}
		}
	}

	/** Must be called before the number of a child is free again. */
	static void forget(int group) {
		synchronized (groups) {
			if (groups.remove(group) && current != null) {
				current.tell("- " + group);
			}
		}
	}

	private void tell(String line) {
		byte[] text = (line + '\n').getBytes(StandardCharsets.US_ASCII);
		NativeBuffer buffer = NativeBuffer.allocate(text.length);
		buffer.bytes().put(0, text);
		int fd = this.pipe.borrowUnlessClosed();
		if (fd < 0) {
			return;
		}
		try {
			long written;
			do {
				written = LibC.write(fd, buffer.address(), text.length);
			}
			while (written < 0 && Errno.interrupted());
			Reference.reachabilityFence(buffer);
			if (written < 0) {
				giveUp();
			}
		}
		finally {
			this.pipe.giveBack();
		}
	}

	/**
	 * Called when the guard has ended, or was stopped for so long that its pipe is full.
	 */
	private void giveUp() {
		if (this == current) {
			current = null;
		}
		try {
			this.process.signal(LibC.SIGKILL);
		}
		catch (IpcException ex) {
			logger.debug("The guard of children cannot be killed", ex);
		}
	}

}
