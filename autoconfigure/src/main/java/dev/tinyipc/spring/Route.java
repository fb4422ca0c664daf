package dev.tinyipc.spring;

import java.lang.reflect.Type;
import java.time.Duration;
import java.util.stream.Stream;

import dev.tinyipc.Deadline;
import dev.tinyipc.Exchange;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

/**
 * The way of a template's messages to one destination: observed, and with the exceptions
 * of the template.
 *
 * @param destination the peer
 * @param observer observes the messages
 */
record Route(IpcDestination destination, IpcObserver.Destination observer) {

	void send(Object payload, Duration timeout, OwnedFd[] descriptors) {
		try {
			long bytes = this.destination.send(payload, timeout, descriptors);
			this.observer.sent(bytes, descriptors.length);
		}
		catch (IpcException | JacksonException | IpcMessagingException ex) {
			throw failed(ex);
		}
	}

	/** Returns null if no message came in time. */
	<T> @Nullable IpcMessage<T> receive(Type type, Duration timeout) {
		try {
			return received(this.destination.receive(type, timeout));
		}
		catch (IpcException.Timeout | IpcTimeoutException ex) {
			return null;
		}
		catch (IpcException | JacksonException | IpcMessagingException ex) {
			throw failed(ex);
		}
	}

	private <T> IpcMessage<T> received(IpcMessage<T> message) {
		this.observer.received(message.size(), message.descriptors().size());
		return message;
	}

	<R> IpcMessage<R> exchange(Object request, Type type, Duration timeout, CallOptions options,
			OwnedFd[] descriptors) {
		long called = System.nanoTime();
		try {
			return this.destination.exchange(timeout, options.idempotent(), (exchange) -> {
				long begun = System.nanoTime();
				request(exchange, request, options, called, descriptors);
				IpcMessage<R> reply = received(exchange.reply(type));
				this.observer.exchanged(Duration.ofNanos(System.nanoTime() - begun));
				return reply;
			});
		}
		catch (IpcException | JacksonException | IpcMessagingException ex) {
			throw failed(ex);
		}
	}

	private Void request(Exchange exchange, Object request, CallOptions options, long called, OwnedFd[] descriptors)
			throws IpcException {
		this.observer.acquired(Duration.ofNanos(System.nanoTime() - called));
		if (options.method() != null) {
			exchange.method(options.method());
		}
		options.headers().forEach(exchange::header);
		long bytes = exchange.request(request, descriptors);
		this.observer.sent(bytes, descriptors.length);
		return null;
	}

	<T> Stream<IpcMessage<T>> stream(Object request, Type type, Duration timeout, CallOptions options,
			OwnedFd[] descriptors) {
		long called = System.nanoTime();
		Duration total = options.totalTimeout();
		Deadline end = (total != null) ? Deadline.in(total).interruptible() : Deadline.NONE;
		Duration first = (total != null && total.compareTo(timeout) < 0) ? total : timeout;
		try {
			IpcDestination.OpenExchange open = this.destination.open(first, options.idempotent(),
					(exchange) -> request(exchange.streamed(), request, options, called, descriptors));
			return new ReplyStream<T>(this, open, type, timeout, end).stream();
		}
		catch (IpcException | JacksonException | IpcMessagingException ex) {
			throw failed(ex);
		}
	}

	/**
	 * Receives the next element of a streamed reply; null at its end.
	 * @param timeout for this element
	 * @param end of the whole stream, also if the next element is there already
	 */
	<T> @Nullable IpcMessage<T> next(IpcDestination.OpenExchange open, Type type, Duration timeout, Deadline end) {
		try {
			IpcMessage<T> element = open.run((exchange) -> {
				if (end.hasPassed()) {
					throw new IpcException.Timeout("it has not ended within its total timeout");
				}
				if (Thread.currentThread().isInterrupted()) {
					throw new IpcException.Interrupted("interrupted while the stream was consumed");
				}
				Deadline next = Deadline.in(timeout).interruptible();
				return exchange.next(type, (end.remainingNanos() < next.remainingNanos()) ? end : next);
			});
			return (element != null) ? received(element) : null;
		}
		catch (IpcException | JacksonException | IpcMessagingException ex) {
			throw failed(ex);
		}
	}

	private IpcMessagingException failed(Exception cause) {
		if (cause instanceof IpcException.Remote remote) {
			this.observer.received(remote.size(), 0);
		}
		IpcMessagingException translated = IpcExceptionTranslator.translate(this.destination.name(), cause);
		this.observer.failed(translated);
		return translated;
	}

}
