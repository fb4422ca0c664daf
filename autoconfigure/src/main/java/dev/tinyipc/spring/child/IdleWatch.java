package dev.tinyipc.spring.child;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcPoller;
import dev.tinyipc.IpcSocket;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches the sockets of instances that nobody uses, in one thread, which starts with the
 * first of them: a peer that closes its end, or sends what nobody asked for, is noticed
 * before somebody is lent it. Each watch ends with the first event.
 */
final class IdleWatch {

	private static final Logger logger = LoggerFactory.getLogger(IdleWatch.class);

	private final Map<IpcSocket, Runnable> actions = new ConcurrentHashMap<>();

	private @Nullable IpcPoller poller;

	/**
	 * Watches a socket that may be watched already.
	 * @param interest what for
	 * @param action is run once, in the watching thread, and must be short
	 */
	void watch(IpcSocket socket, IpcPoller.Interest interest, Runnable action) {
		if (this.actions.putIfAbsent(socket, action) != null) {
			return;
		}
		try {
			poller().add(socket, interest);
		}
		catch (IpcException ex) {
			this.actions.remove(socket);
			if (!socket.isClosed()) {
				logger.warn("The socket of a child cannot be watched", ex);
			}
		}
	}

	/** Watches a socket no longer, because it is about to be closed. */
	synchronized void forget(IpcSocket socket) {
		if (this.actions.remove(socket) != null && this.poller != null) {
			this.poller.remove(socket);
		}
	}

	private synchronized IpcPoller poller() throws IpcException {
		IpcPoller existing = this.poller;
		if (existing != null) {
			return existing;
		}
		IpcPoller opened = IpcPoller.open();
		Thread thread = new Thread(() -> watch(opened), "ipc-idle-sockets");
		thread.setDaemon(true);
		// Not that of a web application whose request happens to need the thread.
		thread.setContextClassLoader(IdleWatch.class.getClassLoader());
		thread.start();
		this.poller = opened;
		return opened;
	}

	private void watch(IpcPoller poller) {
		while (true) {
			try {
				for (IpcPoller.Event event : poller.await(null)) {
					poller.remove(event.socket());
					Runnable action = this.actions.remove(event.socket());
					if (action != null) {
						action.run();
					}
				}
			}
			catch (IpcException ex) {
				logger.debug("Idle sockets are watched no more", ex);
				return; // closed
			}
			catch (RuntimeException | Error ex) { // all children depend on this thread
				logger.error("Failed to watch the sockets of children", ex);
			}
		}
	}

	/** Ends the thread. */
	synchronized void close() {
		IpcPoller existing = this.poller;
		this.poller = null;
		if (existing != null) {
			try {
				existing.close();
			}
			catch (IpcException ex) {
				logger.debug("The poller of idle sockets could not be closed", ex);
			}
		}
	}

}
