package dev.tinyipc.spring;

import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.OwnedFd;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.dataformat.cbor.CBORMapper;

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
 * A template is thread-safe once it is configured. A request and its reply have the peer
 * to themselves: what runs at once, runs on several instances of the peer.
 */
public class CborMessageTemplate implements CborMessageOperations {

	/** How long a call may take unless said otherwise. */
	public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(30);

	/** The longest time-out: a hundred years, in nanoseconds still a {@code long}. */
	public static final Duration MAX_TIMEOUT = Duration.ofDays(36_500);

	/**
	 * Elapsed time below this does not shorten the time-out of the receive that follows,
	 * so that the kernel need not be told a new one for each request.
	 */
	private static final Duration TIMEOUT_GRANULARITY = Duration.ofMillis(10);

	private final CBORMapper mapper;

	private final Map<String, Route> routes;

	private @Nullable String defaultDestination;

	private Duration timeout = DEFAULT_TIMEOUT;

	private int maxMessageSize = IpcChannel.DEFAULT_MAX_MESSAGE_SIZE;

	private final boolean idempotent;

	/**
	 * Creates a template whose default destination is the only one there is.
	 * @param mapper writes and reads the payloads
	 * @param destinations the peers
	 * @param observer is told of every message
	 */
	public CborMessageTemplate(CBORMapper mapper, Collection<? extends IpcDestination> destinations,
			IpcObserver observer) {
		this.mapper = mapper;
		this.routes = new TreeMap<>();
		this.idempotent = false;
		for (IpcDestination destination : destinations) {
			Route route = new Route(destination, observer.destination(destination.name()));
			Route other = this.routes.put(destination.name(), route);
			Assert.state(other == null, () -> "Two destinations are named '" + destination.name() + '\'');
		}
	}

	private CborMessageTemplate(CborMessageTemplate other, boolean idempotent) {
		this.mapper = other.mapper;
		this.routes = other.routes;
		this.defaultDestination = other.defaultDestination;
		this.timeout = other.timeout;
		this.maxMessageSize = other.maxMessageSize;
		this.idempotent = idempotent;
	}

	/**
	 * Sets the destination of the calls that name none.
	 * @param defaultDestination a peer's name; null for the only one
	 */
	public void setDefaultDestination(@Nullable String defaultDestination) {
		this.defaultDestination = defaultDestination;
	}

	/**
	 * Sets how long a call may take that names no time-out.
	 * @param timeout more than zero and at most {@link #MAX_TIMEOUT}; 30 seconds unless
	 * set
	 */
	public void setTimeout(Duration timeout) {
		checkTimeout(timeout);
		this.timeout = timeout;
	}

	/**
	 * Sets the largest message that is sent and accepted.
	 * @param maxMessageSize bytes; 16 MiB unless set
	 */
	public void setMaxMessageSize(int maxMessageSize) {
		Assert.isTrue(maxMessageSize > 0, "The maximum message size must be more than zero");
		this.maxMessageSize = maxMessageSize;
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
			Duration timeout = timeout(route);
			long bytes = route.destination.send(timeout, (connection) -> {
				connection.socket().setSendTimeout(kernelTimeout(timeout, connection));
				return channel(connection.socket()).send(payload, descriptors);
			});
			route.observer.sent(bytes, descriptors.length);
		}
		catch (IpcException | JacksonException ex) {
			throw failed(route, ex);
		}
	}

	private <T> @Nullable IpcMessage<T> receive(Route route, Class<T> type) {
		try {
			Duration timeout = timeout(route);
			return route.destination.receive(timeout, (connection) -> {
				connection.socket().setReceiveTimeout(kernelTimeout(timeout, connection));
				return receive(route, channel(connection.socket()), type);
			});
		}
		catch (IpcException.Timeout ex) {
			return null;
		}
		catch (IpcException | JacksonException ex) {
			throw failed(route, ex);
		}
	}

	private <R> IpcMessage<R> exchange(Route route, Object request, Class<R> type, Duration timeout,
			OwnedFd[] descriptors) {
		checkTimeout(timeout);
		long start = System.nanoTime();
		try {
			IpcMessage<R> reply = route.destination.exchange(timeout, this.idempotent, (connection) -> {
				IpcSocket socket = connection.socket();
				checkNothingPending(connection);
				IpcChannel channel = channel(socket);
				socket.setSendTimeout(kernelTimeout(timeout, connection));
				long bytes = channel.send(request, descriptors);
				route.observer.sent(bytes, descriptors.length);
				connection.setInStep(false);
				socket.setReceiveTimeout(kernelTimeout(timeout, connection));
				return reply(route, connection, channel, type);
			});
			route.observer.exchanged(Duration.ofNanos(System.nanoTime() - start));
			return reply;
		}
		catch (IpcException.Timeout ex) {
			throw failed(route, new IpcException.Timeout("no reply within " + timeout + ": " + ex.getMessage()));
		}
		catch (IpcException | JacksonException ex) {
			throw failed(route, ex);
		}
	}

	private static <R> IpcMessage<R> reply(Route route, IpcDestination.Connection connection, IpcChannel channel,
			Class<R> type) throws IpcException {
		try {
			IpcMessage<R> reply = receive(route, channel, type);
			connection.setInStep(true);
			return reply;
		}
		catch (IpcException.PeerClosed ex) {
			throw new ReplyLost(ex);
		}
		catch (JacksonException | IpcException.Remote ex) {
			connection.setInStep(true); // it was a whole message, if not of that type
			throw ex;
		}
	}

	private static <T> IpcMessage<T> receive(Route route, IpcChannel channel, Class<T> type) throws IpcException {
		try {
			IpcMessage<T> message = channel.receive(type);
			if (message == null) {
				throw new IpcException.PeerClosed("the peer closed its socket");
			}
			route.observer.received(message.size(), message.descriptors().size());
			return message;
		}
		catch (IpcException.Remote ex) {
			route.observer.received(ex.size(), 0);
			throw ex;
		}
	}

	/** Whose reply would it be taken for? */
	private static void checkNothingPending(IpcDestination.Connection connection) throws IpcException {
		OptionalInt pending = connection.socket().pendingSize();
		if (pending.isPresent() && pending.getAsInt() == 0) {
			// Closed by the peer, or shut down here because a message was sent in part.
			throw new IpcException.PeerClosed("the peer closed its socket");
		}
		if (pending.isPresent()) {
			connection.setInStep(false);
			throw new IpcException("a message that nobody asked for was waiting where a reply was to come:"
					+ " the peer must answer each request once, and otherwise send only if nobody makes requests of it");
		}
	}

	/**
	 * What is left of the time, or all of it while hardly any has passed: the kernel need
	 * not be told another one for each request.
	 */
	private static Duration kernelTimeout(Duration timeout, IpcDestination.Connection connection) {
		Duration left = connection.timeLeft();
		return (timeout.compareTo(left.plus(TIMEOUT_GRANULARITY)) < 0) ? timeout : left;
	}

	private Duration timeout(Route route) {
		Duration own = route.destination.timeout();
		return (own != null) ? own : this.timeout;
	}

	private IpcChannel channel(IpcSocket socket) {
		return IpcChannel.over(socket, this.mapper).withMaxMessageSize(this.maxMessageSize);
	}

	private static <T> @Nullable T payload(@Nullable IpcMessage<T> message) {
		try (message) {
			return (message != null) ? message.payload() : null;
		}
	}

	private static IpcMessagingException failed(Route route, Exception cause) {
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
					"No destination was named, and there is no default one. " + whichThereAre());
		}
		return this.routes.values().iterator().next();
	}

	private Route route(String destination) {
		Route route = this.routes.get(destination);
		if (route == null) {
			throw new UnknownDestinationException("There is no destination '" + destination + "'. " + whichThereAre());
		}
		return route;
	}

	private String whichThereAre() {
		return this.routes.isEmpty()
				? "There is none at all: declare a child process with @ChildProcess or ipc.children.<name>.command."
				: "There are: " + String.join(", ", this.routes.keySet()) + '.';
	}

	private static void checkTimeout(Duration timeout) {
		Assert.isTrue(timeout.compareTo(Duration.ZERO) > 0 && timeout.compareTo(MAX_TIMEOUT) <= 0,
				() -> "A time-out must be more than zero and at most 100 years, not " + timeout);
	}

	private record Route(IpcDestination destination, IpcObserver.Destination observer) {
	}

}
