package dev.tinyipc.spring.child;

import java.util.Optional;

import dev.tinyipc.spring.PostMortem;

/**
 * Something happened to an instance of a child. It is published as an application event,
 * in a thread that has nothing else to do; the events of a child come in order. If
 * listeners cannot keep up, events are dropped, with a warning.
 *
 * @param type what happened
 * @param child the name of the child
 * @param instance the place of the instance, from 0 on; its successors have the same
 * @param pid the process id; empty if there is no process
 * @param postMortem how the process ended; empty unless it has
 * @param reason why it is replaced or has failed; empty for other types
 */
public record IpcChildEvent(Type type, String child, int instance, Optional<Long> pid, Optional<PostMortem> postMortem,
		Optional<String> reason) {

	/** What can happen to an instance. */
	public enum Type {

		/** Its process was started. */
		STARTING,

		/** It takes requests, or stands by. */
		READY,

		/**
		 * It is not used any more for a reason, such as a timeout or a restart, and its
		 * process will end. Another takes its place, unless {@link #FAILED} follows.
		 */
		REPLACED,

		/** Its process has ended. */
		EXITED,

		/** No other is started in its place until somebody asks for it. */
		FAILED

	}

}
