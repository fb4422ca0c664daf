package dev.tinyipc.spring.child;

import java.lang.reflect.Type;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

import dev.tinyipc.spring.IpcDestination;
import dev.tinyipc.spring.UncategorizedIpcException;
import dev.tinyipc.Deadline;
import dev.tinyipc.Exchange;
import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcPoller;
import dev.tinyipc.IpcRequester;
import dev.tinyipc.IpcServer;
import dev.tinyipc.IpcServerBuilder;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.OwnedFd;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import org.springframework.beans.factory.DisposableBean;
import org.springframework.context.SmartLifecycle;
import org.springframework.util.Assert;

/**
 * The destination {@code parent} of an application that was itself started as a child:
 * the process at the other end of the inherited socket.
 */
public final class ParentDestination implements IpcDestination, SmartLifecycle, DisposableBean {

	private static final Logger logger = LoggerFactory.getLogger(ParentDestination.class);

	private static final String NAME = "parent";

	private final IpcChannel channel;

	private final IpcSocket socket;

	private final IpcRequester requester;

	private final @Nullable Runnable whenGone;

	private final ReentrantLock exchanges = new ReentrantLock(true);

	private @Nullable IpcPoller watch;

	/** Null as long as this process does not serve its parent. */
	private volatile @Nullable IpcServer server;

	/** Null as long as this process does not serve its parent. */
	private volatile @Nullable ParentCalls calls;

	/**
	 * Talks to the parent over a channel.
	 * @param channel the channel over the inherited socket
	 * @param whenGone run when the parent has closed its end of the socket; null for
	 * nothing
	 */
	public ParentDestination(IpcChannel channel, @Nullable Runnable whenGone) {
		this.channel = channel;
		this.socket = channel.socket();
		this.requester = IpcRequester.uncounted(channel, "the parent process");
		this.whenGone = whenGone;
	}

	@Override
	public String name() {
		return NAME;
	}

	@Override
	public int asyncThreads() {
		return 1; // there is one socket
	}

	/**
	 * Whether this process was started as a child and its parent is gone, or can no
	 * longer be reached.
	 * @return whether that is so; false if it was not started as a child
	 */
	public static boolean isGone() {
		try (IpcPoller poller = IpcPoller.open()) {
			Optional<IpcSocket> socket = IpcSocket.inherited();
			if (socket.isEmpty()) {
				return false;
			}
			poller.add(socket.get(), IpcPoller.Interest.END);
			return !poller.await(Duration.ZERO).isEmpty();
		}
		catch (IpcException ex) {
			return true; // the socket was closed here, because a reply was lost
		}
	}

	/**
	 * Connects to the parent in order to serve it. From then on, calls of the parent go
	 * over sockets of their own, and the JVM stays until the parent closes its end, or
	 * this bean is destroyed.
	 * @param handlers serve the parent's requests
	 * @throws IllegalStateException if the parent is served already
	 * @throws IpcException if the socket fails
	 */
	public synchronized void serve(IpcServerBuilder handlers) throws IpcException {
		Assert.state(this.server == null, "The parent is served already");
		IpcServer server = handlers.start(this.channel);
		this.server = server;
		this.calls = new ParentCalls(server);
		Thread thread = new Thread(() -> awaitEnd(server), "ipc-listener-parent");
		thread.setDaemon(false);
		thread.start();
	}

	/**
	 * Tells the parent that this process is ready, and begins to answer its requests.
	 * @throws IllegalStateException if it is not connected in order to be served, or was
	 * told before
	 * @throws IpcException if the socket fails
	 */
	public void ready() throws IpcException {
		IpcServer server = this.server;
		Assert.state(server != null, "The parent is not served");
		server.ready();
	}

	/** Keeps the JVM, which may have no other thread of the application's. */
	private void awaitEnd(IpcServer server) {
		try {
			server.awaitEnd();
		}
		catch (IpcException ex) {
			logger.error("The parent process can no longer be served", ex);
		}
		if (this.server != null && this.whenGone != null) {
			this.whenGone.run();
		}
	}

	/** Closes the socket, if the parent is served over it. */
	@Override
	public void destroy() {
		IpcServer server = this.server;
		this.server = null;
		if (server != null) {
			server.close();
		}
	}

	/**
	 * Describes the inherited socket.
	 * @return its current state; empty if it is closed
	 */
	public Optional<SocketState> socketState() {
		return SocketState.of(this.socket);
	}

	@Override
	public synchronized void start() {
		if (this.whenGone == null || this.watch != null) {
			return;
		}
		try {
			watch(IpcPoller.open(), this.whenGone);
		}
		catch (IpcException ex) {
			throw new UncategorizedIpcException("Unable to watch the parent process: " + ex.getMessage(), ex);
		}
	}

	private void watch(IpcPoller poller, Runnable whenGone) throws IpcException {
		try {
			poller.add(this.socket, IpcPoller.Interest.END);
			Thread thread = new Thread(() -> await(poller, whenGone), "ipc-parent");
			thread.setDaemon(true);
			thread.start();
			this.watch = poller;
		}
		finally {
			if (this.watch == null) {
				poller.close();
			}
		}
	}

	private void await(IpcPoller poller, Runnable whenGone) {
		try {
			if (!poller.await(null).isEmpty()) {
				logger.info("The parent process is gone: closing the application");
				whenGone.run();
			}
		}
		catch (IpcException ex) {
			logger.debug("The parent process is no longer watched", ex);
		}
	}

	@Override
	public synchronized void stop() {
		IpcPoller poller = this.watch;
		this.watch = null;
		if (poller != null) {
			try {
				poller.close();
			}
			catch (IpcException ex) {
				logger.warn("Unable to stop watching the parent process", ex);
			}
		}
	}

	@Override
	public synchronized boolean isRunning() {
		return this.watch != null;
	}

	@Override
	public int getPhase() {
		return IpcChild.PHASE;
	}

	@Override
	public <R> R exchange(Duration timeout, boolean idempotent, ExchangeAction<R> action) throws IpcException {
		ParentCalls calls = this.calls;
		if (calls != null) {
			return calls.exchange(timeout, action);
		}
		Deadline deadline = Deadline.in(timeout).interruptible();
		lock(deadline, timeout);
		try {
			Exchange exchange = this.requester.begin(deadline);
			try {
				return action.run(exchange);
			}
			finally {
				if (exchange.isRequestSent() && !exchange.isAnswered()) {
					// A late reply must not reach anybody, and there is no other socket.
					this.socket.close();
				}
			}
		}
		finally {
			this.exchanges.unlock();
		}
	}

	@Override
	public OpenExchange open(Duration timeout, boolean idempotent, ExchangeAction<?> request) throws IpcException {
		ParentCalls calls = this.calls;
		return (calls != null) ? calls.open(timeout, request) : IpcDestination.super.open(timeout, idempotent, request);
	}

	@Override
	public <T> IpcMessage<T> receive(Type type, Duration timeout) throws IpcException {
		checkNotServed();
		Deadline deadline = Deadline.in(timeout).interruptible();
		lock(deadline, timeout);
		try {
			return this.requester.receive(type, deadline);
		}
		finally {
			this.exchanges.unlock();
		}
	}

	@Override
	public long send(Object payload, Duration timeout, OwnedFd... descriptors) throws IpcException {
		checkNotServed();
		return this.requester.send(payload, Deadline.in(timeout).interruptible(), descriptors);
	}

	private void checkNotServed() throws IpcException {
		if (this.calls != null) {
			throw ParentCalls.noMessages();
		}
	}

	private void lock(Deadline deadline, Duration timeout) throws IpcException {
		try {
			if (!this.exchanges.tryLock(deadline.remainingNanos(), TimeUnit.NANOSECONDS)) {
				throw new IpcException.Timeout("the socket was busy with other messages for " + timeout);
			}
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
			throw new IpcException.Interrupted("interrupted while waiting for other messages");
		}
	}

}
