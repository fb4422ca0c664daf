package dev.tinyipc;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

import org.jspecify.annotations.Nullable;

/** All sockets over which one process asks a server. */
final class ServedPeer {

	/** The rest of a message is on its way once its first packet has arrived. */
	private static final Duration REST_OF_A_MESSAGE = Duration.ofSeconds(30);

	/** A handler whose caller is gone is interrupted, and usually ends at once. */
	private static final Duration TIME_TO_MAKE_ROOM = Duration.ofSeconds(5);

	private static final Duration PAUSE = Duration.ofMillis(1);

	private final Handlers handlers;

	private final LaneWatch watch;

	private final int maxLanes;

	/** Whether the peer takes it that it can open further lanes. */
	private final boolean asksForLanes;

	/** To call the peer back; null if that is not possible. */
	private final @Nullable IpcParent parent;

	private final Set<ServedLane> lanes = ConcurrentHashMap.newKeySet();

	private volatile @Nullable ServedLane first;

	ServedPeer(Handlers handlers, LaneWatch watch, int maxLanes, boolean asksForLanes, @Nullable IpcParent parent) {
		this.handlers = handlers;
		this.watch = watch;
		this.maxLanes = maxLanes;
		this.asksForLanes = asksForLanes;
		this.parent = parent;
	}

	LaneWatch watch() {
		return this.watch;
	}

	@Nullable IpcParent parent() {
		return this.parent;
	}

	/** Creates the first lane, for a thread that serves it. */
	ServedLane first(IpcChannel channel) {
		ServedLane lane = new ServedLane(channel, this.handlers, this);
		this.first = lane;
		this.lanes.add(lane);
		this.watch.add(lane);
		return lane;
	}

	/** Whether the peer is there as long as this lane is. */
	boolean isFirst(ServedLane lane) {
		return lane == this.first;
	}

	/** Whether a null that brings a socket is the request for a lane. */
	boolean asksForLanes() {
		return this.asksForLanes;
	}

	/**
	 * Opens a lane, which workers serve. Its socket is closed if this fails.
	 * @throws IllegalStateException if there are too many
	 * @throws IpcException if there are too many open files, or the server is closed
	 */
	void open(IpcChannel channel) throws IpcException {
		ServedLane lane = new ServedLane(channel, this.handlers, this);
		boolean open = false;
		this.lanes.add(lane);
		try {
			awaitRoom();
			channel.socket().setReceiveTimeout(REST_OF_A_MESSAGE);
			this.watch.serve(lane);
			open = true;
		}
		finally {
			if (!open) {
				lane.close();
			}
		}
	}

	/** A lane that the peer has closed makes room, once what it has asked is done. */
	private void awaitRoom() {
		long end = System.nanoTime() + TIME_TO_MAKE_ROOM.toNanos();
		while (this.lanes.size() > this.maxLanes) {
			// Asked before they are counted: one that ends in between does make room.
			boolean roomIsMade = this.lanes.stream().anyMatch(ServedLane::isAbandoned);
			if (countLanes() <= this.maxLanes) {
				return;
			}
			if (!roomIsMade || System.nanoTime() - end > 0) {
				throw new IllegalStateException(
						"There are " + this.maxLanes + " lanes already, and there can be no more");
			}
			LockSupport.parkNanos(PAUSE.toNanos());
		}
	}

	/** Does not count lanes that the peer has closed, if only that is left to be seen. */
	private long countLanes() {
		return this.lanes.stream().filter((lane) -> lane.isBusy() || !lane.hasEnded()).count();
	}

	/** Called before the socket of a lane is closed. */
	void closed(ServedLane lane) {
		this.lanes.remove(lane);
		this.watch.remove(lane);
	}

}
