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
 * on this side removes it, without an event. A socket whose messages go through memory
 * ({@link IpcSocket#isShared()}) must be removed before another thread than the one that
 * waits receives from it, because the wait may miss what comes next.
 */
public final class IpcPoller implements Closeable {

	/** The token of the descriptor that wakes the waiting thread. */
	private static final long WAKE_UP = 0;

	private final Epoll epoll;

	private final OwnedFd wakeUps;

	private final Map<Long, IpcSocket> sockets = new ConcurrentHashMap<>();

	private final Map<IpcSocket, Long> tokens = new ConcurrentHashMap<>();

	/**
	 * Of those, the ones whose messages may be in memory that is shared with the peer.
	 */
	private final Set<IpcSocket> shared = ConcurrentHashMap.newKeySet();

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

		/** Room for a packet, or the peer no longer receiving. */
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
		OwnedFd descriptor = socket.descriptor();
		int fd = descriptor.borrow();
		try {
			long token = this.lastToken.incrementAndGet();
			watch(socket, fd, events, token);
			// A descriptor that another process shares would stay in the kernel's set
			// after it is closed here, and could no longer be removed.
			descriptor.closeActions().put(this, (number) -> forget(socket, number));
			if (interests.contains(Interest.READ) && socket.isShared()) {
				this.shared.add(socket);
				if (!socket.receiver().isAnnounced()) {
					interrupt();
				}
			}
		}
		finally {
			descriptor.giveBack();
		}
	}

	private void watch(IpcSocket socket, int fd, int events, long token) throws IpcException {
		// Before the kernel can report it to a waiting thread, which may remove it.
		this.sockets.put(token, socket);
		Long before = this.tokens.put(socket, token);
		boolean watched = false;
		try {
			this.epoll.add(fd, events, token);
			watched = true;
		}
		finally {
			if (!watched) {
				this.sockets.remove(token);
				restore(socket, before);
			}
		}
	}

	private void restore(IpcSocket socket, @Nullable Long token) {
		if (token != null) {
			this.tokens.put(socket, token);
		}
		else {
			this.tokens.remove(socket);
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
		Long token = this.tokens.remove(socket);
		if (token != null) {
			this.sockets.remove(token);
			this.shared.remove(socket);
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
				boolean readable = isAnySharedReadable();
				int count = this.epoll.await(readable ? Duration.ZERO
						: (timeout != null) ? Duration.ofNanos(deadline.remainingNanos()) : null);
				if (this.closed.get()) {
					throw new IpcException("The poller was closed");
				}
				wokenUp = takeEvents(count, events);
				if (readable) {
					addReadable(events);
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
				boolean isShared = this.shared.contains(socket);
				Event event = new Event(socket, isShared ? isReadable(socket) : this.epoll.isReadable(i),
						this.epoll.isWritable(i), this.epoll.hasEnded(i));
				if (!isShared || event.readable() || event.writable() || event.ended()) {
					events.add(event);
				}
			}
		}
		return wokenUp;
	}

	/** Whether a bell on the socket of a memory lane was more than that. */
	private static boolean isReadable(IpcSocket socket) {
		try {
			socket.receiver().takeBells();
			return !socket.receiver().isAnnounced();
		}
		catch (IpcException ex) {
			return true; // a receive throws the same
		}
	}

	/** From now on, the peers of those that are not readable ring. */
	private boolean isAnySharedReadable() {
		boolean readable = false;
		for (IpcSocket socket : this.shared) {
			readable |= !socket.receiver().isAnnounced();
		}
		return readable;
	}

	private void addReadable(List<Event> events) {
		for (IpcSocket socket : this.shared) {
			if (!socket.receiver().isAnnounced() && !socket.isClosed() && events.size() < Epoll.EVENTS_AT_ONCE
					&& events.stream().noneMatch((event) -> event.socket() == socket)) {
				events.add(new Event(socket, true, false, false));
			}
		}
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
			this.tokens.keySet().forEach((socket) -> socket.descriptor().closeActions().remove(this));
		}
	}

}
