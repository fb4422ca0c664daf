package dev.tinyipc;

import java.lang.ref.Reference;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;

import org.jspecify.annotations.Nullable;

/**
 * What both directions of a socket have in common: one call at a time, its time-out, and
 * what to do when the kernel says "not now".
 */
abstract sealed class SocketSide permits SocketSender, SocketReceiver {

	/** How many packets go through one system call at most. */
	static final int BATCH_SIZE = 64;

	private static final int TIMEVAL_SIZE = 16;

	final OwnedFd descriptor;

	/** Why the stream of packets can no longer be trusted, in both directions. */
	private final AtomicReference<@Nullable IpcException> broken;

	private final ReentrantLock lock = new ReentrantLock();

	private final int timeoutOption;

	private final short readiness;

	private volatile long timeoutNanos;

	// Of the call under way, behind the lock

	private @Nullable MsgHdr header;

	private MsgHdr @Nullable [] batch;

	private boolean waits;

	private long deadline;

	private int flags;

	SocketSide(OwnedFd descriptor, AtomicReference<@Nullable IpcException> broken, int timeoutOption, short readiness) {
		this.descriptor = descriptor;
		this.broken = broken;
		this.timeoutOption = timeoutOption;
		this.readiness = readiness;
	}

	final void setTimeout(@Nullable Duration timeout) throws IpcException {
		long nanos = (timeout != null) ? toNanos(timeout) : 0;
		if (nanos == this.timeoutNanos) {
			return;
		}
		// Rounded up, because zero would mean "for ever".
		long micros = (nanos != 0) ? Math.max(1, (nanos + 999) / 1000) : 0;
		NativeBuffer timeval = NativeBuffer.allocate(TIMEVAL_SIZE);
		timeval.bytes().putLong(0, micros / 1_000_000).putLong(8, micros % 1_000_000);
		int fd = this.descriptor.borrow();
		try {
			Errno.check("setsockopt(SO_RCVTIMEO or SO_SNDTIMEO)",
					LibC.setsockopt(fd, LibC.SOL_SOCKET, this.timeoutOption, timeval.address(), TIMEVAL_SIZE));
			Reference.reachabilityFence(timeval);
			this.timeoutNanos = nanos;
		}
		finally {
			this.descriptor.giveBack();
		}
	}

	private static long toNanos(Duration timeout) {
		if (timeout.isNegative() || timeout.isZero()) {
			throw new IllegalArgumentException("A time-out must be more than zero, not " + timeout
					+ ": use null to wait without limit, and the try-forms not to wait at all");
		}
		// At most 146 years, so that nothing overflows to which something is added.
		return Math.min(TimeUnit.NANOSECONDS.convert(timeout), Long.MAX_VALUE / 2);
	}

	/** Waits for the call under way, if there is one, as long as the time-out allows. */
	final void lock() throws IpcException {
		if (this.lock.tryLock()) {
			return;
		}
		long timeout = this.timeoutNanos;
		if (timeout == 0) {
			this.lock.lock();
		}
		else if (!lockWithin(timeout)) {
			throw timedOut();
		}
	}

	private boolean lockWithin(long timeout) {
		boolean interrupted = false;
		long end = System.nanoTime() + timeout;
		try {
			while (true) {
				try {
					return this.lock.tryLock(end - System.nanoTime(), TimeUnit.NANOSECONDS);
				}
				catch (InterruptedException ex) {
					interrupted = true; // as in the call itself: kept for later
				}
			}
		}
		finally {
			if (interrupted) {
				Thread.currentThread().interrupt();
			}
		}
	}

	final boolean tryLock() {
		return this.lock.tryLock();
	}

	final void unlock() {
		if (this.descriptor.isClosed()) {
			freeMemory();
		}
		this.lock.unlock();
	}

	/**
	 * Gives native memory back, which would else wait for a garbage collection. To be
	 * called after the close; a call that is under way does it when it leaves.
	 */
	final void release() {
		if (tryLock()) {
			unlock();
		}
	}

	private void freeMemory() {
		if (this.header != null) {
			MsgHdr.free(this.header);
			this.header = null;
		}
		if (this.batch != null) {
			MsgHdr.free(this.batch);
			this.batch = null;
		}
	}

	/** The block for the next call, made at the first one. */
	final MsgHdr header() {
		MsgHdr result = this.header;
		if (result == null) {
			result = MsgHdr.create();
			this.header = result;
		}
		return result;
	}

	/** The blocks for several packets in one call, made at the first such call. */
	final MsgHdr[] batch() {
		MsgHdr[] result = this.batch;
		if (result == null) {
			result = MsgHdr.array(BATCH_SIZE);
			this.batch = result;
		}
		return result;
	}

	/** How long a call may wait. */
	enum Wait {

		/** Not at all. */
		NEVER,

		/** As long as the time-out says. */
		TIMEOUT,

		/** Until the time-out of the call before is over, which this one continues. */
		REST

	}

	/** Starts a call on the number that it returns, and that must be given back. */
	final int begin(Wait wait) throws IpcException {
		IpcException reason = this.broken.get();
		if (reason != null) {
			throw new IpcException(this.descriptor + " cannot be used any more: " + reason.getMessage(), reason);
		}
		long timeout = this.timeoutNanos;
		if (wait != Wait.REST) {
			this.deadline = (timeout != 0) ? System.nanoTime() + timeout : 0;
		}
		this.waits = (wait != Wait.NEVER);
		// The kernel knows whole time-outs only: what is left of one is waited for here.
		boolean inKernel = (wait == Wait.TIMEOUT || (wait == Wait.REST && this.deadline == 0));
		this.flags = (inKernel && !Readiness.mustPark()) ? 0 : LibC.MSG_DONTWAIT;
		return this.descriptor.borrow();
	}

	/** The flags for the system call, which {@link #again} may change. */
	final int flags() {
		return this.flags;
	}

	/**
	 * Decides after a failed system call.
	 * @return whether to repeat it; if not, the call was not to wait
	 * @throws IpcException.Timeout if there is no time left
	 */
	final boolean again(int fd, int error) throws IpcException {
		if (error == Errno.EINTR.number) {
			if (this.waits && this.deadline != 0) {
				// The kernel would start the time-out anew.
				this.flags = LibC.MSG_DONTWAIT;
			}
			return true;
		}
		if (!this.waits) {
			return false;
		}
		// Also where the descriptor came to us non-blocking, which is not ours to change.
		this.flags = LibC.MSG_DONTWAIT;
		if (!Readiness.await(fd, this.readiness, this.deadline)) {
			throw timedOut();
		}
		return true;
	}

	/** Whether this end was closed here, which the kernel reports as if the peer had. */
	final void checkNotClosedHere() throws IpcException {
		if (this.descriptor.isClosed()) {
			throw new IpcException(this.descriptor + ": it was closed on this side during the call");
		}
	}

	/**
	 * Makes the socket unusable: the peer sees its end at once, and every later call
	 * repeats the reason.
	 * @return the reason, to be thrown
	 */
	final <X extends IpcException> X breakWith(X reason) throws IpcException {
		if (this.broken.compareAndSet(null, reason) && !this.descriptor.isClosed()) {
			int fd = this.descriptor.borrow();
			try {
				LibC.shutdown(fd, LibC.SHUT_RDWR);
			}
			finally {
				this.descriptor.giveBack();
			}
		}
		return reason;
	}

	abstract IpcException.Timeout timedOut();

	final Duration timeout() {
		return Duration.ofNanos(this.timeoutNanos);
	}

}
