package dev.tinyipc.spring;

import java.time.Duration;
import java.util.stream.Stream;

import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;

import org.springframework.core.ParameterizedTypeReference;

/**
 * Requests whose reply comes element by element:
 *
 * <pre class="code">
 * try (Stream&lt;Row&gt; rows = template.convertSendAndStream("export", query, Row.class)) {
 *     rows.forEach(writer::write);
 * }
 * </pre>
 *
 * A stream holds its socket to the peer until it has come to its end, or is closed. A
 * consumer that is slow holds the peer. Closing it before its end, as an exception of the
 * consumer does too, tells the peer to stop; one that does not understand that is
 * replaced if it does not end in time.
 *
 * <p>
 * The timeout limits the wait for each element. While elements are consumed, the stream
 * throws the exceptions of {@link CborMessageOperations}: an error of the peer comes
 * after the elements that it sent before. If the peer answers with one value, that is an
 * {@link IpcMessagingException}.
 */
public interface CborStreamOperations {

	/**
	 * Returns the same operations for streams that may not take longer than a time in
	 * all, including the time that their consumer takes.
	 * @param total more than zero
	 * @return operations that otherwise behave like these
	 */
	CborMessageOperations totalTimeout(Duration total);

	/**
	 * Sends a request to the default destination, and streams the reply.
	 * @param request the value to send
	 * @param type what each element is read as
	 * @param descriptors at most 253
	 * @param <T> the type of the elements
	 * @return the elements, to be closed by the caller
	 * @throws IpcMessagingException if the request cannot be sent
	 */
	<T> Stream<T> convertSendAndStream(Object request, Class<T> type, OwnedFd... descriptors);

	/**
	 * Sends a request to the default destination, and streams the reply.
	 * @param request the value to send
	 * @param type what each element is read as, a generic type
	 * @param descriptors at most 253
	 * @param <T> the type of the elements
	 * @return the elements, to be closed by the caller
	 * @throws IpcMessagingException if the request cannot be sent
	 */
	<T> Stream<T> convertSendAndStream(Object request, ParameterizedTypeReference<T> type, OwnedFd... descriptors);

	/**
	 * Sends a request, and streams the reply.
	 * @param destination the peer's name
	 * @param request the value to send
	 * @param type what each element is read as
	 * @param descriptors at most 253
	 * @param <T> the type of the elements
	 * @return the elements, to be closed by the caller
	 * @throws IpcMessagingException if the request cannot be sent
	 */
	<T> Stream<T> convertSendAndStream(String destination, Object request, Class<T> type, OwnedFd... descriptors);

	/**
	 * Sends a request, and streams the reply.
	 * @param destination the peer's name
	 * @param request the value to send
	 * @param type what each element is read as, a generic type
	 * @param descriptors at most 253
	 * @param <T> the type of the elements
	 * @return the elements, to be closed by the caller
	 * @throws IpcMessagingException if the request cannot be sent
	 */
	<T> Stream<T> convertSendAndStream(String destination, Object request, ParameterizedTypeReference<T> type,
			OwnedFd... descriptors);

	/**
	 * Sends a request, and streams the reply with its descriptors.
	 * @param destination the peer's name
	 * @param request the value to send
	 * @param type what each element is read as
	 * @param descriptors at most 253
	 * @param <T> the type of the elements
	 * @return the elements, to be closed by the caller, each and the stream
	 * @throws IpcMessagingException if the request cannot be sent
	 */
	<T> Stream<IpcMessage<T>> sendAndStream(String destination, Object request, Class<T> type, OwnedFd... descriptors);

	/**
	 * Sends a request, and streams the reply with its descriptors.
	 * @param destination the peer's name
	 * @param request the value to send
	 * @param type what each element is read as, a generic type
	 * @param descriptors at most 253
	 * @param <T> the type of the elements
	 * @return the elements, to be closed by the caller, each and the stream
	 * @throws IpcMessagingException if the request cannot be sent
	 */
	<T> Stream<IpcMessage<T>> sendAndStream(String destination, Object request, ParameterizedTypeReference<T> type,
			OwnedFd... descriptors);

}
