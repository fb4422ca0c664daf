package dev.tinyipc.spring.child;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

import dev.tinyipc.Sandbox;
import dev.tinyipc.spring.child.DeniedAccess.Right;
import org.jspecify.annotations.Nullable;

/**
 * Guesses from the last lines of a child's output what its sandbox has kept it from, and
 * says which property would give it. The lines are the child's words: whether it should
 * get what it asks for is for its operator to decide.
 */
final class SandboxHint {

	private final ChildSpec spec;

	private final Sandbox sandbox;

	SandboxHint(ChildSpec spec) {
		this.spec = spec;
		this.sandbox = ChildSandbox.of(spec);
	}

	/**
	 * What was probably missing, as a sentence.
	 * @param lines the last lines of output, oldest first
	 * @return the sentence, which begins after a full stop; empty if nothing was
	 */
	Optional<String> of(List<String> lines) {
		if (this.sandbox.profile() == Sandbox.Profile.NONE) {
			return Optional.empty();
		}
		String general = null;
		for (int i = lines.size() - 1; i >= 0; i--) {
			DeniedAccess access = DeniedAccess.in(lines.get(i)).map((denied) -> denied.after(lines)).orElse(null);
			String hint = (access != null) ? hint(access) : null;
			if (hint != null && (access.subject() != null || access.right() != null)) {
				return Optional.of(hint);
			}
			general = (general != null) ? general : hint;
		}
		return Optional.ofNullable(general);
	}

	private @Nullable String hint(DeniedAccess access) {
		if (access.right() == Right.CONNECT) {
			return "It probably tried to use a socket of its own, which no child with a profile may";
		}
		if (this.sandbox.profile() != Sandbox.Profile.LOCKED_DOWN) {
			return null;
		}
		if (access.right() == Right.TEMPORARY) {
			return "It has no folder for temporary files: set TMPDIR in its environment (in Java -Djava.io.tmpdir) to one"
					+ " that " + property("write") + " allows, or avoid them, as with ImageIO.setUseCache(false)";
		}
		String subject = access.subject();
		if (subject == null) {
			return "It was probably denied a file or a socket. " + audit("tells which one");
		}
		if (access.right() == Right.LOAD) {
			return named("library", subject);
		}
		if (access.right() == Right.IMPORT && !subject.startsWith("/")) {
			return named("module", subject);
		}
		Path path = path(subject);
		return (path != null) ? hint(access.right(), path) : null;
	}

	private String named(String kind, String name) {
		return "If there is a " + kind + " '" + name + "', it probably may not read it: set " + property("read")
				+ " to its folder. " + audit("tells which files it wanted");
	}

	private @Nullable String hint(@Nullable Right right, Path path) {
		if (right == Right.EXECUTE) {
			return Files.isExecutable(path) ? needs("execute", path, this.sandbox.executable()) : null;
		}
		if (right != Right.WRITE && Files.exists(path) && !contains(this.sandbox.readable(), path)) {
			return Files.isReadable(path) ? needs("read", path, this.sandbox.readable()) : null;
		}
		Path existing = path;
		while (existing != null && !Files.exists(existing)) { // it would be skipped
			existing = existing.getParent();
		}
		boolean writes = right == Right.WRITE || right == null;
		return (writes && existing != null && Files.isWritable(existing))
				? needs("write", existing, this.sandbox.writable()) : null;
	}

	/** Null if it is allowed already, so that something else was wrong. */
	private @Nullable String needs(String right, Path path, Collection<Path> allowed) {
		if (contains(allowed, path)) {
			return null;
		}
		String property = property(right);
		return "It probably needs to " + right + ' ' + path + ": if it should, "
				+ (allowed.isEmpty() ? "set " + property + '=' + path : "add " + path + " to " + property) + ". "
				+ audit("shows everything that it needs");
	}

	private String audit(String purpose) {
		return property("audit") + "=true " + purpose;
	}

	private String property(String name) {
		return "ipc.children." + this.spec.name() + ".sandbox." + name;
	}

	private static boolean contains(Collection<Path> folders, Path path) {
		return folders.stream().anyMatch(path::startsWith);
	}

	private @Nullable Path path(String text) {
		try {
			Path directory = this.spec.settings().directory();
			Path path = (directory != null) ? directory.resolve(text) : Path.of(text);
			return path.toAbsolutePath().normalize();
		}
		catch (InvalidPathException ex) {
			return null;
		}
	}

}
