package dev.tinyipc.spring;

import java.lang.reflect.Type;
import java.time.Duration;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

import dev.tinyipc.Deadline;
import dev.tinyipc.IpcInstrumentation;
import dev.tinyipc.IpcMessage;
import org.jspecify.annotations.Nullable;

/**
 * The elements of a streamed reply, each received when the consumer asks for it. The
 * exchange is closed at the end, or by an exception, also one of the consumer.
 *
 * @param <T> the type of the elements
 */
final class ReplyStream<T> extends Spliterators.AbstractSpliterator<IpcMessage<T>> {

	private final Route route;

	private final IpcDestination.OpenExchange exchange;

	private final IpcInstrumentation.Observed observed;

	private final Type type;

	/** For each element. */
	private final Duration timeout;

	/** For all elements. */
	private final Deadline end;

	/** Whether nothing more will come. */
	private boolean over;

	private final AtomicBoolean ended = new AtomicBoolean();

	/** Whether the stream was closed, perhaps by another thread. */
	private volatile boolean closed;

	ReplyStream(Route route, IpcDestination.OpenExchange exchange, IpcInstrumentation.Observed observed, Type type,
			Duration timeout, Deadline end) {
		super(Long.MAX_VALUE, Spliterator.ORDERED);
		this.route = route;
		this.exchange = exchange;
		this.observed = observed;
		this.type = type;
		this.timeout = timeout;
		this.end = end;
	}

	Stream<IpcMessage<T>> stream() {
		return StreamSupport.stream(this, false).onClose(this::closeEarly);
	}

	@Override
	public boolean tryAdvance(Consumer<? super IpcMessage<T>> action) {
		if (this.over) {
			return false;
		}
		boolean goesOn = false;
		boolean early = true;
		try {
			IpcMessage<T> element = next();
			if (element != null) {
				action.accept(element);
				goesOn = true;
			}
			early = false;
			return goesOn;
		}
		finally {
			if (!goesOn) {
				this.over = true;
				end(early);
			}
		}
	}

	/**
	 * Ends the exchange and its observation.
	 * @param early whether the peer may have more to say
	 */
	private void end(boolean early) {
		boolean isFirst = this.ended.compareAndSet(false, true);
		if (isFirst && early) {
			this.observed.cancelled();
		}
		try {
			this.exchange.close();
		}
		finally {
			if (isFirst) {
				this.observed.end();
			}
		}
	}

	private @Nullable IpcMessage<T> next() {
		checkOpen();
		IpcMessage<T> element = this.route.next(this.exchange, this.observed, this.type, this.timeout, this.end);
		if (element == null) {
			checkOpen();
		}
		return element;
	}

	/** What was received until then may look like a whole stream, and is not. */
	private void checkOpen() {
		if (this.closed) {
			throw new IllegalStateException("The stream was closed before its end, and its request was cancelled");
		}
	}

	private void closeEarly() {
		this.closed = true;
		end(true);
	}

}
