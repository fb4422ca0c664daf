package dev.tinyipc;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** The command that {@code env(1)} runs. */
final class EnvCommand {

	/** Options whose value is the next argument. */
	private static final List<String> WITH_VALUE = List.of("-u", "--unset", "-C", "--chdir", "-a", "--argv0");

	private EnvCommand() {
	}

	/**
	 * Finds the command among the arguments of {@code env}: after options, of which
	 * {@code -S} holds several arguments, and after variables.
	 * @return the program and its arguments; empty if there is none
	 */
	static List<String> command(List<String> arguments) {
		Deque<String> rest = new ArrayDeque<>(arguments);
		while (!rest.isEmpty()) {
			String argument = rest.removeFirst();
			if (argument.startsWith("--split-string=")) {
				push(argument.substring("--split-string=".length()), rest);
			}
			else if (argument.equals("--split-string")) {
				push(rest.isEmpty() ? "" : rest.removeFirst(), rest);
			}
			else if (argument.matches("-[iv0]*S.*")) {
				String text = argument.substring(argument.indexOf('S') + 1);
				push((text.isEmpty() && !rest.isEmpty()) ? rest.removeFirst() : text, rest);
			}
			else if (WITH_VALUE.contains(argument)) {
				rest.pollFirst();
			}
			else if (!argument.startsWith("-") && argument.indexOf('=') <= 0) {
				rest.addFirst(argument);
				break;
			}
		}
		return new ArrayList<>(rest);
	}

	/** Quotes and escapes, which are rare there, are not understood. */
	private static void push(String text, Deque<String> rest) {
		List<String> parts = List.of(text.strip().split("\\s+"));
		for (int i = parts.size() - 1; i >= 0; i--) {
			if (!parts.get(i).isEmpty()) {
				rest.addFirst(parts.get(i));
			}
		}
	}

}
