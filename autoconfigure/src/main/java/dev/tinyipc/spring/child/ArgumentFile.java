package dev.tinyipc.spring.child;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A file of arguments for {@code java}. Its arguments may have any length, while the
 * kernel limits those on the command line to 128 KiB each.
 */
final class ArgumentFile {

	/** Stays below the kernel's limit even if each character takes three bytes. */
	private static final int MAX_LENGTH = 40_000;

	/** The character set of all arguments. */
	private static final Charset CHARSET = Charset
		.forName(System.getProperty("sun.jnu.encoding", Charset.defaultCharset().name()));

	private ArgumentFile() {
	}

	static boolean isNeededFor(String argument) {
		return argument.length() > MAX_LENGTH;
	}

	/** Creates a file that only this user can read. The caller must delete it. */
	static Path of(List<String> arguments) throws IOException {
		Path file = Files.createTempFile("tiny-ipc-", ".arguments").toAbsolutePath();
		return Files.writeString(file, arguments.stream().map(ArgumentFile::quote).collect(Collectors.joining("\n")),
				CHARSET);
	}

	private static String quote(String argument) {
		return '"' + argument.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n").replace("\r", "\\r")
				+ '"';
	}

}
