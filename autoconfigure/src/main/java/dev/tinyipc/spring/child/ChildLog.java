package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * The output of a child in the log: standard output as INFO and standard error as WARN of
 * the logger {@code ipc.child.<name>}. A line that begins with a level in the style of
 * {@code sd-daemon(3)}, from {@code <0>} to {@code <7>}, is logged at that one. A child
 * that floods its output is not blocked, but it cannot flood the log either: above a
 * number of lines or characters per second, lines are only counted. Control characters
 * are escaped, so that a child can neither forge log lines nor control the terminal that
 * shows them.
 */
final class ChildLog {

	private static final int LINES_PER_SECOND = 1000;

	private static final int CHARACTERS_PER_SECOND = 1024 * 1024;

	/** For {@code <0>}, which is an emergency, to {@code <7>}, which is for debugging. */
	private static final Level[] LEVELS = { Level.ERROR, Level.ERROR, Level.ERROR, Level.ERROR, Level.WARN, Level.INFO,
			Level.INFO, Level.DEBUG };

	private static final int PREFIX_LENGTH = "<0>".length();

	/** What the launcher or the JVM prints when it cannot start. */
	private static final List<String> WITHOUT_JVM = List.of("Error: Could not create the Java Virtual Machine",
			"Error occurred during initialization of VM");

	private final Logger logger;

	private final ChildSupervisor supervisor;

	private final SandboxHint sandboxHint;

	private long secondStart = System.nanoTime();

	private int linesInSecond;

	private int charactersInSecond;

	private long dropped;

	/**
	 * Creates the log of one child.
	 * @param supervisor logs later how many lines were dropped
	 */
	ChildLog(ChildSpec spec, ChildSupervisor supervisor) {
		this.supervisor = supervisor;
		this.sandboxHint = new SandboxHint(spec);
		this.logger = LoggerFactory.getLogger("ipc.child." + spec.name());
	}

	/** The output of a process that is about to be started. */
	Output ofProcess() {
		return new Output();
	}

	/** Runs a task after a delay, in the thread of the supervisor. */
	void schedule(Duration delay, Runnable task) {
		this.supervisor.schedule(delay, task);
	}

	private synchronized void log(Level level, String text) {
		if (this.logger.isEnabledForLevel(level) && mayLog()) {
			this.logger.atLevel(level).log("{}", escaped(text));
		}
	}

	private static Level levelOf(String line, Level otherwise) {
		return hasPrefix(line) ? LEVELS[line.charAt(1) - '0'] : otherwise;
	}

	private static String withoutPrefix(String line) {
		return hasPrefix(line) ? line.substring(PREFIX_LENGTH) : line;
	}

	private static boolean hasPrefix(String line) {
		return line.length() >= PREFIX_LENGTH && line.charAt(0) == '<' && line.charAt(2) == '>' && line.charAt(1) >= '0'
				&& line.charAt(1) <= '7';
	}

	private String escaped(String line) {
		String escaped = ControlCharacters.escape(line);
		this.charactersInSecond += escaped.length();
		return escaped;
	}

	private boolean mayLog() {
		long now = System.nanoTime();
		if (now - this.secondStart > TimeUnit.SECONDS.toNanos(1)) {
			this.secondStart = now;
			this.linesInSecond = 0;
			this.charactersInSecond = 0;
		}
		if (this.linesInSecond == LINES_PER_SECOND || this.charactersInSecond >= CHARACTERS_PER_SECOND) {
			if (this.dropped++ == 0) {
				this.supervisor.schedule(Duration.ofSeconds(1), this::tellDropped);
			}
			return false;
		}
		this.linesInSecond++;
		return true;
	}

	private synchronized void tellDropped() {
		this.logger.warn("{} lines were dropped: there were more than {} lines or {} characters in a second",
				this.dropped, LINES_PER_SECOND, CHARACTERS_PER_SECOND);
		this.dropped = 0;
	}

	/** The output of one process. */
	final class Output {

		private final LastLines lastLines = new LastLines();

		/** Null until the process is told to print its stacks. */
		private @Nullable StackLines stacks;

		synchronized void output(String line) {
			String text = withoutPrefix(line);
			if (this.stacks != null) {
				this.stacks.add(text);
			}
			else {
				this.lastLines.addOutput(text);
			}
			log(levelOf(line, Level.INFO), text);
		}

		synchronized void error(String line) {
			String text = withoutPrefix(line);
			if (this.stacks != null) {
				this.stacks.add(text);
			}
			else {
				this.lastLines.addError(text);
			}
			log(levelOf(line, Level.WARN), text);
		}

		/**
		 * The last lines of standard output and standard error, oldest first, without the
		 * frames of stack traces.
		 */
		synchronized List<String> lastLines() {
			return this.lastLines.all();
		}

		/** What follows are stacks, which do not push the last lines out. */
		synchronized void expectStacks() {
			this.stacks = new StackLines();
		}

		/** What followed {@link #expectStacks()}; empty without that. */
		synchronized List<String> stacks() {
			return (this.stacks != null) ? this.stacks.all() : List.of();
		}

		/**
		 * The last lines as the end of a sentence, and what its sandbox probably denied;
		 * empty if there are none.
		 */
		String asSentence() {
			List<String> lines = lastLines();
			return lines.isEmpty() ? "" : ". Its last lines of output: " + String.join(" | ", lines)
					+ ChildLog.this.sandboxHint.of(lines).map((hint) -> ". " + hint).orElse("");
		}

		/** Whether the last lines say that the JVM could not start. */
		boolean saysThatThereIsNoJvm() {
			return lastLines().stream().anyMatch((line) -> WITHOUT_JVM.stream().anyMatch(line::startsWith));
		}

	}

}
