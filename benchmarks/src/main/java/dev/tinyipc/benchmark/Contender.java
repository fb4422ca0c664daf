package dev.tinyipc.benchmark;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * One way for a process to talk to a child of its own. It is measured in a JVM of its
 * own, by {@link ContenderMain}, which lives through all rounds and idles between its
 * turns. What is measured is described in {@code README.md}; a contender in another
 * language speaks the protocol that is described there.
 */
@FunctionalInterface
public interface Contender {

	/**
	 * Starts the child, and exchanges a first message with it, whose content is checked.
	 * Warming up is up to the harness, which discards the first turns.
	 * @param work such as {@code roundtrip}
	 * @param parameters such as the size in bytes
	 * @return what can be measured then
	 * @throws CannotException if this contender has no such work
	 * @throws Exception if it failed, which ends the run
	 */
	Session prepare(String work, List<String> parameters) throws Exception;

	/** A work that is ready to be measured, any number of times. */
	interface Session extends AutoCloseable {

		/**
		 * Repeats the operation for about so long.
		 * @param duration how long; one operation may take longer
		 * @return how often it was done in what time
		 * @throws Exception if it failed, which ends the run
		 */
		Result run(Duration duration) throws Exception;

		/** Ends the child, and waits for its end. */
		@Override
		void close() throws Exception;

	}

	/**
	 * What one turn gave.
	 *
	 * @param operations how often it was done, at least once
	 * @param nanoseconds the time that it took altogether
	 * @param more further figures by their name, which has neither a blank nor {@code =}
	 */
	record Result(long operations, long nanoseconds, Map<String, Double> more) {

		/**
		 * A turn without further figures.
		 * @param operations how often it was done
		 * @param nanoseconds the time that it took altogether
		 */
		public Result(long operations, long nanoseconds) {
			this(operations, nanoseconds, Map.of());
		}

	}

	/** Something to do again and again. */
	@FunctionalInterface
	interface Operation {

		/**
		 * Does it once.
		 * @throws Exception if it failed
		 */
		void run() throws Exception;

	}

	/**
	 * Repeats an operation for about so long. The clock is read after each operation,
	 * which costs some 30 ns and is the same for all contenders.
	 * @param duration how long
	 * @param operation what to do
	 * @return how often it was done in what time
	 * @throws Exception what the operation threw
	 */
	static Result repeat(Duration duration, Operation operation) throws Exception {
		long start = System.nanoTime();
		long end = start + duration.toNanos();
		long operations = 0;
		long now;
		do {
			operation.run();
			operations++;
			now = System.nanoTime();
		}
		while (now < end);
		return new Result(operations, now - start);
	}

	/** A contender has no such work: its cell in the table stays empty. */
	final class CannotException extends Exception {

		/**
		 * Says why.
		 * @param reason in a few words, on one line
		 */
		public CannotException(String reason) {
			super(reason);
		}

	}

}
