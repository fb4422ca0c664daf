package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The output of a child in the log: standard output as INFO and standard error as WARN of
 * the logger {@code ipc.child.<name>}. A child that floods its output is neither blocked
 * nor allowed to flood the log: beyond so many lines a second they are only counted.
 */
final class ChildLog {

	private static final int LINES_PER_SECOND = 1000;

	private static final int LAST_LINES = 10;

	private static final int LAST_LINE_LENGTH = 500;

	private final Logger logger;

	private final ChildSupervisor supervisor;

	private final Deque<String> lastErrors = new ArrayDeque<>();

	private long secondStart = System.nanoTime();

	private int linesInSecond;

	private long dropped;

	/**
	 * Creates a log.
	 * @param supervisor runs what tells how many lines were dropped
	 */
	ChildLog(String child, ChildSupervisor supervisor) {
		this.supervisor = supervisor;
		this.logger = LoggerFactory.getLogger("ipc.child." + child);
	}

	synchronized void output(String line) {
		if (mayLog()) {
			this.logger.info("{}", line);
		}
	}

	synchronized void error(String line) {
		if (this.lastErrors.size() == LAST_LINES) {
			this.lastErrors.removeFirst();
		}
		this.lastErrors.addLast((line.length() <= LAST_LINE_LENGTH) ? line : line.substring(0, LAST_LINE_LENGTH) + "…");
		if (mayLog()) {
			this.logger.warn("{}", line);
		}
	}

	/** The last lines of standard error, the oldest first. */
	synchronized List<String> lastErrors() {
		return List.copyOf(this.lastErrors);
	}

	private boolean mayLog() {
		long now = System.nanoTime();
		if (now - this.secondStart > TimeUnit.SECONDS.toNanos(1)) {
			this.secondStart = now;
			this.linesInSecond = 0;
		}
		if (this.linesInSecond == LINES_PER_SECOND) {
			if (this.dropped++ == 0) {
				this.supervisor.schedule(Duration.ofSeconds(1), this::tellDropped);
			}
			return false;
		}
		this.linesInSecond++;
		return true;
	}

	private synchronized void tellDropped() {
		this.logger.warn("{} lines were dropped: there were more than {} in a second", this.dropped, LINES_PER_SECOND);
		this.dropped = 0;
	}

}
