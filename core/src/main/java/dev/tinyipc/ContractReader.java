package dev.tinyipc;

import java.io.Closeable;
import java.io.InputStream;
import java.lang.invoke.MethodType;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.Future;
import java.util.stream.BaseStream;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import dev.tinyipc.ContractMethod.Kind;
import dev.tinyipc.ContractMethod.Parameter;
import dev.tinyipc.ContractReply.Shape;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.type.TypeBindings;
import tools.jackson.databind.type.TypeFactory;

/** Reads the methods of a contract, and says what cannot be mapped. */
final class ContractReader {

	/** What no payload can be or contain: it means something in this process only. */
	private static final List<Class<?>> NO_DATA = List.of(Closeable.class, IpcContext.class, Path.class,
			BaseStream.class, Iterator.class, Future.class, CompletionStage.class, Flow.Publisher.class);

	private final TypeFactory types = TypeFactory.createDefaultInstance();

	private final Class<?> contract;

	ContractReader(Class<?> contract) {
		if (!contract.isInterface() || contract.isAnnotation()) {
			throw new IllegalArgumentException("A contract must be an interface: " + contract.getName());
		}
		this.contract = contract;
	}

	/** All methods of the contract and the interfaces that it extends. */
	Collection<ContractMethod> methods() {
		Map<ContractClient.Signature, Method> bySignature = new LinkedHashMap<>();
		for (Method method : this.contract.getMethods()) {
			if (Modifier.isAbstract(method.getModifiers()) && !isOfObject(method)) {
				bySignature.merge(ContractClient.Signature.of(method), method, ContractReader::moreSpecific);
			}
			else if (method.isAnnotationPresent(IpcExchange.class) && !method.isSynthetic()) {
				throw failure(method, "has a body, and runs where it is called: remove @IpcExchange or the body");
			}
		}
		Map<String, ContractMethod> byName = new LinkedHashMap<>();
		for (Method method : bySignature.values()) {
			ContractMethod read = read(method);
			ContractMethod other = byName.put(read.name(), read);
			if (other != null) {
				throw failure(method, "has the same name on the wire, '" + read.name() + "', as "
						+ describe(other.method()) + ": give one of them another one by @IpcExchange");
			}
		}
		if (byName.isEmpty()) {
			throw new IllegalArgumentException("The contract " + this.contract.getName() + " has no abstract methods");
		}
		return List.copyOf(byName.values());
	}

	/** An interface may repeat those, to say what is expected of them. */
	private static boolean isOfObject(Method method) {
		return switch (method.getName()) {
			case "toString", "hashCode" -> method.getParameterCount() == 0;
			case "equals" -> Arrays.equals(method.getParameterTypes(), new Class<?>[] { Object.class });
			default -> false;
		};
	}

	private static Method moreSpecific(Method one, Method other) {
		return one.getReturnType().isAssignableFrom(other.getReturnType()) ? other : one;
	}

	private ContractMethod read(Method method) {
		if (method.getTypeParameters().length > 0) {
			throw failure(method, "has type parameters, whose types nobody knows at the other end");
		}
		method.trySetAccessible(); // of an interface that is not public
		List<Parameter> parameters = new ArrayList<>();
		for (java.lang.reflect.Parameter parameter : method.getParameters()) {
			Type type = resolve(parameter.getParameterizedType(), method);
			Kind kind = kind(type);
			if (kind == Kind.PAYLOAD) {
				checkData(type, method, "parameter '" + parameter.getName() + "'");
			}
			else if ((kind == Kind.TIMEOUT || kind == Kind.DESCRIPTORS)
					&& parameters.stream().anyMatch((other) -> other.kind() == kind)) {
				throw failure(method, "parameter '" + parameter.getName() + "': there can be only one "
						+ ((kind == Kind.TIMEOUT) ? "Duration, which is the timeout" : "List<OwnedFd>"));
			}
			parameters.add(new Parameter(kind, parameter.getName(), type));
		}
		return new ContractMethod(method, name(method), List.copyOf(parameters), payload(parameters, method),
				reply(method));
	}

	private String name(Method method) {
		IpcExchange own = method.getAnnotation(IpcExchange.class);
		IpcExchange ofType = this.contract.getAnnotation(IpcExchange.class);
		if (ofType == null) {
			ofType = method.getDeclaringClass().getAnnotation(IpcExchange.class);
		}
		return ((ofType != null) ? ofType.value() : "")
				+ ((own != null && !own.value().isEmpty()) ? own.value() : method.getName());
	}

	private static Kind kind(Type type) {
		if (type == OwnedFd.class) {
			return Kind.DESCRIPTOR;
		}
		if (type == Path.class) {
			return Kind.PATH;
		}
		if (type == InputStream.class) {
			return Kind.STREAM;
		}
		if (type == Duration.class) {
			return Kind.TIMEOUT;
		}
		return isDescriptors(type) ? Kind.DESCRIPTORS : Kind.PAYLOAD;
	}

	private static boolean isDescriptors(Type type) {
		return type instanceof ParameterizedType generic && generic.getRawType() == List.class
				&& generic.getActualTypeArguments()[0] == OwnedFd.class;
	}

	private Type payload(List<Parameter> parameters, Method method) {
		List<Parameter> values = parameters.stream().filter((parameter) -> parameter.kind() == Kind.PAYLOAD).toList();
		if (values.size() < 2) {
			return values.isEmpty() ? Object.class : values.get(0).type();
		}
		Map<String, Type> named = new LinkedHashMap<>();
		for (int i = 0; i < parameters.size(); i++) {
			if (parameters.get(i).kind() == Kind.PAYLOAD) {
				if (!method.getParameters()[i].isNamePresent()) {
					throw failure(method,
							"parameter " + (i + 1) + " has no name, by which it would be sent: compile the"
									+ " interface with -parameters, or put the parameters into one record");
				}
				named.put(parameters.get(i).name(), parameters.get(i).type());
			}
		}
		return new NamedTypes(named);
	}

	private ContractReply reply(Method method) {
		Type type = resolve(method.getGenericReturnType(), method);
		if (this.types.constructType(type).getRawClass() != CompletableFuture.class) {
			return reply(type, false, method);
		}
		ContractReply reply = reply(argument(type, method), true, method);
		if (reply.shape().isStream()) {
			throw failure(method, "its result: a Stream within a CompletableFuture. Its elements are received when they"
					+ " are asked for anyway: declare the Stream alone");
		}
		return reply;
	}

	private ContractReply reply(Type type, boolean later, Method method) {
		Class<?> raw = this.types.constructType(type).getRawClass();
		if (raw == void.class || raw == Void.class) {
			return reply(Shape.NOTHING, Object.class, later, method);
		}
		if (raw == OwnedFd.class) {
			return reply(Shape.DESCRIPTOR, Object.class, later, method);
		}
		if (isDescriptors(type)) {
			return reply(Shape.DESCRIPTORS, Object.class, later, method);
		}
		if (raw == Optional.class) {
			return reply(Shape.OPTIONAL, argument(type, method), later, method);
		}
		if (raw == IpcMessage.class) {
			return reply(Shape.MESSAGE, argument(type, method), later, method);
		}
		if (raw == Stream.class) {
			Type element = argument(type, method);
			return (this.types.constructType(element).getRawClass() == IpcMessage.class)
					? reply(Shape.MESSAGES, argument(element, method), later, method)
					: reply(Shape.STREAM, element, later, method);
		}
		return reply(Shape.VALUE, type, later, method);
	}

	private ContractReply reply(Shape shape, Type type, boolean later, Method method) {
		checkData(type, method, "its result");
		boolean primitive = type instanceof Class<?> plain && plain.isPrimitive();
		Type boxed = primitive ? MethodType.methodType((Class<?>) type).wrap().returnType() : type;
		return new ContractReply(shape, boxed, !primitive, describe(method), later);
	}

	private Type argument(Type type, Method method) {
		if (type instanceof ParameterizedType generic) {
			return generic.getActualTypeArguments()[0];
		}
		JavaType argument = (type instanceof JavaType resolved) ? resolved.containedType(0) : null;
		if (argument == null) {
			throw failure(method, "its result: " + type.getTypeName() + " does not say of what type its content is");
		}
		return argument;
	}

	/** Leaves what is no type parameter of an interface to the mapper. */
	private Type resolve(Type type, Method method) {
		if (!mentionsVariable(type)) {
			return type;
		}
		JavaType declaring = this.types.constructType(this.contract).findSuperType(method.getDeclaringClass());
		JavaType resolved = this.types.resolveMemberType(type,
				(declaring != null) ? declaring.getBindings() : TypeBindings.emptyBindings());
		return (resolved.getBindings().isEmpty() && !resolved.isContainerType()) ? resolved.getRawClass() : resolved;
	}

	private static boolean mentionsVariable(Type type) {
		if (type instanceof Class<?>) {
			return false;
		}
		if (type instanceof ParameterizedType generic) {
			return Arrays.stream(generic.getActualTypeArguments()).anyMatch(ContractReader::mentionsVariable);
		}
		return true; // also arrays and wildcards, which the mapper resolves as well
	}

	private void checkData(Type type, Method method, String what) {
		Class<?> culprit = noData(this.types.constructType(type));
		if (culprit != null) {
			throw failure(method,
					what + ": a " + culprit.getName() + " cannot be sent"
							+ ((culprit == type) ? "" : " as part of a " + type.getTypeName())
							+ ". What travels as a descriptor is declared as OwnedFd,"
							+ " List<OwnedFd>, Path or InputStream (parameters), OwnedFd or IpcMessage (results)");
		}
	}

	private static @Nullable Class<?> noData(JavaType type) {
		for (Class<?> one : NO_DATA) {
			if (one.isAssignableFrom(type.getRawClass())) {
				return type.getRawClass();
			}
		}
		if (type.getRawClass().getPackageName().equals("java.util.function")) {
			return type.getRawClass();
		}
		List<JavaType> parts = new ArrayList<>(type.getBindings().getTypeParameters());
		if (type.isArrayType()) {
			parts.add(type.getContentType());
		}
		for (JavaType part : parts) {
			Class<?> culprit = noData(part);
			if (culprit != null) {
				return culprit;
			}
		}
		return null;
	}

	private IllegalArgumentException failure(Method method, String why) {
		return new IllegalArgumentException(
				"The contract " + this.contract.getName() + " cannot be used: " + describe(method) + ' ' + why);
	}

	private static String describe(Method method) {
		return method.getDeclaringClass().getSimpleName() + '.' + method.getName()
				+ Arrays.stream(method.getParameterTypes())
					.map(Class::getSimpleName)
					.collect(Collectors.joining(", ", "(", ")"));
	}

}
