package dev.tinyipc.spring.test;

import java.io.Closeable;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.IpcSocketPair;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stands between who asks and who answers, on all their sockets, and passes whole frames
 * on. A {@link Tap} sees them, and may do something else instead.
 */
final class FrameRelay implements Closeable {

	private static final Logger logger = LoggerFactory.getLogger(AutoConfigureTestIpc.class);

	private final Set<Link> links = ConcurrentHashMap.newKeySet();

	private final CompletableFuture<Integer> end = new CompletableFuture<>();

	/**
	 * Passes frames on, in threads of its own, until one side closes its end.
	 * @param asking leads to who asks
	 * @param answering leads to who answers
	 */
	void connect(IpcSocket asking, IpcSocket answering, Tap tap) {
		new Link(asking, answering, tap, true).start();
	}

	/** Waits for the end of the first link. */
	int awaitEnd() throws InterruptedException {
		try {
			return this.end.get();
		}
		catch (ExecutionException ex) {
			throw new IllegalStateException(ex);
		}
	}

	/** Waits for a while, or until the end. */
	void awaitEnd(Duration time) {
		try {
			this.end.get(time.toNanos(), TimeUnit.NANOSECONDS);
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
		}
		catch (TimeoutException | ExecutionException ex) {
			// The time is over.
		}
	}

	/** Ends everything, by an exit code. */
	void end(int code) {
		this.end.complete(code);
		close();
	}

	@Override
	public void close() {
		this.end.complete(0);
		this.links.forEach(Link::close);
	}

	/** Sees the frames of all links. */
	interface Tap {

		/** A frame of who asks, for this call only. */
		void request(Link link, RawFrame frame) throws IpcException;

		/** A frame of who answers, for this call only. */
		void answer(Link link, RawFrame frame) throws IpcException;

	}

	/** One socket, seen from both of its sides. */
	final class Link {

		private final IpcSocket asking;

		private final IpcSocket answering;

		private final Tap tap;

		private final boolean first;

		Link(IpcSocket asking, IpcSocket answering, Tap tap, boolean first) {
			this.asking = asking;
			this.answering = answering;
			this.tap = tap;
			this.first = first;
		}

		void start() {
			FrameRelay.this.links.add(this);
			thread("requests", this::relayRequests);
			thread("answers", this::relayAnswers);
			if (FrameRelay.this.end.isDone()) {
				close();
			}
		}

		private static void thread(String name, Runnable task) {
			Thread thread = new Thread(task, "tiny-ipc-test-" + name);
			thread.setDaemon(true);
			thread.start();
		}

		void passRequest(RawFrame frame) throws IpcException {
			frame.sendTo(this.answering);
		}

		void passAnswer(RawFrame frame) throws IpcException {
			frame.sendTo(this.asking);
		}

		private void relayRequests() {
			try {
				ByteBuffer buffer = ByteBuffer.allocateDirect(RawFrame.MAX_PACKET_SIZE);
				RawFrame frame = RawFrame.receive(this.asking, buffer);
				while (frame != null) {
					try (RawFrame request = frame) {
						if (request.isLane()) {
							openLane(request);
						}
						else {
							this.tap.request(this, request);
						}
					}
					frame = RawFrame.receive(this.asking, buffer);
				}
				this.answering.shutdownOutput(); // there may be answers to come
			}
			catch (IpcException ex) {
				close(); // as one side has
			}
			catch (RuntimeException ex) {
				logger.error("A message of the application cannot be relayed", ex);
				close();
			}
		}

		private void openLane(RawFrame request) throws IpcException {
			IpcSocket lane = request.takeLane();
			IpcSocketPair inner = IpcSocket.pair();
			new Link(lane, inner.parent(), this.tap, false).start();
			try (IpcSocket child = inner.child()) {
				RawFrame.ofNull(child.descriptor()).sendTo(this.answering);
			}
		}

		private void relayAnswers() {
			try {
				ByteBuffer buffer = ByteBuffer.allocateDirect(RawFrame.MAX_PACKET_SIZE);
				RawFrame frame = RawFrame.receive(this.answering, buffer);
				while (frame != null) {
					try (RawFrame answer = frame) {
						this.tap.answer(this, answer);
					}
					frame = RawFrame.receive(this.answering, buffer);
				}
			}
			catch (IpcException ex) {
				// One side has closed its end, and now the other one is.
			}
			catch (RuntimeException ex) {
				logger.error("A message of a child cannot be relayed", ex);
			}
			close();
			if (this.first) {
				end(0);
			}
		}

		void close() {
			FrameRelay.this.links.remove(this);
			this.asking.close();
			this.answering.close();
		}

	}

}
