package dev.tinyipc.spring.child;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcPoller;
import dev.tinyipc.IpcSocket;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches the sockets of instances that nobody uses, in one thread, which starts with the
 * first of them: a peer that closes its end, or sends what nobody asked for, is noticed
 * before its instance is lent again.
 */
final class IdleWatch {

	private static final Logger logger = LoggerFactory.getLogger(IdleWatch.class);

	private final Map<IpcSocket, Watch> watches = new HashMap<>();

	private @Nullable IpcPoller poller;

	private boolean closed;

	/**
	 * Watches a socket until the first event. If it is watched already, this takes the
	 * place of the earlier watch, whose event may nevertheless reach the new action.
	 * @param socket the socket
	 * @param interest what to watch for
	 * @param action gets the event in the watching thread, and must be short
	 */
	synchronized void watch(IpcSocket socket, IpcPoller.Interest interest, Consumer<IpcPoller.Event> action) {
		if (this.closed) {
			return;
		}
		Watch before = this.watches.put(socket, new Watch(interest, action));
		// What is in shared memory by now would make no event.
		if (before != null && before.interest() == interest && !socket.isShared()) {
			return;
		}
		try {
			IpcPoller poller = poller();
			if (before != null) {
				poller.remove(socket);
			}
			poller.add(socket, interest);
		}
		catch (IpcException ex) {
			this.watches.remove(socket);
			if (!socket.isClosed()) {
				logger.warn("Unable to watch the socket of a child process", ex);
			}
		}
	}

	/** Stops watching a socket, because it is about to be closed. */
	synchronized void forget(IpcSocket socket) {
		if (this.watches.remove(socket) != null && this.poller != null) {
			this.poller.remove(socket);
		}
	}

	private IpcPoller poller() throws IpcException {
		IpcPoller existing = this.poller;
		if (existing != null) {
			return existing;
		}
		IpcPoller opened = IpcPoller.open();
		try {
			Thread thread = new Thread(() -> dispatchEvents(opened), "ipc-idle-sockets");
			thread.setDaemon(true);
			// Not that of a web application whose request happens to need the thread.
			thread.setContextClassLoader(IdleWatch.class.getClassLoader());
			thread.start();
			this.poller = opened;
		}
		finally {
			if (this.poller == null) {
				opened.close();
			}
		}
		return opened;
	}

	private void dispatchEvents(IpcPoller poller) {
		while (true) {
			try {
				for (IpcPoller.Event event : poller.await(null)) {
					Watch watch = take(poller, event.socket());
					if (watch != null) {
						watch.action().accept(event);
					}
				}
			}
			catch (IpcException ex) {
				logger.debug("Idle sockets are no longer watched", ex);
				return; // closed
			}
			catch (RuntimeException | Error ex) { // all children depend on this thread
				logger.error("Failed to watch the sockets of child processes", ex);
			}
		}
	}

	private synchronized @Nullable Watch take(IpcPoller poller, IpcSocket socket) {
		poller.remove(socket);
		return this.watches.remove(socket);
	}

	/** Ends the thread. Nothing is watched from now on. */
	synchronized void close() {
		this.closed = true;
		this.watches.clear();
		IpcPoller existing = this.poller;
		this.poller = null;
		if (existing != null) {
			try {
				existing.close();
			}
			catch (IpcException ex) {
				logger.debug("Unable to close the poller of idle sockets", ex);
			}
		}
	}

	/**
	 * What to do about a socket.
	 *
	 * @param interest what it is watched for
	 * @param action gets the event
	 */
	private record Watch(IpcPoller.Interest interest, Consumer<IpcPoller.Event> action) {

	}

}
