package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;

import dev.tinyipc.Deadline;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcPoller;
import dev.tinyipc.IpcRequester;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the lanes of a child fit to be lent. It checks each one that is given back, waits
 * for the reply of one whose caller gave up too early, watches the idle ones, and
 * discards instances that can no longer be trusted.
 */
final class LaneKeeper {

	private static final Logger logger = LoggerFactory.getLogger(IpcChild.class);

	/** How long an instance may live on after it closed its socket. */
	private static final Duration GRACE_WITHOUT_SOCKET = Duration.ofSeconds(1);

	/** A socket is watched once its lane has been idle for one or two of these. */
	private static final Duration IDLE_BEFORE_WATCH = Duration.ofMillis(100);

	/** After this, lanes that were opened for a peak are closed. */
	private static final Duration IDLE_BEFORE_CLOSE = Duration.ofSeconds(60);

	private final ChildSpec spec;

	private final LanePool pool;

	private final LaneGrowth growth;

	private final ChildSupervisor supervisor;

	private final IdleWatch watch;

	private final AtomicBoolean watchScheduled = new AtomicBoolean();

	private final AtomicBoolean closingScheduled = new AtomicBoolean();

	LaneKeeper(ChildSpec spec, LanePool pool, ChildSupervisor supervisor, IdleWatch watch) {
		this.spec = spec;
		this.pool = pool;
		this.growth = new LaneGrowth(spec, pool);
		this.supervisor = supervisor;
		this.watch = watch;
	}

	/** Lets an instance be lent. */
	void offer(ChildInstance instance) {
		instance.lanes().forEach(this::offer);
	}

	private void offer(ChildLane lane) {
		this.pool.offer(lane);
		watchIdleSoon();
	}

	/** Stops lending an instance. */
	void withdraw(ChildInstance instance) {
		for (ChildLane lane : instance.lanes()) {
			this.pool.remove(lane);
			this.watch.forget(lane.socket());
		}
		this.watch.forget(instance.socket()); // also if its first lane was given up
	}

	/** See {@link LaneGrowth#shareAndGrow}. */
	void shareAndGrow(ChildLane lane, Deadline deadline) throws IpcException {
		if (lane.isWatchedInVain()) {
			this.watch.forget(lane.socket());
		}
		ChildLane added = this.growth.shareAndGrow(lane, deadline);
		if (added != null) {
			offer(added);
			closeIdleLater();
		}
	}

	private void closeIdleLater() {
		if (this.closingScheduled.compareAndSet(false, true)) {
			this.supervisor.schedule(IDLE_BEFORE_CLOSE, this::closeIdle);
		}
	}

	private void closeIdle() {
		this.closingScheduled.set(false);
		boolean all = true;
		for (ChildLane lane : this.pool.idle()) {
			if (lane.isFirst() || lane.instance().lanes().size() == 1) {
				continue; // the only one, if the first one was given up
			}
			if (lane.isIdleFor(IDLE_BEFORE_CLOSE.toNanos()) && this.pool.remove(lane)) {
				remove(lane);
			}
			else {
				all = false;
			}
		}
		if (!all) {
			closeIdleLater();
		}
	}

	private void remove(ChildLane lane) {
		this.watch.forget(lane.socket());
		lane.instance().remove(lane);
	}

	/** Takes a lane back after an exchange, and drops what it sent unasked. */
	void takeBack(ChildLane lane) {
		IpcRequester requester = lane.requester();
		// Where answers have numbers a stray one is harmless until somebody looks, and
		// answers to one-way messages may still be received.
		boolean sure = requester.isUsable() && (requester.repeatsNumbers() || requester.owed() > 0);
		takeBack(lane, sure ? IpcRequester.State.IN_STEP : look(lane));
	}

	/** Takes a lane back, and leaves what it has sent to be received. */
	void takeBackUnread(ChildLane lane) {
		takeBack(lane, lane.requester().isUsable() ? IpcRequester.State.IN_STEP : IpcRequester.State.FAULTY);
	}

	private void takeBack(ChildLane lane, IpcRequester.State state) {
		ChildInstance instance = lane.instance();
		if (state == IpcRequester.State.ENDED) {
			takeBackClosed(lane);
		}
		else if (state == IpcRequester.State.FAULTY) {
			lane.takeBack();
			takeBackUnusable(lane);
		}
		else if (lane.takeBack()) {
			boolean wornOut = instance.isWornOut();
			this.pool.giveBack(lane, !wornOut);
			watchIdleSoon();
			if (wornOut) {
				this.supervisor.execute(() -> instance.slot().replace(instance, "it has done enough"));
			}
		}
		else if (!instance.isLent()) {
			terminate(instance);
		}
	}

	/**
	 * A frame that was broken off, by either side, costs its lane only. A peer that
	 * breaks the protocol in any other way is not trusted again.
	 */
	private void takeBackUnusable(ChildLane lane) {
		ChildInstance instance = lane.instance();
		String fault = lane.requester().fault();
		if (fault != null || lane.isFirst() || !instance.giveUp(lane)) {
			discard(instance, fault);
			return;
		}
		logger.warn("{} loses a lane, because only part of a message went over its socket", instance);
		terminateIfRetired(instance);
	}

	/** Takes back a lane whose socket has come to its end. */
	void takeBackClosed(ChildLane lane) {
		lane.takeBack();
		if (lane.isFirst()) {
			closed(lane.instance());
		}
		else {
			ChildInstance instance = lane.instance();
			remove(lane); // others are opened as they are needed
			if (instance.lanes().isEmpty()) {
				discard(instance, "it has closed its last lane, and does not answer on its first one");
			}
			terminateIfRetired(instance);
		}
	}

	/**
	 * Ends an instance that has lost a lane, if it is not to be lent again, but not at
	 * once: it may be dying, and must not look as if it had been told to end.
	 */
	private void terminateIfRetired(ChildInstance instance) {
		this.supervisor.schedule(ChildInstance.WAIT_FOR_EXIT_STATUS, () -> {
			if (instance.isRetired() && !instance.isLent()) {
				terminate(instance);
			}
		});
	}

	/**
	 * Retires an instance whose socket has come to its end. Its process usually ends,
	 * too, and its slot then knows why.
	 */
	void closed(ChildInstance instance) {
		instance.ends();
		withdraw(instance);
		this.supervisor.execute(() -> instance.slot().withdraw(instance));
		this.supervisor.schedule(GRACE_WITHOUT_SOCKET,
				() -> instance.slot().discard(instance, "it closed its socket and has not ended"));
	}

	/** Ends an instance that can no longer be trusted. */
	void discard(ChildInstance instance, @Nullable String reason) {
		instance.retire();
		withdraw(instance);
		this.supervisor
			.execute(() -> instance.slot().discard(instance, (reason != null) ? reason : "its socket is unusable"));
	}

	private void terminate(ChildInstance instance) {
		this.supervisor.execute(() -> instance.terminate(this.spec.settings().shutdownTimeout(), this.supervisor));
	}

	private IpcRequester.State look(ChildLane lane) {
		IpcRequester requester = lane.requester();
		try {
			return requester.isUsable() ? requester.look() : IpcRequester.State.FAULTY;
		}
		catch (IpcException | RuntimeException ex) { // what it sent makes no sense
			return lane.socket().isClosed() ? IpcRequester.State.ENDED : IpcRequester.State.FAULTY;
		}
	}

	/**
	 * Takes back a lane whose caller gave up before the reply came. It can be lent again
	 * once it has brought that reply, and is given up if it does not in time.
	 * @param exchange the one that was given up
	 * @param until the {@link System#nanoTime()} at which its time is up
	 */
	void abandon(ChildLane lane, Abandoned exchange, long until) {
		Duration left = Duration.ofNanos(until - System.nanoTime());
		if (!lane.abandon()) {
			terminateIfRetired(lane.instance());
			countDeathLater(lane.instance(), exchange);
		}
		else if (left.isNegative() || left.isZero()) {
			giveUp(lane, exchange);
		}
		else {
			this.supervisor.execute(() -> new LateReply(lane, exchange).await(left));
		}
	}

	/** Costs the lane, if there are others, and otherwise the instance. */
	private void giveUp(ChildLane lane, Abandoned exchange) {
		ChildInstance instance = lane.instance();
		boolean severalLanes = this.spec.concurrency() > 1
				&& instance.requester().hello().filter((hello) -> hello.lanes() > 1).isPresent();
		if (!severalLanes || !instance.giveUp(lane)) {
			exchange.died(instance);
			instance.retire();
			withdraw(instance);
			this.supervisor.execute(() -> instance.slot().discardUnresponsive(instance, exchange.reason()));
			return;
		}
		logger.warn("{} loses a lane, because {}", instance, exchange.reason());
		if (lane.isFirst()) {
			// Its end would be the end of the process.
			this.supervisor.execute(() -> new LateReply(lane, exchange).awaitForever());
		}
	}

	/** Counts a death, unless the instance has only lost a lane. */
	private void countDeathLater(ChildInstance instance, Abandoned exchange) {
		this.supervisor.schedule(ChildInstance.WAIT_FOR_EXIT_STATUS, () -> {
			if (instance.hasEndedByItself()) {
				exchange.died(instance);
			}
		});
	}

	private void watchIdleSoon() {
		if (!this.watchScheduled.get() && this.watchScheduled.compareAndSet(false, true)) {
			this.supervisor.schedule(IDLE_BEFORE_WATCH, this::watchIdle);
		}
	}

	/**
	 * Watches only those that have been idle for a while: a watch costs more than an
	 * exchange.
	 */
	private void watchIdle() {
		this.watchScheduled.set(false);
		boolean all = true;
		for (ChildLane lane : this.pool.idle()) {
			if (lane.isStillIdle()) {
				watchIdle(lane);
			}
			else {
				all = false;
			}
		}
		if (!all) {
			watchIdleSoon();
		}
	}

	private void watchIdle(ChildLane lane) {
		lane.watched();
		// The answers to one-way messages wait to be received.
		boolean mayHaveSent = this.spec.oneWay() || lane.requester().owed() > 0;
		this.watch.watch(lane.socket(), mayHaveSent ? IpcPoller.Interest.END : IpcPoller.Interest.READ,
				(event) -> this.supervisor.execute(() -> lookAtIdle(lane, event.ended())));
	}

	private void lookAtIdle(ChildLane lane, boolean ended) {
		if (!this.pool.idle().contains(lane)) {
			return; // lent by now, and looked at when it is given back
		}
		if (!ended && lane.requester().owed() > 0) {
			watchIdle(lane);
		}
		else if (this.pool.remove(lane) && lane.lend()) {
			takeBack(lane, ended ? IpcRequester.State.ENDED : look(lane));
		}
	}

	/**
	 * Waits, in the supervisor's thread, for the reply of an exchange that was given up.
	 */
	private final class LateReply {

		private final ChildLane lane;

		private final Abandoned exchange;

		private @Nullable Future<?> end;

		private boolean over;

		LateReply(ChildLane lane, Abandoned exchange) {
			this.lane = lane;
			this.exchange = exchange;
		}

		void await(Duration left) {
			this.end = LaneKeeper.this.supervisor.schedule(left, () -> look(true));
			watch();
			if (this.exchange.blamed() != null) {
				lookForEnd();
			}
		}

		/** Of a socket that is closed because the process has ended, no event comes. */
		private void lookForEnd() {
			LaneKeeper.this.supervisor.schedule(ChildInstance.WAIT_FOR_EXIT_STATUS, () -> {
				if (this.lane.instance().isOver()) {
					look(false);
				}
				else if (!this.over) {
					lookForEnd();
				}
			});
		}

		/** Of a lane that was given up already, and comes back if it is answered. */
		void awaitForever() {
			watch();
		}

		private void watch() {
			LaneKeeper.this.watch.watch(this.lane.socket(), IpcPoller.Interest.READ,
					(event) -> LaneKeeper.this.supervisor.execute(() -> look(false)));
		}

		private void look(boolean timeIsUp) {
			if (this.over) {
				return;
			}
			if (this.lane.instance().isOver()) {
				// Others see to its end. That may be known before the end of the socket.
				this.over = true;
				countDeathLater(this.lane.instance(), this.exchange);
				return;
			}
			IpcRequester.State state = LaneKeeper.this.look(this.lane);
			boolean answered = this.exchange.exchange().isAnswered();
			if (state != IpcRequester.State.OWING || answered) {
				this.over = true;
				if (!answered && state == IpcRequester.State.ENDED) {
					countDeathLater(this.lane.instance(), this.exchange);
				}
				if (this.end != null) {
					this.end.cancel(false);
				}
				this.lane.instance().restore(this.lane);
				takeBack(this.lane, state);
			}
			else if (timeIsUp) {
				this.over = true;
				LaneKeeper.this.watch.forget(this.lane.socket());
				giveUp(this.lane, this.exchange);
			}
			else {
				watch();
			}
		}

	}

}
