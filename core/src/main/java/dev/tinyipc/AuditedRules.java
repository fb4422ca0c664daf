package dev.tinyipc;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * The rules about files that a sandbox would have the kernel enforce, as Landlock applies
 * them: a right to a folder is one to all that is below, whatever name leads there, and a
 * file may be used by the rights of all folders above it together. What does not exist
 * when the child starts gets no rule.
 */
final class AuditedRules {

	private static final int READ = 1, WRITE = 2, EXECUTE = 4;

	/** Null if files are not restricted. */
	private final @Nullable Map<Path, Integer> rights;

	/**
	 * The rules of a sandbox.
	 * @param needs what the program needs; null if the profile does not restrict files
	 */
	AuditedRules(Sandbox sandbox, @Nullable ProgramNeeds needs) {
		if (needs == null) {
			this.rights = null;
			return;
		}
		Map<Path, Integer> rights = new HashMap<>();
		for (FileGrant grant : FileGrant.of(sandbox, needs)) {
			allow(rights, grant.paths(), READ | right(grant.access()));
		}
		this.rights = rights;
	}

	private static void allow(Map<Path, Integer> rights, Collection<Path> paths, int right) {
		for (Path path : paths) {
			try {
				rights.merge(path.toRealPath(), right, (one, other) -> one | other);
			}
			catch (IOException ex) {
				// It does not exist, or is out of reach of this process: as Landlock's
				// rules, these leave it out.
			}
		}
	}

	boolean restrictFiles() {
		return this.rights != null;
	}

	/**
	 * Whether a file or folder may be used.
	 * @param real its path, without symbolic links
	 */
	boolean allow(SandboxNeed.Access access, Path real) {
		if (this.rights == null) {
			return true;
		}
		int wanted = right(access);
		int granted = 0;
		for (Path path = real; path != null; path = path.getParent()) {
			granted |= this.rights.getOrDefault(path, 0);
		}
		return (granted & wanted) == wanted && wanted != 0;
	}

	private static int right(SandboxNeed.Access access) {
		return switch (access) {
			case READ -> READ;
			case WRITE -> WRITE;
			case EXECUTE -> EXECUTE;
			case OTHER -> 0;
		};
	}

}
