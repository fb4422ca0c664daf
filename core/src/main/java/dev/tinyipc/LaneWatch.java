package dev.tinyipc;

import java.io.Closeable;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Waits for all idle lanes of a server in one thread, and has a worker serve one on which
 * a request arrives. It also looks for {@link Remarks} on lanes that are busy, but only
 * after a while: a watch costs as much as a short exchange.
 */
final class LaneWatch implements Closeable {

	private static final Logger logger = LoggerFactory.getLogger(IpcServer.class);

	private static final Duration BUSY_BEFORE_WATCH = Duration.ofMillis(20);

	/** How long elements of a stream wait for more before they are looked at. */
	private static final Duration GATHERING = Duration.ofMillis(1);

	private final Executor workers;

	private final Map<IpcSocket, ServedLane> lanes = new ConcurrentHashMap<>();

	private @Nullable IpcPoller poller;

	/** Whether the thread wakes up in time to look for busy lanes. */
	private volatile boolean ticking;

	/** Whether it wakes up in time to look for elements that are left waiting. */
	private volatile boolean gathering;

	private volatile boolean closed;

	LaneWatch(Executor workers) {
		this.workers = workers;
	}

	/** Adds a lane that a thread of its own serves: only its cancels are looked for. */
	void add(ServedLane lane) {
		this.lanes.put(lane.socket(), lane);
	}

	/** Adds a lane, which workers serve until it is closed. */
	void serve(ServedLane lane) throws IpcException {
		add(lane);
		lane.watchWhileIdle(poller());
	}

	/** Forgets a lane that has come to its end. */
	void remove(ServedLane lane) {
		this.lanes.remove(lane.socket());
	}

	/** Called when an exchange has begun. */
	void begun() {
		if (!this.ticking) {
			this.ticking = true;
			try {
				poller().wakeUp();
			}
			catch (IpcException ex) {
				this.ticking = false;
				logger.debug("A request cannot be cancelled", ex);
			}
		}
	}

	/** Called when elements of a stream wait for more. */
	void gathering() {
		if (!this.gathering) {
			this.gathering = true;
			try {
				poller().wakeUp();
			}
			catch (IpcException ex) {
				this.gathering = false;
				logger.debug("Elements of a stream may wait for the next one", ex); // closed
			}
		}
	}

	private synchronized IpcPoller poller() throws IpcException {
		IpcPoller existing = this.poller;
		if (existing != null) {
			return existing;
		}
		if (this.closed) {
			throw new IpcException("The server was closed");
		}
		IpcPoller opened = IpcPoller.open();
		try {
			Thread thread = new Thread(() -> watch(opened), "ipc-server");
			thread.setDaemon(true);
			thread.setContextClassLoader(LaneWatch.class.getClassLoader());
			thread.start();
			this.poller = opened;
			return opened;
		}
		finally {
			if (this.poller == null) {
				opened.close();
			}
		}
	}

	private void watch(IpcPoller poller) {
		while (true) {
			try {
				boolean tick = this.ticking;
				boolean gathering = this.gathering;
				for (IpcPoller.Event event : poller.await(gathering ? GATHERING : tick ? BUSY_BEFORE_WATCH : null)) {
					ServedLane lane = this.lanes.get(event.socket());
					if (lane != null && lane.isReady()) {
						startServing(lane, poller);
					}
				}
				if (gathering) {
					sendLeftWaiting();
				}
				if (tick) {
					watchBusyLanes(poller);
				}
			}
			catch (IpcException ex) {
				logger.debug("Sockets are no longer watched", ex);
				return; // closed
			}
			catch (RuntimeException | Error ex) { // all lanes depend on this thread
				Failures.log(logger, "Failed to watch the sockets of a server", ex);
			}
		}
	}

	private void sendLeftWaiting() {
		this.gathering = false;
		for (ServedLane lane : this.lanes.values()) {
			if (lane.sendLeftWaiting()) {
				this.gathering = true; // also if it began just now
			}
		}
	}

	private void watchBusyLanes(IpcPoller poller) {
		this.ticking = false;
		for (ServedLane lane : this.lanes.values()) {
			if (lane.isBusy()) {
				this.ticking = true; // also if it became so just now
				lane.watchWhileBusy(poller, BUSY_BEFORE_WATCH.toNanos());
			}
		}
	}

	/** Nobody watches the lane any more: if it is not served, it must be closed. */
	private void startServing(ServedLane lane, IpcPoller poller) {
		boolean started = false;
		try {
			this.workers.execute(() -> serve(lane, poller));
			started = true;
		}
		catch (RejectedExecutionException ex) {
			logger.debug("A lane is closed, as its server is", ex);
		}
		finally {
			if (!started) {
				lane.close();
			}
		}
	}

	/** Serves a lane as long as requests are there, in the thread of a worker. */
	private void serve(ServedLane lane, IpcPoller poller) {
		boolean watched = false;
		try {
			// Nothing is there if what made the lane ready was a cancel that came late.
			boolean open = true;
			while (open && lane.hasMore()) {
				open = lane.serveNext();
			}
			if (open) {
				lane.watchWhileIdle(poller);
				watched = true;
			}
		}
		catch (IpcException ex) {
			if (!this.closed) {
				logger.warn("A lane is closed, because its peer has broken the protocol or is gone: {}",
						ex.getMessage());
			}
		}
		catch (RuntimeException | Error ex) {
			Failures.log(logger, "A lane is closed, because a request could not be answered", ex);
		}
		finally {
			if (!watched) {
				lane.close();
			}
		}
	}

	/** Closes all lanes, also those that are busy. */
	@Override
	public synchronized void close() {
		this.closed = true;
		this.lanes.values().forEach(ServedLane::close);
		IpcPoller existing = this.poller;
		this.poller = null;
		if (existing != null) {
			try {
				existing.close();
			}
			catch (IpcException ex) {
				logger.debug("Unable to close the poller of a server", ex);
			}
		}
	}

}
