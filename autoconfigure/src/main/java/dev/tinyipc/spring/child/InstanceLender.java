package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import dev.tinyipc.Deadline;
import dev.tinyipc.Exchange;
import dev.tinyipc.ExitStatus;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcProcess;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.spring.IpcBusyException;
import dev.tinyipc.spring.IpcDestination;
import dev.tinyipc.spring.IpcReplyLostException;
import dev.tinyipc.spring.IpcTimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Lends the instances of a child for exchanges, and gives them back to their keeper in
 * whatever state the exchange has left them.
 */
final class InstanceLender {

	/** The exit status usually follows the end of the socket within milliseconds. */
	private static final Duration WAIT_FOR_EXIT_STATUS = Duration.ofMillis(500);

	private final ChildSpec spec;

	private final List<ChildSlot> slots;

	private final InstancePool pool;

	private final InstanceKeeper keeper;

	private final AtomicInteger nextSlot = new AtomicInteger();

	InstanceLender(ChildSpec spec, List<ChildSlot> slots, InstancePool pool, InstanceKeeper keeper) {
		this.spec = spec;
		this.slots = slots;
		this.pool = pool;
		this.keeper = keeper;
	}

	/** See {@link IpcDestination#exchange}. */
	<R> R exchange(Duration timeout, boolean idempotent, IpcDestination.ExchangeAction<R> action) throws IpcException {
		if (this.spec.oneWay()) {
			throw new IpcException("it is declared as one-way and answers no requests: use convertAndSend, or remove"
					+ " oneWay (ipc.children." + this.spec.name() + ".one-way) from its declaration");
		}
		Deadline deadline = Deadline.in(timeout).interruptible();
		boolean mayRetry = idempotent || this.spec.settings().idempotent();
		Loss loss = null;
		while (true) {
			ChildInstance instance = acquire(timeout, deadline, loss);
			Attempt attempt = new Attempt(instance, timeout, deadline);
			try {
				return attempt.run(action);
			}
			catch (IpcException.PeerClosed ex) {
				// A request that was not sent goes to another instance anyway.
				if (attempt.isRequestSent()) {
					loss = new Loss(instance, ex);
					if (!mayRetry) {
						throw lost(loss);
					}
					mayRetry = false;
				}
			}
			catch (IpcException ex) {
				if (ex instanceof IpcException.Timeout || ex.getCause() instanceof IpcException.Timeout) {
					throw timedOut(timeout, attempt.isRequestSent(), loss != null, ex);
				}
				// Unless the instance was found to be faulty before it got the request.
				if (attempt.isRequestSent() || instance.requester().isUsable() || deadline.hasPassed()) {
					throw ex;
				}
			}
		}
	}

	/** Also where a part of the reply had come. */
	private IpcTimeoutException timedOut(Duration timeout, boolean requestSent, boolean sentBefore,
			IpcException cause) {
		return new IpcTimeoutException(
				"Destination '" + this.spec.name() + "': no reply within " + timeout
						+ (requestSent ? "" : ", and the request was not sent") + ": " + cause.getMessage(),
				requestSent || sentBefore, cause);
	}

	private ChildInstance acquire(Duration timeout, Deadline deadline, @Nullable Loss loss) throws IpcException {
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
		IpcProcess process = loss.instance().process();
		ExitStatus exit = null;
		try {
			process.waitFor(WAIT_FOR_EXIT_STATUS.toMillis(), TimeUnit.MILLISECONDS);
			exit = process.exitStatus().orElse(null);
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
		}
		return new IpcReplyLostException(this.spec.name(),
				loss.cause().getMessage() + " after it had been sent the request, and "
						+ ((exit != null) ? "its process ended by " + exit : "its process has not ended yet"),
				exit, loss.cause());
	}

	/** See {@link IpcDestination#receive}. */
	<T> IpcMessage<T> receive(Class<T> type, Duration timeout) throws IpcException {
		if (this.spec.instances() > 1) {
			throw new IpcException(
					"it has " + this.spec.instances() + " instances, and a message could come from any of"
							+ " them: send requests, or declare a child with one instance");
		}
		Deadline deadline = Deadline.in(timeout).interruptible();
		ChildInstance instance = this.pool.acquire(timeout, deadline);
		boolean ended = false;
		try {
			return instance.requester().receive(type, deadline);
		}
		catch (IpcException.PeerClosed ex) {
			ended = true;
			throw ex;
		}
		finally {
			if (ended) {
				this.keeper.takeBackClosed(instance);
			}
			else {
				this.keeper.takeBackUnread(instance);
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
		ChildInstance instance = this.pool.acquire(timeout, deadline);
		try {
			return send(instance, payload, timeout, deadline, descriptors);
		}
		finally {
			this.keeper.takeBackUnread(instance);
		}
	}

	private long send(ChildInstance instance, Object payload, Duration timeout, Deadline deadline,
			OwnedFd... descriptors) throws IpcException {
		long begun = System.nanoTime();
		try {
			long size = instance.requester().send(payload, deadline, descriptors);
			instance.tookMessage();
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

	/** One exchange on one instance. */
	private final class Attempt {

		private final ChildInstance instance;

		private final Duration timeout;

		private final Deadline deadline;

		private final long begun = System.nanoTime();

		private @Nullable Exchange exchange;

		Attempt(ChildInstance instance, Duration timeout, Deadline deadline) {
			this.instance = instance;
			this.timeout = timeout;
			this.deadline = deadline;
		}

		boolean isRequestSent() {
			return this.exchange != null && this.exchange.isRequestSent();
		}

		<R> R run(IpcDestination.ExchangeAction<R> action) throws IpcException {
			boolean closed = false;
			boolean interrupted = false;
			try {
				Exchange exchange = this.instance.requester().begin(this.deadline);
				this.exchange = exchange;
				R result = action.run(exchange);
				InstanceLender.this.pool.exchanged(System.nanoTime() - this.begun);
				return result;
			}
			catch (IpcException.PeerClosed ex) {
				closed = true;
				throw ex;
			}
			catch (IpcException.Interrupted ex) {
				interrupted = true;
				throw ex;
			}
			finally {
				if (isRequestSent()) {
					this.instance.countExchange();
				}
				giveBack(closed, interrupted);
			}
		}

		private void giveBack(boolean closed, boolean interrupted) {
			Exchange exchange = this.exchange;
			if (closed) {
				InstanceLender.this.keeper.takeBackClosed(this.instance);
			}
			else if (exchange != null && exchange.isRequestSent() && !exchange.isAnswered()
					&& this.instance.requester().isUsable()) {
				abandon(exchange, interrupted);
			}
			else {
				InstanceLender.this.keeper.takeBack(this.instance);
			}
		}

		/**
		 * The caller stops waiting. The instance gets the time that a caller who had not
		 * had to wait for it would have given it, and a new one its startup grace.
		 */
		private void abandon(Exchange exchange, boolean interrupted) {
			long until = this.begun + this.timeout.toNanos();
			String reason = "it did not answer within " + this.timeout;
			if (interrupted) {
				until = System.nanoTime();
				reason = "its caller was interrupted while waiting for the reply";
			}
			if (!this.instance.requester().isUp()) {
				long graceEnd = this.instance.startedAt()
						+ InstanceLender.this.spec.settings().startupGrace().toNanos();
				until = (graceEnd - until > 0) ? graceEnd : until;
			}
			InstanceLender.this.pool.exchanged(System.nanoTime() - this.begun);
			InstanceLender.this.keeper.abandon(this.instance, exchange, until, reason);
		}

	}

}
