package dev.tinyipc.spring.child;

import dev.tinyipc.IpcRequester;
import dev.tinyipc.IpcSocket;

/**
 * One socket to an instance, which is lent for one exchange at a time. The first one is
 * there as long as the instance; others are opened as they are needed.
 */
final class ChildLane {

	private final ChildInstance instance;

	private final IpcRequester requester;

	/** {@link System#nanoTime()} when it was lent or taken back last. */
	private long lastUse = System.nanoTime();

	private long timesLent;

	/** {@link #timesLent} when it was last asked whether it is idle; -1 before that. */
	private long timesLentWhenAsked = -1;

	private volatile boolean well = true;

	/** Whether it has refused to share memory; used by whoever has it. */
	private boolean sharesNot;

	/** Whether somebody watches it, because it was idle. */
	private volatile boolean watched;

	private boolean lent;

	/** Whether there is an exchange on it, even one that nobody waits for. */
	private boolean atWork;

	ChildLane(ChildInstance instance, IpcRequester requester) {
		this.instance = instance;
		this.requester = requester;
	}

	ChildInstance instance() {
		return this.instance;
	}

	IpcRequester requester() {
		return this.requester;
	}

	IpcSocket socket() {
		return this.requester.channel().socket();
	}

	boolean isFirst() {
		return this == this.instance.firstLane();
	}

	/** Whether its messages could go through memory, and do not yet. */
	boolean mayShare() {
		return !this.sharesNot && !socket().isShared();
	}

	ChildSettings.Transport transport() {
		return socket().isShared() ? ChildSettings.Transport.MEMORY : ChildSettings.Transport.SOCKET;
	}

	/** Called before it is watched, because it is idle. */
	void watched() {
		this.watched = true;
	}

	/**
	 * Called when it is used again. Through memory, a caller often takes the reply before
	 * the watch sees it, which would then be woken by each of them, for nothing.
	 * @return whether the watch has to end
	 */
	boolean isWatchedInVain() {
		boolean inVain = this.watched && socket().isShared();
		if (inVain) {
			this.watched = false;
		}
		return inVain;
	}

	/** Leaves it as it is. */
	void doNotShare() {
		this.sharesNot = true;
	}

	/**
	 * Lends it, unless its instance is on its way out.
	 * @return whether it was lent
	 */
	boolean lend() {
		synchronized (this.instance) {
			this.lent = this.instance.has(this);
			atWork(this.lent);
			this.timesLent++;
			this.lastUse = System.nanoTime();
			return this.lent;
		}
	}

	/**
	 * Takes it back.
	 * @return whether it may be lent again
	 */
	boolean takeBack() {
		synchronized (this.instance) {
			atWork(false);
			return abandon();
		}
	}

	private void atWork(boolean now) {
		if (now != this.atWork) {
			this.atWork = now;
			if (now) {
				this.instance.work().beginOnLane();
			}
			else {
				this.instance.work().endOnLane();
			}
		}
	}

	/**
	 * Takes it back although the exchange is not over.
	 * @return whether it may be lent again, once it is
	 */
	boolean abandon() {
		synchronized (this.instance) {
			this.lent = false;
			this.lastUse = System.nanoTime();
			this.instance.closeIfDone();
			return this.instance.has(this);
		}
	}

	/**
	 * Nobody waits any more on it.
	 * @param well whether a result has come in time
	 */
	void exchanged(boolean well) {
		this.well = well;
	}

	/** It is closed: whatever it carried is over. */
	void closed() {
		synchronized (this.instance) {
			atWork(false);
		}
	}

	/** Whether its last exchange, if there was one, had a result in time. */
	boolean isWell() {
		return this.well;
	}

	boolean isLent() {
		synchronized (this.instance) {
			return this.lent;
		}
	}

	/** Whether it has not been lent since this was last asked. */
	boolean isStillIdle() {
		synchronized (this.instance) {
			boolean idle = this.timesLent == this.timesLentWhenAsked;
			this.timesLentWhenAsked = this.timesLent;
			return idle;
		}
	}

	/** Whether it has not been used for a time. */
	boolean isIdleFor(long nanos) {
		synchronized (this.instance) {
			return !this.lent && System.nanoTime() - this.lastUse >= nanos;
		}
	}

	boolean isAtWorkFor(long nanos) {
		synchronized (this.instance) {
			return this.atWork && System.nanoTime() - this.lastUse >= nanos;
		}
	}

	@Override
	public String toString() {
		return isFirst() ? this.instance.toString() : "a lane of " + this.instance;
	}

}
