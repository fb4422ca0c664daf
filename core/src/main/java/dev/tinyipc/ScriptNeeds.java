package dev.tinyipc;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/**
 * What shells, and interpreters that keep their modules in the system's folders, need:
 * the script that they are told to run, what lies beside it, and those modules.
 */
final class ScriptNeeds {

	private static final Pattern SHELL = Pattern.compile("(ba|da|a|k|mk|z)?sh");

	private static final Pattern OTHER = Pattern.compile("(perl|ruby|lua|php|tclsh|guile|Rscript)[0-9.]*");

	private static final List<Path> MODULES = List.of(Path.of("/etc/perl"), Path.of("/usr/share/perl"),
			Path.of("/usr/share/perl5"), Path.of("/usr/local/share/perl"), Path.of("/usr/share/ruby"),
			Path.of("/usr/share/rubygems"), Path.of("/usr/share/rubygems-integration"), Path.of("/usr/share/lua"),
			Path.of("/usr/share/php"), Path.of("/etc/php"), Path.of("/usr/share/tcltk"), Path.of("/usr/share/guile"),
			Path.of("/usr/share/R"), Path.of("/etc/R"));

	/** Options of shells and of others whose value is the next argument. */
	private static final Pattern WITH_VALUE = Pattern.compile("[-+][oO]|-[IrM]");

	/** With these, the code stands among the arguments. */
	private static final Pattern CODE_OF_SHELL = Pattern.compile("-[a-zA-Z]*c");

	private static final Pattern CODE_OF_OTHER = Pattern.compile("-[a-zA-Z]*[eE]");

	private final NeededPaths paths;

	ScriptNeeds(NeededPaths paths) {
		this.paths = paths;
	}

	static boolean isInterpreter(String name) {
		return SHELL.matcher(name).matches() || OTHER.matcher(name).matches();
	}

	void add(String name, List<String> arguments) {
		boolean shell = SHELL.matcher(name).matches();
		if (!shell) {
			MODULES.forEach(this.paths::read);
		}
		Pattern code = shell ? CODE_OF_SHELL : CODE_OF_OTHER;
		for (int i = 0; i < arguments.size(); i++) {
			String argument = arguments.get(i);
			if (code.matcher(argument).matches()) {
				return;
			}
			if (WITH_VALUE.matcher(argument).matches()) {
				i++;
			}
			else if (!argument.startsWith("-") && !argument.startsWith("+")) {
				Path script = this.paths.path(argument);
				if (script != null && Files.isRegularFile(script)) {
					this.paths.readWithSiblings(script);
				}
				return;
			}
		}
	}

}
