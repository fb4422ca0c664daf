package dev.tinyipc.spring.child;

/** The state of an instance of a child. */
public enum ChildState {

	/** It is being started, or its process is running and not yet ready. */
	STARTING,

	/** Its process is running and takes messages. */
	RUNNING,

	/** Its process has ended and will be restarted after a delay. */
	BACKOFF,

	/** It is being stopped. */
	STOPPING,

	/** It was stopped, or ended and its restart policy leaves it at that. */
	STOPPED,

	/** It failed too often, and is not restarted until somebody asks for it. */
	FAILED

}
