package dev.tinyipc.spring;

import java.lang.reflect.Type;
import java.time.Duration;
import java.util.Collection;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;

import dev.tinyipc.IpcInstrumentation;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;
import org.jspecify.annotations.Nullable;

import org.springframework.core.ParameterizedTypeReference;
import org.springframework.util.Assert;

/**
 * Sends and receives typed messages as CBOR, modelled on Spring's {@code JmsTemplate}.
 * One is auto-configured:
 *
 * <pre class="code">
 * &#64;Autowired
 * CborMessageTemplate template;
 *
 * try (OwnedFd picture = OwnedFd.open(path);
 *         IpcMessage&lt;Thumbnail&gt; reply = template.sendAndReceive(new Request(256), Thumbnail.class, picture)) {
 *     reply.descriptors().get(0).inputStream()...
 * }
 * </pre>
 *
 * A template is thread-safe once it is configured. Each socket to a peer carries one
 * request at a time; concurrent requests go to different instances, or over different
 * sockets to one, if the child has a concurrency.
 */
public class CborMessageTemplate implements CborMessageOperations {

	/** The default timeout of a call: 30 seconds. */
	public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(30);

	/** The longest timeout: 100 years, which a {@code long} of nanoseconds can hold. */
	public static final Duration MAX_TIMEOUT = Duration.ofDays(36_500);

	private final Routes routes;

	private AsyncCalls asyncCalls;

	private @Nullable String defaultDestination;

	private Duration timeout = DEFAULT_TIMEOUT;

	private final CallOptions options;

	/** Of calls that return what is in a message, and not the message itself. */
	private final CallOptions copied;

	/**
	 * Creates a template without instrumentation. If there is only one destination, that
	 * is the default.
	 * @param destinations the peers, with unique names
	 * @param observer observes every message
	 */
	public CborMessageTemplate(Collection<? extends IpcDestination> destinations, IpcObserver observer) {
		this(destinations, observer, IpcInstrumentation.NONE);
	}

	/**
	 * Creates a template. If there is only one destination, that is the default.
	 * @param destinations the peers, with unique names
	 * @param observer observes every message
	 * @param instrumentation accompanies every exchange
	 */
	public CborMessageTemplate(Collection<? extends IpcDestination> destinations, IpcObserver observer,
			IpcInstrumentation instrumentation) {
		this.routes = new Routes(destinations, observer, instrumentation);
		this.options = CallOptions.NONE;
		this.copied = this.options.withCopied();
		this.asyncCalls = AsyncCalls.inPlatformThreads();
	}

	private CborMessageTemplate(CborMessageTemplate other, CallOptions options) {
		this.routes = other.routes;
		this.defaultDestination = other.defaultDestination;
		this.timeout = other.timeout;
		this.asyncCalls = other.asyncCalls;
		this.options = options;
		this.copied = options.withCopied();
	}

	/**
	 * Sets the destination of calls that name none.
	 * @param defaultDestination a peer's name; null for the only one
	 */
	public void setDefaultDestination(@Nullable String defaultDestination) {
		this.defaultDestination = defaultDestination;
	}

	/**
	 * Sets the timeout of calls that name none and whose destination has none of its own.
	 * @param timeout more than zero and at most {@link #MAX_TIMEOUT}; 30 seconds by
	 * default
	 */
	public void setTimeout(Duration timeout) {
		CallOptions.checkTimeout(timeout);
		this.timeout = timeout;
	}

	/**
	 * Sets whether asynchronous calls wait for their replies in virtual threads. By
	 * default, those are platform threads, no more for each destination than it serves
	 * requests at a time.
	 * @param virtual whether to use virtual threads
	 * @throws UnsupportedOperationException if they are wanted on a JDK before 21
	 */
	public void setVirtualThreads(boolean virtual) {
		this.asyncCalls = virtual ? AsyncCalls.inVirtualThreads() : AsyncCalls.inPlatformThreads();
	}

	@Override
	public CborMessageOperations idempotent() {
		return new CborMessageTemplate(this, this.options.withIdempotent());
	}

	@Override
	public CborMessageOperations copied() {
		return new CborMessageTemplate(this, this.copied);
	}

	@Override
	public CborMessageOperations method(String name) {
		return new CborMessageTemplate(this, this.options.withMethod(name));
	}

	@Override
	public CborMessageOperations header(String name, String value) {
		return new CborMessageTemplate(this, this.options.withHeader(name, value));
	}

	@Override
	public CborMessageOperations timeout(Duration timeout) {
		CallOptions.checkTimeout(timeout);
		return new CborMessageTemplate(this, this.options.withTimeout(timeout));
	}

	@Override
	public CborMessageOperations totalTimeout(Duration total) {
		CallOptions.checkTimeout(total);
		return new CborMessageTemplate(this, this.options.withTotalTimeout(total));
	}

	@Override
	public void convertAndSend(Object payload, OwnedFd... descriptors) {
		send(defaultRoute(), payload, descriptors);
	}

	@Override
	public void convertAndSend(String destination, Object payload, OwnedFd... descriptors) {
		send(this.routes.to(destination), payload, descriptors);
	}

	@Override
	public <T> @Nullable T receiveAndConvert(Class<T> type) {
		return payload(receive(type));
	}

	@Override
	public <T> @Nullable T receiveAndConvert(String destination, Class<T> type) {
		return payload(receive(destination, type));
	}

	@Override
	public <T> @Nullable IpcMessage<T> receive(Class<T> type) {
		return receive(defaultRoute(), type);
	}

	@Override
	public <T> @Nullable IpcMessage<T> receive(String destination, Class<T> type) {
		return receive(this.routes.to(destination), type);
	}

	@Override
	public <T> @Nullable T receiveAndConvert(ParameterizedTypeReference<T> type) {
		return payload(receive(type));
	}

	@Override
	public <T> @Nullable T receiveAndConvert(String destination, ParameterizedTypeReference<T> type) {
		return payload(receive(destination, type));
	}

	@Override
	public <T> @Nullable IpcMessage<T> receive(ParameterizedTypeReference<T> type) {
		return receive(defaultRoute(), type.getType());
	}

	@Override
	public <T> @Nullable IpcMessage<T> receive(String destination, ParameterizedTypeReference<T> type) {
		return receive(this.routes.to(destination), type.getType());
	}

	@Override
	public <R> R convertSendAndReceive(Object request, Class<R> type, OwnedFd... descriptors) {
		return convert(defaultRoute(), request, type, null, descriptors);
	}

	@Override
	public <R> R convertSendAndReceive(Object request, Class<R> type, Duration timeout, OwnedFd... descriptors) {
		return convert(defaultRoute(), request, type, timeout, descriptors);
	}

	@Override
	public <R> R convertSendAndReceive(String destination, Object request, Class<R> type, OwnedFd... descriptors) {
		return convert(this.routes.to(destination), request, type, null, descriptors);
	}

	@Override
	public <R> R convertSendAndReceive(String destination, Object request, Class<R> type, Duration timeout,
			OwnedFd... descriptors) {
		return convert(this.routes.to(destination), request, type, timeout, descriptors);
	}

	@Override
	public <R> IpcMessage<R> sendAndReceive(Object request, Class<R> type, OwnedFd... descriptors) {
		return exchange(defaultRoute(), request, type, null, descriptors);
	}

	@Override
	public <R> IpcMessage<R> sendAndReceive(Object request, Class<R> type, Duration timeout, OwnedFd... descriptors) {
		return exchange(defaultRoute(), request, type, timeout, descriptors);
	}

	@Override
	public <R> IpcMessage<R> sendAndReceive(String destination, Object request, Class<R> type, OwnedFd... descriptors) {
		return exchange(this.routes.to(destination), request, type, null, descriptors);
	}

	@Override
	public <R> IpcMessage<R> sendAndReceive(String destination, Object request, Class<R> type, Duration timeout,
			OwnedFd... descriptors) {
		return exchange(this.routes.to(destination), request, type, timeout, descriptors);
	}

	@Override
	public <R> R convertSendAndReceive(Object request, ParameterizedTypeReference<R> type, OwnedFd... descriptors) {
		return convert(defaultRoute(), request, type.getType(), null, descriptors);
	}

	@Override
	public <R> R convertSendAndReceive(Object request, ParameterizedTypeReference<R> type, Duration timeout,
			OwnedFd... descriptors) {
		return convert(defaultRoute(), request, type.getType(), timeout, descriptors);
	}

	@Override
	public <R> R convertSendAndReceive(String destination, Object request, ParameterizedTypeReference<R> type,
			OwnedFd... descriptors) {
		return convert(this.routes.to(destination), request, type.getType(), null, descriptors);
	}

	@Override
	public <R> R convertSendAndReceive(String destination, Object request, ParameterizedTypeReference<R> type,
			Duration timeout, OwnedFd... descriptors) {
		return convert(this.routes.to(destination), request, type.getType(), timeout, descriptors);
	}

	@Override
	public <R> IpcMessage<R> sendAndReceive(Object request, ParameterizedTypeReference<R> type,
			OwnedFd... descriptors) {
		return exchange(defaultRoute(), request, type.getType(), null, descriptors);
	}

	@Override
	public <R> IpcMessage<R> sendAndReceive(Object request, ParameterizedTypeReference<R> type, Duration timeout,
			OwnedFd... descriptors) {
		return exchange(defaultRoute(), request, type.getType(), timeout, descriptors);
	}

	@Override
	public <R> IpcMessage<R> sendAndReceive(String destination, Object request, ParameterizedTypeReference<R> type,
			OwnedFd... descriptors) {
		return exchange(this.routes.to(destination), request, type.getType(), null, descriptors);
	}

	@Override
	public <R> IpcMessage<R> sendAndReceive(String destination, Object request, ParameterizedTypeReference<R> type,
			Duration timeout, OwnedFd... descriptors) {
		return exchange(this.routes.to(destination), request, type.getType(), timeout, descriptors);
	}

	@Override
	public <T> Stream<T> convertSendAndStream(Object request, Class<T> type, OwnedFd... descriptors) {
		return convertStream(defaultRoute(), request, type, descriptors);
	}

	@Override
	public <T> Stream<T> convertSendAndStream(String destination, Object request, Class<T> type,
			OwnedFd... descriptors) {
		return convertStream(this.routes.to(destination), request, type, descriptors);
	}

	@Override
	public <T> Stream<IpcMessage<T>> sendAndStream(String destination, Object request, Class<T> type,
			OwnedFd... descriptors) {
		return stream(this.routes.to(destination), request, type, descriptors);
	}

	@Override
	public <T> Stream<T> convertSendAndStream(Object request, ParameterizedTypeReference<T> type,
			OwnedFd... descriptors) {
		return convertStream(defaultRoute(), request, type.getType(), descriptors);
	}

	@Override
	public <T> Stream<T> convertSendAndStream(String destination, Object request, ParameterizedTypeReference<T> type,
			OwnedFd... descriptors) {
		return convertStream(this.routes.to(destination), request, type.getType(), descriptors);
	}

	@Override
	public <T> Stream<IpcMessage<T>> sendAndStream(String destination, Object request,
			ParameterizedTypeReference<T> type, OwnedFd... descriptors) {
		return stream(this.routes.to(destination), request, type.getType(), descriptors);
	}

	@Override
	public <R> CompletableFuture<R> convertSendAndReceiveAsync(Object request, ParameterizedTypeReference<R> type,
			OwnedFd... descriptors) {
		return this.<R, R>start(this::defaultRoute, request, type, this.copied, descriptors,
				CborMessageTemplate::payload);
	}

	@Override
	public <R> CompletableFuture<R> convertSendAndReceiveAsync(String destination, Object request,
			ParameterizedTypeReference<R> type, OwnedFd... descriptors) {
		return this.<R, R>start(() -> this.routes.to(destination), request, type, this.copied, descriptors,
				CborMessageTemplate::payload);
	}

	@Override
	public <R> CompletableFuture<IpcMessage<R>> sendAndReceiveAsync(String destination, Object request,
			ParameterizedTypeReference<R> type, OwnedFd... descriptors) {
		return this.<R, IpcMessage<R>>start(() -> this.routes.to(destination), request, type, this.options, descriptors,
				Function.identity());
	}

	/** Makes a call as others do, in a thread of its own. */
	private <R, T> CompletableFuture<T> start(Supplier<Route> to, Object request, ParameterizedTypeReference<R> type,
			CallOptions options, OwnedFd[] descriptors, Function<IpcMessage<R>, T> result) {
		try {
			Route route = to.get();
			return route.exchangeAsync(this.asyncCalls, request, type.getType(), timeout(route, null), options,
					descriptors, result);
		}
		catch (UnknownDestinationException ex) {
			return CompletableFuture.failedFuture(ex);
		}
	}

	private void send(Route route, Object payload, OwnedFd[] descriptors) {
		Assert.state(!this.options.needEnvelope(), "A one-way message has no method and no headers: send a request, or"
				+ " say in the payload what is to be done");
		route.send(payload, timeout(route, null), descriptors);
	}

	private <T> @Nullable IpcMessage<T> receive(Route route, Type type) {
		return route.receive(type, timeout(route, null));
	}

	private <R> IpcMessage<R> exchange(Route route, Object request, Type type, @Nullable Duration timeout,
			OwnedFd[] descriptors) {
		return route.exchange(request, type, timeout(route, timeout), this.options, descriptors);
	}

	private <R> R convert(Route route, Object request, Type type, @Nullable Duration timeout, OwnedFd[] descriptors) {
		return payload(route.exchange(request, type, timeout(route, timeout), this.copied, descriptors));
	}

	private <T> Stream<T> convertStream(Route route, Object request, Type type, OwnedFd[] descriptors) {
		return route.<T>stream(request, type, timeout(route, null), this.copied, descriptors)
			.map(CborMessageTemplate::payload);
	}

	private <T> Stream<IpcMessage<T>> stream(Route route, Object request, Type type, OwnedFd[] descriptors) {
		return route.stream(request, type, timeout(route, null), this.options, descriptors);
	}

	private Duration timeout(Route route, @Nullable Duration given) {
		return this.options.timeout(given, route.destination(), this.timeout);
	}

	private static <T> @Nullable T payload(@Nullable IpcMessage<T> message) {
		try (message) {
			return (message != null) ? message.payload() : null;
		}
	}

	private Route defaultRoute() {
		return (this.defaultDestination != null) ? this.routes.to(this.defaultDestination) : this.routes.only();
	}

}
