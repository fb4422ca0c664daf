package dev.tinyipc.spring;

import java.lang.reflect.Type;
import java.time.Duration;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

import dev.tinyipc.Deadline;
import dev.tinyipc.IpcMessage;

/**
 * The elements of a streamed reply, each received when the consumer asks for it. The
 * exchange is closed at the end, or by an exception, also one of the consumer.
 *
 * @param <T> the type of the elements
 */
final class ReplyStream<T> extends Spliterators.AbstractSpliterator<IpcMessage<T>> {

	private final Route route;

	private final IpcDestination.OpenExchange exchange;

	private final Type type;

	/** For each element. */
	private final Duration timeout;

	/** For all elements. */
	private final Deadline end;

	private boolean over;

	ReplyStream(Route route, IpcDestination.OpenExchange exchange, Type type, Duration timeout, Deadline end) {
		super(Long.MAX_VALUE, Spliterator.ORDERED);
		this.route = route;
		this.exchange = exchange;
		this.type = type;
		this.timeout = timeout;
		this.end = end;
	}

	Stream<IpcMessage<T>> stream() {
		return StreamSupport.stream(this, false).onClose(this::close);
	}

	@Override
	public boolean tryAdvance(Consumer<? super IpcMessage<T>> action) {
		if (this.over) {
			return false;
		}
		boolean goesOn = false;
		try {
			IpcMessage<T> element = this.route.next(this.exchange, this.type, deadline());
			if (element != null) {
				action.accept(element);
				goesOn = true;
			}
			return goesOn;
		}
		finally {
			if (!goesOn) {
				close();
			}
		}
	}

	private Deadline deadline() {
		Deadline next = Deadline.in(this.timeout).interruptible();
		return (this.end.remainingNanos() < next.remainingNanos()) ? this.end : next;
	}

	private void close() {
		this.over = true;
		this.exchange.close();
	}

}
