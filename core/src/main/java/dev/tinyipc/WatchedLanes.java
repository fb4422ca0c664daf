package dev.tinyipc;

import java.util.Collection;
import java.util.List;
import java.util.concurrent.ConcurrentSkipListMap;

import org.jspecify.annotations.Nullable;

/**
 * The sockets that a poller watches for messages in memory. The kernel tells it of bells
 * only, which ring if this has said so before, and if nothing was there yet.
 */
final class WatchedLanes {

	/** By the token of the watch, which is never used again. */
	private final ConcurrentSkipListMap<Long, IpcSocket> lanes = new ConcurrentSkipListMap<>();

	/** Of the lane that was reported last: those behind it are next. */
	private long last;

	void add(long token, IpcSocket lane) {
		this.lanes.put(token, lane);
	}

	void remove(long token) {
		this.lanes.remove(token);
	}

	boolean contains(long token) {
		return this.lanes.containsKey(token);
	}

	/** Has the peers of those that are not readable ring, from now on. */
	boolean isAnyReadable() {
		boolean readable = false;
		for (IpcSocket lane : this.lanes.values()) {
			readable |= !lane.receiver().isAnnounced();
		}
		return readable;
	}

	/**
	 * Whether what the kernel told of was more than a bell. Bells are taken.
	 * @param own what is told of the bells of others
	 */
	static boolean isReadable(IpcSocket lane, @Nullable Runnable own) {
		try {
			lane.receiver().takeBells(own);
			return !lane.receiver().isAnnounced();
		}
		catch (IpcException ex) {
			return true; // a receive throws the same
		}
	}

	/** Adds those that are readable, and not there yet, as long as there is room. */
	void addReadable(List<IpcPoller.Event> events) {
		long from = this.last;
		addReadable(events, this.lanes.tailMap(from, false).keySet());
		addReadable(events, this.lanes.headMap(from, true).keySet());
	}

	private void addReadable(List<IpcPoller.Event> events, Collection<Long> tokens) {
		for (Long token : tokens) {
			if (events.size() >= Epoll.EVENTS_AT_ONCE) {
				return;
			}
			IpcSocket lane = this.lanes.get(token);
			if (lane != null && !lane.receiver().isAnnounced() && !lane.isClosed()
					&& events.stream().noneMatch((event) -> event.socket() == lane)) {
				events.add(new IpcPoller.Event(lane, true, false, false));
				this.last = token;
			}
		}
	}

}
