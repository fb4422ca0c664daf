package dev.tinyipc;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;

/**
 * A child, by a descriptor ({@code pidfd_open(2)}) that tells its end, and everything
 * that is done at its end.
 * <p>
 * The number of a child, and that of its group, is its own until it has been waited for,
 * and may be anybody's afterwards: signals are sent under the same lock, and only before
 * that. This is the only caller of {@code waitpid}, and always for a child or a group
 * that is known to be ours, because the JVM has children of its own.
 */
final class ChildExit implements ChildWatcher.Watched {

	/** How long the end may be held back by consumers that are busy with the lines. */
	private static final long LINES_GRACE = TimeUnit.SECONDS.toNanos(2);

	/** How long others may write to the output of a child that has ended. */
	private static final long OUTPUT_GRACE = TimeUnit.SECONDS.toNanos(1);

	private final int pid;

	private final OwnedFd pidfd;

	private final ProcessHandle handle;

	private final boolean group;

	private final @Nullable OwnedFd socket;

	private final ChildLines lines;

	private final List<ChildOutput> outputs;

	private final NativeBuffer waitStatus = NativeBuffer.zeroed(Integer.BYTES);

	private final CompletableFuture<ExitStatus> status = new CompletableFuture<>();

	/** How it ended, once it has been waited for. Changed under the lock. */
	private @Nullable ExitStatus reaped;

	private long endedAt;

	private boolean drained;

	private boolean orphansLeft;

	/**
	 * Creates a child.
	 * @param group whether the processes of its group end with it
	 * @param socket our end of the socket to it, which is shut down at its end
	 * @param outputs what is read of it, which is closed shortly after its end
	 */
	ChildExit(int pid, OwnedFd pidfd, ProcessHandle handle, boolean group, @Nullable OwnedFd socket, ChildLines lines,
			List<ChildOutput> outputs) {
		this.pid = pid;
		this.pidfd = pidfd;
		this.handle = handle;
		this.group = group;
		this.socket = socket;
		this.lines = lines;
		this.outputs = outputs;
	}

	int pid() {
		return this.pid;
	}

	ProcessHandle handle() {
		return this.handle;
	}

	/**
	 * Completed when the process has ended and what it wrote has been consumed, whoever
	 * still holds its output open, by the thread that watches all children: what depends
	 * on it must be short.
	 */
	CompletableFuture<ExitStatus> status() {
		return this.status;
	}

	/** Sends a signal; one that comes too late is sent to nobody. */
	synchronized void signal(int signal) throws IpcException {
		if (this.reaped != null || !isOurs()) {
			return;
		}
		// A group can be without its leader, which may have moved to another one: it is
		// signalled by itself then, but not twice where it need not be.
		boolean reached = this.group && LibC.kill(-this.pid, signal) == 0 && LibC.getpgid(this.pid) == this.pid;
		if ((!reached || signal == LibC.SIGKILL) && pidfdSignal(signal) < 0 && Errno.last() != Errno.ESRCH.number) {
			throw Errno.failure("pidfd_send_signal(" + this.pid + ')', Errno.last());
		}
	}

	/** Whether nobody has waited for it, not even other code in this process. */
	private boolean isOurs() {
		return pidfdSignal(0) >= 0 || Errno.last() != Errno.ESRCH.number;
	}

	/** To the process itself, never to another that got its number. */
	private long pidfdSignal(int signal) {
		int fd = this.pidfd.borrowUnlessClosed();
		if (fd < 0) {
			return 0;
		}
		try {
			return LibC.syscall(LibC.SYS_PIDFD_SEND_SIGNAL, fd, signal, 0, 0);
		}
		finally {
			this.pidfd.giveBack();
		}
	}

	/** Kills a child that nobody would know of, and waits for its end. */
	static void kill(int pid, boolean group) {
		LibC.kill(pid, LibC.SIGKILL);
		if (group) {
			LibC.kill(-pid, LibC.SIGKILL);
			OrphanGuard.forget(pid);
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
		this.orphansLeft = this.group;
		this.endedAt = System.nanoTime();
		for (ChildOutput output : this.outputs) {
			output.end(this.endedAt + OUTPUT_GRACE);
		}
		areLinesConsumed(); // reads its last words, before whoever this wakes can add to
							// them
		if (this.socket != null) {
			shutDown(this.socket);
		}
		return look(this.endedAt);
	}

	private synchronized boolean reap() {
		if (this.group) {
			if (isOurs()) {
				LibC.kill(-this.pid, LibC.SIGKILL);
			}
			// Before its number is free, so that the guard never kills anybody else.
			OrphanGuard.forget(this.pid);
		}
		int result = LibC.waitpid(this.pid, this.waitStatus.address(), LibC.WNOHANG);
		if (result == 0 || (result < 0 && Errno.interrupted())) {
			return false;
		}
		this.reaped = (result > 0) ? ExitStatus.ofWaitStatus(this.waitStatus.bytes().getInt(0)) : ExitStatus.UNKNOWN;
		return true;
	}

	/**
	 * What it sent can still be received, and then the end: whoever else holds its end of
	 * the socket, a child of its own or this very queue.
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
		ExitStatus end = this.reaped;
		if (end == null) {
			return Next.WATCH;
		}
		this.orphansLeft = this.orphansLeft && reapOrphans();
		if (!this.status.isDone() && (areLinesConsumed() || now - this.endedAt >= LINES_GRACE)) {
			if (!this.lines.isEnded()) {
				this.lines.abandon();
			}
			this.status.complete(end);
		}
		boolean open = this.outputs.stream().anyMatch((output) -> !output.descriptor().isClosed());
		return (this.orphansLeft || open || !this.status.isDone()) ? Next.REST : Next.CLOSE;
	}

	private boolean areLinesConsumed() {
		if (this.outputs.isEmpty()) {
			return true;
		}
		if (!this.drained) {
			this.drained = this.outputs.stream().allMatch(ChildOutput::drain);
			if (this.drained) {
				this.lines.end();
			}
		}
		return this.lines.isEnded();
	}

	/**
	 * Waits for the members of its group that this process has adopted, as the first
	 * process of a container does. As long as one is there their group keeps its number.
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
