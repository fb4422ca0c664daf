package dev.tinyipc.spring;

import java.lang.reflect.Type;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.stream.Stream;

import dev.tinyipc.Deadline;
import dev.tinyipc.Exchange;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcInstrumentation;
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
 * @param instrumentation accompanies the exchanges
 */
record Route(IpcDestination destination, IpcObserver.Destination observer, IpcInstrumentation instrumentation) {

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
		return exchange(begin(options), request, type, timeout, options, descriptors);
	}

	/**
	 * Has another thread make an exchange, which is observed as one of this thread.
	 * @param result makes the result of the reply
	 */
	<R, T> CompletableFuture<T> exchangeAsync(AsyncCalls threads, Object request, Type type, Duration timeout,
			CallOptions options, OwnedFd[] descriptors, Function<IpcMessage<R>, T> result) {
		IpcInstrumentation.Observed observed = begin(options);
		observed.detach();
		AtomicBoolean taken = new AtomicBoolean();
		CompletableFuture<T> future;
		try {
			future = threads.start(this.destination, timeout, descriptors, (left, copies) -> {
				if (!taken.compareAndSet(false, true)) {
					throw new CancellationException("The caller no longer waits for the reply");
				}
				return result.apply(exchange(observed, request, type, left, options, copies));
			});
		}
		catch (RuntimeException | Error ex) {
			endWithoutExchange(observed, ex);
			throw ex;
		}
		future.whenComplete((reply, failure) -> {
			if (taken.compareAndSet(false, true)) { // no thread will make it
				endWithoutExchange(observed, failure);
			}
		});
		return future;
	}

	/**
	 * Ends the observation of a call that was not made.
	 * @param failure null if somebody else has given the result
	 */
	private static void endWithoutExchange(IpcInstrumentation.Observed observed, @Nullable Throwable failure) {
		if (failure != null) {
			observed.failed(failure);
		}
		else {
			observed.cancelled();
		}
		observed.end();
	}

	private <R> IpcMessage<R> exchange(IpcInstrumentation.Observed observed, Object request, Type type,
			Duration timeout, CallOptions options, OwnedFd[] descriptors) {
		long called = System.nanoTime();
		try {
			return this.destination.exchange(timeout, options.idempotent(), (exchange) -> {
				long begun = System.nanoTime();
				request(exchange, request, options, observed, called, descriptors);
				IpcMessage<R> reply = received(exchange.reply(type));
				this.observer.exchanged(Duration.ofNanos(System.nanoTime() - begun));
				return reply;
			});
		}
		catch (IpcException | JacksonException | IpcMessagingException ex) {
			throw failed(ex, observed);
		}
		catch (RuntimeException | Error ex) {
			observed.failed(ex);
			throw ex;
		}
		finally {
			observed.end();
		}
	}

	private IpcInstrumentation.Observed begin(CallOptions options) {
		String method = options.method();
		return this.instrumentation.calling(this.destination.name(), (method != null) ? method : "");
	}

	private Void request(Exchange exchange, Object request, CallOptions options, IpcInstrumentation.Observed observed,
			long called, OwnedFd[] descriptors) throws IpcException {
		this.observer.acquired(Duration.ofNanos(System.nanoTime() - called));
		if (options.method() != null) {
			exchange.method(options.method());
		}
		if (options.copied()) {
			exchange.copied();
		}
		if (!options.headers().isEmpty()) {
			options.headers().forEach(exchange::header);
		}
		Map<String, String> traced = observed.headers();
		if (!traced.isEmpty()) {
			traced.forEach(exchange::optionalHeader);
		}
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
		IpcInstrumentation.Observed observed = begin(options);
		boolean open = false;
		try {
			IpcDestination.OpenExchange exchange = this.destination.open(first, options.idempotent(),
					(begun) -> request(begun.streamed(), request, options, observed, called, descriptors));
			open = true;
			return new ReplyStream<T>(this, exchange, observed, type, timeout, end).stream();
		}
		catch (IpcException | JacksonException | IpcMessagingException ex) {
			throw failed(ex, observed);
		}
		catch (RuntimeException | Error ex) {
			observed.failed(ex);
			throw ex;
		}
		finally {
			observed.detach();
			if (!open) {
				observed.end();
			}
		}
	}

	/**
	 * Receives the next element of a streamed reply; null at its end.
	 * @param timeout for this element
	 * @param end of the whole stream, also if the next element is there already
	 */
	<T> @Nullable IpcMessage<T> next(IpcDestination.OpenExchange open, IpcInstrumentation.Observed observed, Type type,
			Duration timeout, Deadline end) {
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
			throw failed(ex, observed);
		}
	}

	private IpcMessagingException failed(Exception cause, IpcInstrumentation.Observed observed) {
		IpcMessagingException translated = failed(cause);
		observed.failed(translated);
		return translated;
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
