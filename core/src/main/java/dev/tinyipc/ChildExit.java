package dev.tinyipc;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;

/**
 * Watches for the end of a child by a descriptor ({@code pidfd_open(2)}), and does
 * everything that its end requires.
 * <p>
 * A child's number, and that of its group, is its own until it is waited for, and may be
 * any process's afterwards: signals are sent under the same lock, and only before that.
 * This is the only caller of {@code waitpid}, and only for a child or a group that is
 * known to be ours, because the JVM has its own children. A child that a zygote has
 * forked is waited for by that one.
 */
final class ChildExit implements ChildHandle, ChildWatcher.Watched {

	/** How long consumers of lines can delay the end. */
	private static final long LINES_GRACE = TimeUnit.SECONDS.toNanos(2);

	/** How long the output of a child is read after its end, if others write to it. */
	private static final long OUTPUT_GRACE = TimeUnit.SECONDS.toNanos(1);

	private final int pid;

	private final OwnedFd pidfd;

	private final ProcessHandle handle;

	private final boolean group;

	private final @Nullable OwnedFd socket;

	private final ChildLines lines;

	private final List<ChildOutput> outputs;

	private final @Nullable ChildReaper reaper;

	private final NativeBuffer waitStatus = NativeBuffer.zeroed(Integer.BYTES);

	private final CompletableFuture<ExitStatus> status = new CompletableFuture<>();

	/**
	 * What {@code waitpid} returned once it had ended; 0 until then. Set under the lock.
	 * It can be asked for that only once, so it is kept before anything needs memory.
	 */
	private int waited;

	/** How it ended, once it was waited for. */
	private @Nullable ExitStatus reaped;

	/** Set, under the lock, once the reaper was told to wait for it. */
	private @Nullable CompletableFuture<ExitStatus> reaping;

	private long endedAt;

	private boolean ended;

	private boolean drained;

	private boolean orphansLeft;

	/** Whether all have been told of the end, even if memory was short. */
	private boolean told;

	/**
	 * Creates a watch over a child.
	 * @param group whether the processes of its group end with it
	 * @param socket our end of the socket to it, which is shut down at its end
	 * @param outputs its outputs, which are closed shortly after its end
	 * @param reaper waits for it, if another process is its parent; null if this one is
	 */
	ChildExit(int pid, OwnedFd pidfd, ProcessHandle handle, boolean group, @Nullable OwnedFd socket, ChildLines lines,
			List<ChildOutput> outputs, @Nullable ChildReaper reaper) {
		this.pid = pid;
		this.pidfd = pidfd;
		this.handle = handle;
		this.group = group;
		this.socket = socket;
		this.lines = lines;
		this.outputs = outputs;
		this.reaper = reaper;
	}

	@Override
	public int pid() {
		return this.pid;
	}

	@Override
	public ProcessHandle handle() {
		return this.handle;
	}

	/**
	 * Completed when the process has ended and its output has been consumed, even if
	 * others hold that open. Dependent actions must be short: they run in the thread that
	 * watches all children.
	 */
	@Override
	public CompletableFuture<ExitStatus> status() {
		return this.status;
	}

	/** Sends a signal, or does nothing if the child has ended. */
	@Override
	public synchronized void signal(int signal) throws IpcException {
		if (isOver() || !isOurs()) {
			return;
		}
		// The leader may have left its group, and is then signalled itself. Otherwise
		// only SIGKILL is sent twice, which is harmless.
		boolean reached = this.group && LibC.kill(-this.pid, signal) == 0 && LibC.getpgid(this.pid) == this.pid;
		if ((!reached || signal == LibC.SIGKILL) && pidfdSignal(signal) < 0 && Errno.last() != Errno.ESRCH.number) {
			throw Errno.failure("pidfd_send_signal(" + this.pid + ')', Errno.last());
		}
	}

	/** Sends a signal to the process, and not to its group. */
	@Override
	public synchronized void signalAlone(int signal) throws IpcException {
		if (!isOver() && pidfdSignal(signal) < 0 && Errno.last() != Errno.ESRCH.number) {
			throw Errno.failure("pidfd_send_signal(" + this.pid + ')', Errno.last());
		}
	}

	private boolean isOver() {
		return this.waited != 0 || this.reaping != null;
	}

	/** Whether it was not waited for yet, not even by other code in this process. */
	private boolean isOurs() {
		return pidfdSignal(0) >= 0 || Errno.last() != Errno.ESRCH.number;
	}

	/** Signals the process itself, never another one that got its number. */
	private long pidfdSignal(int signal) {
		int fd = this.pidfd.borrowUnlessClosed();
		if (fd < 0) {
			return 0;
		}
		try {
			return LibC.syscall(LibC.SYS_PIDFD_SEND_SIGNAL, fd, signal, 0, 0, 0);
		}
		finally {
			this.pidfd.giveBack();
		}
	}

	/** Kills a child that nobody else knows of, and waits for its end. */
	static void kill(int pid, boolean group, @Nullable ChildReaper reaper) {
		LibC.kill(pid, LibC.SIGKILL);
		if (group) {
			LibC.kill(-pid, LibC.SIGKILL);
			OrphanGuard.forget(pid);
		}
		if (reaper != null) {
			reaper.reap(pid);
			return;
		}
		int result;
		do {
			result = LibC.waitpid(pid, 0, 0);
		}
		while (result < 0 && Errno.interrupted());
	}

	@Override
	public OwnedFd descriptor() {
		return this.pidfd;
	}

	@Override
	public Next serve() {
		if (!reap()) {
			return Next.WATCH;
		}
		if (!this.ended) {
			this.endedAt = System.nanoTime();
			this.orphansLeft = this.group;
			this.ended = true;
		}
		for (ChildOutput output : this.outputs) {
			output.end(this.endedAt + OUTPUT_GRACE);
		}
		// Reads its last lines, before anybody who is woken by this can add to them.
		areLinesConsumed();
		if (this.socket != null) {
			shutDown(this.socket);
		}
		return look(this.endedAt);
	}

	private synchronized boolean reap() {
		if (isOver()) {
			return true;
		}
		if (this.group) {
			if (isOurs()) {
				LibC.kill(-this.pid, LibC.SIGKILL);
			}
			// Before its number is free, so that the guard never kills another process.
			OrphanGuard.forget(this.pid);
		}
		if (this.reaper != null) {
			this.reaping = this.reaper.reap(this.pid);
			return true;
		}
		int result = waitForIt();
		this.waited = (result < 0 && Errno.interrupted()) ? 0 : result;
		return this.waited != 0;
	}

	private int waitForIt() {
		return LibC.waitpid(this.pid, this.waitStatus.address(), LibC.WNOHANG);
	}

	private ExitStatus statusAfter(int result) {
		return (result > 0) ? ExitStatus.ofWaitStatus(this.waitStatus.bytes().getInt(0)) : ExitStatus.UNKNOWN;
	}

	/** How it ended; null if that is not known yet. */
	private synchronized @Nullable ExitStatus end() {
		if (this.reaped == null && this.waited != 0) {
			this.reaped = statusAfter(this.waited);
		}
		else if (this.reaped == null && this.reaping != null && this.reaping.isDone()) {
			ExitStatus told = this.reaping.join();
			// If its parent has ended, this process may have adopted it, as the first one
			// of a container does. Otherwise, this finds no such child.
			this.reaped = (told.equals(ExitStatus.UNKNOWN) && isOurs()) ? statusAfter(waitForIt()) : told;
		}
		return this.reaped;
	}

	/**
	 * What it sent can still be received, followed by the end, even if its end of the
	 * socket is still open in a child of its own, or in this very queue.
	 */
	private static void shutDown(OwnedFd socket) {
		int fd = socket.borrowUnlessClosed();
		if (fd >= 0) {
			LibC.shutdown(fd, LibC.SHUT_RDWR);
			socket.giveBack();
		}
	}

	@Override
	public Next look(long now) {
		ExitStatus end = end();
		if (end == null) {
			return (this.reaping != null) ? Next.REST : Next.WATCH;
		}
		this.orphansLeft = this.orphansLeft && reapOrphans();
		if (!this.told && (areLinesConsumed() || now - this.endedAt >= LINES_GRACE)) {
			if (!this.lines.isEnded()) {
				this.lines.abandon();
			}
			this.status.complete(end);
			this.told = true;
		}
		return (this.orphansLeft || isOutputOpen() || !this.told) ? Next.REST : Next.CLOSE;
	}

	private boolean isOutputOpen() {
		for (ChildOutput output : this.outputs) {
			if (!output.descriptor().isClosed()) {
				return true;
			}
		}
		return false;
	}

	private boolean areLinesConsumed() {
		if (this.outputs.isEmpty()) {
			return true;
		}
		if (!this.drained) {
			for (ChildOutput output : this.outputs) {
				if (!output.drain()) {
					return false;
				}
			}
			this.lines.end();
			this.drained = true;
		}
		return this.lines.isEnded();
	}

	/**
	 * Waits for the members of its group that this process has adopted, as the first
	 * process of a container does. While one of them exists, the group keeps its number.
	 * @return whether some have not ended yet
	 */
	private boolean reapOrphans() {
		int result;
		do {
			result = LibC.waitpid(-this.pid, 0, LibC.WNOHANG);
		}
		while (result > 0);
		return result == 0;
	}

	@Override
	public void close() {
		this.pidfd.close();
	}

}
