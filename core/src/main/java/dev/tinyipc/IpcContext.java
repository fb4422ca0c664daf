package dev.tinyipc;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;

import org.jspecify.annotations.Nullable;

/** What a handler of {@link IpcServer} knows about a request beyond its payload. */
public final class IpcContext {

	private final @Nullable Envelope envelope;

	private final Deadline deadline;

	private final ServedExchange exchange;

	private final @Nullable IpcParent parent;

	IpcContext(@Nullable Envelope envelope, ServedExchange exchange, @Nullable IpcParent parent) {
		this.envelope = envelope;
		this.deadline = deadline(envelope);
		this.exchange = exchange;
		this.parent = parent;
	}

	/**
	 * What the peer wants done with the payload.
	 * @return the name of a method; empty if it has not said
	 */
	public Optional<String> method() {
		return (this.envelope != null) ? Optional.ofNullable(this.envelope.method()) : Optional.empty();
	}

	/**
	 * The headers of the request, such as {@code traceparent}.
	 * @return unmodifiable; empty if there are none
	 */
	public Map<String, String> headers() {
		return (this.envelope != null) ? this.envelope.headers() : Map.of();
	}

	/**
	 * Until when the caller waits for the reply, or for the first element of it.
	 * @return an interruptible deadline; {@link Deadline#NONE} if the caller has not said
	 */
	public Deadline deadline() {
		return this.deadline;
	}

	/**
	 * Whether nobody waits for the reply. The thread of the handler is interrupted, too.
	 * @return whether the handler should return, with any result, as soon as it can
	 */
	public boolean isCancelled() {
		return this.exchange.isCancelled();
	}

	/**
	 * Ends the handler if nobody waits for the reply.
	 * @throws CancellationException if the exchange was cancelled
	 */
	public void checkCancelled() {
		this.exchange.checkCancelled();
	}

	/**
	 * The parent of this process, to ask it for something. Its calls wait no longer than
	 * the caller of this request does for the reply, or for the first element of it, and
	 * belong to the same trace.
	 * @return the parent
	 * @throws IllegalStateException if the request does not come from the parent of a
	 * child that was invited to say hello
	 */
	public IpcParent parent() {
		if (this.parent == null) {
			throw new IllegalStateException("There is no parent to call: this process was not started as a child, or"
					+ " its parent does not serve calls (" + IpcServer.HELLO_VARIABLE + " is not set)");
		}
		IpcParent parent = this.parent.inTrace(ServedTrace.headersOf(this));
		return this.exchange.isStreaming() ? parent : parent.until(this.deadline);
	}

	/** The deadline that is written on an envelope that has just come. */
	private static Deadline deadline(@Nullable Envelope envelope) {
		String millis = (envelope != null) ? envelope.headers().get(Envelope.DEADLINE) : null;
		try {
			long left = (millis != null) ? Long.parseLong(millis) : Envelope.NO_DEADLINE;
			return (left >= 0) ? Deadline.in(Duration.ofMillis(left)).interruptible() : Deadline.NONE;
		}
		catch (NumberFormatException ex) {
			return Deadline.NONE; // as if it were unknown
		}
	}

}
