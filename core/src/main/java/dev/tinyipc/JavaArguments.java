package dev.tinyipc;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * The arguments of {@code java}, one after the other. A file of arguments is replaced by
 * what it contains, as the launcher does until it has seen the main class.
 */
final class JavaArguments {

	private static final Charset CHARSET = Charset
		.forName(System.getProperty("sun.jnu.encoding", Charset.defaultCharset().name()));

	/** The launcher takes larger ones, but who has them? */
	private static final long MAX_FILE_SIZE = 16 * 1024 * 1024;

	private final Deque<String> rest;

	private final NeededPaths paths;

	private boolean files = true;

	/**
	 * Reads arguments.
	 * @param paths gets the files of arguments
	 */
	JavaArguments(List<String> arguments, NeededPaths paths) {
		this.rest = new ArrayDeque<>(arguments);
		this.paths = paths;
	}

	/** The next one; null after the last. */
	@Nullable String next() {
		String argument = this.rest.pollFirst();
		if (argument != null && this.files && argument.length() > 1 && argument.startsWith("@")) {
			if (argument.startsWith("@@")) {
				return argument.substring(1);
			}
			List<String> content = content(argument.substring(1));
			for (int i = content.size() - 1; i >= 0; i--) {
				this.rest.addFirst(content.get(i));
			}
			return next();
		}
		if ("--disable-@files".equals(argument)) {
			this.files = false;
		}
		return argument;
	}

	/** A file of arguments contains no further ones. */
	private List<String> content(String name) {
		Path file = this.paths.path(name);
		this.paths.read(file);
		try {
			if (file == null || Files.size(file) > MAX_FILE_SIZE) {
				return List.of();
			}
			return split(new String(Files.readAllBytes(file), CHARSET)).stream()
				.map((argument) -> argument.startsWith("@") ? '@' + argument : argument)
				.toList();
		}
		catch (IOException ex) {
			return List.of(); // java will say so
		}
	}

	/**
	 * Splits the text of a file of arguments, or of a variable: at white space that is
	 * not quoted. A backslash in quotes escapes, at the end of a line it joins the next
	 * one, and {@code #} begins a comment.
	 */
	static List<String> split(String text) {
		List<String> arguments = new ArrayList<>();
		StringBuilder argument = new StringBuilder();
		boolean any = false;
		char quote = 0;
		for (int i = 0; i < text.length(); i++) {
			char c = text.charAt(i);
			if (quote != 0 && c == '\\' && i + 1 < text.length()) {
				i = escaped(text, i + 1, argument);
			}
			else if (c == quote) {
				quote = 0;
			}
			else if (quote != 0) {
				argument.append(c);
			}
			else if (c == '"' || c == '\'') {
				quote = c;
				any = true;
			}
			else if (Character.isWhitespace(c) || (c == '#' && !any)) {
				if (any) {
					arguments.add(argument.toString());
				}
				any = false;
				argument.setLength(0);
				i = (c == '#') ? endOfLine(text, i) : i;
			}
			else {
				argument.append(c);
				any = true;
			}
		}
		if (any) {
			arguments.add(argument.toString());
		}
		return arguments;
	}

	/** Returns the index of the last character that belongs to the escape. */
	private static int escaped(String text, int at, StringBuilder argument) {
		char c = text.charAt(at);
		switch (c) {
			case 'n' -> argument.append('\n');
			case 'r' -> argument.append('\r');
			case 't' -> argument.append('\t');
			case 'f' -> argument.append('\f');
			case '\n', '\r' -> {
				int next = at;
				while (next + 1 < text.length() && Character.isWhitespace(text.charAt(next + 1))) {
					next++;
				}
				return next;
			}
			default -> argument.append(c);
		}
		return at;
	}

	private static int endOfLine(String text, int from) {
		int end = text.indexOf('\n', from);
		return (end >= 0) ? end : text.length();
	}

}
