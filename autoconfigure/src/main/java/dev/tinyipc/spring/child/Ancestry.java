package dev.tinyipc.spring.child;

import java.util.Arrays;

import dev.tinyipc.IpcSocket;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import org.springframework.core.env.Environment;

/**
 * Knows which child this process is an instance of, and so which children it must not
 * start: an application that runs itself as a child, or shares its configuration with
 * one, would otherwise start itself endlessly.
 */
final class Ancestry {

	/**
	 * Names the child that a process is an instance of, preceded by those of its
	 * ancestors: {@code worker}, or {@code worker/helper}.
	 */
	static final String VARIABLE = "TINY_IPC_CHILD";

	private static final String ITSELF = "this process is itself an instance of it, or a child of one";

	private static final Logger logger = LoggerFactory.getLogger(Ancestry.class);

	/**
	 * Null if this process is not a child; empty if its parent does not say which one.
	 */
	private final @Nullable String path;

	private final boolean startChildren;

	private boolean told;

	private Ancestry(@Nullable String path, boolean startChildren) {
		this.path = path;
		this.startChildren = startChildren;
	}

	/**
	 * Finds out whether this process is a child, and which one.
	 * @param startChildren whether a child starts children of its own
	 */
	static Ancestry of(Environment environment, boolean startChildren) {
		boolean isChild = environment.containsProperty(IpcSocket.FD_VARIABLE);
		return new Ancestry(isChild ? environment.getProperty(VARIABLE, "") : null, startChildren);
	}

	/** The value of {@link #VARIABLE} for a child of this process. */
	String pathOf(String child) {
		return (this.path == null || this.path.isEmpty()) ? child : this.path + '/' + child;
	}

	/** Why the child must not be started; null if it can be. */
	@Nullable String reasonNotToStart(String child) {
		if (this.path == null) {
			return null;
		}
		boolean startsItself = isInstanceOf(child, this.path);
		if (!this.startChildren) {
			tell();
		}
		else if (startsItself) {
			logger.info("The child '{}' is not started, as {}", child, ITSELF);
		}
		if (startsItself) {
			return ITSELF;
		}
		return this.startChildren ? null
				: "this process is itself a child, which starts none: see ipc.parent.start-children";
	}

	private static boolean isInstanceOf(String child, String path) {
		return Arrays.stream(path.split("/"))
			.anyMatch((name) -> ChildFactory.uniform(name).equals(ChildFactory.uniform(child)));
	}

	private synchronized void tell() {
		if (!this.told) {
			this.told = true;
			logger.info("No children are started, as this process is itself a child: set ipc.parent.start-children"
					+ " to start them");
		}
	}

}
