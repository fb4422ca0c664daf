package dev.tinyipc;

import java.util.concurrent.CompletableFuture;

/** The program behind an {@link IpcProcess}. */
interface ChildHandle {

	int pid();

	ProcessHandle handle();

	/**
	 * Completed when the program has ended. Dependent actions must be short, because they
	 * can delay the ends of others.
	 */
	CompletableFuture<ExitStatus> status();

	/** Sends a signal, to its group if it has one, or does nothing if it has ended. */
	void signal(int signal) throws IpcException;

	/** Sends a signal to the process, and not to its group. */
	void signalAlone(int signal) throws IpcException;

}
