package dev.tinyipc.spring;

import java.util.List;
import java.util.Optional;

import dev.tinyipc.ExitStatus;

/**
 * What is known about the end of a child's process.
 *
 * @param exitStatus how it ended
 * @param lastLines the last lines of its standard output and standard error, oldest
 * first, without the frames of stack traces; empty if its output is not logged
 * @param probablyOutOfMemory whether the kernel probably killed it because memory ran
 * out: it ended by a SIGKILL that this application did not send, and the kernel has
 * killed a process for that reason while it ran
 * @param killedBecause why this application killed it while it worked on a request, such
 * as {@code it used 600 MiB, more than ipc.children.worker.max-memory (512 MiB)}; empty
 * if it did not, or had other reasons
 * @param stacks the stacks of its threads, line by line, which it printed before this
 * application killed it because it did not answer; empty if it did not print any, or its
 * output is not logged
 */
public record PostMortem(ExitStatus exitStatus, List<String> lastLines, boolean probablyOutOfMemory,
		Optional<String> killedBecause, List<String> stacks) {

	/**
	 * Creates a description.
	 * @param exitStatus how the process ended
	 * @param lastLines its last lines of output
	 * @param probablyOutOfMemory whether the kernel probably killed it
	 * @param killedBecause why this application killed it
	 * @param stacks the stacks of its threads
	 */
	public PostMortem {
		lastLines = List.copyOf(lastLines);
		stacks = List.copyOf(stacks);
	}

	/**
	 * How it ended, without its output.
	 * @return such as {@code exit code 3}
	 */
	public String cause() {
		return this.exitStatus
				+ (this.probablyOutOfMemory ? ", probably sent by the kernel because memory ran out" : "")
				+ this.killedBecause.map((reason) -> ", sent by this application because " + reason).orElse("");
	}

}
