package dev.tinyipc;

import java.nio.file.Path;
import java.util.Collection;
import java.util.List;

/**
 * Files that a child that is locked down may use. The kernel enforces the same list that
 * an audit compares with.
 *
 * @param access what it may do with them; to write or to execute includes to read
 * @param paths the files, and folders with all that is below them
 */
record FileGrant(SandboxNeed.Access access, Collection<Path> paths) {

	/** What they take in is dropped, and what they give is nobody's. */
	private static final List<Path> SINKS = List.of(Path.of("/dev/null"), Path.of("/dev/zero"), Path.of("/dev/full"));

	static List<FileGrant> of(Sandbox sandbox, ProgramNeeds needs) {
		return List.of(new FileGrant(SandboxNeed.Access.WRITE, SINKS),
				new FileGrant(SandboxNeed.Access.READ, needs.readable()),
				new FileGrant(SandboxNeed.Access.EXECUTE, needs.executable()),
				new FileGrant(SandboxNeed.Access.READ, sandbox.readable()),
				new FileGrant(SandboxNeed.Access.EXECUTE, sandbox.executable()),
				new FileGrant(SandboxNeed.Access.WRITE, sandbox.writable()));
	}

}
