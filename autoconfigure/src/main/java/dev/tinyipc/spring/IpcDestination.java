package dev.tinyipc.spring;

import java.time.Duration;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcSocket;
import org.jspecify.annotations.Nullable;

/**
 * A peer that messages can be sent to by name. Beans of this type are what
 * {@link CborMessageTemplate} finds its destinations among.
 */
public interface IpcDestination {

	/**
	 * What callers and metrics call it.
	 * @return the name, unique in the application
	 */
	String name();

	/**
	 * How long a call may take that names no time-out.
	 * @return more than zero; null to leave it to the template
	 */
	default @Nullable Duration timeout() {
		return null;
	}

	/**
	 * Runs an action with a socket that nobody else runs an exchange on, and waits for
	 * one. A socket that the action leaves out of step is never used again.
	 * @param timeout how long waiting and action may take together, more than zero
	 * @param idempotent whether the action may be run once more, with another socket, if
	 * the peer is found to be gone
	 * @param action what to do
	 * @param <R> the type of the result
	 * @return what the action returned
	 * @throws IpcException what the action threw, or if no socket is to be had
	 */
	<R> R exchange(Duration timeout, boolean idempotent, Action<R> action) throws IpcException;

	/**
	 * Runs an action that only receives one message, while no exchange is under way. That
	 * nothing came in time harms nobody.
	 * @param timeout how long waiting and action may take together, more than zero
	 * @param action what to do
	 * @param <R> the type of the result
	 * @return what the action returned
	 * @throws IpcException what the action threw, or if no socket is to be had
	 */
	<R> R receive(Duration timeout, Action<R> action) throws IpcException;

	/**
	 * Runs an action that only sends one message, beside whatever exchange is under way.
	 * @param timeout how long it may take, more than zero
	 * @param action what to do
	 * @param <R> the type of the result
	 * @return what the action returned
	 * @throws IpcException what the action threw, or if no socket is to be had
	 */
	<R> R send(Duration timeout, Action<R> action) throws IpcException;

	/**
	 * Something to do with a socket.
	 *
	 * @param <R> the type of the result
	 */
	@FunctionalInterface
	interface Action<R> {

		/**
		 * Does it.
		 * @param connection the socket, and how long it may be used
		 * @return the result
		 * @throws IpcException if it failed
		 */
		R run(Connection connection) throws IpcException;

	}

	/** A socket that is lent for one action. */
	final class Connection {

		private final IpcSocket socket;

		private final long deadline;

		private boolean inStep = true;

		/**
		 * Lends a socket.
		 * @param socket the socket
		 * @param deadline the {@link System#nanoTime()} until which it may be used
		 */
		public Connection(IpcSocket socket, long deadline) {
			this.socket = socket;
			this.deadline = deadline;
		}

		/**
		 * The socket, which stays the destination's.
		 * @return the socket
		 */
		public IpcSocket socket() {
			return this.socket;
		}

		/**
		 * What is left of the time.
		 * @return more than zero
		 */
		public Duration timeLeft() {
			return Duration.ofNanos(Math.max(1, this.deadline - System.nanoTime()));
		}

		/**
		 * Whether the next message that comes is the answer to the next request.
		 * @return true unless {@link #setInStep} said otherwise
		 */
		public boolean isInStep() {
			return this.inStep;
		}

		/**
		 * Says whether the next message that comes is the answer to the next request: not
		 * so while an answer is due, or after one that was not asked for.
		 * @param inStep whether the socket can be used again
		 */
		public void setInStep(boolean inStep) {
			this.inStep = inStep;
		}

	}

}
