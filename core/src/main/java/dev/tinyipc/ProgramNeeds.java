package dev.tinyipc;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.jspecify.annotations.Nullable;

/**
 * What a program needs to run at all: itself, its interpreter and libraries, and what the
 * runtime of its language has in folders of its own. Of the arguments, only those are
 * looked at that name code to run: a script, a module, a class path. A script's folder is
 * needed too, because a script imports what lies beside it, even if that folder is the
 * working directory; but not if it is {@linkplain NeededPaths#isShared shared}.
 *
 * @param program the path of the program itself
 * @param command the command; one of {@code java} also names the folder of JNA's library,
 * which a child cannot unpack itself
 * @param readable files and folders
 * @param executable files, which are read too
 */
record ProgramNeeds(Path program, List<String> command, Set<Path> readable, Set<Path> executable) {

	/** Of {@code execvp(3)}, without a PATH. */
	private static final String DEFAULT_PATH = "/bin:/usr/bin";

	private static final Path SHELL = Path.of("/bin/sh");

	/**
	 * Finds out what a program needs.
	 * @param command the program, looked up in this process's PATH if its name has no
	 * slash, and its arguments
	 * @param environment the child's environment
	 * @param directory the child's working directory; null for this process's own
	 * @param others further programs that it may execute
	 * @throws IpcException if there is no such program: the message names it and the
	 * reason
	 */
	static ProgramNeeds of(List<String> command, Map<String, String> environment, @Nullable File directory,
			Collection<Path> others) throws IpcException {
		Path folder = NeededPaths
			.withoutDots(((directory != null) ? directory : new File("")).getAbsoluteFile().toPath());
		NeededPaths paths = new NeededPaths(folder, environment);
		SystemNeeds.addTo(paths);
		Path found = find(command.get(0), System.getenv().getOrDefault("PATH", DEFAULT_PATH), paths);
		Path program = PyenvShim.resolve(found, paths);
		List<String> complete = new ArrayList<>(command);
		if (program != found) {
			complete.set(0, program.toString()); // by which Python looks for its files
		}
		if (JavaNeeds.isJava(program)) {
			JnaLibrary.addTo(complete);
		}
		Finder finder = new Finder(paths);
		finder.add(program, complete.subList(1, complete.size()), 0);
		for (Path other : others) {
			if (Files.isRegularFile(other)) {
				finder.add(other, List.of(), 0);
			}
		}
		return new ProgramNeeds(program, complete, paths.readable(), paths.executable());
	}

	/** Finds a program as {@code execvp(3)} does, in the child's working directory. */
	private static Path find(String program, String searchPath, NeededPaths paths) throws IpcException {
		Errno reason = Errno.ENOENT;
		// An empty part is the working directory.
		for (String folder : (program.contains("/") ? "" : searchPath).split(":", -1)) {
			Path candidate = paths.path((folder.isEmpty() ? "." : folder) + '/' + program);
			if (program.startsWith("/")) {
				candidate = paths.path(program);
			}
			if (candidate != null && Files.isRegularFile(candidate)) {
				if (Files.isExecutable(candidate)) {
					return candidate;
				}
				reason = Errno.EACCES;
			}
		}
		throw new IpcException("Cannot run program \"" + program + "\": " + Errno.describe(reason.number));
	}

	/** Follows a program to the one that runs in the end. */
	private static final class Finder {

		/** The kernel follows fewer scripts, and {@code env} seldom runs itself. */
		private static final int MAX_DEPTH = 8;

		private static final FileFacts<Head> HEADS = new FileFacts<>(Head::read);

		private final NeededPaths paths;

		private final LibraryNeeds libraries;

		Finder(NeededPaths paths) {
			this.paths = paths;
			this.libraries = new LibraryNeeds(paths);
		}

		void add(Path program, List<String> arguments, int depth) {
			this.paths.execute(program);
			Head head = head(program);
			if (depth > MAX_DEPTH) {
				return; // the kernel refuses to run it
			}
			if (head.isBinary()) {
				addBinary(program, arguments, depth);
			}
			else if (head.shebang() != null) {
				List<String> command = head.shebang().command(program, arguments);
				Path interpreter = this.paths.path(command.get(0));
				if (interpreter != null) {
					add(interpreter, command.subList(1, command.size()), depth + 1);
				}
			}
			else {
				add(SHELL, List.of(program.toString()), depth + 1);
			}
		}

		private void addBinary(Path program, List<String> arguments, int depth) {
			Path real = NeededPaths.real(program);
			String interpreter = LibraryNeeds.elf(real).interpreter();
			if (interpreter != null) {
				this.paths.execute(Path.of(interpreter));
			}
			this.libraries.add(real);
			String name = String.valueOf(program.getFileName());
			if (name.equals("env")) {
				addCommand(EnvCommand.command(arguments), depth);
			}
			else if (PythonNeeds.isPython(name)) {
				new PythonNeeds(this.paths).add(program, arguments);
			}
			else if (NodeNeeds.isNode(name)) {
				new NodeNeeds(this.paths).add(program, arguments);
			}
			else if (JavaNeeds.isJava(program)) {
				new JavaNeeds(this.paths).add(program, arguments);
			}
			else if (ScriptNeeds.isInterpreter(name)) {
				new ScriptNeeds(this.paths).add(name, arguments);
			}
		}

		/** {@code env} looks a program up in the child's PATH. */
		private void addCommand(List<String> command, int depth) {
			if (command.isEmpty()) {
				return;
			}
			String path = this.paths.variable("PATH");
			try {
				Path program = find(command.get(0), path.isEmpty() ? DEFAULT_PATH : path, this.paths);
				add(PyenvShim.resolve(program, this.paths), command.subList(1, command.size()), depth + 1);
			}
			catch (IpcException ex) {
				// It will say so itself.
			}
		}

		private static Head head(Path program) {
			try {
				return HEADS.of(program);
			}
			catch (IOException ex) {
				return Head.UNREADABLE; // such as a program that may only be executed
			}
		}

	}

	/** What the first bytes of a program say. */
	private record Head(boolean isBinary, @Nullable Shebang shebang) {

		static final Head UNREADABLE = new Head(true, null);

		static Head read(Path file) throws IOException {
			Shebang shebang = Shebang.read(file);
			return new Head(shebang == null && LibraryNeeds.isElf(file), shebang);
		}

	}

}
