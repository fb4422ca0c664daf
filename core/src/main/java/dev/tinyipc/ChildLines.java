package dev.tinyipc;

import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The lines of one child on their way to their consumers, in order, followed by its end.
 * At most {@value #CAPACITY} bytes wait here. When the queue is full, the child's output
 * is not read, which slows the child down too: a consumer that is merely slower than the
 * child loses nothing. If the queue stays full for a second, lines are dropped and
 * counted until half of it has been consumed: no consumer can block a child for longer,
 * or fill the heap.
 */
final class ChildLines implements Runnable {

	private static final Logger logger = LoggerFactory.getLogger(ChildLines.class);

	static final int CAPACITY = 256 * 1024;

	/** What a line occupies besides its characters. */
	private static final int LINE_OVERHEAD = 64;

	private static final long PATIENCE = TimeUnit.SECONDS.toNanos(1);

	/** How many lines are consumed before it is another child's turn. */
	private static final int LINES_AT_ONCE = 64;

	private final ForeignCalls calls;

	private final Runnable watcher;

	private final Queue<Line> queue = new ArrayDeque<>();

	private final Map<Consumer<String>, Long> dropped = new LinkedHashMap<>();

	private State state = State.OPEN;

	private int size;

	private long fullSince;

	private boolean scheduled;

	private boolean ended;

	/**
	 * Creates a queue.
	 * @param calls runs the consumers
	 * @param watcher runs when there is room again, and when the end is reached
	 */
	ChildLines(ForeignCalls calls, Runnable watcher) {
		this.calls = calls;
		this.watcher = watcher;
	}

	synchronized void add(Consumer<String> consumer, String text) {
		if (this.state == State.DROPPING || this.state == State.ABANDONED) {
			this.dropped.merge(consumer, 1L, Long::sum);
			return;
		}
		put(new Line(consumer, text));
		if (this.size >= CAPACITY && this.state == State.OPEN) {
			this.state = State.FULL;
			this.fullSince = System.nanoTime();
		}
		schedule();
	}

	/** Adds the end: {@link #isEnded()} once all lines before it have been consumed. */
	synchronized void end() {
		tellDropped();
		put(new Line((nothing) -> reachEnd(), ""));
		schedule();
	}

	private synchronized void reachEnd() {
		this.ended = true;
		this.watcher.run();
	}

	synchronized boolean isEnded() {
		return this.ended;
	}

	/** Abandons the consumers: drops all lines that wait, and those that follow. */
	synchronized void abandon() {
		this.state = State.ABANDONED;
		this.queue.clear();
		this.dropped.clear();
		this.calls.remove(this);
	}

	/** Whether more lines can be read from the child. */
	synchronized boolean hasRoom() {
		return this.state != State.FULL;
	}

	/** Must be called from time to time while there is no room. */
	synchronized void look(long now) {
		if (this.state == State.FULL && now - this.fullSince > PATIENCE) {
			this.state = State.DROPPING;
		}
		schedule();
	}

	private void put(Line line) {
		this.queue.add(line);
		this.size += line.size();
	}

	private void schedule() {
		if (!this.scheduled && !this.queue.isEmpty()) {
			this.calls.execute(this);
			this.scheduled = true; // only now: there may be no thread to run it
		}
	}

	@Override
	public void run() {
		for (int i = 0; i < LINES_AT_ONCE; i++) {
			Line line = take();
			if (line == null) {
				return;
			}
			consume(line);
		}
		synchronized (this) {
			this.scheduled = false;
			schedule();
		}
	}

	private synchronized @Nullable Line take() {
		Line line = this.queue.poll();
		if (line == null) {
			this.scheduled = false;
			return null;
		}
		this.size -= line.size();
		if (this.size <= CAPACITY / 2 && (this.state == State.FULL || this.state == State.DROPPING)) {
			this.state = State.OPEN;
			tellDropped();
			this.watcher.run();
		}
		return line;
	}

	private void tellDropped() {
		this.dropped.forEach((consumer, count) -> put(new Line(consumer,
				"… (" + count + " lines were dropped: those before them were not consumed in time)")));
		this.dropped.clear();
	}

	/** A failure does not keep later lines from being consumed. */
	private static void consume(Line line) {
		try {
			line.consumer().accept(line.text());
		}
		catch (RuntimeException | Error ex) {
			Failures.log(logger, "A line of a child's output was lost", ex);
		}
	}

	private enum State {

		OPEN, FULL, DROPPING, ABANDONED

	}

	private record Line(Consumer<String> consumer, String text) {

		int size() {
			return this.text.length() + LINE_OVERHEAD;
		}

	}

}
