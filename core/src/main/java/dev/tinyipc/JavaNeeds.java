package dev.tinyipc;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

/**
 * What {@code java} needs: its installation, and the class path, the module path, agents,
 * archives of classes and native libraries that its arguments and variables name.
 */
final class JavaNeeds {

	/** Options whose value is a list of paths. */
	private static final List<String> PATHS = List.of("-p", "--module-path", "--upgrade-module-path");

	private static final List<String> CLASS_PATHS = List.of("-cp", "-classpath", "--class-path");

	/** Other options whose value is the next argument. */
	private static final List<String> WITH_VALUE = List.of("--add-modules", "--limit-modules", "--add-exports",
			"--add-opens", "--add-reads", "--source", "-d", "--describe-module", "--enable-native-access");

	/** Options of the JVM whose value is a file, or several. */
	private static final Pattern FILES = Pattern
		.compile("(-Xbootclasspath/a:|-XX:(SharedArchiveFile|AOTCache|Flags|VMOptionsFile|CompileCommandFile)=)(.*)");

	/** Properties of which this is known. Those of Boot's launcher have commas. */
	private static final Pattern PROPERTIES = Pattern.compile("-D((java|jna|jna\\.boot|jna\\.platform)\\.library\\.path"
			+ "|loader\\.path|java\\.security\\.(properties|policy)|java\\.util\\.logging\\.config\\.file"
			+ "|logging\\.config)==?(.*)");

	private static final Pattern AGENTS = Pattern.compile("-(javaagent|agentpath):([^=]*)(=.*)?");

	/** Links of an installation of Debian lead to its configuration. */
	private static final FileFacts<List<Path>> LINKS = new FileFacts<>(JavaNeeds::findLinks);

	private static final int MAX_DEPTH = 3;

	private final NeededPaths paths;

	private final ClassPathNeeds classPaths;

	private @Nullable String classPath;

	/** Whether a class is to be run that lies in no module. */
	private boolean runsClass;

	JavaNeeds(NeededPaths paths) {
		this.paths = paths;
		this.classPaths = new ClassPathNeeds(paths);
	}

	/** Whether it is the launcher of an installation of Java. */
	static boolean isJava(Path program) {
		return home(program) != null;
	}

	private static @Nullable Path home(Path program) {
		Path real = NeededPaths.real(program);
		Path folder = real.getParent();
		Path home = (folder != null) ? folder.getParent() : null;
		return real.endsWith("bin/java") && home != null && Files.exists(home.resolve("lib/jvm.cfg")) ? home : null;
	}

	void add(Path program, List<String> arguments) {
		Path home = Objects.requireNonNull(home(program), "home");
		this.paths.read(home);
		try {
			LINKS.of(home.resolve("lib")).forEach(this.paths::read);
		}
		catch (IOException ex) {
			// no such folder, or not readable: java will say so
		}
		for (String variable : List.of("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS")) {
			addArguments(JavaArguments.split(this.paths.variable(variable)));
		}
		addArguments(arguments);
		if (this.classPath != null) {
			this.classPaths.add(this.classPath);
		}
		else if (this.runsClass) {
			this.classPaths.add(this.paths.variable("CLASSPATH"));
		}
	}

	private void addArguments(List<String> given) {
		JavaArguments arguments = new JavaArguments(given, this.paths);
		for (String next = arguments.next(); next != null; next = arguments.next()) {
			int equals = next.indexOf('=');
			String option = (next.startsWith("--") && equals > 0) ? next.substring(0, equals) : next;
			if (next.equals("-jar")) {
				this.classPath = Objects.requireNonNullElse(arguments.next(), "");
				return;
			}
			if (next.equals("-m") || option.equals("--module")) {
				return;
			}
			if (CLASS_PATHS.contains(option) || PATHS.contains(option) || WITH_VALUE.contains(option)
					|| option.equals("--patch-module")) {
				String value = option.equals(next) ? arguments.next() : next.substring(equals + 1);
				addValue(option, Objects.requireNonNullElse(value, ""));
			}
			else if (next.startsWith("-")) {
				addOption(next);
			}
			else {
				addMain(next);
				return;
			}
		}
	}

	private void addValue(String option, String value) {
		if (CLASS_PATHS.contains(option)) {
			this.classPath = value;
		}
		else if (PATHS.contains(option)) {
			this.paths.readAll(value, ":");
		}
		else if (option.equals("--patch-module")) {
			this.paths.readAll(value.substring(value.indexOf('=') + 1), ":");
		}
	}

	private void addOption(String option) {
		var agent = AGENTS.matcher(option);
		var files = FILES.matcher(option);
		var property = PROPERTIES.matcher(option);
		if (agent.matches()) {
			this.classPaths.addEntry(this.paths.path(agent.group(2)));
		}
		else if (files.matches()) {
			this.paths.readAll(files.group(3), ":");
		}
		else if (property.matches()) {
			this.paths.readAll(property.group(4), "[:,]");
		}
	}

	/** A main class, or a file of source code. */
	private void addMain(String main) {
		this.runsClass = true;
		Path source = main.endsWith(".java") ? this.paths.path(main) : null;
		if (source != null && Files.isRegularFile(source)) {
			this.paths.readWithSiblings(source);
		}
	}

	/** Where the links among an installation's files lead to. */
	private static List<Path> findLinks(Path lib) throws IOException {
		Path home = Objects.requireNonNull(lib.getParent());
		Set<Path> targets = new LinkedHashSet<>();
		for (Path folder : List.of(lib, home.resolve("conf"))) {
			try (Stream<Path> files = Files.exists(folder) ? Files.walk(folder, MAX_DEPTH) : Stream.empty()) {
				files.filter(Files::isSymbolicLink)
					.map(NeededPaths::real)
					.filter((target) -> !target.startsWith(home) && Files.isRegularFile(target))
					.forEach(targets::add);
			}
			catch (UncheckedIOException ex) {
				throw ex.getCause();
			}
		}
		return List.copyOf(targets);
	}

}
