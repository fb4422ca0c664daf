package dev.tinyipc;

import java.util.List;
import java.util.concurrent.CompletableFuture;

/** A child, by a descriptor that never comes to mean another process. */
final class ChildExit implements ChildWatcher.Watched {

	private final int pid;

	private final OwnedFd pidfd;

	private final boolean group;

	private final List<ChildOutput> outputs;

	private final CompletableFuture<ExitStatus> status = new CompletableFuture<>();

	private ExitStatus reaped = ExitStatus.UNKNOWN;

	ChildExit(int pid, OwnedFd pidfd, boolean group, List<ChildOutput> outputs) {
		this.pid = pid;
		this.pidfd = pidfd;
		this.group = group;
		this.outputs = outputs;
	}

	int pid() {
		return this.pid;
	}

	/**
	 * Completed when the process has ended and what it wrote has been handed on, whoever
	 * still holds its output open, by the thread that watches all children: what depends
	 * on it must be short.
	 */
	CompletableFuture<ExitStatus> status() {
		return this.status;
	}

	/** Sends a signal; one that comes too late is sent to nobody. */
	void signal(int signal) throws IpcException {
		int fd = this.pidfd.borrowUnlessClosed();
		if (fd < 0) {
			return;
		}
		try {
			// While the descriptor is borrowed the child is not reaped, so that the id of
			// its group is its own, if it has one.
			long result = this.group ? LibC.kill(-this.pid, signal) : -1;
			if (result < 0) {
				// Also a child that has left its group.
				result = LibC.syscall(LibC.SYS_PIDFD_SEND_SIGNAL, fd, signal, 0, 0);
			}
			if (result < 0 && Errno.last() != Errno.ESRCH.number) {
				throw Errno.failure("kill(" + this.pid + ')', Errno.last());
			}
		}
		finally {
			this.pidfd.giveBack();
		}
	}

	@Override
	public OwnedFd descriptor() {
		return this.pidfd;
	}

	@Override
	public boolean serve() throws IpcException {
		if (this.group) {
			// Not after waitpid, from when on the number may be another group's.
			LibC.kill(-this.pid, LibC.SIGKILL);
		}
		NativeBuffer waitStatus = NativeBuffer.zeroed(Integer.BYTES);
		int result = LibC.waitpid(this.pid, waitStatus.address(), LibC.WNOHANG);
		if (result > 0) {
			this.reaped = ExitStatus.ofWaitStatus(waitStatus.bytes().getInt(0));
			for (ChildOutput output : this.outputs) {
				output.drain();
			}
		}
		return result != 0;
	}

	@Override
	public void finish() {
		this.pidfd.close();
		this.status.complete(this.reaped);
	}

}
