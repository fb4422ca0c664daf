package dev.tinyipc.spring.child;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Arguments that look like secrets. Every user of the machine can read the command line
 * of a process ({@code proc_pid_cmdline(5)}).
 */
final class CommandLineSecrets {

	/** By the last word of an option's name: {@code -Dapi.key}, but not a key store. */
	private static final String SECRET_NAME = "[\\w.-]*(?:(?i:passw(?:or)?d|passphrase|secret|token|credentials?"
			+ "|(?:api|access|private|secret)key)|(?:\\b|^-D|[._-])(?i:key|pwd)|(?<=[a-z\\d])(?:Key|Pwd))";

	/** A file, or a switch, is none. */
	private static final String SECRET_VALUE = "(?!(?:true|false)$|\\.{0,2}/|file:|classpath:).+";

	private static final Pattern OPTION = Pattern.compile("(" + SECRET_NAME + ")=" + SECRET_VALUE, Pattern.DOTALL);

	private static final Pattern OPTION_BEFORE_VALUE = Pattern.compile("-" + SECRET_NAME);

	private static final Pattern VALUE = Pattern.compile("(?!-)" + SECRET_VALUE, Pattern.DOTALL);

	private static final Pattern URL_WITH_PASSWORD = Pattern
		.compile("(?<![\\w+.-])\\w[\\w+.-]*+://[^/\\s:@]*:[^/\\s@]+@");

	private CommandLineSecrets() {
	}

	/**
	 * Finds arguments that look like secrets.
	 * @param arguments the arguments of a program or a JVM
	 * @return what they are, without the secrets, such as {@code -Ddb.password}
	 */
	static List<String> in(List<String> arguments) {
		List<String> found = new ArrayList<>();
		String previous = "";
		for (String argument : arguments) {
			Matcher option = OPTION.matcher(argument);
			if (option.matches()) {
				found.add(option.group(1));
			}
			else if (OPTION_BEFORE_VALUE.matcher(previous).matches() && VALUE.matcher(argument).matches()) {
				found.add(previous);
			}
			else if (URL_WITH_PASSWORD.matcher(argument).find()) {
				found.add("a URL with a password");
			}
			previous = argument;
		}
		return found;
	}

}
