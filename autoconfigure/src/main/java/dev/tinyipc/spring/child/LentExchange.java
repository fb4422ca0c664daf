package dev.tinyipc.spring.child;

import java.time.Duration;

import dev.tinyipc.Deadline;
import dev.tinyipc.Exchange;
import dev.tinyipc.IpcException;
import dev.tinyipc.spring.IpcDestination;
import org.jspecify.annotations.Nullable;

/** One exchange over a lane that was lent for it. */
final class LentExchange {

	private final ChildLane lane;

	private final ChildSpec spec;

	private final LanePool pool;

	private final LaneKeeper keeper;

	private final @Nullable Quarantine quarantine;

	private final Duration timeout;

	private final Deadline deadline;

	private final long begun = System.nanoTime();

	private @Nullable Exchange exchange;

	/** Null without a quarantine, and until the request is about to be sent. */
	private Quarantine.@Nullable Admission admission;

	/** Whether its consumer decides how long it takes. */
	private boolean streams;

	private boolean closed;

	private boolean interrupted;

	private boolean timedOut;

	private boolean failed;

	private boolean givenBack;

	LentExchange(ChildLane lane, ChildSpec spec, LanePool pool, LaneKeeper keeper, @Nullable Quarantine quarantine,
			Duration timeout, Deadline deadline) {
		this.lane = lane;
		this.spec = spec;
		this.pool = pool;
		this.keeper = keeper;
		this.quarantine = quarantine;
		this.timeout = timeout;
		this.deadline = deadline;
	}

	ChildInstance instance() {
		return this.lane.instance();
	}

	boolean isRequestSent() {
		return this.exchange != null && this.exchange.isRequestSent();
	}

	/** Whether the peer can still be asked over the lane. */
	boolean isUsable() {
		return this.lane.requester().isUsable();
	}

	/** Runs the whole exchange, and gives the lane back. */
	<R> R run(IpcDestination.ExchangeAction<R> action) throws IpcException {
		try {
			R result = begin(action);
			this.pool.exchanged(System.nanoTime() - this.begun);
			return result;
		}
		finally {
			giveBack();
		}
	}

	/** Begins an exchange that goes on after the action, unless that fails. */
	<R> R open(IpcDestination.ExchangeAction<R> action) throws IpcException {
		this.streams = true;
		boolean open = false;
		try {
			R result = begin(action);
			open = true;
			return result;
		}
		finally {
			if (!open) {
				giveBack();
			}
		}
	}

	private <R> R begin(IpcDestination.ExchangeAction<R> action) throws IpcException {
		return recorded(() -> {
			instance().memory().watch(instance());
			this.keeper.shareAndGrow(this.lane, this.deadline);
			Exchange exchange = this.lane.requester().begin(this.deadline);
			this.exchange = exchange;
			Quarantine quarantine = this.quarantine;
			if (quarantine != null) {
				exchange.inspectedBy((method, payload, blocks, descriptors) -> this.admission = quarantine.admit(method,
						payload, blocks, descriptors, this.deadline));
			}
			try {
				return action.run(exchange);
			}
			finally {
				if (exchange.isRequestSent()) {
					instance().work().countExchange();
				}
			}
		});
	}

	/** Goes on with an exchange that was opened. */
	<R> R goOn(IpcDestination.ExchangeAction<R> action) throws IpcException {
		return recorded(() -> action.run(this.exchange));
	}

	/** Remembers what has become of the lane. */
	private <R> R recorded(Step<R> step) throws IpcException {
		boolean done = false;
		try {
			R result = step.take();
			done = true;
			return result;
		}
		catch (IpcException.PeerClosed ex) {
			this.closed = true;
			throw ex;
		}
		catch (IpcException.Interrupted ex) {
			this.interrupted = true;
			throw ex;
		}
		catch (IpcException.Timeout ex) {
			this.timedOut = true;
			throw ex;
		}
		finally {
			this.failed |= !done;
		}
	}

	/**
	 * A part of the exchange.
	 *
	 * @param <R> the type of the result
	 */
	@FunctionalInterface
	private interface Step<R> {

		R take() throws IpcException;

	}

	/**
	 * The process has closed its socket instead of answering. If that was its own end,
	 * the request may be the reason.
	 */
	void lost() {
		if (this.admission != null && instance().awaitOwnEnd()) {
			this.admission.died(instance().number());
		}
	}

	/** Gives the lane back in whatever state it is. Doing so twice does nothing. */
	synchronized void giveBack() {
		if (this.givenBack) {
			return;
		}
		this.givenBack = true;
		Exchange exchange = this.exchange;
		if (this.admission != null) {
			if (exchange != null && exchange.isAnswered()) {
				this.admission.survived();
			}
			this.admission.leave();
		}
		if (this.closed) {
			this.keeper.takeBackClosed(this.lane);
		}
		else if (exchange != null && exchange.isRequestSent() && !exchange.isAnswered() && isUsable()) {
			abandon(exchange);
		}
		else {
			if (exchange != null && exchange.isAnswered()) {
				instance().answered();
				this.lane.exchanged(!this.failed);
			}
			this.keeper.takeBack(this.lane);
		}
	}

	/**
	 * The caller stops waiting. An instance that understands it is told. Any other gets
	 * the time that a caller who had not had to wait for it would have given it, and a
	 * new one its startup grace.
	 */
	private void abandon(Exchange exchange) {
		this.lane.exchanged(false);
		long until = this.begun + this.timeout.toNanos();
		String reason = "it did not answer within " + this.timeout;
		if (exchange.cancel()) {
			Duration cancelTimeout = this.spec.settings().cancelTimeout();
			until = System.nanoTime() + cancelTimeout.toNanos();
			reason = "it did not end a cancelled request within " + cancelTimeout;
		}
		else if (this.interrupted) {
			until = System.nanoTime();
			reason = "its caller was interrupted while waiting for the reply";
		}
		if (!this.lane.requester().isUp()) {
			long graceEnd = instance().startedAt() + this.spec.settings().startupGrace().toNanos();
			until = (graceEnd - until > 0) ? graceEnd : until;
		}
		if (!this.streams) {
			this.pool.exchanged(System.nanoTime() - this.begun);
		}
		// If the caller had other reasons, the request is not to blame for what follows.
		this.keeper.abandon(this.lane, new Abandoned(exchange, reason, this.timedOut ? this.admission : null), until);
	}

}
