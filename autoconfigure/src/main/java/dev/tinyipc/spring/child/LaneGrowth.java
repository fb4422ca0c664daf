package dev.tinyipc.spring.child;

import java.time.Duration;

import dev.tinyipc.Deadline;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcHello;
import dev.tinyipc.IpcRequester;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;

/**
 * Opens further lanes to the instances of a child, as they are needed, and has their
 * messages go through memory.
 */
final class LaneGrowth {

	private static final Logger logger = LoggerFactory.getLogger(IpcChild.class);

	/** A socket on which nothing else is done agrees to a lane at once. */
	private static final Duration TIME_TO_OPEN = Duration.ofSeconds(1);

	/** After a failure, no other lane is requested before this has passed. */
	private static final Duration TIME_WITHOUT_ANOTHER = Duration.ofSeconds(30);

	/**
	 * A call that has less leaves it to another: without an answer, nobody knows which
	 * way the child will send, and it has to be replaced.
	 */
	private static final Duration LEAST_TIME_TO_SHARE = Duration.ofSeconds(1);

	private final ChildSpec spec;

	private final LanePool pool;

	LaneGrowth(ChildSpec spec, LanePool pool) {
		this.spec = spec;
		this.pool = pool;
	}

	/**
	 * Has a lane that was just lent share memory, if it can, and opens another lane over
	 * it, if nobody else could be served meanwhile. The call that has the lane goes on
	 * without either, unless the lane has become unusable.
	 * @param deadline of the call that has the lane
	 * @return the other lane, to be offered; null if there is none
	 * @throws IpcException if the lane cannot be used any more, or the thread was
	 * interrupted
	 */
	@Nullable ChildLane shareAndGrow(ChildLane lane, Deadline deadline) throws IpcException {
		boolean mayShare = this.spec.settings().transport() != ChildSettings.Transport.SOCKET && lane.mayShare()
				&& deadline.remainingNanos() >= LEAST_TIME_TO_SHARE.toNanos();
		boolean mayGrow = this.spec.concurrency() > 1 && this.pool.isExhausted();
		ChildInstance instance = lane.instance();
		boolean mayGreet = lane.isFirst() && instance.requester().hello().isEmpty();
		if (mayGreet && (mayGrow || (mayShare && !instance.requester().isUp()))) {
			lane.requester().look(); // the hello may be there
		}
		if (mayShare && instance.requester().hello().filter(IpcHello::memory).isPresent()) {
			share(lane, deadline);
		}
		return mayGrow && instance.beginToGrow() ? instance.endToGrow(openLane(lane, deadline)) : null;
	}

	private void share(ChildLane lane, Deadline deadline) throws IpcException {
		int ringSize = (int) this.spec.settings().ringSize().toBytes();
		try {
			// A child that is asked answers at once. If it does not, the caller may give
			// up, as with any request.
			lane.requester().share(ringSize, deadline);
		}
		catch (IpcException.PeerClosed | IpcException.Interrupted ex) {
			throw ex;
		}
		catch (IpcException | JacksonException ex) {
			if (ex instanceof IpcException failure && !lane.requester().isUsable()) {
				throw failure;
			}
			if (ex instanceof IpcException.Timeout) {
				return; // others were sending all the time
			}
			lane.doNotShare();
			logger.warn("{} does not share memory, and its messages go through a socket: {}", lane, ex.getMessage());
		}
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
