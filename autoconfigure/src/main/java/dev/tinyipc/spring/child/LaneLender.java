package dev.tinyipc.spring.child;

import java.lang.reflect.Type;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

import dev.tinyipc.Deadline;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.spring.IpcBusyException;
import dev.tinyipc.spring.IpcDestination;
import dev.tinyipc.spring.IpcReplyLostException;
import dev.tinyipc.spring.IpcTimeoutException;
import dev.tinyipc.spring.PostMortem;
import org.jspecify.annotations.Nullable;

/**
 * Lends the instances of a child for exchanges, and gives them back to their keeper in
 * whatever state the exchange has left them.
 */
final class LaneLender {

	private final ChildSpec spec;

	private final List<ChildSlot> slots;

	private final LanePool pool;

	private final LaneKeeper keeper;

	private final @Nullable Quarantine quarantine;

	private final AtomicInteger nextSlot = new AtomicInteger();

	LaneLender(ChildSpec spec, List<ChildSlot> slots, LanePool pool, LaneKeeper keeper,
			@Nullable Quarantine quarantine) {
		this.spec = spec;
		this.slots = slots;
		this.pool = pool;
		this.keeper = keeper;
		this.quarantine = quarantine;
	}

	/** See {@link IpcDestination#exchange}. */
	<R> R exchange(Duration timeout, boolean idempotent, IpcDestination.ExchangeAction<R> action) throws IpcException {
		return attempt(timeout, idempotent, (lent) -> lent.run(action));
	}

	/** See {@link IpcDestination#open}. */
	IpcDestination.OpenExchange open(Duration timeout, boolean idempotent, IpcDestination.ExchangeAction<?> request)
			throws IpcException {
		return attempt(timeout, idempotent, (lent) -> {
			lent.open(request);
			return new Open(lent);
		});
	}

	/** Tries one lane after the other, as long as it makes sense. */
	private <R> R attempt(Duration timeout, boolean idempotent, Attempt<R> attempt) throws IpcException {
		if (this.spec.oneWay()) {
			throw new IpcException("it is declared as one-way and answers no requests: use convertAndSend, or remove"
					+ " oneWay (ipc.children." + this.spec.name() + ".one-way) from its declaration");
		}
		Deadline deadline = Deadline.in(timeout).interruptible();
		boolean mayRetry = idempotent || this.spec.settings().idempotent();
		boolean hasExceeded = false;
		Loss loss = null;
		while (true) {
			ChildLane lane = acquire(timeout, deadline, loss);
			LentExchange lent = new LentExchange(lane, this.spec, this.pool, this.keeper, this.quarantine, timeout,
					deadline);
			try {
				return attempt.with(lent);
			}
			catch (IpcException.PeerClosed ex) {
				// A request that was not sent goes to another instance anyway.
				boolean exceeds = lane.instance().memory().hasExceeded();
				if (lent.isRequestSent() || (exceeds && hasExceeded)) {
					loss = new Loss(lane.instance(), ex);
					lent.lost();
					if (!mayRetry || exceeds) { // the next would exceed it, too
						throw lost(loss);
					}
					mayRetry = false;
				}
				hasExceeded |= exceeds;
			}
			catch (IpcException ex) {
				if (isTimeout(ex)) {
					throw timedOut(timeout, lent.isRequestSent(), loss != null, ex);
				}
				// Unless the instance was found to be faulty before it got the request.
				if (lent.isRequestSent() || lent.isUsable() || deadline.hasPassed()
						|| ex instanceof IpcException.Interrupted) {
					throw ex;
				}
			}
		}
	}

	private static boolean isTimeout(IpcException failure) {
		return failure instanceof IpcException.Timeout || failure.getCause() instanceof IpcException.Timeout;
	}

	/** Also where a part of the reply had come. */
	private IpcTimeoutException timedOut(Duration timeout, boolean requestSent, boolean sentBefore,
			IpcException cause) {
		return new IpcTimeoutException(
				"Destination '" + this.spec.name() + "': no reply within " + timeout
						+ (requestSent ? "" : ", and the request was not sent") + ": " + cause.getMessage(),
				requestSent || sentBefore, cause);
	}

	private ChildLane acquire(Duration timeout, Deadline deadline, @Nullable Loss loss) throws IpcException {
		try {
			return this.pool.acquire(timeout, deadline);
		}
		catch (IpcBusyException | IpcException.PeerClosed ex) {
			if (loss != null) {
				throw lost(loss); // it would be wrong to say that nothing was sent
			}
			throw ex;
		}
	}

	private IpcReplyLostException lost(Loss loss) {
		loss.instance().awaitExitStatus();
		PostMortem end = loss.instance().postMortem();
		return new IpcReplyLostException(this.spec.name(),
				loss.cause().getMessage() + " after it had been sent the request, and "
						+ ((end != null) ? "its process ended with " + end.cause()
								: loss.instance()
									.memory()
									.excess()
									.map((reason) -> "its process was killed because " + reason)
									.orElse("its process has not ended yet")),
				end, loss.cause());
	}

	/** See {@link IpcDestination#receive}. */
	<T> IpcMessage<T> receive(Type type, Duration timeout) throws IpcException {
		if (this.spec.instances() > 1 || this.spec.concurrency() > 1) {
			throw new IpcException("it has " + this.spec.instances() + " instances with " + this.spec.concurrency()
					+ " sockets each, and a message could come from any of"
					+ " them: send requests, or declare a child with one instance and a concurrency of 1");
		}
		Deadline deadline = Deadline.in(timeout).interruptible();
		ChildLane lane = this.pool.acquire(timeout, deadline);
		boolean ended = false;
		try {
			return lane.requester().receive(type, deadline);
		}
		catch (IpcException.PeerClosed ex) {
			ended = true;
			throw ex;
		}
		finally {
			if (ended) {
				this.keeper.takeBackClosed(lane);
			}
			else {
				this.keeper.takeBackUnread(lane);
			}
		}
	}

	/** See {@link IpcDestination#send}: to the instances in turn. */
	long send(Object payload, Duration timeout, OwnedFd... descriptors) throws IpcException {
		Deadline deadline = Deadline.in(timeout).interruptible();
		int first = this.nextSlot.getAndIncrement();
		for (int i = 0; i < this.slots.size(); i++) {
			ChildInstance instance = this.slots.get(Math.floorMod(first + i, this.slots.size())).current();
			if (instance != null && !instance.isRetired()) {
				try {
					return send(instance, payload, timeout, deadline, descriptors);
				}
				catch (IpcException.PeerClosed ex) {
					// Nothing was sent: the next one gets it.
					this.keeper.closed(instance);
				}
			}
		}
		return sendToNext(payload, timeout, deadline, descriptors);
	}

	/** No instance is running just now: waits for one that will. */
	private long sendToNext(Object payload, Duration timeout, Deadline deadline, OwnedFd... descriptors)
			throws IpcException {
		ChildLane lane = this.pool.acquire(timeout, deadline);
		try {
			return send(lane.instance(), payload, timeout, deadline, descriptors);
		}
		finally {
			this.keeper.takeBackUnread(lane);
		}
	}

	private long send(ChildInstance instance, Object payload, Duration timeout, Deadline deadline,
			OwnedFd... descriptors) throws IpcException {
		long begun = System.nanoTime();
		try {
			long size = instance.requester().send(payload, deadline, descriptors);
			instance.tookMessage();
			instance.memory().watch(instance);
			return size;
		}
		catch (IpcException ex) {
			if (instance.socket().isClosed()) {
				throw new IpcException.PeerClosed("it has just ended");
			}
			boolean partlySent = !instance.requester().isUsable();
			boolean stuck = ex instanceof IpcException.Timeout && !instance.isLent() && isPastGrace(instance)
					&& instance.lastSend() - begun < 0;
			if (partlySent || stuck) {
				this.keeper.discard(instance,
						"it took " + (partlySent ? "only part of a message" : "no message") + " within " + timeout);
			}
			if (ex instanceof IpcException.Timeout) {
				throw new IpcTimeoutException("Destination '" + this.spec.name() + "': " + ex.getMessage(), partlySent,
						ex);
			}
			throw ex;
		}
	}

	private boolean isPastGrace(ChildInstance instance) {
		return instance.requester().isUp() || instance.uptime().compareTo(this.spec.settings().startupGrace()) >= 0;
	}

	/**
	 * A request without a reply.
	 *
	 * @param instance the instance that was sent the request
	 * @param cause says that it closed its socket
	 */
	private record Loss(ChildInstance instance, IpcException.PeerClosed cause) {

	}

	/**
	 * Uses a lane.
	 *
	 * @param <R> the type of the result
	 */
	@FunctionalInterface
	private interface Attempt<R> {

		R with(LentExchange lent) throws IpcException;

	}

	/** An exchange whose caller reads the elements of the reply. */
	private final class Open implements IpcDestination.OpenExchange {

		private final LentExchange lent;

		Open(LentExchange lent) {
			this.lent = lent;
		}

		@Override
		public <R> R run(IpcDestination.ExchangeAction<R> action) throws IpcException {
			try {
				return this.lent.goOn(action);
			}
			catch (IpcException.PeerClosed ex) {
				this.lent.lost();
				throw lost(new Loss(this.lent.instance(), ex));
			}
			catch (IpcException ex) {
				if (isTimeout(ex)) {
					throw new IpcTimeoutException("Destination '" + LaneLender.this.spec.name()
							+ "': the stream does not go on: " + ex.getMessage(), true, ex);
				}
				throw ex;
			}
		}

		@Override
		public void close() {
			this.lent.giveBack();
		}

	}

}
