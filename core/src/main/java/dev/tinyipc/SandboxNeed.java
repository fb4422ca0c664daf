package dev.tinyipc;

import java.nio.file.Path;

import org.jspecify.annotations.Nullable;

/**
 * Something that a child did and its sandbox would have refused, see
 * {@link IpcProcessBuilder#auditSandbox}.
 *
 * @param access what it did
 * @param target the path, without symbolic links; for {@link Access#OTHER} a phrase such
 * as {@code connect to 192.0.2.1:5432}
 * @param program the program that did it: the child's or one that it has started; empty
 * if that is unknown
 */
public record SandboxNeed(Access access, String target, String program) {

	/**
	 * The path.
	 * @return the absolute path of a file or folder that exists; null for
	 * {@link Access#OTHER}
	 */
	public @Nullable Path path() {
		return (this.access == Access.OTHER) ? null : Path.of(this.target);
	}

	/**
	 * Such as {@code read /etc/fonts/fonts.conf (/usr/bin/convert)}.
	 */
	@Override
	public String toString() {
		return this.access.verb + this.target + (this.program.isEmpty() ? "" : " (" + this.program + ')');
	}

	/** What a child did. */
	public enum Access {

		/** It read a file, or listed a folder: {@link Sandbox#read} allows it. */
		READ("read "),

		/**
		 * It changed a file, or created, renamed or deleted something in a folder:
		 * {@link Sandbox#write} allows it.
		 */
		WRITE("write "),

		/** It executed a program: {@link Sandbox#execute} allows it. */
		EXECUTE("execute "),

		/** Nothing but another profile allows it. */
		OTHER("");

		private final String verb;

		Access(String verb) {
			this.verb = verb;
		}

		String verb() {
			return this.verb;
		}

	}

}
