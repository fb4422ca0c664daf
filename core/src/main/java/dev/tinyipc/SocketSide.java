package dev.tinyipc;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

import org.jspecify.annotations.Nullable;

/**
 * What both directions of a socket have in common: one call at a time, its deadline, and
 * how to wait when the kernel is not ready.
 * <p>
 * Whoever takes the lock sets a deadline, which covers the wait for the lock and for
 * every packet until {@link #unlock()}. The kernel's own timeout is state of the socket,
 * which other calls and other processes share; so it is always the same short slice, and
 * the rest of a deadline is waited for here. A call that succeeds within the slice, as
 * most do, needs no further system call.
 */
abstract sealed class SocketSide permits SocketSender, SocketReceiver {

	/** How many packets go through one system call at most. */
	static final int BATCH_SIZE = 64;

	/** How long one system call waits at most. */
	static final Duration SLICE = Duration.ofMillis(20);

	private static final long SLICE_NANOS = SLICE.toNanos();

	final OwnedFd descriptor;

	/** Why the stream of packets can no longer be trusted, in both directions. */
	private final AtomicReference<@Nullable IpcException> broken;

	private final ReentrantLock lock = new ReentrantLock();

	private final int timeoutOption;

	private final short readiness;

	private volatile long defaultTimeoutNanos;

	// State of the current call, guarded by the lock

	private @Nullable MsgHdr header;

	private MsgHdr @Nullable [] batch;

	private boolean sliced;

	private boolean waits;

	/** As {@link Deadline#end()}. */
	private long end;

	private long timeoutNanos;

	private boolean interruptible;

	private int flags;

	SocketSide(OwnedFd descriptor, AtomicReference<@Nullable IpcException> broken, int timeoutOption, short readiness) {
		this.descriptor = descriptor;
		this.broken = broken;
		this.timeoutOption = timeoutOption;
		this.readiness = readiness;
	}

	/** Makes the default timeout that of another, whose place this takes. */
	final void takeOver(SocketSide before) {
		this.defaultTimeoutNanos = before.defaultTimeoutNanos;
		this.sliced = before.sliced;
	}

	/** Sets the timeout of calls without a deadline. */
	final void setDefaultTimeout(@Nullable Duration timeout) throws IpcException {
		if (timeout != null && (timeout.isNegative() || timeout.isZero())) {
			throw new IllegalArgumentException("A timeout must be more than zero, not " + timeout
					+ ": use null to wait without limit, and trySend or tryReceive not to wait at all");
		}
		this.descriptor.borrow(); // throws if it is closed
		this.descriptor.giveBack();
		this.defaultTimeoutNanos = (timeout != null) ? Deadline.nanos(timeout) : 0;
	}

	/**
	 * Waits for the current call, if there is one. The new call may then wait, too.
	 * @param deadline until when; null for the default timeout
	 */
	final void lock(@Nullable Deadline deadline) throws IpcException {
		if (deadline != null) {
			lockUntil(deadline.end(), deadline.timeoutNanos(), deadline.isInterruptible());
		}
		else {
			// Without creating an object per packet.
			long timeout = this.defaultTimeoutNanos;
			lockUntil((timeout != 0) ? Deadline.endIn(timeout) : 0, timeout, false);
		}
	}

	private void lockUntil(long end, long timeoutNanos, boolean interruptible) throws IpcException {
		if (!this.lock.tryLock()) {
			awaitLock(end, timeoutNanos, interruptible);
		}
		this.waits = true;
		this.end = end;
		this.timeoutNanos = timeoutNanos;
		this.interruptible = interruptible;
	}

	private void awaitLock(long end, long timeoutNanos, boolean interruptible) throws IpcException {
		boolean interrupted = false;
		try {
			while (true) {
				try {
					if (end == 0) {
						this.lock.lockInterruptibly();
					}
					else if (!this.lock.tryLock(end - System.nanoTime(), TimeUnit.NANOSECONDS)) {
						throw timedOut(Duration.ofNanos(timeoutNanos));
					}
					return;
				}
				catch (InterruptedException ex) {
					interrupted = true;
					if (interruptible) {
						throw interrupted();
					}
				}
			}
		}
		finally {
			if (interrupted) {
				Thread.currentThread().interrupt();
			}
		}
	}

	/** Takes the lock for a call that never waits, not even for the lock. */
	final boolean tryLock() {
		if (!this.lock.tryLock()) {
			return false;
		}
		this.waits = false;
		return true;
	}

	/** Lets the holder of the lock wait from now on, even after {@link #tryLock()}. */
	final void waitUntil(Deadline deadline) {
		this.waits = true;
		this.end = deadline.end();
		this.timeoutNanos = deadline.timeoutNanos();
		this.interruptible = deadline.isInterruptible();
	}

	final void unlock() {
		boolean closed = this.descriptor.isClosed();
		if (closed) {
			freeMemory();
		}
		this.lock.unlock();
		if (!closed && this.descriptor.isClosed()) {
			release(); // closed in between, when the lock was not free
		}
	}

	/**
	 * Frees native memory, which would otherwise wait for a garbage collection. Must be
	 * called after the close; a call in progress frees it when it unlocks.
	 */
	final void release() {
		if (tryLock()) {
			unlock();
		}
	}

	void freeMemory() {
		if (this.header != null) {
			MsgHdr.free(this.header);
			this.header = null;
		}
		if (this.batch != null) {
			MsgHdr.free(this.batch);
			this.batch = null;
		}
	}

	/** The block for the next call, created for the first one. */
	final MsgHdr header() {
		MsgHdr result = this.header;
		if (result == null) {
			result = MsgHdr.create();
			this.header = result;
		}
		return result;
	}

	/** The blocks for several packets in one call, created for the first such call. */
	final MsgHdr[] batch() {
		MsgHdr[] result = this.batch;
		if (result == null) {
			result = MsgHdr.array(BATCH_SIZE);
			this.batch = result;
		}
		return result;
	}

	/** Begins a call: borrows and returns the number, which must be given back. */
	final int begin() throws IpcException {
		checkUsable();
		boolean inKernel = mayWaitInKernel();
		if (inKernel && !this.sliced) {
			SocketOption.setTimeout(this.descriptor, this.timeoutOption, SLICE);
			this.sliced = true;
		}
		this.flags = inKernel ? 0 : LibC.MSG_DONTWAIT;
		return this.descriptor.borrow();
	}

	/** Whether the current call may keep its thread from everything else for a while. */
	final boolean mayWaitInKernel() {
		return this.waits && (this.end == 0 || this.end - System.nanoTime() >= SLICE_NANOS)
				&& !(this.interruptible && Thread.currentThread().isInterrupted()) && !Readiness.mustPark();
	}

	/**
	 * As {@link #begin()}, for several packets: the kernel would start its timeout again
	 * for each.
	 */
	final int beginSeveral() throws IpcException {
		int fd = begin();
		if (this.end != 0 || this.interruptible) {
			this.flags = LibC.MSG_DONTWAIT;
		}
		return fd;
	}

	/** The flags for the system call, which {@link #again} may change. */
	final int flags() {
		return this.flags;
	}

	/**
	 * Decides what to do after a system call failed with EINTR or EAGAIN, and waits if
	 * need be.
	 * @return whether to repeat it; false if the call must not wait
	 * @throws IpcException.Timeout if no time is left
	 * @throws IpcException.Interrupted if the wait is interruptible and was interrupted
	 */
	final boolean again(int fd, int error) throws IpcException {
		if (error == Errno.EINTR.number) {
			// The kernel would start its timeout again after each signal.
			this.flags = LibC.MSG_DONTWAIT;
			return true;
		}
		if (!this.waits) {
			return false;
		}
		this.flags = LibC.MSG_DONTWAIT;
		await(fd, this.readiness);
		return true;
	}

	/** Waits for the socket until the deadline of the current call. */
	final void await(int fd, short events) throws IpcException {
		if (!Readiness.await(fd, events, this.end, this.interruptible)) {
			throw tooLate();
		}
	}

	/**
	 * Waits until another thread, which waits for the socket, signals.
	 * @return whether this thread was interrupted, and is no longer: its caller makes up
	 * for it once it does not wait any more
	 */
	final boolean await(Condition signal) throws IpcException {
		try {
			if (this.end == 0) {
				signal.await();
			}
			else if (signal.awaitNanos(this.end - System.nanoTime()) <= 0) {
				throw tooLate();
			}
			return false;
		}
		catch (InterruptedException ex) {
			if (this.interruptible) {
				Thread.currentThread().interrupt();
				throw interrupted();
			}
			return true;
		}
	}

	/** Whether an interrupt ends the current call. */
	final boolean isInterruptible() {
		return this.interruptible;
	}

	/** Throws if the current call must not wait any longer. */
	final void checkInTime() throws IpcException {
		if ((this.end != 0 && this.end - System.nanoTime() <= 0)
				|| (this.interruptible && Thread.currentThread().isInterrupted())) {
			throw tooLate();
		}
	}

	private IpcException tooLate() {
		return (this.interruptible && Thread.currentThread().isInterrupted()) ? interrupted()
				: timedOut(Duration.ofNanos(this.timeoutNanos));
	}

	/**
	 * Removes our slice from the socket, before another process that gets the socket
	 * finds it. It stays during a call, which relies on it.
	 */
	void clearSlice() {
		if (tryLock()) {
			try {
				if (this.sliced) {
					this.sliced = false;
					SocketOption.setTimeout(this.descriptor, this.timeoutOption, Duration.ZERO);
				}
			}
			catch (IpcException ex) {
				// It is closed, and cannot be passed on.
			}
			finally {
				unlock();
			}
		}
	}

	/**
	 * Throws if this end was closed here, which the kernel reports as if the peer had.
	 */
	final void checkNotClosedHere() throws IpcException {
		if (this.descriptor.isClosed()) {
			throw new IpcException(this.descriptor + ": it was closed on this side during the call");
		}
	}

	final boolean isBroken() {
		return this.broken.get() != null;
	}

	/** Throws if one of the directions has broken the socket, which shuts both down. */
	final void checkUsable() throws IpcException {
		IpcException reason = this.broken.get();
		if (reason != null) {
			throw new IpcException(this.descriptor + " is unusable: " + reason.getMessage(), reason);
		}
	}

	/**
	 * Makes the socket unusable: the peer sees the end at once, and every later call
	 * throws the reason.
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

	abstract IpcException.Timeout timedOut(Duration timeout);

	private IpcException.Interrupted interrupted() {
		return new IpcException.Interrupted(this.descriptor + ": the thread was interrupted while it waited");
	}

}
