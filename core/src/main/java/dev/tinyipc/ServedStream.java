package dev.tinyipc;

import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The elements of one streamed reply on their way to the peer. Each is sent at once,
 * unless its handler has hardly taken any time for it: such elements are gathered, if the
 * peer has asked for that, and sent together as soon as there are enough, or the handler
 * lets the next one wait. A message for each would cost both ends more than all the rest.
 */
final class ServedStream {

	private static final Logger logger = LoggerFactory.getLogger(IpcServer.class);

	/** How many bytes of elements are worth a message, with the least delay. */
	static final int USUAL_SIZE = 32 * 1024;

	/** An element that took longer to come has to wait for no other. */
	private static final long SOON = TimeUnit.MICROSECONDS.toNanos(50);

	private static final long LONGEST_DELAY = TimeUnit.MILLISECONDS.toNanos(1);

	/** A batch is for at least this many elements. */
	private static final int WORTHWHILE = 8;

	private final IpcChannel channel;

	private final OptionalLong id;

	/** Their blocks. */
	private final LentElements lent;

	/** Null if the peer takes one element at a time. */
	private final @Nullable ElementBatch batch;

	/** Called when elements are gathered that the handler may leave waiting. */
	private final Runnable whenGathering;

	/** Held while an element is on its way, in whatever thread. */
	private final ReentrantLock sending = new ReentrantLock();

	private long lastSize;

	private long lastReturn;

	/**
	 * When the first of the gathered elements came; 0 if there are none to look after.
	 */
	private volatile long gatheringSince;

	/**
	 * Begins a streamed reply.
	 * @param batchSize of elements that the peer takes in one message, in bytes; 0 for
	 * one at a time
	 */
	ServedStream(IpcChannel channel, OptionalLong id, LentElements lent, int batchSize, Runnable whenGathering)
			throws IpcException {
		this.channel = channel;
		this.id = id;
		this.lent = lent;
		this.batch = (batchSize > 0) ? channel.outbox().batch(id, batchSize, lent) : null;
		lent.beforeWait(this::sendBeforeWait);
		this.whenGathering = whenGathering;
	}

	/** To be held while an element is sent. */
	ReentrantLock lock() {
		return this.sending;
	}

	/** Called when the peer says how many messages with elements it has read. */
	void read(int count) {
		this.lent.read(count);
	}

	/** Sends an element, now or soon. */
	void send(@Nullable Object element, OwnedFd... descriptors) throws IpcException {
		ElementBatch batch = this.batch;
		if (batch == null) {
			sendAlone(element, descriptors);
			return;
		}
		try {
			long now = System.nanoTime();
			if (descriptors.length == 0 && !(element instanceof byte[]) && isSoon(batch, now)) {
				gather(batch, element, now);
			}
			else {
				sendAlone(element, descriptors);
			}
		}
		finally {
			this.lastReturn = System.nanoTime();
		}
	}

	private boolean isSoon(ElementBatch batch, long now) {
		return this.lastSize > 0 && this.lastSize <= batch.maxSize() / WORTHWHILE && now - this.lastReturn < SOON;
	}

	private void sendAlone(@Nullable Object element, OwnedFd... descriptors) throws IpcException {
		sendGathered();
		this.lastSize = this.channel.outbox()
			.send(null, Prefix.of(this.id, StreamItem.ELEMENT), element, null, this.lent, descriptors);
		this.lent.sent();
	}

	/** The peer may have to read what was gathered before it goes on. */
	private void sendBeforeWait() {
		try {
			sendGathered();
		}
		catch (IpcException ex) {
			logger.debug("Elements could not be sent, and what follows them cannot either", ex);
		}
	}

	private void gather(ElementBatch batch, @Nullable Object element, long now) throws IpcException {
		if (this.gatheringSince != 0 && now - this.gatheringSince >= LONGEST_DELAY) {
			// Before the element is there: if this fails, it may be sent again.
			sendGathered();
		}
		if (!batch.add(element)) {
			this.gatheringSince = 0;
			try {
				this.lastSize = batch.sendAll();
			}
			finally {
				lookAfterWhatIsLeft(batch);
			}
		}
		else if (this.gatheringSince == 0) {
			lookAfterWhatIsLeft(batch);
		}
	}

	private void lookAfterWhatIsLeft(ElementBatch batch) {
		if (!batch.isEmpty()) {
			this.gatheringSince = System.nanoTime();
			this.whenGathering.run();
		}
	}

	private void sendGathered() throws IpcException {
		if (this.batch != null) {
			this.gatheringSince = 0;
			try {
				this.batch.send(null);
			}
			finally {
				lookAfterWhatIsLeft(this.batch);
			}
		}
	}

	/** Sends what is still here, before anything else is sent. */
	void finish() throws IpcException {
		this.sending.lock();
		try {
			sendGathered();
		}
		finally {
			this.sending.unlock();
		}
	}

	/** Drops what is still here: nobody wants it. */
	void drop() {
		this.sending.lock();
		try {
			if (this.batch != null) {
				this.gatheringSince = 0;
				this.batch.clear();
			}
		}
		finally {
			this.sending.unlock();
		}
	}

	/**
	 * Sends elements that the handler has left waiting, without waiting for anything.
	 * @return whether this must be called again
	 */
	boolean sendLeftWaiting() {
		if (this.gatheringSince == 0) {
			return false;
		}
		if (!this.sending.tryLock()) {
			return true; // the handler adds another one
		}
		try {
			long since = this.gatheringSince;
			if (this.batch != null && since != 0 && System.nanoTime() - since >= LONGEST_DELAY) {
				this.batch.send(Deadline.in(Duration.ZERO));
				this.gatheringSince = 0;
			}
			return this.gatheringSince != 0;
		}
		catch (IpcException.Timeout ex) {
			return true; // there is no room yet
		}
		catch (IpcException ex) {
			logger.debug("Elements of a streamed reply could not be sent; its handler will be told", ex);
			return false;
		}
		finally {
			this.sending.unlock();
		}
	}

}
