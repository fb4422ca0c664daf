package dev.tinyipc;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

/**
 * What Python needs, as its {@code getpath} and {@code site} look for it: the standard
 * library of its installation, the packages of its virtual environment, the folders that
 * {@code .pth} files add, and the script or module that it is told to run.
 */
final class PythonNeeds {

	private static final Pattern NAME = Pattern.compile("(python|pypy)[0-9.]*[a-z]?");

	private static final String CONFIGURATION = "pyvenv.cfg";

	/** Options whose value is the next argument. */
	private static final List<String> WITH_VALUE = List.of("-W", "-X", "--check-hash-based-pycs");

	/** The folders of a library folder that hold packages, for each version. */
	private static final FileFacts<List<Path>> SITES = new FileFacts<>(PythonNeeds::findSites);

	/** The folders that the {@code .pth} files of a folder of packages name. */
	private static final FileFacts<List<Path>> ADDED = new FileFacts<>(PythonNeeds::findAdded);

	private final NeededPaths paths;

	PythonNeeds(NeededPaths paths) {
		this.paths = paths;
	}

	static boolean isPython(String name) {
		return NAME.matcher(name).matches();
	}

	void add(Path program, List<String> arguments) {
		Path real = NeededPaths.real(program);
		addInstallation(real);
		Path environment = virtualEnvironment(program);
		if (environment != null) {
			this.paths.read(environment.resolve(CONFIGURATION));
			addLibrary(environment);
			baseProgram(environment.resolve(CONFIGURATION), String.valueOf(real.getFileName()))
				.ifPresent((base) -> addInstallation(NeededPaths.real(base)));
		}
		else {
			addPackagesOfUser(String.valueOf(real.getFileName()));
		}
		this.paths.readAll(this.paths.variable("PYTHONPATH"), ":");
		for (String home : this.paths.variable("PYTHONHOME").split(":")) {
			Optional.ofNullable(this.paths.path(home)).ifPresent(this::addLibrary);
		}
		addScript(arguments);
	}

	/** The folder with a {@code pyvenv.cfg} is that of the program, or the one above. */
	private static @Nullable Path virtualEnvironment(Path program) {
		return Stream.iterate(program.getParent(), (folder) -> folder != null, Path::getParent)
			.limit(2)
			.filter((folder) -> Files.isRegularFile(folder.resolve(CONFIGURATION)))
			.findFirst()
			.orElse(null);
	}

	/** The {@code home} of a virtual environment is the folder of its base's program. */
	private Optional<Path> baseProgram(Path configuration, String name) {
		try (Stream<String> lines = Files.lines(configuration)) {
			return lines.map((line) -> line.split("=", 2))
				.filter((parts) -> parts.length == 2 && parts[0].strip().equalsIgnoreCase("home"))
				.map((parts) -> this.paths.path(parts[1].strip()))
				.flatMap(Stream::ofNullable)
				.map((home) -> home.resolve(name))
				.findFirst();
		}
		catch (IOException | RuntimeException ex) {
			return Optional.empty(); // Python will say what is wrong with it
		}
	}

	/** The program lies in the folder {@code bin} of its installation. */
	private void addInstallation(Path program) {
		Path folder = program.getParent();
		Path prefix = (folder != null) ? folder.getParent() : null;
		if (prefix != null) {
			addLibrary(prefix);
			String name = String.valueOf(program.getFileName());
			if (isPython(name)) {
				this.paths.read(Path.of("/etc", name)); // Debian's sitecustomize.py
			}
		}
	}

	private void addLibrary(Path prefix) {
		for (Path library : List.of(prefix.resolve("lib"), prefix.resolve("lib64"))) {
			// Libraries that packages of Conda load lie beside the standard library.
			this.paths.read(library);
			facts(SITES, library).forEach(this::addNamedBy);
		}
	}

	private void addPackagesOfUser(String program) {
		String home = this.paths.variable("HOME");
		String base = this.paths.variable("PYTHONUSERBASE");
		if (this.paths.variable("PYTHONNOUSERSITE").isEmpty() && !(home + base).isEmpty()) {
			Path packages = this.paths
				.path((base.isEmpty() ? home + "/.local" : base) + "/lib/" + program + "/site-packages");
			this.paths.read(packages);
			if (packages != null) {
				addNamedBy(packages);
			}
		}
	}

	private void addNamedBy(Path site) {
		facts(ADDED, site).forEach(this.paths::readUnlessShared);
	}

	private static List<Path> facts(FileFacts<List<Path>> facts, Path folder) {
		try {
			return facts.of(folder);
		}
		catch (IOException ex) {
			return List.of();
		}
	}

	private static List<Path> findSites(Path library) throws IOException {
		return list(library, "{python,pypy}[0-9]*").stream()
			.flatMap((version) -> Stream.of(version.resolve("site-packages"), version.resolve("dist-packages")))
			.filter(Files::isDirectory)
			.toList();
	}

	private static List<Path> findAdded(Path site) throws IOException {
		List<Path> added = new ArrayList<>();
		for (Path file : list(site, "*.pth")) {
			for (String line : new String(Files.readAllBytes(file), StandardCharsets.UTF_8).split("\\R")) {
				if (!line.isBlank() && line.indexOf(0) < 0 && !line.matches("(#|import[ \t]).*")) {
					added.add(site.resolve(line.strip()));
				}
			}
		}
		return added.stream().filter(Files::exists).toList();
	}

	private static List<Path> list(Path folder, String pattern) throws IOException {
		try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, pattern)) {
			List<Path> list = new ArrayList<>();
			files.forEach(list::add);
			return list;
		}
		catch (DirectoryIteratorException ex) {
			throw ex.getCause();
		}
	}

	private void addScript(List<String> arguments) {
		for (int i = 0; i < arguments.size(); i++) {
			String argument = arguments.get(i);
			boolean hasValue = argument.matches("-[XW].+");
			if (argument.matches("-[a-zA-Z]*c.*|-") && !hasValue) {
				return;
			}
			if (argument.matches("-[a-zA-Z]*m.*") && !hasValue) {
				String module = argument.substring(argument.indexOf('m') + 1);
				addModule((module.isEmpty() && i + 1 < arguments.size()) ? arguments.get(i + 1) : module);
				return;
			}
			if (WITH_VALUE.contains(argument)) {
				i++;
			}
			else if (!argument.startsWith("-")) {
				addScript(this.paths.path(argument));
				return;
			}
		}
	}

	/** A script, or a folder or an archive with a {@code __main__.py}. */
	private void addScript(@Nullable Path script) {
		if (script != null && Files.isDirectory(script)) {
			this.paths.readUnlessShared(script);
		}
		else if (script != null && Files.exists(script)) {
			this.paths.readWithSiblings(script);
		}
	}

	/** A module is looked for in the working directory first. */
	private void addModule(String module) {
		String name = module.replaceFirst("\\..*", "");
		Stream.of(name + ".py", name)
			.map(this.paths::path)
			.flatMap(Stream::ofNullable)
			.filter((path) -> !name.isEmpty() && Files.exists(path))
			.findFirst()
			.ifPresent(this.paths::readWithSiblings);
	}

}
