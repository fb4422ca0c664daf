package dev.tinyipc;

import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Type;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * A method of a contract.
 *
 * @param method the Java method
 * @param name its name on the wire
 * @param parameters all of them, in their order
 * @param payload what the payload is read as; {@link NamedTypes} if it is a map of
 * several parameters
 * @param reply what it returns
 */
record ContractMethod(Method method, String name, List<Parameter> parameters, Type payload, ContractReply reply) {

	/**
	 * A parameter.
	 *
	 * @param kind how it travels
	 * @param name for the payload, and for messages
	 * @param type its generic type
	 */
	record Parameter(Kind kind, String name, Type type) {

	}

	/** How a parameter travels. */
	enum Kind {

		PAYLOAD, DESCRIPTOR, DESCRIPTORS, PATH, STREAM, TIMEOUT;

		boolean isOneDescriptor() {
			return this == DESCRIPTOR || this == PATH || this == STREAM;
		}

	}

	/** The payload to send for the arguments of a call. */
	Object payload(@Nullable Object[] arguments) {
		if (this.payload instanceof NamedTypes named) {
			List<@Nullable Object> values = new ArrayList<>();
			for (int i = 0; i < arguments.length; i++) {
				if (this.parameters.get(i).kind() == Kind.PAYLOAD) {
					values.add(arguments[i]);
				}
			}
			return new NamedValues(named, values);
		}
		for (int i = 0; i < arguments.length; i++) {
			if (this.parameters.get(i).kind() == Kind.PAYLOAD) {
				return typed(arguments[i], this.payload);
			}
		}
		return typed(null, Object.class);
	}

	/** A value that says its generic type; not more than a class, which it has itself. */
	static Object typed(@Nullable Object value, Type type) {
		return (value != null && type instanceof Class) ? value : new TypedPayload(value, type);
	}

	/** The timeout among the arguments of a call; null if there is none. */
	@Nullable Duration timeout(@Nullable Object[] arguments) {
		for (int i = 0; i < arguments.length; i++) {
			if (this.parameters.get(i).kind() == Kind.TIMEOUT) {
				return (Duration) arguments[i];
			}
		}
		return null;
	}

	/** Calls an implementation with what has come. */
	@Nullable Object invoke(Object implementation, IpcMessage<Object> request, IpcContext context) throws Exception {
		@Nullable Object[] arguments = arguments(request, context);
		try {
			return this.reply.toSend(this.method.invoke(implementation, arguments));
		}
		catch (InvocationTargetException ex) {
			if (ex.getCause() instanceof Exception failure) {
				throw failure;
			}
			if (ex.getCause() instanceof Error error) {
				throw error;
			}
			throw ex;
		}
	}

	private @Nullable Object[] arguments(IpcMessage<Object> request, IpcContext context) throws IpcException {
		List<OwnedFd> descriptors = request.descriptors();
		int single = (int) this.parameters.stream().filter((parameter) -> parameter.kind().isOneDescriptor()).count();
		boolean more = this.parameters.stream().anyMatch((parameter) -> parameter.kind() == Kind.DESCRIPTORS);
		if (more ? (descriptors.size() < single) : (descriptors.size() != single)) {
			throw new IpcException("The method '" + this.name + "' takes " + (more ? "at least " : "") + single
					+ " descriptors, but " + descriptors.size() + " came");
		}
		List<@Nullable Object> values = values(request.payload());
		@Nullable Object[] arguments = new Object[this.parameters.size()];
		int value = 0;
		int next = 0;
		for (int i = 0; i < arguments.length; i++) {
			Kind kind = this.parameters.get(i).kind();
			if (kind == Kind.PAYLOAD) {
				arguments[i] = values.get(value++);
			}
			else if (kind == Kind.TIMEOUT) {
				arguments[i] = left(context.deadline());
			}
			else if (kind == Kind.DESCRIPTORS) {
				int end = next + descriptors.size() - single;
				arguments[i] = List.copyOf(descriptors.subList(next, end));
				next = end;
			}
			else {
				arguments[i] = received(kind, descriptors.get(next++));
			}
		}
		return arguments;
	}

	private static Duration left(Deadline deadline) {
		return (deadline.end() != 0) ? Duration.ofNanos(deadline.remainingNanos()) : ChronoUnit.FOREVER.getDuration();
	}

	private List<@Nullable Object> values(@Nullable Object payload) throws IpcException {
		if (!(this.payload instanceof NamedTypes named)) {
			return Collections.singletonList(payload);
		}
		if (payload == null) {
			throw new IpcException("The method '" + this.name + "' takes a map of its parameters "
					+ String.join(", ", named.types().keySet()) + ", but null came");
		}
		return ((NamedValues) payload).values();
	}

	private static Object received(Kind kind, OwnedFd descriptor) throws IpcException {
		if (kind == Kind.PATH) {
			return Path.of("/proc/self/fd/" + descriptor.fd());
		}
		if (kind == Kind.STREAM) {
			InputStream stream = descriptor.inputStream();
			return stream;
		}
		return descriptor;
	}

}
