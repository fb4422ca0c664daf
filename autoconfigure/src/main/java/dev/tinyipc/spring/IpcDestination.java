package dev.tinyipc.spring;

import java.lang.reflect.Type;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

import dev.tinyipc.Exchange;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;
import org.jspecify.annotations.Nullable;

/**
 * A peer that messages can be sent to by name. Beans of this type are the destinations of
 * {@link CborMessageTemplate}.
 */
public interface IpcDestination {

	/**
	 * The name by which calls and metrics refer to it.
	 * @return a name that is unique in the application
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
	 * The methods that the peer has said that it has, of which the empty text stands for
	 * requests without one.
	 * @return empty if it has not said, or not yet
	 */
	default Optional<List<String>> methods() {
		return Optional.empty();
	}

	/**
	 * How many threads at a time may wait for the replies of asynchronous calls. Further
	 * calls are queued without a thread. It does not matter where threads are virtual.
	 * @return at least 1; {@link Integer#MAX_VALUE} to begin every call at once
	 */
	default int asyncThreads() {
		return Integer.MAX_VALUE;
	}

	/**
	 * Runs an action with an exchange, after waiting until the peer can serve one.
	 * @param timeout for the wait and the exchange together, more than zero
	 * @param idempotent whether the action may be run once more, with another exchange,
	 * if the peer ends after the request was sent. If it ends before that, the action is
	 * run again anyway
	 * @param action sends one request and receives its reply
	 * @param <R> the type of the result
	 * @return what the action returned
	 * @throws IpcBusyException if the peer could not serve an exchange in time
	 * @throws IpcTimeoutException if there was no reply within the timeout
	 * @throws IpcReplyLostException if the peer ended after the request was sent
	 * @throws IpcPoisonRequestException if the request is refused, because the peer has
	 * died of it before
	 * @throws IpcException.PeerClosed if the peer is gone and nothing was sent
	 * @throws IpcException if the exchange failed otherwise
	 */
	<R> R exchange(Duration timeout, boolean idempotent, ExchangeAction<R> action) throws IpcException;

	/**
	 * Begins an exchange that lasts until it is closed, for a reply that is streamed.
	 * @param timeout for the wait and the action together, more than zero
	 * @param idempotent as in {@link #exchange}, until the action has returned
	 * @param request sends the request
	 * @return the exchange, to be closed by the caller
	 * @throws IpcException as {@link #exchange}, and if the peer does not stream
	 */
	default OpenExchange open(Duration timeout, boolean idempotent, ExchangeAction<?> request) throws IpcException {
		throw new IpcException("it does not stream its replies");
	}

	/**
	 * Receives a message that is not the reply of an exchange, while no exchange is under
	 * way.
	 * @param type what the message is read as: a class, or a generic type
	 * @param timeout for the wait and the message together, more than zero
	 * @param <T> the same type
	 * @return the message, to be closed by the caller
	 * @throws IpcException.Timeout if no message came in time
	 * @throws IpcException.PeerClosed if the peer is gone
	 * @throws IpcException if no message can be received
	 */
	<T> IpcMessage<T> receive(Type type, Duration timeout) throws IpcException;

	/**
	 * Sends a message, independently of any exchange that is under way.
	 * @param payload the value to send
	 * @param timeout more than zero
	 * @param descriptors at most 253; they stay the caller's
	 * @return the size of the message on the wire, in bytes
	 * @throws IpcTimeoutException if the peer did not make room for it within the timeout
	 * @throws IpcException.PeerClosed if the peer is gone
	 * @throws IpcException if it cannot be sent
	 */
	long send(Object payload, Duration timeout, OwnedFd... descriptors) throws IpcException;

	/** An exchange whose reply is received part by part. */
	interface OpenExchange extends AutoCloseable {

		/**
		 * Receives a part of the reply.
		 * @param action receives it
		 * @param <R> the type of the result
		 * @return what the action returned
		 * @throws IpcException as {@link IpcDestination#exchange}
		 */
		<R> R run(ExchangeAction<R> action) throws IpcException;

		/**
		 * Ends the exchange. If the reply has not come to its end, the peer is told that
		 * nobody waits for it, or replaced if it does not understand that.
		 */
		@Override
		void close();

	}

	/**
	 * Uses an exchange.
	 *
	 * @param <R> the type of the result
	 */
	@FunctionalInterface
	interface ExchangeAction<R> {

		/**
		 * Sends one request and receives its reply.
		 * @param exchange the exchange, for this call only
		 * @return the result
		 * @throws IpcException if the exchange failed
		 */
		R run(Exchange exchange) throws IpcException;

	}

}
