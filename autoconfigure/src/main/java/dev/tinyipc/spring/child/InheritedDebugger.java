package dev.tinyipc.spring.child;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The address of a debugger in an environment variable of this application. A child that
 * inherits it cannot start, because this application already uses the address.
 */
final class InheritedDebugger {

	private static final Pattern OPTION = Pattern.compile("(?:-agentlib:jdwp=|-Xrunjdwp:)(.*)");

	private InheritedDebugger() {
	}

	/**
	 * Removes the debugger option from the variables that a child inherits.
	 * @param environment the child's environment
	 * @param own the variables that are set for the child, which stay as they are
	 * @return the names of the variables that contained one
	 */
	static List<String> removeFrom(Map<String, String> environment, Map<String, String> own) {
		return JvmOptions.VARIABLES.stream()
			.filter((variable) -> !own.containsKey(variable) && removeFrom(environment, variable))
			.toList();
	}

	private static boolean removeFrom(Map<String, String> environment, String variable) {
		String inherited = environment.getOrDefault(variable, "");
		String rest = JvmOptions.WORD.matcher(inherited)
			.replaceAll((word) -> namesAddress(JvmOptions.unquoted(word.group())) ? ""
					: Matcher.quoteReplacement(word.group()));
		if (rest.equals(inherited)) {
			return false;
		}
		environment.put(variable, rest);
		return true;
	}

	/** A server without an address, or with port 0, uses a free port. */
	private static boolean namesAddress(String option) {
		Matcher matcher = OPTION.matcher(option);
		if (!matcher.matches()) {
			return false;
		}
		List<String> settings = Arrays.asList(matcher.group(1).split(","));
		return !settings.contains("server=y") || settings.stream()
			.anyMatch((setting) -> setting.startsWith("address=") && !setting.matches("address=(.*:)?0?"));
	}

}
