package dev.tinyipc;

import java.lang.reflect.Type;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

/**
 * What a method of a contract returns.
 *
 * @param shape what surrounds the payload
 * @param type what the payload, or each of a stream, is read as
 * @param nullable false if it is a primitive
 * @param method names the method in messages
 * @param later whether the method returns a future of all that
 */
record ContractReply(Shape shape, Type type, boolean nullable, String method, boolean later) {

	/** What surrounds a payload. */
	enum Shape {

		VALUE, NOTHING, OPTIONAL, MESSAGE, DESCRIPTOR, DESCRIPTORS, STREAM, MESSAGES;

		boolean isStream() {
			return this == STREAM || this == MESSAGES;
		}

		/** Whether a payload is used after its message was closed. */
		boolean outlivesMessage() {
			return this == VALUE || this == OPTIONAL || this == STREAM;
		}

	}

	/** The result of a call. Takes over the message. */
	@Nullable Object received(IpcMessage<Object> reply) throws IpcException {
		if (this.shape == Shape.MESSAGE) {
			return reply;
		}
		try (reply) {
			checkOutlives(reply);
			return switch (this.shape) {
				case NOTHING -> null;
				case OPTIONAL -> Optional.ofNullable(reply.payload());
				case DESCRIPTOR -> only(reply);
				case DESCRIPTORS -> all(reply);
				default -> value(reply.payload());
			};
		}
	}

	/** What shares memory with the peer has other content soon. */
	private void checkOutlives(IpcMessage<?> message) {
		if (this.shape.outlivesMessage() && message.hasViews()) {
			throw new IllegalStateException("The reply of " + this.method
					+ " shares memory with the peer, which ends when it is closed: IpcContract.Caller.copying must"
					+ " return a caller that has it copied");
		}
	}

	private @Nullable Object value(@Nullable Object payload) throws IpcException {
		if (payload == null && !this.nullable) {
			throw new IpcException("The reply of " + this.method + " is null, but it must be a number or a boolean");
		}
		return payload;
	}

	private OwnedFd only(IpcMessage<?> reply) throws IpcException {
		int count = reply.descriptors().size();
		if (count != 1) {
			throw new IpcException(
					"The reply of " + this.method + " must bring one descriptor, but it brings " + count);
		}
		return reply.take(0);
	}

	private static List<OwnedFd> all(IpcMessage<?> reply) {
		return Stream.iterate(0, (index) -> index + 1).limit(reply.descriptors().size()).map(reply::take).toList();
	}

	/** Closes a result that nobody takes. */
	static void discard(@Nullable Object result) {
		if (result instanceof IpcMessage<?> message) {
			message.close();
		}
		else if (result instanceof OwnedFd descriptor) {
			descriptor.close();
		}
		else if (result instanceof List<?> list) {
			list.forEach((one) -> {
				if (one instanceof OwnedFd descriptor) {
					descriptor.close();
				}
			});
		}
	}

	/** The result of a call whose reply is streamed. */
	Stream<?> received(Stream<IpcMessage<Object>> elements) {
		return (this.shape == Shape.MESSAGES) ? elements : elements.map((element) -> {
			try (element) {
				checkOutlives(element);
				return element.payload();
			}
		});
	}

	/** What a server sends for the result of an implementation, or a future of it. */
	@Nullable Object toSend(@Nullable Object result) {
		if (!this.later) {
			return content(result);
		}
		CompletableFuture<?> future = (CompletableFuture<?>) present(result);
		CompletableFuture<?> content = future.thenApply(this::content);
		content.whenComplete((sent, failure) -> future.cancel(true)); // if it is not done
		return content;
	}

	private @Nullable Object content(@Nullable Object result) {
		return switch (this.shape) {
			case NOTHING -> null;
			case VALUE -> typed(result);
			case OPTIONAL -> typed((result != null) ? ((Optional<?>) result).orElse(null) : null);
			case MESSAGE -> reply((IpcMessage<?>) present(result));
			case DESCRIPTOR -> new IpcServer.Reply(null, (OwnedFd) present(result));
			case DESCRIPTORS -> reply((List<?>) present(result));
			case STREAM -> ((Stream<?>) present(result)).map(this::typed);
			case MESSAGES -> ((Stream<?>) present(result)).map((message) -> reply((IpcMessage<?>) present(message)));
		};
	}

	private Object typed(@Nullable Object value) {
		return ContractMethod.typed(value, this.type);
	}

	private IpcServer.Reply reply(IpcMessage<?> message) {
		return new IpcServer.Reply(typed(message.payload()), message.descriptors().toArray(OwnedFd[]::new));
	}

	private IpcServer.Reply reply(List<?> descriptors) {
		try {
			return new IpcServer.Reply(null, descriptors.toArray(OwnedFd[]::new));
		}
		catch (NullPointerException ex) {
			OwnedFd.closeAll(descriptors.stream().filter(Objects::nonNull).map(OwnedFd.class::cast).toList());
			throw new IllegalStateException("The implementation of " + this.method + " returned a null descriptor", ex);
		}
	}

	private Object present(@Nullable Object result) {
		if (result == null) {
			throw new IllegalStateException("The implementation of " + this.method + " returned null");
		}
		return result;
	}

}
