package dev.tinyipc.spring.listener;

import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;

import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcServer;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.TypedPayload;
import org.jspecify.annotations.Nullable;

import org.springframework.core.GenericTypeResolver;

/** Makes a reply of what a listener returns. */
final class ListenerReply {

	private static final List<Class<?>> WRAPPERS = List.of(CompletableFuture.class, CompletionStage.class, Stream.class,
			Optional.class, IpcMessage.class);

	/** What a value is written as: that in the futures, streams and messages. */
	private final Type type;

	ListenerReply(Method method, Class<?> beanType) {
		Type type = GenericTypeResolver.resolveType(method.getGenericReturnType(), beanType);
		while (type instanceof ParameterizedType generic && WRAPPERS.contains(generic.getRawType())) {
			type = generic.getActualTypeArguments()[0];
		}
		this.type = type;
	}

	/** The reply to send, for which this waits if it is still to come. */
	@Nullable Object toSend(@Nullable Object result) throws Exception {
		if (result instanceof CompletionStage<?> stage) {
			return toSend(await(stage.toCompletableFuture()));
		}
		return (result instanceof Stream<?> elements) ? elements.map(this::value) : value(result);
	}

	private static @Nullable Object await(CompletableFuture<?> result) throws Exception {
		try {
			return result.get();
		}
		catch (ExecutionException ex) {
			throw (ex.getCause() instanceof Exception failure) ? failure : ex;
		}
		catch (InterruptedException ex) {
			result.cancel(true); // as the request was
			throw ex;
		}
	}

	private @Nullable Object value(@Nullable Object result) {
		if (result instanceof Optional<?> optional) {
			return value(optional.orElse(null));
		}
		if (result instanceof IpcMessage<?> message) {
			return new IpcServer.Reply(typed(message.payload()), message.descriptors().toArray(OwnedFd[]::new));
		}
		if (result instanceof OwnedFd descriptor) {
			return new IpcServer.Reply(null, descriptor);
		}
		if (result != null && RequestArguments.isDescriptors(this.type)) {
			return new IpcServer.Reply(null, ((List<?>) result).toArray(OwnedFd[]::new));
		}
		return typed(result);
	}

	/** The elements of a list, for one, are written as what they were declared as. */
	private @Nullable Object typed(@Nullable Object value) {
		return (value != null && this.type instanceof ParameterizedType && !(value instanceof IpcServer.Reply))
				? new TypedPayload(value, this.type) : value;
	}

}
