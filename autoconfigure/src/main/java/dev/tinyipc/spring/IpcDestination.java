package dev.tinyipc.spring;

import java.time.Duration;

import dev.tinyipc.Exchange;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;
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
	 * The timeout of a call that names none.
	 * @return more than zero; null to leave it to the template
	 */
	default @Nullable Duration timeout() {
		return null;
	}

	/**
	 * Lends an exchange, and waits for one that is free.
	 * @param timeout for waiting and exchange together, more than zero
	 * @param idempotent whether the action may be run once more, with another exchange,
	 * if the peer ends after the request was sent. If it ends before, that is done anyway
	 * @param action sends one request and receives its reply
	 * @param <R> the type of the result
	 * @return what the action returned
	 * @throws IpcMessagingException if no exchange was free in time, or the reply is lost
	 * @throws IpcException what else went wrong
	 */
	<R> R exchange(Duration timeout, boolean idempotent, ExchangeAction<R> action) throws IpcException;

	/**
	 * Receives a message that is no reply of an exchange, while no exchange is under way.
	 * @param type what the message is read as
	 * @param timeout for waiting and receiving together, more than zero
	 * @param <T> the same type
	 * @return the message, to be closed by the caller
	 * @throws IpcException.Timeout if none came in time
	 * @throws IpcException what else went wrong
	 */
	<T> IpcMessage<T> receive(Class<T> type, Duration timeout) throws IpcException;

	/**
	 * Sends a message, beside whatever exchange is under way.
	 * @param payload the value to send
	 * @param timeout more than zero
	 * @param descriptors at most 253; they stay the caller's
	 * @return the size of the message on the wire, in bytes
	 * @throws IpcException what went wrong
	 */
	long send(Object payload, Duration timeout, OwnedFd... descriptors) throws IpcException;

	/**
	 * What is done with an exchange.
	 *
	 * @param <R> the type of the result
	 */
	@FunctionalInterface
	interface ExchangeAction<R> {

		/**
		 * Sends one request and receives its reply.
		 * @param exchange lent for this call only
		 * @return the result
		 * @throws IpcException what went wrong
		 */
		R run(Exchange exchange) throws IpcException;

	}

}
