package dev.tinyipc.spring.child;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The options that the user has set for a JVM: in its arguments, and in the environment
 * variables whose content every JVM, or every {@code java}, adds to them.
 *
 * @param options the options, without quotes
 */
record JvmOptions(List<String> options) {

	/** The launcher reads the second one, the JVM the others. */
	static final List<String> VARIABLES = List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS");

	/** Quoted text may contain spaces; there is no escape character. */
	static final Pattern WORD = Pattern.compile("(?:[^\\s\"']++|\"[^\"]*+\"|'[^']*+')++");

	private static final Pattern FILE = Pattern.compile("@.+|-XX:(Flags|VMOptionsFile)=.*");

	/**
	 * Collects the options of a JVM.
	 * @param arguments its arguments
	 * @param environment its environment
	 */
	static JvmOptions of(List<String> arguments, Map<String, String> environment) {
		List<String> options = new ArrayList<>(arguments);
		for (String variable : VARIABLES) {
			Matcher words = WORD.matcher(environment.getOrDefault(variable, ""));
			while (words.find()) {
				options.add(unquoted(words.group()));
			}
		}
		return new JvmOptions(options);
	}

	static String unquoted(String word) {
		return word.replaceAll("\"([^\"]*)\"|'([^']*)'", "$1$2");
	}

	boolean mention(Pattern option) {
		return this.options.stream().anyMatch((said) -> option.matcher(said).matches());
	}

	boolean setProperty(String name) {
		String option = "-D" + name;
		return this.options.stream().anyMatch((said) -> said.equals(option) || said.startsWith(option + '='));
	}

	/** Whether some are in a file, and therefore unknown. */
	boolean areInFile() {
		return mention(FILE);
	}

}
