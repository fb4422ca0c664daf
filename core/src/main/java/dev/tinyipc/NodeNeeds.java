package dev.tinyipc;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What Node.js needs, as its loaders look for it: its installation's modules, the script
 * that it is told to run, what lies beside it, and the {@code node_modules} and the
 * {@code package.json} in the folders above.
 */
final class NodeNeeds {

	private static final String MODULES = "node_modules";

	/** Options whose value is the next argument. */
	private static final List<String> WITH_VALUE = List.of("-r", "--require", "--import", "--loader",
			"--experimental-loader", "-C", "--conditions", "--env-file", "--env-file-if-exists", "--title",
			"--stack-trace-limit", "--input-type");

	/** Options whose value is a module that is loaded before the script. */
	private static final List<String> PRELOADED = List.of("-r", "--require", "--import", "--loader",
			"--experimental-loader");

	/** With these, the code stands among the arguments. */
	private static final List<String> CODE = List.of("-e", "--eval", "-p", "--print", "-pe", "-");

	/** What the name of a script may lack. */
	private static final List<String> EXTENSIONS = List.of("", ".js", ".json", ".node", ".mjs", ".cjs");

	private final NeededPaths paths;

	NodeNeeds(NeededPaths paths) {
		this.paths = paths;
	}

	static boolean isNode(String name) {
		return name.equals("node") || name.equals("nodejs");
	}

	void add(Path program, List<String> arguments) {
		Path folder = NeededPaths.real(program).getParent();
		Path prefix = (folder != null) ? folder.getParent() : null;
		if (prefix != null) {
			this.paths.read(prefix.resolve("lib").resolve(MODULES));
			this.paths.read(prefix.resolve("lib/node"));
			this.paths.read(prefix.resolve("etc/node")); // its OpenSSL's configuration
		}
		this.paths.read(Path.of("/usr/share/nodejs")); // of Debian
		this.paths.readAll(this.paths.variable("NODE_PATH"), ":");
		addOptions(List.of(this.paths.variable("NODE_OPTIONS").strip().split("\\s+")));
		int script = addOptions(arguments);
		if (script < arguments.size()) {
			addScript(arguments.get(script));
		}
	}

	/**
	 * Adds the modules that options load.
	 * @return the index of the script; the number of arguments if there is none
	 */
	private int addOptions(List<String> arguments) {
		for (int i = 0; i < arguments.size(); i++) {
			String argument = arguments.get(i);
			if (CODE.contains(argument)) {
				return arguments.size();
			}
			int equals = argument.indexOf('=');
			if (WITH_VALUE.contains(argument)) {
				i++;
				if (PRELOADED.contains(argument) && i < arguments.size()) {
					addModule(arguments.get(i));
				}
			}
			else if (equals > 0 && PRELOADED.contains(argument.substring(0, equals))) {
				addModule(argument.substring(equals + 1));
			}
			else if (!argument.startsWith("-") && !argument.isEmpty()) {
				return i;
			}
		}
		return arguments.size();
	}

	/** A name without a path is looked for in {@code node_modules}. */
	private void addModule(String module) {
		if (module.startsWith("/") || module.startsWith("./") || module.startsWith("../")) {
			addScript(module);
		}
		else {
			addAbove(this.paths.directory());
		}
	}

	private void addScript(String argument) {
		Optional<Path> found = EXTENSIONS.stream()
			.map((extension) -> this.paths.path(argument + extension))
			.flatMap(Stream::ofNullable)
			.filter(Files::exists)
			.findFirst();
		if (found.isPresent()) {
			Path script = NeededPaths.real(found.get());
			if (Files.isDirectory(script)) {
				this.paths.readUnlessShared(found.get());
			}
			else {
				this.paths.readWithSiblings(found.get());
			}
			addAbove(script.getParent());
		}
	}

	/** The module loader looks in each folder up to the root. */
	private void addAbove(Path start) {
		boolean packageFound = false;
		for (Path folder = start; folder != null; folder = folder.getParent()) {
			Path modules = folder.resolve(MODULES);
			if (Files.isDirectory(modules)) {
				this.paths.read(modules);
			}
			Path description = folder.resolve("package.json");
			if (!packageFound && Files.isRegularFile(description)) {
				this.paths.read(description);
				packageFound = true;
			}
		}
	}

}
