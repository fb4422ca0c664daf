package dev.tinyipc.spring;

import java.util.concurrent.CompletableFuture;

import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;

import org.springframework.core.ParameterizedTypeReference;

/**
 * Requests whose callers do not wait for the reply:
 *
 * <pre class="code">
 * CompletableFuture&lt;Thumbnail&gt; thumbnail = template.convertSendAndReceiveAsync(request, Thumbnail.class, picture);
 * </pre>
 *
 * {@code cancel(true)} cancels the request at the peer, as an interrupt does for callers
 * who wait: a peer that understands it stops and serves the next request, any other is
 * replaced. The same happens if the future is completed in another way, such as by
 * {@code orTimeout}. {@code cancel(false)} lets the request take its course, and drops
 * the reply. Futures that are derived from it, by {@code thenApply} for example, cancel
 * nothing.
 *
 * <p>
 * Every {@link IpcMessagingException} is that of the future. The timeout of a call begins
 * with it. The payload must not change until the future is completed. Descriptors are
 * duplicated, so that the caller can close them right after the call.
 *
 * <p>
 * What depends on the future runs in the thread that waited for the reply, which nobody
 * else needs then.
 */
public interface CborAsyncOperations {

	/**
	 * Sends a request to the default destination.
	 * @param request the value to send
	 * @param type what the reply is read as
	 * @param descriptors at most 253
	 * @param <R> the type of the reply
	 * @return the reply, or the exception that there is instead
	 */
	default <R> CompletableFuture<R> convertSendAndReceiveAsync(Object request, Class<R> type, OwnedFd... descriptors) {
		return convertSendAndReceiveAsync(request, ParameterizedTypeReference.<R>forType(type), descriptors);
	}

	/**
	 * Sends a request to the default destination.
	 * @param request the value to send
	 * @param type what the reply is read as, a generic type
	 * @param descriptors at most 253
	 * @param <R> the type of the reply
	 * @return the reply, or the exception that there is instead
	 */
	<R> CompletableFuture<R> convertSendAndReceiveAsync(Object request, ParameterizedTypeReference<R> type,
			OwnedFd... descriptors);

	/**
	 * Sends a request.
	 * @param destination the peer's name
	 * @param request the value to send
	 * @param type what the reply is read as
	 * @param descriptors at most 253
	 * @param <R> the type of the reply
	 * @return the reply, or the exception that there is instead
	 */
	default <R> CompletableFuture<R> convertSendAndReceiveAsync(String destination, Object request, Class<R> type,
			OwnedFd... descriptors) {
		return convertSendAndReceiveAsync(destination, request, ParameterizedTypeReference.<R>forType(type),
				descriptors);
	}

	/**
	 * Sends a request.
	 * @param destination the peer's name
	 * @param request the value to send
	 * @param type what the reply is read as, a generic type
	 * @param descriptors at most 253
	 * @param <R> the type of the reply
	 * @return the reply, or the exception that there is instead
	 */
	<R> CompletableFuture<R> convertSendAndReceiveAsync(String destination, Object request,
			ParameterizedTypeReference<R> type, OwnedFd... descriptors);

	/**
	 * Sends a request whose reply brings descriptors.
	 * @param destination the peer's name
	 * @param request the value to send
	 * @param type what the reply is read as
	 * @param descriptors at most 253
	 * @param <R> the type of the reply
	 * @return the reply, to be closed by the caller, or the exception that there is
	 * instead. A reply that comes after the future was completed is closed
	 */
	default <R> CompletableFuture<IpcMessage<R>> sendAndReceiveAsync(String destination, Object request, Class<R> type,
			OwnedFd... descriptors) {
		return sendAndReceiveAsync(destination, request, ParameterizedTypeReference.<R>forType(type), descriptors);
	}

	/**
	 * Sends a request whose reply brings descriptors.
	 * @param destination the peer's name
	 * @param request the value to send
	 * @param type what the reply is read as, a generic type
	 * @param descriptors at most 253
	 * @param <R> the type of the reply
	 * @return the reply, to be closed by the caller, or the exception that there is
	 * instead. A reply that comes after the future was completed is closed
	 */
	<R> CompletableFuture<IpcMessage<R>> sendAndReceiveAsync(String destination, Object request,
			ParameterizedTypeReference<R> type, OwnedFd... descriptors);

}
