package dev.tinyipc;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends children when this process ends in whatever way, {@code kill -9} too: one small
 * shell that reads the process groups to watch over from a pipe, and kills what is left
 * of them at the pipe's end. It starts with the first such child, in a group of its own,
 * so that what ends this process does not end it as well.
 * <p>
 * {@code PR_SET_PDEATHSIG} would not do: it is tied to the thread that started the child,
 * and says nothing to the child's own children.
 */
final class OrphanGuard {

	private static final Logger logger = LoggerFactory.getLogger(OrphanGuard.class);

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
			""";

	private static final Set<Integer> groups = new TreeSet<>();

	private static @Nullable OutputStream pipe;

	private OrphanGuard() {
	}

	static synchronized void watchOver(ChildExit child) {
		groups.add(child.pid());
		if (!tell("+ " + child.pid())) {
			try {
				start();
			}
			catch (IOException ex) {
				logger.warn(
						"Children will not be killed if this process is: the shell that would do it cannot start ({})",
						ex.getMessage());
			}
		}
		child.status().thenRun(() -> forget(child.pid()));
	}

	/**
	 * Starts a guard, the first one or after somebody killed that, and tells it of all.
	 */
	private static void start() throws IOException {
		OwnedFd.Pipe ends = OwnedFd.pipe();
		try (OwnedFd source = ends.source();
				OwnedFd nothing = OwnedFd.open(Path.of("/dev/null"), StandardOpenOption.WRITE)) {
			int pid = PosixSpawn.spawn(List.of("sh", "-c", SCRIPT), Map.of(), null, List.of(source, nothing, nothing));
			OutputStream started = ends.sink().outputStream();
			pipe = started;
			ChildWatcher.watch(pid, false, List.of()).status().thenRun(() -> ended(started));
		}
		catch (IOException ex) {
			ends.sink().close();
			pipe = null;
			throw ex;
		}
		groups.forEach((group) -> tell("+ " + group));
	}

	private static synchronized void ended(OutputStream guard) {
		close(guard);
		if (guard == pipe) {
			pipe = null;
		}
	}

	private static synchronized void forget(int group) {
		groups.remove(group);
		tell("- " + group);
	}

	/**
	 * Tells the guard something.
	 * @return false if there is none any more
	 */
	private static boolean tell(String line) {
		OutputStream guard = pipe;
		if (guard == null) {
			return false;
		}
		try {
			guard.write((line + '\n').getBytes(StandardCharsets.US_ASCII));
			return true;
		}
		catch (IOException ex) {
			logger.debug("The guard of children has ended", ex);
			close(guard);
			pipe = null;
			return false;
		}
	}

	private static void close(OutputStream guard) {
		try {
			guard.close();
		}
		catch (IOException ex) {
			logger.debug("The pipe to the guard of children cannot be closed", ex);
		}
	}

}
