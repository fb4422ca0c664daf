package dev.tinyipc;

import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

/** Turns the calls of a contract into requests. */
final class ContractClient implements InvocationHandler {

	private static final Object[] NONE = {};

	private final Class<?> contract;

	private final Map<Signature, ContractMethod> methods = new HashMap<>();

	private final IpcContract.Caller caller;

	/** Whose payloads stay valid; null until a method needs it. */
	private volatile IpcContract.@Nullable Caller copying;

	ContractClient(Class<?> contract, Collection<ContractMethod> methods, IpcContract.Caller caller) {
		this.contract = contract;
		this.caller = caller;
		methods.forEach((method) -> this.methods.put(Signature.of(method.method()), method));
	}

	/**
	 * Tells methods apart: one that several interfaces declare is called as that of any.
	 */
	record Signature(String name, List<Class<?>> parameterTypes) {

		static Signature of(Method method) {
			return new Signature(method.getName(), List.of(method.getParameterTypes()));
		}

	}

	@Override
	public @Nullable Object invoke(Object proxy, Method method, @Nullable Object @Nullable [] given) throws Throwable {
		@Nullable Object[] arguments = (given != null) ? given : NONE;
		if (method.getDeclaringClass() == Object.class) {
			return switch (method.getName()) {
				case "equals" -> proxy == arguments[0];
				case "hashCode" -> System.identityHashCode(proxy);
				default -> this.contract.getSimpleName() + " of " + this.caller;
			};
		}
		ContractMethod exchanged = this.methods.get(Signature.of(method));
		if (exchanged == null) {
			return callDefault(proxy, method, arguments);
		}
		try {
			return call(exchanged, arguments);
		}
		catch (IpcException ex) {
			if (exchanged.reply().later()) {
				return CompletableFuture.failedFuture(this.caller.translate(ex));
			}
			throw thrown(this.caller.translate(ex), method);
		}
	}

	private static @Nullable Object callDefault(Object proxy, Method method, @Nullable Object[] arguments)
			throws Throwable {
		Class<?> type = method.getDeclaringClass();
		if (Modifier.isPublic(type.getModifiers())) {
			return InvocationHandler.invokeDefault(proxy, method, arguments);
		}
		// invokeDefault refuses interfaces that this package does not see.
		return MethodHandles.privateLookupIn(type, MethodHandles.lookup())
			.unreflectSpecial(method, type)
			.bindTo(proxy)
			.invokeWithArguments(arguments);
	}

	private @Nullable Object call(ContractMethod method, @Nullable Object[] arguments) throws IpcException {
		List<OwnedFd> opened = new ArrayList<>();
		try {
			OwnedFd[] descriptors = descriptors(method, arguments, opened);
			Object payload = method.payload(arguments);
			ContractReply reply = method.reply();
			IpcContract.Caller caller = reply.shape().outlivesMessage() ? copying() : this.caller;
			if (reply.shape().isStream()) {
				Stream<IpcMessage<Object>> elements = caller.stream(method.name(), payload, reply.type(),
						method.timeout(arguments), descriptors);
				return reply.received(elements);
			}
			if (reply.later()) {
				return new ContractFuture(
						caller.callAsync(method.name(), payload, reply.type(), method.timeout(arguments), descriptors),
						reply, this::translate);
			}
			IpcMessage<Object> message = caller.call(method.name(), payload, reply.type(), method.timeout(arguments),
					descriptors);
			return reply.received(message);
		}
		finally {
			OwnedFd.closeAll(opened);
		}
	}

	private IpcContract.Caller copying() {
		IpcContract.Caller known = this.copying;
		if (known == null) {
			known = this.caller.copying();
			this.copying = known;
		}
		return known;
	}

	private Throwable translate(Throwable failure) {
		return (failure instanceof IpcException ex) ? this.caller.translate(ex) : failure;
	}

	private static OwnedFd[] descriptors(ContractMethod method, @Nullable Object[] arguments, List<OwnedFd> opened)
			throws IpcException {
		List<OwnedFd> descriptors = new ArrayList<>();
		for (int i = 0; i < arguments.length; i++) {
			ContractMethod.Parameter parameter = method.parameters().get(i);
			ContractMethod.Kind kind = parameter.kind();
			if (kind == ContractMethod.Kind.PAYLOAD || kind == ContractMethod.Kind.TIMEOUT) {
				continue;
			}
			Object argument = arguments[i];
			if (argument == null || argument instanceof List<?> list && list.stream().anyMatch((one) -> one == null)) {
				throw new IllegalArgumentException("The parameter '" + parameter.name() + "' of "
						+ method.reply().method() + " travels as a descriptor, and cannot be null");
			}
			switch (kind) {
				case DESCRIPTOR -> descriptors.add((OwnedFd) argument);
				case DESCRIPTORS -> ((List<?>) argument).forEach((one) -> descriptors.add((OwnedFd) one));
				case STREAM -> descriptors.add(descriptor((InputStream) argument, parameter, method));
				default -> {
					OwnedFd file = OwnedFd.open((Path) argument);
					opened.add(file);
					descriptors.add(file);
				}
			}
		}
		return descriptors.toArray(OwnedFd[]::new);
	}

	private static OwnedFd descriptor(InputStream stream, ContractMethod.Parameter parameter, ContractMethod method) {
		if (stream instanceof DescriptorInputStream ofDescriptor) {
			return ofDescriptor.descriptor();
		}
		throw new IllegalArgumentException("The parameter '" + parameter.name() + "' of " + method.reply().method()
				+ " travels as a descriptor, which a " + stream.getClass().getName()
				+ " does not give away: pass OwnedFd.open(path).inputStream(), or declare a Path or an OwnedFd");
	}

	private static Exception thrown(Exception failure, Method method) {
		if (failure instanceof RuntimeException) {
			return failure;
		}
		for (Class<?> declared : method.getExceptionTypes()) {
			if (declared.isInstance(failure)) {
				return failure;
			}
		}
		return (failure instanceof IpcException io) ? new UncheckedIOException(io) : new IllegalStateException(failure);
	}

}
