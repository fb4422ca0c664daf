package dev.tinyipc.spring;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.IntStream;

import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;
import org.jspecify.annotations.Nullable;

import org.springframework.messaging.Message;
import org.springframework.messaging.MessageHeaders;
import org.springframework.messaging.MessagingException;
import org.springframework.messaging.converter.MessageConversionException;
import org.springframework.messaging.core.AbstractMessagingTemplate;
import org.springframework.messaging.core.DestinationResolutionException;
import org.springframework.messaging.core.MessagePostProcessor;
import org.springframework.messaging.support.MessageBuilder;

/**
 * The operations of Spring Messaging, as {@code JmsMessagingTemplate} has them for JMS. A
 * destination is the name of a peer. Failures are {@link MessagingException}s, whose
 * cause is that of {@link CborMessageOperations}.
 *
 * <p>
 * Of the headers of a request, {@value #METHOD} is the method that it names,
 * {@value #DESCRIPTORS} are a {@code List<OwnedFd>} to send, which stay the caller's, and
 * other texts are headers of its envelope; they need a peer that knows envelopes. Those
 * that Spring adds, and values that are no texts, stay here. A reply has the header
 * {@value #DESCRIPTORS} if it brings some, to be closed by the caller.
 *
 * <p>
 * Its payload is what CBOR says: texts, numbers, {@code byte[]}, {@code List} or
 * {@code Map}. Methods with a target class read it as that. As messages have a payload, a
 * reply of null is null instead of a message.
 */
public class IpcMessagingTemplate extends AbstractMessagingTemplate<String> {

	/** The header that names the method of a request. */
	public static final String METHOD = "ipc_method";

	/** The header with a {@code List<OwnedFd>}. */
	public static final String DESCRIPTORS = "ipc_descriptors";

	private static final Set<String> OF_SPRING = Set.of(MessageHeaders.CONTENT_TYPE, MessageHeaders.REPLY_CHANNEL,
			MessageHeaders.ERROR_CHANNEL);

	private final CborMessageOperations operations;

	/**
	 * Creates a template.
	 * @param operations send and receive its messages
	 */
	public IpcMessagingTemplate(CborMessageOperations operations) {
		this.operations = operations;
	}

	@Override
	protected void doSend(String destination, Message<?> message) {
		translated(() -> {
			with(message).convertAndSend(destination, message.getPayload(), descriptors(message));
			return message;
		});
	}

	@Override
	protected @Nullable Message<?> doReceive(String destination) {
		return translated(() -> message(this.operations.receive(destination, Object.class)));
	}

	@Override
	public <T> @Nullable T receiveAndConvert(String destination, Class<T> targetClass) {
		return translated(() -> this.operations.receiveAndConvert(destination, targetClass));
	}

	@Override
	protected @Nullable Message<?> doSendAndReceive(String destination, Message<?> request) {
		return translated(() -> message(
				with(request).sendAndReceive(destination, request.getPayload(), Object.class, descriptors(request))));
	}

	@Override
	public <T> @Nullable T convertSendAndReceive(String destination, Object request,
			@Nullable Map<String, Object> headers, Class<T> targetClass, @Nullable MessagePostProcessor postProcessor) {
		Message<?> message = doConvert(request, headers, postProcessor);
		return translated(() -> with(message).convertSendAndReceive(destination, message.getPayload(), targetClass,
				descriptors(message)));
	}

	private CborMessageOperations with(Message<?> message) {
		CborMessageOperations operations = this.operations;
		for (Map.Entry<String, Object> header : message.getHeaders().entrySet()) {
			if (header.getValue() instanceof String text && !OF_SPRING.contains(header.getKey())) {
				operations = header.getKey().equals(METHOD) ? operations.method(text)
						: operations.header(header.getKey(), text);
			}
		}
		return operations;
	}

	private static OwnedFd[] descriptors(Message<?> message) {
		List<?> descriptors = message.getHeaders().get(DESCRIPTORS, List.class);
		return (descriptors != null) ? descriptors.toArray(OwnedFd[]::new) : new OwnedFd[0];
	}

	/** Nobody closes a message of Spring's: its descriptors are taken. */
	private static @Nullable Message<?> message(@Nullable IpcMessage<?> received) {
		if (received == null) {
			return null;
		}
		try (received) {
			if (received.payload() == null) {
				return null;
			}
			MessageBuilder<?> message = MessageBuilder.withPayload(received.payload());
			List<OwnedFd> taken = IntStream.range(0, received.descriptors().size()).mapToObj(received::take).toList();
			return taken.isEmpty() ? message.build() : message.setHeader(DESCRIPTORS, taken).build();
		}
	}

	private static <T> T translated(Supplier<T> action) {
		try {
			return action.get();
		}
		catch (UnknownDestinationException ex) {
			throw new DestinationResolutionException(String.valueOf(ex.getMessage()), ex);
		}
		catch (IpcMessageConversionException ex) {
			throw new MessageConversionException(String.valueOf(ex.getMessage()), ex);
		}
		catch (IpcMessagingException ex) {
			throw new MessagingException(ex.getMessage(), ex);
		}
	}

}
