package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;

import dev.tinyipc.Exchange;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcPoller;
import dev.tinyipc.IpcRequester;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the instances of a child fit to be lent. It checks each one that is given back,
 * waits for the reply of one whose caller gave up too early, watches the idle ones, and
 * discards those that can no longer be trusted.
 */
final class InstanceKeeper {

	/** How long an instance may live on after it closed its socket. */
	private static final Duration GRACE_WITHOUT_SOCKET = Duration.ofSeconds(1);

	/** A socket is watched once its instance has been idle for one or two of these. */
	private static final Duration IDLE_BEFORE_WATCH = Duration.ofMillis(100);

	private final ChildSpec spec;

	private final InstancePool pool;

	private final ChildSupervisor supervisor;

	private final IdleWatch watch;

	private final AtomicBoolean watchScheduled = new AtomicBoolean();

	InstanceKeeper(ChildSpec spec, InstancePool pool, ChildSupervisor supervisor, IdleWatch watch) {
		this.spec = spec;
		this.pool = pool;
		this.supervisor = supervisor;
		this.watch = watch;
	}

	/** Lets an instance be lent. */
	void offer(ChildInstance instance) {
		this.pool.offer(instance);
		watchIdleSoon();
	}

	/** Stops lending an instance. */
	void withdraw(ChildInstance instance) {
		this.pool.remove(instance);
		this.watch.forget(instance.socket());
	}

	/** Takes an instance back after an exchange, and drops what it sent unasked. */
	void takeBack(ChildInstance instance) {
		IpcRequester requester = instance.requester();
		// Where answers have numbers a stray one is harmless until somebody looks, and
		// answers to one-way messages may still be received.
		boolean sure = requester.isUsable() && (requester.repeatsNumbers() || requester.owed() > 0);
		takeBack(instance, sure ? IpcRequester.State.IN_STEP : look(instance));
	}

	/** Takes an instance back, and leaves what it has sent to be received. */
	void takeBackUnread(ChildInstance instance) {
		takeBack(instance, instance.requester().isUsable() ? IpcRequester.State.IN_STEP : IpcRequester.State.FAULTY);
	}

	private void takeBack(ChildInstance instance, IpcRequester.State state) {
		if (state == IpcRequester.State.ENDED) {
			takeBackClosed(instance);
		}
		else if (state == IpcRequester.State.FAULTY) {
			instance.takeBack();
			discard(instance, instance.requester().fault());
		}
		else if (instance.takeBack()) {
			offer(instance);
			if (instance.isWornOut(this.spec.settings().maxMemory().toBytes())) {
				this.supervisor.execute(() -> instance.slot().replace(instance, "it has done enough"));
			}
		}
		else {
			terminate(instance);
		}
	}

	/** Takes back an instance whose socket has come to its end. */
	void takeBackClosed(ChildInstance instance) {
		instance.takeBack();
		closed(instance);
	}

	/**
	 * Retires an instance whose socket has come to its end. Its process usually ends,
	 * too, and its slot then knows why.
	 */
	void closed(ChildInstance instance) {
		instance.retire();
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
		this.supervisor.execute(() -> instance.slot().terminate(instance));
	}

	private IpcRequester.State look(ChildInstance instance) {
		IpcRequester requester = instance.requester();
		try {
			return requester.isUsable() ? requester.look() : IpcRequester.State.FAULTY;
		}
		catch (IpcException | RuntimeException ex) { // what it sent makes no sense
			return instance.socket().isClosed() ? IpcRequester.State.ENDED : IpcRequester.State.FAULTY;
		}
	}

	/**
	 * Takes back an instance whose caller gave up before the reply came. It can be lent
	 * again once it has sent that reply, and is discarded if it does not in time.
	 * @param exchange the one that was given up
	 * @param until the {@link System#nanoTime()} at which its time is up
	 * @param reason why it is discarded then
	 */
	void abandon(ChildInstance instance, Exchange exchange, long until, String reason) {
		Duration left = Duration.ofNanos(until - System.nanoTime());
		if (!instance.takeBack()) {
			terminate(instance);
		}
		else if (left.isNegative() || left.isZero()) {
			discard(instance, reason);
		}
		else {
			this.supervisor.execute(() -> new LateReply(instance, exchange, reason).await(left));
		}
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
		for (ChildInstance instance : this.pool.idle()) {
			if (instance.isStillIdle()) {
				watchIdle(instance);
			}
			else {
				all = false;
			}
		}
		if (!all) {
			watchIdleSoon();
		}
	}

	private void watchIdle(ChildInstance instance) {
		// The answers to one-way messages wait to be received.
		boolean mayHaveSent = this.spec.oneWay() || instance.requester().owed() > 0;
		this.watch.watch(instance.socket(), mayHaveSent ? IpcPoller.Interest.END : IpcPoller.Interest.READ,
				(event) -> this.supervisor.execute(() -> lookAtIdle(instance, event.ended())));
	}

	private void lookAtIdle(ChildInstance instance, boolean ended) {
		if (!this.pool.idle().contains(instance)) {
			return; // lent by now, and looked at when it is given back
		}
		if (!ended && instance.requester().owed() > 0) {
			watchIdle(instance);
		}
		else if (this.pool.remove(instance) && instance.lend()) {
			takeBack(instance, ended ? IpcRequester.State.ENDED : look(instance));
		}
	}

	/**
	 * Waits, in the supervisor's thread, for the reply of an exchange that was given up.
	 */
	private final class LateReply {

		private final ChildInstance instance;

		private final Exchange exchange;

		private final String reason;

		private @Nullable Future<?> end;

		LateReply(ChildInstance instance, Exchange exchange, String reason) {
			this.instance = instance;
			this.exchange = exchange;
			this.reason = reason;
		}

		void await(Duration left) {
			this.end = InstanceKeeper.this.supervisor.schedule(left, () -> look(true));
			watch();
		}

		private void watch() {
			InstanceKeeper.this.watch.watch(this.instance.socket(), IpcPoller.Interest.READ,
					(event) -> InstanceKeeper.this.supervisor.execute(() -> look(false)));
		}

		private void look(boolean timeIsUp) {
			Future<?> end = this.end;
			if (end == null || this.instance.isRetired()) {
				return; // came already, or whoever retired it sees to its end
			}
			IpcRequester.State state = InstanceKeeper.this.look(this.instance);
			if (state != IpcRequester.State.OWING || this.exchange.isAnswered()) {
				end.cancel(false);
				this.end = null;
				takeBack(this.instance, state);
			}
			else if (timeIsUp) {
				discard(this.instance, this.reason);
			}
			else {
				watch();
			}
		}

	}

}
