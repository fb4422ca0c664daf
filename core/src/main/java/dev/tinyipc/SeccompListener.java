package dev.tinyipc;

import java.io.Closeable;
import java.nio.ByteBuffer;

/**
 * The descriptor on which the kernel asks about the system calls of other processes
 * ({@code seccomp_unotify(2)}, {@code <linux/seccomp.h>}):
 *
 * <pre>
 * struct seccomp_notif {                     struct seccomp_notif_resp {
 *     __u64 id;                    // 0          __u64 id;     // 0
 *     __u32 pid;                   // 8          __s64 val;    // 8
 *     __u32 flags;                 // 12         __s32 error;  // 16
 *     struct seccomp_data data;    // 16         __u32 flags;  // 20
 *         int   nr;                // 16     };                // 24 bytes
 *         __u32 arch;              // 20
 *         __u64 instruction_pointer; // 24
 *         __u64 args[6];           // 32
 * };                               // 80 bytes
 * </pre>
 *
 * As long as this is open, each call that the filter names waits for an answer. Once it
 * is closed, they fail with ENOSYS: so it stays open until no process has the filter any
 * more. One thread uses it.
 */
final class SeccompListener implements Closeable {

	/**
	 * {@code SECCOMP_IOCTL_NOTIF_RECV}, {@code _SEND}, {@code _ID_VALID}, {@code _ADDFD}.
	 */
	private static final long RECEIVE = 0xc0502100L, SEND = 0xc0182101L, ID_VALID = 0x40082102L, ADD_FD = 0x40182103L;

	private static final int ID = 0, PROCESS = 8, NUMBER = 16, ARGUMENTS = 32;

	private static final int ERROR_OF_ANSWER = 16, FLAGS_OF_ANSWER = 20;

	private static final int REQUEST_SIZE = 80, ANSWER_SIZE = 24;

	/** {@code SECCOMP_USER_NOTIF_FLAG_CONTINUE}. */
	private static final int CONTINUE = 1;

	private final OwnedFd descriptor;

	private final NativeBuffer request = NativeBuffer.zeroed(REQUEST_SIZE);

	private final NativeBuffer answer = NativeBuffer.zeroed(ANSWER_SIZE);

	SeccompListener(OwnedFd descriptor) {
		this.descriptor = descriptor;
	}

	/**
	 * Whether the kernel (since Linux 5.9) reports that no process has the filter any
	 * more. It got this and the tested operation at the same time.
	 */
	boolean reportsItsEnd() {
		return LibC.ioctl(this.descriptor.fd(), ADD_FD, 0) < 0 && Errno.last() == Errno.EFAULT.number;
	}

	/**
	 * Waits for a call, which {@link #resume()} or {@link #refuse} must follow.
	 * @return false if there will be none, because no process has the filter any more
	 */
	boolean receive() throws IpcException {
		while (true) {
			if (!Poll.awaitInput(this.descriptor.fd())) {
				return false;
			}
			// The kernel refuses a block that is not zeroed.
			ByteBuffer bytes = this.request.bytes();
			for (int at = 0; at < REQUEST_SIZE; at += Long.BYTES) {
				bytes.putLong(at, 0);
			}
			if (LibC.ioctl(this.descriptor.fd(), RECEIVE, this.request.address()) == 0) {
				return true;
			}
			int error = Errno.last();
			// ENOENT: the caller was killed before its call could be received.
			if (error != Errno.EINTR.number && error != Errno.ENOENT.number) {
				throw Errno.failure("ioctl(SECCOMP_IOCTL_NOTIF_RECV)", error);
			}
		}
	}

	/** The thread that calls, 0 if this process cannot see it. */
	int thread() {
		return this.request.bytes().getInt(PROCESS);
	}

	/** The number of the call. */
	int number() {
		return this.request.bytes().getInt(NUMBER);
	}

	/** An argument of the call. */
	long argument(int index) {
		return this.request.bytes().getLong(ARGUMENTS + index * Long.BYTES);
	}

	/**
	 * Whether the thread still waits in its call. Otherwise its number may belong to
	 * another one by now.
	 */
	boolean isStillWaiting() {
		return LibC.ioctl(this.descriptor.fd(), ID_VALID, this.request.address()) == 0;
	}

	/** Has the kernel execute the call, unless the caller has been killed. */
	void resume() throws IpcException {
		answer(0, CONTINUE);
	}

	/** Has the call fail, unless the caller has been killed. */
	void refuse(Errno error) throws IpcException {
		answer(-error.number, 0);
	}

	private void answer(int result, int flags) throws IpcException {
		this.answer.bytes()
			.putLong(ID, this.request.bytes().getLong(ID))
			.putInt(ERROR_OF_ANSWER, result)
			.putInt(FLAGS_OF_ANSWER, flags);
		while (LibC.ioctl(this.descriptor.fd(), SEND, this.answer.address()) < 0) {
			int error = Errno.last();
			if (error == Errno.ENOENT.number) {
				return;
			}
			if (error != Errno.EINTR.number) {
				throw Errno.failure("ioctl(SECCOMP_IOCTL_NOTIF_SEND)", error);
			}
		}
	}

	@Override
	public void close() {
		this.descriptor.close();
	}

}
