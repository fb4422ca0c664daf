package dev.tinyipc;

import java.io.Closeable;
import java.io.UncheckedIOException;
import java.lang.reflect.Type;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

/**
 * The parent of this process, as somebody who can be asked: at any time, by any number of
 * threads, also while this process works on a request of the parent's.
 *
 * <pre class="code">
 * .handler("render", Page.class, (request, context) -&gt; {
 *     Font font = context.parent().call("font", request.payload().fontName(), Font.class);
 *     ...
 * </pre>
 *
 * Calls go over sockets of their own, of which further ones are opened as they are
 * needed.
 */
public final class IpcParent {

	/** The name of the parent, as a destination. */
	static final String NAME = "parent";

	private static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(30);

	private final RequesterPool pool;

	private final IpcInstrumentation instrumentation;

	/** Headers of all calls: the trace of the request that is worked on. */
	private final Map<String, String> trace;

	/** Null for the default timeout, from each call on. */
	private final @Nullable Deadline deadline;

	private IpcParent(RequesterPool pool, IpcInstrumentation instrumentation, Map<String, String> trace,
			@Nullable Deadline deadline) {
		this.pool = pool;
		this.instrumentation = instrumentation;
		this.trace = trace;
		this.deadline = deadline;
	}

	/** The parent at the other end of the socket that goes with the hello. */
	static IpcParent over(IpcChannel calls) {
		return over(calls, IpcInstrumentation.NONE);
	}

	/** The same, with calls that are accompanied by an instrumentation. */
	static IpcParent over(IpcChannel calls, IpcInstrumentation instrumentation) {
		return new IpcParent(new RequesterPool(calls), instrumentation, Map.of(), null);
	}

	/** The same parent, whose calls belong to a trace, in whatever thread. */
	IpcParent inTrace(Map<String, String> headers) {
		return headers.isEmpty() ? this : new IpcParent(this.pool, this.instrumentation, headers, this.deadline);
	}

	/**
	 * Limits how long calls may take, instead of 30 seconds or the time that is left of
	 * the request that is worked on.
	 * @param deadline of each call
	 * @return the same parent, with that limit
	 */
	public IpcParent until(Deadline deadline) {
		return (deadline != Deadline.NONE)
				? new IpcParent(this.pool, this.instrumentation, this.trace, deadline.interruptible()) : this;
	}

	/**
	 * Asks the parent, and closes the descriptors that come with its reply.
	 * @param method what to do with the payload, as the parent calls it
	 * @param payload the value to send
	 * @param type the type to read the reply as
	 * @param descriptors at most 253; the caller keeps them
	 * @param <R> the type of the reply
	 * @return the reply; null only if the parent sent a null
	 * @throws IpcException as {@link #exchange}
	 */
	public <R> R call(String method, @Nullable Object payload, Class<R> type, OwnedFd... descriptors)
			throws IpcException {
		try (IpcMessage<R> reply = exchange(method, payload, type, descriptors)) {
			return reply.payload();
		}
	}

	/**
	 * Asks the parent.
	 * @param method what to do with the payload, as the parent calls it
	 * @param payload the value to send
	 * @param type the type to read the reply as, as in {@link IpcChannel#receive(Type)}
	 * @param descriptors at most 253; the caller keeps them
	 * @param <R> the type of the reply
	 * @return the reply, to be closed by the caller
	 * @throws tools.jackson.core.JacksonException if the request cannot be written, or
	 * the reply not be read
	 * @throws IpcException.Remote if the parent answered with an error, such as that it
	 * has no such method
	 * @throws IpcException.PeerClosed if the parent is gone, or serves no calls
	 * @throws IpcException.Timeout if there was no reply in time, or all sockets were
	 * busy
	 * @throws IpcException.Interrupted if the thread was interrupted while it waited, for
	 * example because the request that it works on was cancelled
	 * @throws IpcException if the call failed otherwise
	 */
	public <R> IpcMessage<R> exchange(String method, @Nullable Object payload, Type type, OwnedFd... descriptors)
			throws IpcException {
		IpcInstrumentation.Observed observed = this.instrumentation.calling(NAME, method);
		try (Call call = new Call(method, observed)) {
			call.exchange.request(payload, descriptors);
			return call.exchange.reply(type);
		}
		catch (IpcException | RuntimeException | Error ex) {
			observed.failed(ex);
			throw ex;
		}
		finally {
			observed.end();
		}
	}

	/**
	 * Asks the parent, which streams its reply.
	 * @param method what to do with the payload, as the parent calls it
	 * @param payload the value to send
	 * @param type the type to read each element as, as in
	 * {@link IpcChannel#receive(Type)}
	 * @param descriptors at most 253; the caller keeps them
	 * @param <R> the type of the elements
	 * @return the elements, to be closed by the caller, each of them and the stream,
	 * which tells the parent to stop unless it has come to its end. It throws
	 * {@link UncheckedIOException} where {@link #exchange} throws an exception
	 * @throws IpcException as {@link #exchange}, if the request cannot be sent
	 */
	public <R> Stream<IpcMessage<R>> stream(String method, @Nullable Object payload, Type type, OwnedFd... descriptors)
			throws IpcException {
		IpcInstrumentation.Observed observed = this.instrumentation.calling(NAME, method);
		Call call = null;
		boolean sent = false;
		try {
			call = new Call(method, observed);
			call.exchange.streamed().request(payload, descriptors);
			sent = true;
			Elements elements = new Elements(call, observed);
			return Stream.generate(() -> elements.<R>next(type)).takeWhile(Objects::nonNull).onClose(elements::close);
		}
		catch (IpcException | RuntimeException | Error ex) {
			observed.failed(ex);
			throw ex;
		}
		finally {
			observed.detach();
			if (!sent) {
				if (call != null) {
					call.close();
				}
				observed.end();
			}
		}
	}

	/**
	 * Begins an exchange over a socket that nobody else has meanwhile, for those who send
	 * requests in a way of their own, and observe them.
	 * @return the call, to be closed by the caller
	 * @throws IpcException as {@link #exchange}, if there is no socket for it
	 */
	public Call begin() throws IpcException {
		return new Call(null, IpcInstrumentation.Observed.NONE);
	}

	private Deadline deadline() {
		return (this.deadline != null) ? this.deadline : Deadline.in(DEFAULT_TIMEOUT).interruptible();
	}

	/** An exchange with the parent, and its socket. */
	public final class Call implements Closeable {

		private final IpcRequester requester;

		private final Exchange exchange;

		private boolean closed;

		private Call(@Nullable String method, IpcInstrumentation.Observed observed) throws IpcException {
			Deadline deadline = deadline();
			this.requester = IpcParent.this.pool.take(deadline);
			Exchange begun = null;
			try {
				Exchange exchange = this.requester.begin(deadline);
				begun = (method != null) ? exchange.method(method) : exchange;
				IpcParent.this.trace.forEach(begun::optionalHeader);
				observed.headers().forEach(begun::optionalHeader);
				this.exchange = begun;
			}
			finally {
				if (begun == null) {
					IpcParent.this.pool.giveBack(this.requester);
				}
			}
		}

		/**
		 * The exchange.
		 * @return not to be used any more once this is closed
		 */
		public Exchange exchange() {
			return this.exchange;
		}

		/** If the exchange is not over, the parent is told that nobody waits for it. */
		@Override
		public synchronized void close() {
			if (!this.closed) {
				this.closed = true;
				this.exchange.cancel();
				IpcParent.this.pool.giveBack(this.requester);
			}
		}

	}

	/** The elements of a streamed reply, until it ends or is closed. */
	private final class Elements implements Closeable {

		private final Call call;

		private final IpcInstrumentation.Observed observed;

		private boolean closed;

		Elements(Call call, IpcInstrumentation.Observed observed) {
			this.call = call;
			this.observed = observed;
		}

		/** Null at the end of the stream. */
		<R> @Nullable IpcMessage<R> next(Type type) {
			try {
				IpcMessage<R> element = this.closed ? null : this.call.exchange.next(type, deadline());
				if (element == null) {
					close();
				}
				return element;
			}
			catch (IpcException ex) {
				this.observed.failed(ex);
				close();
				throw new UncheckedIOException(ex);
			}
			catch (RuntimeException | Error ex) {
				this.observed.failed(ex);
				throw ex;
			}
		}

		@Override
		public synchronized void close() {
			if (!this.closed) {
				this.closed = true;
				if (!this.call.exchange.isAnswered()) {
					this.observed.cancelled();
				}
				this.call.close();
				this.observed.end();
			}
		}

	}

	/** Called by whoever has created it. */
	void close() {
		this.pool.close();
	}

}
