package dev.tinyipc.spring.child;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

/**
 * What a line of output says about something that was denied, in the words of shells, of
 * the dynamic loader, and of the runtimes of common languages.
 *
 * @param right what was to be done; null if the line does not tell
 * @param subject the path; the name of a library or a module; null if the line does not
 * tell
 */
record DeniedAccess(@Nullable Right right, @Nullable String subject) {

	private static final String DENIED = "(?i:permission denied|operation not permitted|access denied)";

	private static final String SOCKET = "\\b(?:socket|connect|bind|network|SocketException|ConnectException)\\b";

	/** The dynamic loader speaks for Java and Python, too. */
	private static final List<String> LOAD = List.of("error while loading shared libraries: ([^\\s:]+): ");

	private static final List<String> EXECUTE = List.of(
			"Cannot run program \"([^\"]+)\".*(?:error=13|Permission denied)", "spawn (\\S+) EACCES",
			"fork/exec ([^\\s:]+): " + DENIED, "exec(?:v|ve|vp)?: ([^\\s:]+): (?:cannot execute: )?" + DENIED,
			"sh: (?:line )?\\d+: (?!cannot )([^:]+): " + DENIED);

	private static final List<String> WRITE = List.of(
			"cannot (?:create|touch|remove|move|overwrite)[^/'‘]*['‘]?([^'’:]+)['’]?: " + DENIED,
			DENIED + ", (?:mkdir|mkdtemp|unlink|rename|rmdir|symlink|link|copyfile|truncate) '([^']+)'",
			"(?:mkdir|remove|unlink|rename|truncate) (/[^:]+): " + DENIED);

	/** Of Python and ImageIO, which do not say what they tried. */
	private static final List<String> TEMPORARY = List
		.of("()(?:No usable temporary directory found|IIOException: Can't create cache file)");

	private static final List<String> READ = List.of("(/[^\\s:]+): cannot open shared object file",
			"Unable to access jarfile (.+)", "can't open file '([^']+)'",
			DENIED + ", (?:scandir|opendir|readdir) '([^']+)'");

	private static final List<String> IMPORT = List.of("No module named '?([^'\\s]+)", "Cannot find module '([^']+)'");

	/** There are no paths, so the group is empty. */
	private static final List<String> CONNECT = List.of("(?i)()" + SOCKET + ".*" + DENIED,
			"(?i)()" + DENIED + ".*" + SOCKET, "()\\b(?:connect|bind|listen) E(?:ACCES|PERM)\\b");

	private static final List<String> FILES = List.of(DENIED + ", \\w+ '([^']+)'", DENIED + ": '([^']+)'",
			"AccessDeniedException: ([^\\s:]+)", "FileNotFoundException: (.+) \\(" + DENIED + "\\)",
			"(/.*) \\(" + DENIED + "\\)", "(/[^\\s:'\"]+)['\"]?: " + DENIED);

	private static final List<String> UNKNOWN = List.of("(?i)()(?:" + DENIED + "|PermissionDenied|\\bEACCES\\b)");

	/** From the most to the least specific one. */
	private static final List<Wording> WORDINGS = Stream
		.of(wordings(Right.LOAD, LOAD), wordings(Right.EXECUTE, EXECUTE), wordings(Right.WRITE, WRITE),
				wordings(Right.TEMPORARY, TEMPORARY), wordings(Right.READ, READ), wordings(Right.IMPORT, IMPORT),
				wordings(null, FILES), wordings(Right.CONNECT, CONNECT), wordings(null, UNKNOWN))
		.flatMap((wordings) -> wordings)
		.toList();

	private static Stream<Wording> wordings(@Nullable Right right, List<String> patterns) {
		return patterns.stream().map((pattern) -> new Wording(right, Pattern.compile(pattern)));
	}

	/** What a line says; empty if it is about something else. */
	static Optional<DeniedAccess> in(String line) {
		for (Wording wording : WORDINGS) {
			Matcher matcher = wording.pattern().matcher(line);
			if (matcher.find()) {
				String subject = matcher.group(1).strip();
				return Optional.of(new DeniedAccess(wording.right(), subject.isEmpty() ? null : subject));
			}
		}
		return Optional.empty();
	}

	/** The same, with what only the traceback of Python tells. */
	DeniedAccess after(List<String> lines) {
		if (this.right == null && this.subject != null && contain(lines, "in _execute_child")) {
			return new DeniedAccess(Right.EXECUTE, this.subject);
		}
		if (this.right == null && this.subject == null && contain(lines, "/socket.py\"")) {
			return new DeniedAccess(Right.CONNECT, null);
		}
		return this;
	}

	private static boolean contain(List<String> lines, String text) {
		return lines.stream().anyMatch((line) -> line.contains(text));
	}

	/** What was to be done. */
	enum Right {

		/** With a file or a folder. */
		READ, WRITE, EXECUTE,

		/** With a file of any name in the folder for temporary files. */
		TEMPORARY,

		/** With a library, or a module, that is known by its name. */
		LOAD, IMPORT,

		/** With a socket. */
		CONNECT

	}

	private record Wording(@Nullable Right right, Pattern pattern) {

	}

}
