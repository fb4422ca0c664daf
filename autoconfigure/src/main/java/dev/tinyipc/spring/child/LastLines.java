package dev.tinyipc.spring.child;

import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The last lines of a child's output, which contain the reason for a failed start: a JVM
 * writes it to standard output, most programs to standard error. Of a stack trace, the
 * exceptions are kept but not their frames, which would leave no room for them. Not
 * thread-safe.
 */
final class LastLines {

	/** For each stream, so that a lot of output does not push out the error. */
	private static final int MAX_LINES = 10;

	private static final int MAX_LENGTH = 500;

	private static final Pattern FRAME = Pattern.compile("\\s+at |\\s*\\.\\.\\. \\d+ |\\s*$");

	private final Deque<Line> output = new ArrayDeque<>();

	private final Deque<Line> errors = new ArrayDeque<>();

	private long count;

	void addOutput(String line) {
		add(line, this.output);
	}

	void addError(String line) {
		add(line, this.errors);
	}

	private void add(String line, Deque<Line> lines) {
		if (FRAME.matcher(line).lookingAt()) {
			return;
		}
		if (lines.size() == MAX_LINES) {
			lines.removeFirst();
		}
		String text = (line.length() <= MAX_LENGTH) ? line : line.substring(0, MAX_LENGTH) + '…';
		lines.addLast(new Line(this.count++, ControlCharacters.escape(text)));
	}

	/** The lines of both streams, oldest first. */
	List<String> all() {
		return Stream.concat(this.output.stream(), this.errors.stream())
			.sorted(Comparator.comparingLong(Line::number))
			.map(Line::text)
			.toList();
	}

	private record Line(long number, String text) {

	}

}
