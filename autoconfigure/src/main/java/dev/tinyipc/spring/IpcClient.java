package dev.tinyipc.spring;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;

import org.springframework.core.ParameterizedTypeReference;

/**
 * The fluent form of {@link CborMessageOperations}, modelled on Spring's
 * {@code JmsClient}. One is auto-configured:
 *
 * <pre class="code">
 * Thumbnail thumbnail = client.destination("thumbnailer")
 *     .timeout(Duration.ofSeconds(5))
 *     .descriptors(picture)
 *     .call(new Request(256), Thumbnail.class);
 * </pre>
 *
 * A client is thread-safe, sends what the operations that it was created with send, and
 * throws the same exceptions.
 */
public interface IpcClient {

	/**
	 * Begins a message to a peer.
	 * @param name the peer's name
	 * @return an immutable handle, which can be kept and used again
	 */
	OperationSpec destination(String name);

	/**
	 * Creates a client.
	 * @param operations send its messages
	 * @return the client
	 */
	static IpcClient create(CborMessageOperations operations) {
		return builder(operations).build();
	}

	/**
	 * Begins to configure a client.
	 * @param operations send its messages
	 * @return a builder
	 */
	static Builder builder(CborMessageOperations operations) {
		return new DefaultIpcClient.DefaultBuilder(operations);
	}

	/** Configures an {@link IpcClient}. */
	interface Builder {

		/**
		 * Sets the timeout of calls that name none.
		 * @param timeout more than zero
		 * @return this builder
		 */
		Builder defaultTimeout(Duration timeout);

		/**
		 * Adds a header to all requests, for peers that know them. Clients with one send
		 * no one-way messages.
		 * @param name as in {@link OperationSpec#header}
		 * @param value as in {@link OperationSpec#header}
		 * @return this builder
		 */
		Builder defaultHeader(String name, String value);

		/**
		 * Creates the client.
		 * @return the client
		 */
		IpcClient build();

	}

	/**
	 * What is sent to a destination, and how. Each method that sets something returns
	 * another handle. Descriptors stay the caller's.
	 */
	interface OperationSpec {

		/**
		 * Sets the timeout.
		 * @param timeout of a call, or of the wait for an element of a stream; more than
		 * zero
		 * @return a handle that has it
		 */
		OperationSpec timeout(Duration timeout);

		/**
		 * Sets how long a stream may take in all.
		 * @param total more than zero
		 * @return a handle that has it
		 */
		OperationSpec totalTimeout(Duration total);

		/**
		 * Sets the descriptors to send.
		 * @param descriptors at most 253, in place of those set before
		 * @return a handle that has them
		 */
		OperationSpec descriptors(OwnedFd... descriptors);

		/**
		 * Says that requests may be carried out twice, see
		 * {@link CborMessageOperations#idempotent()}.
		 * @return a handle that says so
		 */
		OperationSpec idempotent();

		/**
		 * Sets the method that requests name, see {@link CborMessageOperations#method}.
		 * @param name what the peer is to do with the payload, as it calls it
		 * @return a handle that has it
		 */
		OperationSpec method(String name);

		/**
		 * Adds a header to requests, see {@link CborMessageOperations#header}.
		 * @param name such as {@code traceparent}, at most 1,024 characters
		 * @param value at most 1,024 characters
		 * @return a handle that has it
		 */
		OperationSpec header(String name, String value);

		/**
		 * Sends a message and waits for no answer.
		 * @param payload the value to send
		 * @throws IpcMessagingException if it cannot be sent
		 */
		void send(Object payload);

		/**
		 * Sends a request and waits for the reply.
		 * @param request the value to send
		 * @param type what the reply is read as
		 * @param <R> the type of the reply
		 * @return the reply
		 * @throws IpcMessagingException if there is no reply, or it is an error
		 */
		default <R> R call(Object request, Class<R> type) {
			return call(request, ParameterizedTypeReference.<R>forType(type));
		}

		/**
		 * Sends a request and waits for the reply.
		 * @param request the value to send
		 * @param type what the reply is read as, a generic type
		 * @param <R> the type of the reply
		 * @return the reply
		 * @throws IpcMessagingException if there is no reply, or it is an error
		 */
		<R> R call(Object request, ParameterizedTypeReference<R> type);

		/**
		 * Sends a request and does not wait for the reply, see
		 * {@link CborAsyncOperations}.
		 * @param request the value to send
		 * @param type what the reply is read as
		 * @param <R> the type of the reply
		 * @return the reply, or the exception that there is instead
		 */
		default <R> CompletableFuture<R> callAsync(Object request, Class<R> type) {
			return callAsync(request, ParameterizedTypeReference.<R>forType(type));
		}

		/**
		 * Sends a request and does not wait for the reply, see
		 * {@link CborAsyncOperations}.
		 * @param request the value to send
		 * @param type what the reply is read as, a generic type
		 * @param <R> the type of the reply
		 * @return the reply, or the exception that there is instead
		 */
		<R> CompletableFuture<R> callAsync(Object request, ParameterizedTypeReference<R> type);

		/**
		 * Sends a request, and streams the reply, see {@link CborStreamOperations}.
		 * @param request the value to send
		 * @param type what each element is read as
		 * @param <T> the type of the elements
		 * @return the elements, to be closed by the caller
		 * @throws IpcMessagingException if the request cannot be sent
		 */
		default <T> Stream<T> stream(Object request, Class<T> type) {
			return stream(request, ParameterizedTypeReference.<T>forType(type));
		}

		/**
		 * Sends a request, and streams the reply, see {@link CborStreamOperations}.
		 * @param request the value to send
		 * @param type what each element is read as, a generic type
		 * @param <T> the type of the elements
		 * @return the elements, to be closed by the caller
		 * @throws IpcMessagingException if the request cannot be sent
		 */
		<T> Stream<T> stream(Object request, ParameterizedTypeReference<T> type);

		/**
		 * Goes on to replies that bring descriptors.
		 * @return the same calls, which return whole messages
		 */
		MessageSpec messages();

	}

	/** The calls of an {@link OperationSpec} whose replies bring descriptors. */
	interface MessageSpec {

		/**
		 * Sends a request and waits for the reply.
		 * @param request the value to send
		 * @param type what the reply is read as
		 * @param <R> the type of the reply
		 * @return the reply, to be closed by the caller
		 * @throws IpcMessagingException if there is no reply, or it is an error
		 */
		default <R> IpcMessage<R> call(Object request, Class<R> type) {
			return call(request, ParameterizedTypeReference.<R>forType(type));
		}

		/**
		 * Sends a request and waits for the reply.
		 * @param request the value to send
		 * @param type what the reply is read as, a generic type
		 * @param <R> the type of the reply
		 * @return the reply, to be closed by the caller
		 * @throws IpcMessagingException if there is no reply, or it is an error
		 */
		<R> IpcMessage<R> call(Object request, ParameterizedTypeReference<R> type);

		/**
		 * Sends a request and does not wait for the reply.
		 * @param request the value to send
		 * @param type what the reply is read as
		 * @param <R> the type of the reply
		 * @return the reply, to be closed by the caller, or the exception that there is
		 * instead
		 */
		default <R> CompletableFuture<IpcMessage<R>> callAsync(Object request, Class<R> type) {
			return callAsync(request, ParameterizedTypeReference.<R>forType(type));
		}

		/**
		 * Sends a request and does not wait for the reply.
		 * @param request the value to send
		 * @param type what the reply is read as, a generic type
		 * @param <R> the type of the reply
		 * @return the reply, to be closed by the caller, or the exception that there is
		 * instead
		 */
		<R> CompletableFuture<IpcMessage<R>> callAsync(Object request, ParameterizedTypeReference<R> type);

		/**
		 * Sends a request, and streams the reply.
		 * @param request the value to send
		 * @param type what each element is read as
		 * @param <T> the type of the elements
		 * @return the elements, to be closed by the caller, each and the stream
		 * @throws IpcMessagingException if the request cannot be sent
		 */
		default <T> Stream<IpcMessage<T>> stream(Object request, Class<T> type) {
			return stream(request, ParameterizedTypeReference.<T>forType(type));
		}

		/**
		 * Sends a request, and streams the reply.
		 * @param request the value to send
		 * @param type what each element is read as, a generic type
		 * @param <T> the type of the elements
		 * @return the elements, to be closed by the caller, each and the stream
		 * @throws IpcMessagingException if the request cannot be sent
		 */
		<T> Stream<IpcMessage<T>> stream(Object request, ParameterizedTypeReference<T> type);

	}

}
