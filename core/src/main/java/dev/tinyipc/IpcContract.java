package dev.tinyipc;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.lang.reflect.Type;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.type.TypeFactory;

/**
 * An interface whose methods are requests to another process, as {@link IpcExchange} says
 * it. This is for those who send requests in a way of their own; servers use
 * {@link IpcServerBuilder#service}, and applications the proxies of the Spring starter.
 *
 * @param <T> the interface
 */
public final class IpcContract<T> {

	private final Class<T> type;

	private final Collection<ContractMethod> methods;

	private IpcContract(Class<T> type) {
		this.type = type;
		this.methods = new ContractReader(type).methods();
	}

	/**
	 * Reads a contract.
	 * @param type an interface
	 * @param <T> the interface
	 * @return the contract
	 * @throws IllegalArgumentException if it is not an interface, or a method cannot be
	 * mapped to a request; the message says which one and why
	 */
	public static <T> IpcContract<T> of(Class<T> type) {
		return new IpcContract<>(type);
	}

	/**
	 * The contracts that a class implements: its interfaces with {@link IpcExchange}, on
	 * the interface or on a method, without those that another one of them extends.
	 * @param type a class, or an interface
	 * @return each once; empty if there is none
	 */
	public static List<Class<?>> implementedBy(Class<?> type) {
		Set<Class<?>> all = new LinkedHashSet<>();
		addInterfaces(type, all);
		all.removeIf((candidate) -> !isAnnotated(candidate));
		return all.stream()
			.filter((one) -> all.stream().noneMatch((other) -> other != one && one.isAssignableFrom(other)))
			.toList();
	}

	private static void addInterfaces(Class<?> type, Set<Class<?>> found) {
		if (type.isInterface()) {
			found.add(type);
		}
		for (Class<?> each : type.getInterfaces()) {
			addInterfaces(each, found);
		}
		if (type.getSuperclass() != null) {
			addInterfaces(type.getSuperclass(), found);
		}
	}

	private static boolean isAnnotated(Class<?> candidate) {
		Set<Class<?>> extended = new LinkedHashSet<>();
		addInterfaces(candidate, extended);
		return extended.stream().anyMatch((type) -> type.isAnnotationPresent(IpcExchange.class))
				|| Arrays.stream(candidate.getMethods())
					.anyMatch((method) -> method.isAnnotationPresent(IpcExchange.class));
	}

	/**
	 * The interface.
	 * @return the interface
	 */
	public Class<T> type() {
		return this.type;
	}

	/**
	 * The methods as they are named on the wire.
	 * @return in alphabetical order, each once
	 */
	public List<String> methods() {
		return this.methods.stream().map(ContractMethod::name).sorted().toList();
	}

	/**
	 * The classes that payloads and replies consist of, as far as the methods name them:
	 * also as type arguments, and as elements of arrays. Ahead-of-time processing has to
	 * know what a mapper will read and write.
	 * @return each once
	 */
	public Set<Class<?>> dataTypes() {
		TypeFactory types = TypeFactory.createDefaultInstance();
		Set<Class<?>> found = new LinkedHashSet<>();
		for (ContractMethod method : this.methods) {
			method.parameters()
				.stream()
				.filter((parameter) -> parameter.kind() == ContractMethod.Kind.PAYLOAD)
				.forEach((parameter) -> collect(types.constructType(parameter.type()), found));
			collect(types.constructType(method.reply().type()), found);
		}
		return found;
	}

	private static void collect(JavaType type, Set<Class<?>> found) {
		if (type.isArrayType()) {
			collect(type.getContentType(), found);
			return;
		}
		found.add(type.getRawClass());
		type.getBindings().getTypeParameters().forEach((argument) -> collect(argument, found));
	}

	/**
	 * Creates an implementation that sends requests.
	 * @param caller sends them; its {@code toString} tells clients apart in messages
	 * @return an implementation, as thread-safe as the caller
	 */
	public T client(Caller caller) {
		InvocationHandler handler = new ContractClient(this.type, this.methods, caller);
		return this.type
			.cast(Proxy.newProxyInstance(this.type.getClassLoader(), new Class<?>[] { this.type }, handler));
	}

	Collection<ContractMethod> all() {
		return this.methods;
	}

	/** Sends requests. */
	public interface Caller {

		/**
		 * Sends a request and waits for its reply.
		 * @param method its name
		 * @param payload the value to send
		 * @param type what the reply is read as
		 * @param timeout how long it may take; null for the default
		 * @param descriptors stay those of the contract
		 * @param <R> the type of the reply
		 * @return the reply, which the contract closes
		 * @throws IpcException if there is no reply, or it is an error
		 */
		<R> IpcMessage<R> call(String method, Object payload, Type type, @Nullable Duration timeout,
				OwnedFd... descriptors) throws IpcException;

		/**
		 * Sends a request and does not wait for its reply, for a method that returns a
		 * future.
		 * @param method its name
		 * @param payload the value to send
		 * @param type what the reply is read as
		 * @param timeout how long it may take; null for the default
		 * @param descriptors stay those of the contract, which closes them when this
		 * method returns
		 * @param <R> the type of the reply
		 * @return the reply, which the contract closes, or why there is none. The
		 * contract cancels it if nobody waits for the reply any more
		 * @throws IpcException if the request cannot be sent; it is the failure of the
		 * future that the caller of the interface gets
		 */
		<R> CompletableFuture<IpcMessage<R>> callAsync(String method, Object payload, Type type,
				@Nullable Duration timeout, OwnedFd... descriptors) throws IpcException;

		/**
		 * Sends a request and streams its reply.
		 * @param method its name
		 * @param payload the value to send
		 * @param type what each element is read as
		 * @param timeout how long the stream may take in all; null for the default
		 * @param descriptors stay those of the contract, which closes them when this
		 * method returns
		 * @param <R> the type of the elements
		 * @return the elements; closing the stream ends the exchange
		 * @throws IpcException if the request cannot be sent
		 */
		<R> Stream<IpcMessage<R>> stream(String method, Object payload, Type type, @Nullable Duration timeout,
				OwnedFd... descriptors) throws IpcException;

		/**
		 * Returns a caller for methods that return what is in a reply, and not the reply
		 * itself: nothing in it may share memory with the peer, because the contract
		 * closes it first.
		 * @return this one if none of its replies does
		 */
		default Caller copying() {
			return this;
		}

		/**
		 * Translates a failure of a call or of the contract itself, such as a file that
		 * cannot be opened or a reply without the descriptor that it should bring.
		 * @param failure the failure
		 * @return what the caller of the interface gets. If it is checked and the method
		 * does not declare it, an {@link java.io.UncheckedIOException} is thrown around
		 * it
		 */
		default Exception translate(IpcException failure) {
			return failure;
		}

	}

}
