package dev.tinyipc.spring;

import java.time.Duration;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcSocket;

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
	 * Runs an action with a socket that nobody else runs an exchange on, and waits for
	 * one. An action that fails after it sent something leaves that socket out of step:
	 * it is never used again.
	 * @param timeout how long waiting and action may take together, more than zero
	 * @param action what to do
	 * @param <R> the type of the result
	 * @return what the action returned
	 * @throws IpcException what the action threw, or if no socket is to be had
	 */
	<R> R exchange(Duration timeout, SocketAction<R> action) throws IpcException;

	/**
	 * Runs an action that only sends one message, beside whatever exchange is under way.
	 * @param timeout how long it may take, more than zero
	 * @param action what to do
	 * @param <R> the type of the result
	 * @return what the action returned
	 * @throws IpcException what the action threw, or if no socket is to be had
	 */
	<R> R send(Duration timeout, SocketAction<R> action) throws IpcException;

	/**
	 * Runs an action that only receives one message, while no exchange is under way. That
	 * nothing came in time harms nobody.
	 * @param timeout how long waiting and action may take together, more than zero
	 * @param action what to do
	 * @param <R> the type of the result
	 * @return what the action returned
	 * @throws IpcException what the action threw, or if no socket is to be had
	 */
	<R> R receive(Duration timeout, SocketAction<R> action) throws IpcException;

	/**
	 * Something to do with a socket.
	 *
	 * @param <R> the type of the result
	 */
	@FunctionalInterface
	interface SocketAction<R> {

		/**
		 * Does it.
		 * @param socket the socket, which stays the destination's
		 * @param timeout what is left of the time
		 * @return the result
		 * @throws IpcException if it failed
		 */
		R run(IpcSocket socket, Duration timeout) throws IpcException;

	}

}
