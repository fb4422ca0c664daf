package dev.tinyipc.spring;

import java.time.Duration;
import java.util.stream.Stream;

import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;
import org.jspecify.annotations.Nullable;

import org.springframework.core.ParameterizedTypeReference;

/**
 * Sends and receives typed messages. A destination is the name of a child process, or
 * {@code parent} within one; calls that name none go to the default destination.
 *
 * <p>
 * {@code convertSendAndReceive} sends a request and waits for its reply;
 * {@code sendAndReceive} does the same where the reply brings descriptors.
 * {@code convertAndSend} does not wait for an answer. Every child that is not declared as
 * one-way sends one nevertheless: it can be received, and is otherwise dropped.
 *
 * <p>
 * Descriptors that are sent always stay the caller's. Descriptors that are received
 * belong to the {@link IpcMessage}, which the caller closes; methods that return only the
 * payload close them.
 *
 * <p>
 * Every method throws {@link IpcTimeoutException} if the timeout passes, and the subtype
 * {@link IpcBusyException} if no instance was free and nothing was sent;
 * {@link IpcInterruptedException} if the calling thread is interrupted while it waits;
 * {@link IpcPeerUnavailableException} if the peer is gone, and the subtype
 * {@link IpcReplyLostException} if it may have received the request;
 * {@link IpcRemoteException} if it answered with an error;
 * {@link IpcMessageConversionException} if a payload cannot be converted; and
 * {@link UnknownDestinationException} if there is no such destination.
 */
public interface CborMessageOperations extends CborStreamOperations, CborAsyncOperations {

	/**
	 * Returns the same operations for requests that may be carried out twice. If an
	 * instance dies after it was sent the request, the request is retried once, on
	 * another instance, within the same timeout. A request that did not reach its
	 * instance is always retried.
	 * @return operations that otherwise behave like these
	 */
	CborMessageOperations idempotent();

	/**
	 * Returns the same operations, with messages whose payloads stay valid after they are
	 * closed themselves. Otherwise a {@link java.nio.ByteBuffer} in the payload of an
	 * {@link IpcMessage} may be a read-only view of memory that is shared with the peer,
	 * and valid only until the message is closed, see {@link dev.tinyipc.SharedBlocks}.
	 * What is not returned in a message is always copied.
	 * @return operations that otherwise behave like these
	 */
	CborMessageOperations copied();

	/**
	 * Returns the same operations for requests that name a method. The peer must have
	 * said that it knows them; one-way messages have none.
	 * @param name what the peer is to do with the payload, as it calls it
	 * @return operations that otherwise behave like these
	 */
	CborMessageOperations method(String name);

	/**
	 * Returns the same operations for requests with a further header. The peer must have
	 * said that it knows them; one-way messages have none.
	 * @param name such as {@code traceparent}, at most 1,024 characters
	 * @param value at most 1,024 characters
	 * @return operations that otherwise behave like these
	 */
	CborMessageOperations header(String name, String value);

	/**
	 * Returns the same operations with another timeout for calls that name none.
	 * @param timeout of a call, or of the wait for an element of a stream; more than zero
	 * @return operations that otherwise behave like these
	 */
	CborMessageOperations timeout(Duration timeout);

	/**
	 * Sends a message to the default destination.
	 * @param payload the value to send
	 * @param descriptors at most 253
	 * @throws IpcMessagingException if it cannot be sent
	 */
	void convertAndSend(Object payload, OwnedFd... descriptors);

	/**
	 * Sends a text and descriptors to the default destination.
	 * @param text the payload
	 * @param descriptor one descriptor
	 * @param more up to 252 others
	 * @throws IpcMessagingException if it cannot be sent
	 */
	default void convertAndSend(String text, OwnedFd descriptor, OwnedFd... more) {
		OwnedFd[] descriptors = Stream.concat(Stream.of(descriptor), Stream.of(more)).toArray(OwnedFd[]::new);
		convertAndSend((Object) text, descriptors);
	}

	/**
	 * Sends a message.
	 * @param destination the peer's name
	 * @param payload the value to send
	 * @param descriptors at most 253
	 * @throws IpcMessagingException if it cannot be sent
	 */
	void convertAndSend(String destination, Object payload, OwnedFd... descriptors);

	/**
	 * Receives a message from the default destination.
	 * @param type what it is read as
	 * @param <T> the type of the payload
	 * @return the payload, or null if no message came within the timeout
	 * @throws IpcMessagingException if it cannot be received
	 */
	<T> @Nullable T receiveAndConvert(Class<T> type);

	/**
	 * Receives a message from the default destination.
	 * @param type what it is read as, a generic type
	 * @param <T> the type of the payload
	 * @return the payload, or null if no message came within the timeout
	 * @throws IpcMessagingException if it cannot be received
	 */
	<T> @Nullable T receiveAndConvert(ParameterizedTypeReference<T> type);

	/**
	 * Receives a message.
	 * @param destination the peer's name
	 * @param type what it is read as
	 * @param <T> the type of the payload
	 * @return the payload, or null if no message came within the timeout
	 * @throws IpcMessagingException if it cannot be received
	 */
	<T> @Nullable T receiveAndConvert(String destination, Class<T> type);

	/**
	 * Receives a message.
	 * @param destination the peer's name
	 * @param type what it is read as, a generic type
	 * @param <T> the type of the payload
	 * @return the payload, or null if no message came within the timeout
	 * @throws IpcMessagingException if it cannot be received
	 */
	<T> @Nullable T receiveAndConvert(String destination, ParameterizedTypeReference<T> type);

	/**
	 * Receives a message from the default destination, with its descriptors.
	 * @param type what it is read as
	 * @param <T> the type of the payload
	 * @return the message, to be closed by the caller, or null if none came within the
	 * timeout
	 * @throws IpcMessagingException if it cannot be received
	 */
	<T> @Nullable IpcMessage<T> receive(Class<T> type);

	/**
	 * Receives a message from the default destination, with its descriptors.
	 * @param type what it is read as, a generic type
	 * @param <T> the type of the payload
	 * @return the message, to be closed by the caller, or null if none came within the
	 * timeout
	 * @throws IpcMessagingException if it cannot be received
	 */
	<T> @Nullable IpcMessage<T> receive(ParameterizedTypeReference<T> type);

	/**
	 * Receives a message with its descriptors.
	 * @param destination the peer's name
	 * @param type what it is read as
	 * @param <T> the type of the payload
	 * @return the message, to be closed by the caller, or null if none came within the
	 * timeout
	 * @throws IpcMessagingException if it cannot be received
	 */
	<T> @Nullable IpcMessage<T> receive(String destination, Class<T> type);

	/**
	 * Receives a message with its descriptors.
	 * @param destination the peer's name
	 * @param type what it is read as, a generic type
	 * @param <T> the type of the payload
	 * @return the message, to be closed by the caller, or null if none came within the
	 * timeout
	 * @throws IpcMessagingException if it cannot be received
	 */
	<T> @Nullable IpcMessage<T> receive(String destination, ParameterizedTypeReference<T> type);

	/**
	 * Sends a request to the default destination and waits for the reply.
	 * @param request the value to send
	 * @param type what the reply is read as
	 * @param descriptors at most 253
	 * @param <R> the type of the reply
	 * @return the reply
	 * @throws IpcMessagingException if there is no reply, or it is an error
	 */
	<R> R convertSendAndReceive(Object request, Class<R> type, OwnedFd... descriptors);

	/**
	 * Sends a request to the default destination and waits for the reply.
	 * @param request the value to send
	 * @param type what the reply is read as, a generic type
	 * @param descriptors at most 253
	 * @param <R> the type of the reply
	 * @return the reply
	 * @throws IpcMessagingException if there is no reply, or it is an error
	 */
	<R> R convertSendAndReceive(Object request, ParameterizedTypeReference<R> type, OwnedFd... descriptors);

	/**
	 * Sends a request to the default destination and waits for the reply.
	 * @param request the value to send
	 * @param type what the reply is read as
	 * @param timeout how long it may take, more than zero
	 * @param descriptors at most 253
	 * @param <R> the type of the reply
	 * @return the reply
	 * @throws IpcMessagingException if there is no reply, or it is an error
	 */
	<R> R convertSendAndReceive(Object request, Class<R> type, Duration timeout, OwnedFd... descriptors);

	/**
	 * Sends a request to the default destination and waits for the reply.
	 * @param request the value to send
	 * @param type what the reply is read as, a generic type
	 * @param timeout how long it may take, more than zero
	 * @param descriptors at most 253
	 * @param <R> the type of the reply
	 * @return the reply
	 * @throws IpcMessagingException if there is no reply, or it is an error
	 */
	<R> R convertSendAndReceive(Object request, ParameterizedTypeReference<R> type, Duration timeout,
			OwnedFd... descriptors);

	/**
	 * Sends a request and waits for the reply.
	 * @param destination the peer's name
	 * @param request the value to send
	 * @param type what the reply is read as
	 * @param descriptors at most 253
	 * @param <R> the type of the reply
	 * @return the reply
	 * @throws IpcMessagingException if there is no reply, or it is an error
	 */
	<R> R convertSendAndReceive(String destination, Object request, Class<R> type, OwnedFd... descriptors);

	/**
	 * Sends a request and waits for the reply.
	 * @param destination the peer's name
	 * @param request the value to send
	 * @param type what the reply is read as, a generic type
	 * @param descriptors at most 253
	 * @param <R> the type of the reply
	 * @return the reply
	 * @throws IpcMessagingException if there is no reply, or it is an error
	 */
	<R> R convertSendAndReceive(String destination, Object request, ParameterizedTypeReference<R> type,
			OwnedFd... descriptors);

	/**
	 * Sends a request and waits for the reply.
	 * @param destination the peer's name
	 * @param request the value to send
	 * @param type what the reply is read as
	 * @param timeout how long it may take, more than zero
	 * @param descriptors at most 253
	 * @param <R> the type of the reply
	 * @return the reply
	 * @throws IpcMessagingException if there is no reply, or it is an error
	 */
	<R> R convertSendAndReceive(String destination, Object request, Class<R> type, Duration timeout,
			OwnedFd... descriptors);

	/**
	 * Sends a request and waits for the reply.
	 * @param destination the peer's name
	 * @param request the value to send
	 * @param type what the reply is read as, a generic type
	 * @param timeout how long it may take, more than zero
	 * @param descriptors at most 253
	 * @param <R> the type of the reply
	 * @return the reply
	 * @throws IpcMessagingException if there is no reply, or it is an error
	 */
	<R> R convertSendAndReceive(String destination, Object request, ParameterizedTypeReference<R> type,
			Duration timeout, OwnedFd... descriptors);

	/**
	 * Sends a request to the default destination and waits for the reply with its
	 * descriptors.
	 * @param request the value to send
	 * @param type what the reply is read as
	 * @param descriptors at most 253
	 * @param <R> the type of the reply
	 * @return the reply, to be closed by the caller
	 * @throws IpcMessagingException if there is no reply, or it is an error
	 */
	<R> IpcMessage<R> sendAndReceive(Object request, Class<R> type, OwnedFd... descriptors);

	/**
	 * Sends a request to the default destination and waits for the reply with its
	 * descriptors.
	 * @param request the value to send
	 * @param type what the reply is read as, a generic type
	 * @param descriptors at most 253
	 * @param <R> the type of the reply
	 * @return the reply, to be closed by the caller
	 * @throws IpcMessagingException if there is no reply, or it is an error
	 */
	<R> IpcMessage<R> sendAndReceive(Object request, ParameterizedTypeReference<R> type, OwnedFd... descriptors);

	/**
	 * Sends a request to the default destination and waits for the reply with its
	 * descriptors.
	 * @param request the value to send
	 * @param type what the reply is read as
	 * @param timeout how long it may take, more than zero
	 * @param descriptors at most 253
	 * @param <R> the type of the reply
	 * @return the reply, to be closed by the caller
	 * @throws IpcMessagingException if there is no reply, or it is an error
	 */
	<R> IpcMessage<R> sendAndReceive(Object request, Class<R> type, Duration timeout, OwnedFd... descriptors);

	/**
	 * Sends a request to the default destination and waits for the reply with its
	 * descriptors.
	 * @param request the value to send
	 * @param type what the reply is read as, a generic type
	 * @param timeout how long it may take, more than zero
	 * @param descriptors at most 253
	 * @param <R> the type of the reply
	 * @return the reply, to be closed by the caller
	 * @throws IpcMessagingException if there is no reply, or it is an error
	 */
	<R> IpcMessage<R> sendAndReceive(Object request, ParameterizedTypeReference<R> type, Duration timeout,
			OwnedFd... descriptors);

	/**
	 * Sends a request and waits for the reply with its descriptors.
	 * @param destination the peer's name
	 * @param request the value to send
	 * @param type what the reply is read as
	 * @param descriptors at most 253
	 * @param <R> the type of the reply
	 * @return the reply, to be closed by the caller
	 * @throws IpcMessagingException if there is no reply, or it is an error
	 */
	<R> IpcMessage<R> sendAndReceive(String destination, Object request, Class<R> type, OwnedFd... descriptors);

	/**
	 * Sends a request and waits for the reply with its descriptors.
	 * @param destination the peer's name
	 * @param request the value to send
	 * @param type what the reply is read as, a generic type
	 * @param descriptors at most 253
	 * @param <R> the type of the reply
	 * @return the reply, to be closed by the caller
	 * @throws IpcMessagingException if there is no reply, or it is an error
	 */
	<R> IpcMessage<R> sendAndReceive(String destination, Object request, ParameterizedTypeReference<R> type,
			OwnedFd... descriptors);

	/**
	 * Sends a request and waits for the reply with its descriptors.
	 * @param destination the peer's name
	 * @param request the value to send
	 * @param type what the reply is read as
	 * @param timeout how long it may take, more than zero
	 * @param descriptors at most 253
	 * @param <R> the type of the reply
	 * @return the reply, to be closed by the caller
	 * @throws IpcMessagingException if there is no reply, or it is an error
	 */
	<R> IpcMessage<R> sendAndReceive(String destination, Object request, Class<R> type, Duration timeout,
			OwnedFd... descriptors);

	/**
	 * Sends a request and waits for the reply with its descriptors.
	 * @param destination the peer's name
	 * @param request the value to send
	 * @param type what the reply is read as, a generic type
	 * @param timeout how long it may take, more than zero
	 * @param descriptors at most 253
	 * @param <R> the type of the reply
	 * @return the reply, to be closed by the caller
	 * @throws IpcMessagingException if there is no reply, or it is an error
	 */
	<R> IpcMessage<R> sendAndReceive(String destination, Object request, ParameterizedTypeReference<R> type,
			Duration timeout, OwnedFd... descriptors);

}
