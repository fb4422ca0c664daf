package dev.tinyipc.spring;

import java.lang.reflect.Type;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

import dev.tinyipc.IpcContract;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;
import org.jspecify.annotations.Nullable;

import org.springframework.core.ParameterizedTypeReference;
import org.springframework.util.Assert;

/**
 * Creates clients of interfaces whose methods are requests to a destination, see
 * {@link dev.tinyipc.IpcExchange}:
 *
 * <pre class="code">
 * Thumbnails thumbnails = IpcServiceProxyFactory.builder(template)
 *     .destination("thumbnailer")
 *     .build()
 *     .createClient(Thumbnails.class);
 * </pre>
 *
 * Clients are thread-safe, and throw the exceptions of {@link CborMessageOperations}.
 * {@link ImportIpcServices @ImportIpcServices} makes beans of them.
 */
public final class IpcServiceProxyFactory {

	private final CborMessageOperations operations;

	private final String destination;

	private IpcServiceProxyFactory(CborMessageOperations operations, String destination) {
		this.operations = operations;
		this.destination = destination;
	}

	/**
	 * Begins to configure a factory.
	 * @param operations send the requests, with their timeout if a call has none
	 * @return a builder, which needs a destination
	 */
	public static Builder builder(CborMessageOperations operations) {
		return new Builder(operations);
	}

	/**
	 * Creates a client.
	 * @param type the interface
	 * @param <S> the interface
	 * @return an implementation that sends requests
	 * @throws IllegalArgumentException if a method cannot be mapped to a request; the
	 * message says which one and why
	 */
	public <S> S createClient(Class<S> type) {
		return IpcContract.of(type).client(new TemplateCaller(this.operations));
	}

	/**
	 * Compares a contract with the methods that a peer has said that it has. Nothing is
	 * compared if it has not said, or not yet.
	 * @param type the interface
	 * @param destination the peer
	 * @throws IllegalStateException if there are methods that the peer does not have; the
	 * message lists them, and those that it has
	 */
	public static void checkMethods(Class<?> type, IpcDestination destination) {
		Optional<List<String>> methods = destination.methods();
		List<String> missing = IpcContract.of(type)
			.methods()
			.stream()
			.filter((method) -> methods.isPresent() && !methods.get().contains(method))
			.toList();
		Assert.state(missing.isEmpty(),
				() -> "The destination '" + destination.name() + "' does not have all methods of " + type.getName()
						+ ". Missing: " + String.join(", ", missing) + ". There are: "
						+ String.join(", ",
								methods.orElseThrow()
									.stream()
									.sorted()
									.map((method) -> method.isEmpty() ? "(none)" : method)
									.toList()));
	}

	/** Sends the requests of a contract by the template. */
	private final class TemplateCaller implements IpcContract.Caller {

		private final CborMessageOperations operations;

		private final String destination = IpcServiceProxyFactory.this.destination;

		TemplateCaller(CborMessageOperations operations) {
			this.operations = operations;
		}

		@Override
		public <R> IpcMessage<R> call(String method, Object payload, Type type, @Nullable Duration timeout,
				OwnedFd... descriptors) {
			ParameterizedTypeReference<R> reply = ParameterizedTypeReference.forType(type);
			CborMessageOperations named = this.operations.method(method);
			return (timeout != null) ? named.sendAndReceive(this.destination, payload, reply, timeout, descriptors)
					: named.sendAndReceive(this.destination, payload, reply, descriptors);
		}

		@Override
		public <R> CompletableFuture<IpcMessage<R>> callAsync(String method, Object payload, Type type,
				@Nullable Duration timeout, OwnedFd... descriptors) {
			ParameterizedTypeReference<R> reply = ParameterizedTypeReference.forType(type);
			CborMessageOperations named = this.operations.method(method);
			return ((timeout != null) ? named.timeout(timeout) : named).sendAndReceiveAsync(this.destination, payload,
					reply, descriptors);
		}

		@Override
		public <R> Stream<IpcMessage<R>> stream(String method, Object payload, Type type, @Nullable Duration timeout,
				OwnedFd... descriptors) {
			ParameterizedTypeReference<R> element = ParameterizedTypeReference.forType(type);
			CborMessageOperations named = this.operations.method(method);
			return ((timeout != null) ? named.totalTimeout(timeout) : named).sendAndStream(this.destination, payload,
					element, descriptors);
		}

		@Override
		public IpcContract.Caller copying() {
			return new TemplateCaller(this.operations.copied());
		}

		@Override
		public Exception translate(IpcException failure) {
			return IpcExceptionTranslator.translate(this.destination, failure);
		}

		@Override
		public String toString() {
			return "destination '" + this.destination + '\'';
		}

	}

	/** Configures an {@link IpcServiceProxyFactory}. */
	public static final class Builder {

		private final CborMessageOperations operations;

		private @Nullable String destination;

		private Builder(CborMessageOperations operations) {
			this.operations = operations;
		}

		/**
		 * Sets whom the clients call.
		 * @param name the name of a destination
		 * @return this builder
		 */
		public Builder destination(String name) {
			this.destination = name;
			return this;
		}

		/**
		 * Creates the factory.
		 * @return the factory
		 * @throws IllegalStateException if there is no destination
		 */
		public IpcServiceProxyFactory build() {
			Assert.state(this.destination != null, "A client needs a destination");
			return new IpcServiceProxyFactory(this.operations, this.destination);
		}

	}

}
