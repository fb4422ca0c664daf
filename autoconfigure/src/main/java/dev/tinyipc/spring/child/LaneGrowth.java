package dev.tinyipc.spring.child;

import java.time.Duration;

import dev.tinyipc.Deadline;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcRequester;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;

/** Opens further lanes to the instances of a child, as they are needed. */
final class LaneGrowth {

	private static final Logger logger = LoggerFactory.getLogger(IpcChild.class);

	/** A socket on which nothing else is done agrees to a lane at once. */
	private static final Duration TIME_TO_OPEN = Duration.ofSeconds(1);

	/** After a failure, no other lane is requested before this has passed. */
	private static final Duration TIME_WITHOUT_ANOTHER = Duration.ofSeconds(30);

	private final ChildSpec spec;

	private final LanePool pool;

	LaneGrowth(ChildSpec spec, LanePool pool) {
		this.spec = spec;
		this.pool = pool;
	}

	/**
	 * Opens another lane, over one that was just lent, if nobody else could be served
	 * meanwhile. The call that has the lane goes on without another, unless the lane has
	 * become unusable.
	 * @param deadline of the call that has the lane
	 * @return the other lane, to be offered; null if there is none
	 * @throws IpcException if the lane cannot be used any more, or the thread was
	 * interrupted
	 */
	@Nullable ChildLane growIfExhausted(ChildLane lane, Deadline deadline) throws IpcException {
		if (this.spec.concurrency() == 1 || !this.pool.isExhausted()) {
			return null;
		}
		ChildInstance instance = lane.instance();
		if (instance.requester().hello().isEmpty() && lane.isFirst()) {
			lane.requester().look(); // the hello may be there
		}
		return instance.beginToGrow() ? instance.endToGrow(openLane(lane, deadline)) : null;
	}

	private @Nullable IpcRequester openLane(ChildLane lane, Deadline deadline) throws IpcException {
		ChildInstance instance = lane.instance();
		long time = Math.min(TIME_TO_OPEN.toNanos(), deadline.remainingNanos() / 2);
		boolean goesOn = false;
		try {
			IpcRequester opened = lane.requester().openLane(Deadline.in(Duration.ofNanos(time)));
			goesOn = true;
			return opened;
		}
		catch (IpcException.PeerClosed | IpcException.Interrupted ex) {
			throw ex;
		}
		catch (IpcException | JacksonException ex) {
			if (ex instanceof IpcException failure && !lane.requester().isUsable()) {
				throw failure;
			}
			boolean inAHurry = ex instanceof IpcException.Timeout && time < TIME_TO_OPEN.toNanos();
			if (!inAHurry) {
				refrain(instance, ex);
			}
			goesOn = true;
			return null;
		}
		finally {
			if (!goesOn) {
				instance.endToGrow(null);
			}
		}
	}

	/** For good if the instance says so, and otherwise for a while. */
	private static void refrain(ChildInstance instance, Exception failure) {
		int lanes = instance.lanes().size();
		if (failure instanceof IpcException.Remote) {
			instance.limitLanes();
			logger.warn("{} serves {} exchanges at a time, and no more: {}", instance, lanes, failure.getMessage());
		}
		else {
			instance.doNotGrowFor(TIME_WITHOUT_ANOTHER);
			logger.warn("{} serves {} exchanges at a time, and no more for {}: another lane could not be opened: {}",
					instance, lanes, TIME_WITHOUT_ANOTHER, failure.getMessage());
		}
	}

}
