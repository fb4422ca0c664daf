package dev.tinyipc;

import java.io.Closeable;
import java.io.UncheckedIOException;
import java.lang.ref.Reference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

import org.jspecify.annotations.Nullable;

/**
 * Tells which of many sockets can be read or written ({@code epoll(7)}, level-triggered:
 * a socket is reported until it was read).
 *
 * <pre class="code">
 * try (IpcPoller poller = IpcPoller.open()) {
 *     poller.add(socket, IpcPoller.Interest.READ);
 *     for (IpcPoller.Event event : poller.await(null)) {
 *         event.socket().tryReceive(buffer)...
 *     }
 * }
 * </pre>
 *
 * Any thread may add, remove and close sockets while another one waits. Closing a socket
 * on this side removes it, without an event.
 */
public final class IpcPoller implements Closeable {

	/** The token of the descriptor that wakes the waiting thread. */
	private static final long WAKE_UP = 0;

	private final Epoll epoll;

	private final OwnedFd wakeUps;

	private final Map<Long, IpcSocket> sockets = new ConcurrentHashMap<>();

	private final Map<IpcSocket, Watch> watches = new ConcurrentHashMap<>();

	/** Of the sockets, those whose messages are in memory. */
	private final WatchedLanes lanes = new WatchedLanes();

	private final AtomicLong lastToken = new AtomicLong(WAKE_UP);

	private final ReentrantLock waiting = new ReentrantLock();

	private final AtomicBoolean toldToWakeUp = new AtomicBoolean();

	private final AtomicBoolean closed = new AtomicBoolean();

	private IpcPoller(Epoll epoll, OwnedFd wakeUps) {
		this.epoll = epoll;
		this.wakeUps = wakeUps;
	}

	/**
	 * Creates a poller without sockets.
	 * @return the poller
	 * @throws IpcException if there are too many open files
	 */
	public static IpcPoller open() throws IpcException {
		return over(Epoll.create());
	}

	static IpcPoller over(Epoll epoll) throws IpcException {
		OwnedFd wakeUps = null;
		IpcPoller poller = null;
		try {
			wakeUps = OwnedFd.of(Errno.check("eventfd", LibC.eventfd(0, LibC.O_CLOEXEC | LibC.EFD_NONBLOCK)));
			epoll.add(wakeUps.fd(), Epoll.IN, WAKE_UP);
			poller = new IpcPoller(epoll, wakeUps);
			return poller;
		}
		finally {
			if (poller == null) {
				if (wakeUps != null) {
					wakeUps.close();
				}
				epoll.close();
			}
		}
	}

	/** What a socket is watched for. */
	public enum Interest {

		/** A packet, or the end of the stream. */
		READ,

		/**
		 * Room for a packet, or the peer no longer receiving. If messages go through
		 * memory ({@link IpcSocket#isShared()}), this says nothing about room there.
		 */
		WRITE,

		/** The end of the stream, even if there is still something to read before it. */
		END

	}

	/**
	 * A socket that is ready.
	 *
	 * @param socket the socket
	 * @param readable whether a receive would not wait: there is a packet, or the end
	 * @param writable whether a send would not wait, if {@code WRITE} was asked for
	 * @param ended whether the peer will send nothing more, if {@code READ} or
	 * {@code END} was asked for; what it sent before may still be there
	 */
	public record Event(IpcSocket socket, boolean readable, boolean writable, boolean ended) {

	}

	/**
	 * Watches a socket, which the caller still owns.
	 * @param socket not watched by this poller yet
	 * @param first what to watch for
	 * @param more what else to watch for
	 * @throws IpcException if the socket is already watched (EEXIST), or closed
	 */
	public void add(IpcSocket socket, Interest first, Interest... more) throws IpcException {
		Set<Interest> interests = EnumSet.of(first, more);
		int events = (interests.contains(Interest.READ) ? Epoll.IN | Epoll.PEER_HANG_UP : 0)
				| (interests.contains(Interest.WRITE) ? Epoll.OUT : 0)
				| (interests.contains(Interest.END) ? Epoll.PEER_HANG_UP : 0);
		boolean reads = interests.contains(Interest.READ);
		OwnedFd descriptor = socket.descriptor();
		int fd = descriptor.borrow();
		try {
			long token = this.lastToken.incrementAndGet();
			Watch watch = new Watch(token, () -> lookAgain(token, socket));
			if (reads) {
				socket.directions.watches().add(watch.look());
			}
			watch(socket, fd, events, watch, reads);
			// A descriptor that another process shares would stay in the kernel's set
			// after it is closed here, and could no longer be removed.
			descriptor.closeActions().put(this, (number) -> forget(socket, number));
			if (this.lanes.contains(token) && !socket.receiver().isAnnounced()) {
				interrupt();
			}
		}
		finally {
			descriptor.giveBack();
		}
	}

	private void watch(IpcSocket socket, int fd, int events, Watch watch, boolean reads) throws IpcException {
		// Before the kernel can report it to a waiting thread, which may remove it.
		this.sockets.put(watch.token(), socket);
		Watch before = this.watches.put(socket, watch);
		boolean watched = false;
		try {
			if (reads && socket.isShared()) {
				this.lanes.add(watch.token(), socket);
			}
			this.epoll.add(fd, events, watch.token());
			watched = true;
		}
		finally {
			if (!watched) {
				end(socket, watch);
				restore(socket, before);
			}
		}
	}

	private void restore(IpcSocket socket, @Nullable Watch watch) {
		if (watch != null) {
			this.watches.put(socket, watch);
		}
		else {
			this.watches.remove(socket);
		}
	}

	private void end(IpcSocket socket, Watch watch) {
		socket.directions.watches().remove(watch.look());
		this.sockets.remove(watch.token());
		this.lanes.remove(watch.token());
	}

	/**
	 * Called when somebody else may have taken the bell of a message, or when messages go
	 * through memory from now on.
	 */
	private void lookAgain(long token, IpcSocket socket) {
		this.lanes.add(token, socket);
		if (!this.sockets.containsKey(token)) {
			this.lanes.remove(token); // removed meanwhile
			return;
		}
		try {
			interrupt();
		}
		catch (IpcException ex) {
			// This poller is closed.
		}
	}

	/**
	 * Stops watching a socket. Does nothing if it is not watched, or closed.
	 * @param socket the socket
	 */
	public void remove(IpcSocket socket) {
		OwnedFd descriptor = socket.descriptor();
		int fd = descriptor.borrowUnlessClosed();
		if (fd >= 0) {
			try {
				descriptor.closeActions().remove(this);
				forget(socket, fd);
			}
			finally {
				descriptor.giveBack();
			}
		}
	}

	private void forget(IpcSocket socket, int fd) {
		Watch watch = this.watches.remove(socket);
		if (watch != null) {
			end(socket, watch);
			try {
				this.epoll.remove(fd);
			}
			catch (IpcException ex) {
				if (!this.epoll.isClosed()) {
					throw new UncheckedIOException(ex);
				}
			}
		}
	}

	/**
	 * Waits until at least one socket is ready. One thread waits at a time.
	 * @param timeout how long to wait at most, zero not to wait; null for no limit
	 * @return the sockets that are ready, at most 64 at once; empty if none was ready in
	 * time, or {@link #wakeUp()} was called
	 * @throws IpcException if this poller is closed, even during the call
	 */
	public List<Event> await(@Nullable Duration timeout) throws IpcException {
		Deadline deadline = (timeout != null) ? Deadline.in(timeout) : Deadline.NONE;
		this.waiting.lock();
		try {
			List<Event> events = new ArrayList<>();
			boolean wokenUp = false;
			while (events.isEmpty() && !wokenUp) {
				boolean readable = this.lanes.isAnyReadable();
				int count = this.epoll.await(readable ? Duration.ZERO
						: (timeout != null) ? Duration.ofNanos(deadline.remainingNanos()) : null);
				if (this.closed.get()) {
					throw new IpcException("The poller was closed");
				}
				wokenUp = takeEvents(count, events);
				if (readable) {
					this.lanes.addReadable(events);
				}
				if (deadline.hasPassed()) {
					break;
				}
				if (count > 0 && events.isEmpty()) {
					// A closed socket stays ready until the last call on it returns.
					Thread.yield();
				}
			}
			return events;
		}
		finally {
			this.waiting.unlock();
		}
	}

	/** Returns whether one of the events is due to {@link #wakeUp()}. */
	private boolean takeEvents(int count, List<Event> events) throws IpcException {
		boolean wokenUp = false;
		for (int i = 0; i < count; i++) {
			long token = this.epoll.token(i);
			IpcSocket socket = this.sockets.get(token);
			if (token == WAKE_UP) {
				drainWakeUps();
				wokenUp = this.toldToWakeUp.getAndSet(false);
			}
			else if (socket != null && !socket.isClosed()) { // null: just removed
				boolean isLane = this.lanes.contains(token);
				Event event = new Event(socket, isLane ? isReadable(socket) : this.epoll.isReadable(i),
						this.epoll.isWritable(i), this.epoll.hasEnded(i));
				if (!isLane || event.readable() || event.writable() || event.ended()) {
					events.add(event);
				}
			}
		}
		return wokenUp;
	}

	private boolean isReadable(IpcSocket lane) {
		Watch watch = this.watches.get(lane);
		return WatchedLanes.isReadable(lane, (watch != null) ? watch.look() : null);
	}

	/**
	 * Lets the waiting thread, or the next one to wait, return at once.
	 * @throws IpcException if this poller is closed
	 */
	public void wakeUp() throws IpcException {
		this.toldToWakeUp.set(true);
		interrupt();
	}

	/** Lets the waiting thread look again. */
	private void interrupt() throws IpcException {
		NativeBuffer one = NativeBuffer.allocate(Long.BYTES);
		one.bytes().putLong(0, 1);
		int fd = this.wakeUps.borrow();
		try {
			Errno.check("write(eventfd)", LibC.write(fd, one.address(), Long.BYTES));
			Reference.reachabilityFence(one);
		}
		finally {
			this.wakeUps.giveBack();
		}
	}

	private void drainWakeUps() throws IpcException {
		NativeBuffer count = NativeBuffer.allocate(Long.BYTES);
		int fd = this.wakeUps.borrow();
		try {
			Errno.check("read(eventfd)", LibC.read(fd, count.address(), Long.BYTES));
			Reference.reachabilityFence(count);
		}
		finally {
			this.wakeUps.giveBack();
		}
	}

	/**
	 * Stops watching. A waiting thread wakes up and gets an exception. The sockets stay
	 * open. Closing twice does nothing.
	 */
	@Override
	public void close() throws IpcException {
		if (this.closed.compareAndSet(false, true)) {
			this.epoll.close();
			wakeUp();
			// Closed too early, it could not wake the waiting thread.
			this.waiting.lock();
			try {
				this.wakeUps.close();
			}
			finally {
				this.waiting.unlock();
			}
			this.watches.forEach((socket, watch) -> {
				socket.descriptor().closeActions().remove(this);
				end(socket, watch);
			});
		}
	}

	/**
	 * How a socket is watched.
	 *
	 * @param token what the kernel reports it as
	 * @param look has the waiting thread look again
	 */
	private record Watch(long token, Runnable look) {

	}

}
