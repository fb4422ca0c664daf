package dev.tinyipc.spring.child;

/** What a child, or one instance of it, is doing. */
public enum ChildState {

	/** It is being started. */
	STARTING,

	/** Its process runs, and takes messages. */
	RUNNING,

	/** It ended, and is started again after a delay. */
	BACKOFF,

	/** It is being stopped. */
	STOPPING,

	/** It was stopped, or ended as its restart policy allows. */
	STOPPED,

	/** It ended too often, and is not started again unless somebody asks for it. */
	FAILED

}
