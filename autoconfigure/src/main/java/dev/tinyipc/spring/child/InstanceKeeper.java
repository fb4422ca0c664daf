package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcPoller;
import dev.tinyipc.IpcRequester;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the instances of a child fit to be lent. It takes one back that is in step, waits
 * for the late reply of one whose caller gave up before its time, looks after those that
 * are idle, and gives up what cannot be trusted any more.
 */
final class InstanceKeeper {

	/** How long an instance may live on that has closed its socket. */
	private static final Duration GRACE_WITHOUT_SOCKET = Duration.ofSeconds(1);

	/** A socket is watched once its instance has been idle for so long, or twice that. */
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

	/** A new instance can be lent. */
	void offer(ChildInstance instance) {
		this.pool.offer(instance);
		watchSoon();
	}

	/** Lends an instance no more. */
	void withdraw(ChildInstance instance) {
		this.pool.remove(instance);
		this.watch.forget(instance.socket());
	}

	/**
	 * Takes back an instance that is in step, if nothing on its socket says otherwise.
	 */
	void takeBack(ChildInstance instance) {
		IpcRequester requester = instance.requester();
		// Where answers have numbers a stray one is harmless until somebody looks, and
		// answers to one-way messages may still be received.
		boolean sure = requester.isUsable() && (requester.repeatsNumbers() || requester.owed() > 0);
		takeBack(instance, sure ? IpcRequester.State.IN_STEP : look(instance));
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
			this.supervisor.execute(() -> instance.slot().terminate(instance));
		}
	}

	void takeBackClosed(ChildInstance instance) {
		instance.takeBack();
		closed(instance);
	}

	/** It ends, and its slot will know why; or it closed its socket and goes on. */
	void closed(ChildInstance instance) {
		instance.retire();
		withdraw(instance);
		this.supervisor.schedule(GRACE_WITHOUT_SOCKET,
				() -> instance.slot().discard(instance, "it closed its socket and has not ended"));
	}

	void discard(ChildInstance instance, @Nullable String reason) {
		instance.retire();
		withdraw(instance);
		this.supervisor.execute(() -> instance.slot()
			.discard(instance, (reason != null) ? reason : "its socket cannot be used any more"));
	}

	private IpcRequester.State look(ChildInstance instance) {
		IpcRequester requester = instance.requester();
		try {
			return requester.isUsable() ? requester.look() : IpcRequester.State.FAULTY;
		}
		catch (IpcException | RuntimeException ex) { // what came makes no sense
			return instance.socket().isClosed() ? IpcRequester.State.ENDED : IpcRequester.State.FAULTY;
		}
	}

	/**
	 * Waits for the reply of an exchange that was given up before the instance had all
	 * the time that it was to have.
	 * @param until the {@link System#nanoTime()} from which on it is given up, too
	 */
	void settle(ChildInstance instance, long until, String reason) {
		long settled = instance.beginSettling();
		awaitLateReply(instance);
		this.supervisor.schedule(Duration.ofNanos(Math.max(0, until - System.nanoTime())), () -> {
			if (instance.isSettling(settled)) {
				discard(instance, reason);
			}
		});
	}

	private void awaitLateReply(ChildInstance instance) {
		this.watch.watch(instance.socket(), IpcPoller.Interest.READ,
				() -> this.supervisor.execute(() -> lookForLateReply(instance)));
	}

	private void lookForLateReply(ChildInstance instance) {
		IpcRequester.State state = look(instance);
		if (state == IpcRequester.State.OWING) {
			awaitLateReply(instance);
		}
		else {
			instance.endSettling();
			takeBack(instance, state);
		}
	}

	private void watchSoon() {
		if (!this.watchScheduled.get() && this.watchScheduled.compareAndSet(false, true)) {
			this.supervisor.schedule(IDLE_BEFORE_WATCH, this::watchIdle);
		}
	}

	/**
	 * Only those that have been idle for a while: a watch costs more than an exchange.
	 */
	private void watchIdle() {
		this.watchScheduled.set(false);
		boolean all = true;
		for (ChildInstance instance : this.pool.idle()) {
			if (instance.isStillIdle()) {
				watch(instance, this.spec.oneWay() ? IpcPoller.Interest.END : IpcPoller.Interest.READ);
			}
			else {
				all = false;
			}
		}
		if (!all) {
			watchSoon();
		}
	}

	private void lookAtIdle(ChildInstance instance) {
		if (instance.requester().owed() > 0 && !instance.hasEnded()) {
			// The answers to one-way messages wait to be received.
			watch(instance, IpcPoller.Interest.END);
		}
		else if (this.pool.remove(instance) && instance.lend()) { // and has not been lent
			takeBack(instance, look(instance));
		}
	}

	private void watch(ChildInstance instance, IpcPoller.Interest interest) {
		this.watch.watch(instance.socket(), interest, () -> this.supervisor.execute(() -> lookAtIdle(instance)));
	}

}
