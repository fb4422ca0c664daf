package dev.tinyipc.spring;

import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

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
 * A template is thread-safe once it is configured. Each instance of a peer serves one
 * request at a time; concurrent requests go to different instances.
 */
public class CborMessageTemplate implements CborMessageOperations {

	/** The default timeout of a call: 30 seconds. */
	public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(30);

	/** The longest timeout: 100 years, which a {@code long} of nanoseconds can hold. */
	public static final Duration MAX_TIMEOUT = Duration.ofDays(36_500);

	private final Map<String, Route> routes;

	private @Nullable String defaultDestination;

	private Duration timeout = DEFAULT_TIMEOUT;

	private final boolean idempotent;

	/**
	 * Creates a template. If there is only one destination, that is the default.
	 * @param destinations the peers, with unique names
	 * @param observer observes every message
	 */
	public CborMessageTemplate(Collection<? extends IpcDestination> destinations, IpcObserver observer) {
		this.routes = new TreeMap<>();
		this.idempotent = false;
		for (IpcDestination destination : destinations) {
			Route route = new Route(destination, GuardedObserver.of(observer, destination.name()));
			Route other = this.routes.put(destination.name(), route);
			Assert.state(other == null, () -> "Two destinations are named '" + destination.name() + '\'');
		}
	}

	private CborMessageTemplate(CborMessageTemplate other, boolean idempotent) {
		this.routes = other.routes;
		this.defaultDestination = other.defaultDestination;
		this.timeout = other.timeout;
		this.idempotent = idempotent;
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
		checkTimeout(timeout);
		this.timeout = timeout;
	}

	@Override
	public CborMessageOperations idempotent() {
		return new CborMessageTemplate(this, true);
	}

	@Override
	public void convertAndSend(Object payload, OwnedFd... descriptors) {
		send(defaultRoute(), payload, descriptors);
	}

	@Override
	public void convertAndSend(String destination, Object payload, OwnedFd... descriptors) {
		send(route(destination), payload, descriptors);
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
		return receive(route(destination), type);
	}

	@Override
	public <R> R convertSendAndReceive(Object request, Class<R> type, OwnedFd... descriptors) {
		return convertSendAndReceive(request, type, timeout(defaultRoute()), descriptors);
	}

	@Override
	public <R> R convertSendAndReceive(Object request, Class<R> type, Duration timeout, OwnedFd... descriptors) {
		try (IpcMessage<R> reply = sendAndReceive(request, type, timeout, descriptors)) {
			return reply.payload();
		}
	}

	@Override
	public <R> R convertSendAndReceive(String destination, Object request, Class<R> type, OwnedFd... descriptors) {
		return convertSendAndReceive(destination, request, type, timeout(route(destination)), descriptors);
	}

	@Override
	public <R> R convertSendAndReceive(String destination, Object request, Class<R> type, Duration timeout,
			OwnedFd... descriptors) {
		try (IpcMessage<R> reply = sendAndReceive(destination, request, type, timeout, descriptors)) {
			return reply.payload();
		}
	}

	@Override
	public <R> IpcMessage<R> sendAndReceive(Object request, Class<R> type, OwnedFd... descriptors) {
		return exchange(defaultRoute(), request, type, timeout(defaultRoute()), descriptors);
	}

	@Override
	public <R> IpcMessage<R> sendAndReceive(Object request, Class<R> type, Duration timeout, OwnedFd... descriptors) {
		return exchange(defaultRoute(), request, type, timeout, descriptors);
	}

	@Override
	public <R> IpcMessage<R> sendAndReceive(String destination, Object request, Class<R> type, OwnedFd... descriptors) {
		return exchange(route(destination), request, type, timeout(route(destination)), descriptors);
	}

	@Override
	public <R> IpcMessage<R> sendAndReceive(String destination, Object request, Class<R> type, Duration timeout,
			OwnedFd... descriptors) {
		return exchange(route(destination), request, type, timeout, descriptors);
	}

	private void send(Route route, Object payload, OwnedFd[] descriptors) {
		try {
			long bytes = route.destination.send(payload, timeout(route), descriptors);
			route.observer.sent(bytes, descriptors.length);
		}
		catch (IpcException | JacksonException | IpcMessagingException ex) {
			throw failed(route, ex);
		}
	}

	private <T> @Nullable IpcMessage<T> receive(Route route, Class<T> type) {
		try {
			IpcMessage<T> message = route.destination.receive(type, timeout(route));
			route.observer.received(message.size(), message.descriptors().size());
			return message;
		}
		catch (IpcException.Timeout | IpcTimeoutException ex) {
			return null;
		}
		catch (IpcException | JacksonException | IpcMessagingException ex) {
			throw failed(route, ex);
		}
	}

	private <R> IpcMessage<R> exchange(Route route, Object request, Class<R> type, Duration timeout,
			OwnedFd[] descriptors) {
		checkTimeout(timeout);
		long called = System.nanoTime();
		try {
			return route.destination.exchange(timeout, this.idempotent, (exchange) -> {
				long begun = System.nanoTime();
				route.observer.acquired(Duration.ofNanos(begun - called));
				long bytes = exchange.request(request, descriptors);
				route.observer.sent(bytes, descriptors.length);
				IpcMessage<R> reply = exchange.reply(type);
				route.observer.received(reply.size(), reply.descriptors().size());
				route.observer.exchanged(Duration.ofNanos(System.nanoTime() - begun));
				return reply;
			});
		}
		catch (IpcException | JacksonException | IpcMessagingException ex) {
			throw failed(route, ex);
		}
	}

	private Duration timeout(Route route) {
		Duration own = route.destination.timeout();
		return (own != null) ? own : this.timeout;
	}

	private static <T> @Nullable T payload(@Nullable IpcMessage<T> message) {
		try (message) {
			return (message != null) ? message.payload() : null;
		}
	}

	private static IpcMessagingException failed(Route route, Exception cause) {
		if (cause instanceof IpcException.Remote remote) {
			route.observer.received(remote.size(), 0);
		}
		IpcMessagingException translated = IpcExceptionTranslator.translate(route.destination.name(), cause);
		route.observer.failed(translated);
		return translated;
	}

	private Route defaultRoute() {
		if (this.defaultDestination != null) {
			return route(this.defaultDestination);
		}
		if (this.routes.size() != 1) {
			throw new UnknownDestinationException(
					"The call names no destination, and there is no default. " + availableDestinations());
		}
		return this.routes.values().iterator().next();
	}

	private Route route(String destination) {
		Route route = this.routes.get(destination);
		if (route == null) {
			throw new UnknownDestinationException(
					"There is no destination '" + destination + "'. " + availableDestinations());
		}
		return route;
	}

	private String availableDestinations() {
		return this.routes.isEmpty()
				? "There are none: declare a child process with @ChildProcess or ipc.children.<name>.command."
				: "There are: " + String.join(", ", this.routes.keySet()) + '.';
	}

	private static void checkTimeout(Duration timeout) {
		Assert.isTrue(timeout.compareTo(Duration.ZERO) > 0 && timeout.compareTo(MAX_TIMEOUT) <= 0,
				() -> "A timeout must be more than zero and at most 100 years, not " + timeout);
	}

	private record Route(IpcDestination destination, IpcObserver.Destination observer) {
	}

}
