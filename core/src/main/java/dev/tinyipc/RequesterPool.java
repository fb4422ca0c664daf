package dev.tinyipc;

import java.io.Closeable;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The sockets over which a child calls its parent. They carry one exchange at a time, so
 * another one is opened, over the last that is idle, before that is used.
 */
final class RequesterPool implements Closeable {

	private static final Logger logger = LoggerFactory.getLogger(IpcParent.class);

	/** What every parent understands that takes calls. */
	private static final IpcHello PARENT = new IpcHello(IpcHello.PROTOCOL, true, true, 2, Optional.empty(), 0, 0, false,
			0);

	private final ReentrantLock lock = new ReentrantLock(true);

	private final Condition given = this.lock.newCondition();

	private final Deque<IpcRequester> idle = new ArrayDeque<>();

	/** The number of sockets that can be used. */
	private int size = 1;

	/** Whether the parent has refused to serve another socket. */
	private boolean full;

	private boolean closed;

	RequesterPool(IpcChannel first) {
		this.idle.add(IpcRequester.greeted(first, "the parent process", PARENT));
	}

	/** Lends a requester, or waits for one. */
	IpcRequester take(Deadline deadline) throws IpcException {
		IpcRequester requester = await(deadline);
		boolean taken = false;
		try {
			if (isLast()) {
				grow(requester, deadline);
			}
			taken = true;
			return requester;
		}
		finally {
			if (!taken) {
				giveBack(requester);
			}
		}
	}

	private IpcRequester await(Deadline deadline) throws IpcException {
		this.lock.lock();
		try {
			while (this.idle.isEmpty()) {
				if (this.size == 0) {
					throw new IpcException.PeerClosed("the socket for calls of the parent process is closed: the parent"
							+ " is gone, or serves no calls of its children, or a call had to be given up in the middle"
							+ " of a message");
				}
				long left = deadline.remainingNanos();
				if (left == 0) {
					throw new IpcException.Timeout("all " + this.size
							+ " sockets to the parent process were busy with other calls, and it serves no more");
				}
				this.given.awaitNanos(left);
			}
			return this.idle.removeFirst();
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
			throw new IpcException.Interrupted("interrupted while waiting for a socket to the parent process");
		}
		finally {
			this.lock.unlock();
		}
	}

	private boolean isLast() {
		this.lock.lock();
		try {
			return this.idle.isEmpty() && !this.full;
		}
		finally {
			this.lock.unlock();
		}
	}

	private void grow(IpcRequester over, Deadline deadline) throws IpcException {
		IpcRequester lane = null;
		try {
			lane = over.openLane(deadline);
		}
		catch (IpcException.Remote ex) {
			logger.debug("The parent process serves no more sockets", ex);
		}
		this.lock.lock();
		try {
			if (lane == null) {
				this.full = true;
			}
			else {
				this.size++;
				this.idle.addLast(lane);
				this.given.signal();
				closeIdle();
			}
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * Takes a requester back. The late reply of a call that was given up reaches nobody,
	 * as replies have numbers.
	 */
	void giveBack(IpcRequester requester) {
		boolean usable = requester.isUsable() && !requester.channel().socket().isClosed()
				&& !requester.channel().socket().receiver().hasEnded();
		if (!usable) {
			requester.channel().socket().close();
		}
		this.lock.lock();
		try {
			if (usable) {
				this.idle.addFirst(requester);
				closeIdle();
			}
			else {
				this.size--;
				this.full = false; // there may be another one in its place
			}
			if (this.size > 0) {
				this.given.signal();
			}
			else {
				this.given.signalAll(); // they would wait in vain
			}
		}
		finally {
			this.lock.unlock();
		}
	}

	/** Does nothing before this is closed. */
	private void closeIdle() {
		while (this.closed && !this.idle.isEmpty()) {
			this.idle.removeFirst().channel().socket().close();
			this.size--;
		}
	}

	/** Closes all sockets, those that are in use once they are given back. */
	@Override
	public void close() {
		this.lock.lock();
		try {
			this.closed = true;
			closeIdle();
			this.given.signalAll();
		}
		finally {
			this.lock.unlock();
		}
	}

}
