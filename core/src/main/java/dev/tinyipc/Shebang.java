package dev.tinyipc;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * The first line of a script, which names its interpreter ({@code execve(2)}).
 *
 * @param interpreter its path
 * @param argument all that follows on the line; null if nothing does
 */
record Shebang(String interpreter, @Nullable String argument) {

	/** {@code BINPRM_BUF_SIZE} of the kernel, which looks at no more. */
	private static final int MAX_LENGTH = 256;

	private static final String BLANK = " \t";

	/**
	 * Reads the first line of a file.
	 * @return the line; null if it names no interpreter
	 */
	static @Nullable Shebang read(Path file) throws IOException {
		byte[] start;
		try (InputStream input = Files.newInputStream(file)) {
			start = input.readNBytes(MAX_LENGTH);
		}
		String text = new String(start, StandardCharsets.UTF_8);
		if (!text.startsWith("#!")) {
			return null;
		}
		int end = text.indexOf('\n');
		return parse(text.substring(2, (end >= 0) ? end : text.length()).strip());
	}

	private static @Nullable Shebang parse(String line) {
		int end = 0;
		while (end < line.length() && BLANK.indexOf(line.charAt(end)) < 0) {
			end++;
		}
		String argument = line.substring(end).strip();
		return line.isEmpty() ? null : new Shebang(line.substring(0, end), argument.isEmpty() ? null : argument);
	}

	/**
	 * The command that the kernel runs in place of a script.
	 * @param script the script's path
	 * @param arguments the script's arguments
	 */
	List<String> command(Path script, List<String> arguments) {
		List<String> command = new ArrayList<>();
		command.add(this.interpreter);
		if (this.argument != null) {
			command.add(this.argument);
		}
		command.add(script.toString());
		command.addAll(arguments);
		return command;
	}

}
