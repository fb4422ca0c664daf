package dev.tinyipc;

import java.util.concurrent.CompletableFuture;

/**
 * Waits for children whose parent is another process, which does so for this one. Until
 * then, their numbers stay theirs.
 */
@FunctionalInterface
interface ChildReaper {

	/**
	 * Has a child waited for that has ended. Must not block.
	 * @return completed soon and in any case, never exceptionally: with how it ended, or
	 * {@link ExitStatus#UNKNOWN}
	 */
	CompletableFuture<ExitStatus> reap(int pid);

}
