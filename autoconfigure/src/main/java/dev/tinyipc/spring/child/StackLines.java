package dev.tinyipc.spring.child;

import java.util.ArrayList;
import java.util.List;

/**
 * The stacks of the threads of a child, as it prints them. The first ones are kept, up to
 * a limit: post-mortems stay in memory. Not thread-safe.
 */
final class StackLines {

	/** For the threads that a child of its own has, and those of a runtime. */
	private static final int MAX_LINES = 1000;

	/** In all, in characters. */
	private static final int MAX_LENGTH = 128 * 1024;

	private final List<String> lines = new ArrayList<>();

	private int length;

	void add(String line) {
		if (this.lines.size() < MAX_LINES && this.length + line.length() <= MAX_LENGTH) {
			this.lines.add(ControlCharacters.escape(line));
			this.length += line.length();
		}
	}

	List<String> all() {
		return List.copyOf(this.lines);
	}

}
