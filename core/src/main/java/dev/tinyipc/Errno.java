package dev.tinyipc;

/**
 * An error number of {@code <asm-generic/errno.h>}, its name and its text, and the one
 * place where the result of a native call becomes an exception.
 */
enum Errno {

	EPERM(1, "Operation not permitted"), ENOENT(2, "No such file or directory"), ESRCH(3, "No such process"),
	EINTR(4, "Interrupted system call"), EIO(5, "Input/output error"), E2BIG(7, "Argument list too long"),
	ENOEXEC(8, "Exec format error"), EBADF(9, "Bad file descriptor"), ECHILD(10, "No child processes"),
	EAGAIN(11, "Resource temporarily unavailable"), ENOMEM(12, "Cannot allocate memory"),
	EACCES(13, "Permission denied"), EFAULT(14, "Bad address"), EBUSY(16, "Device or resource busy"),
	EEXIST(17, "File exists"), ENOTDIR(20, "Not a directory"), EISDIR(21, "Is a directory"),
	EINVAL(22, "Invalid argument"), ENFILE(23, "Too many open files in system"), EMFILE(24, "Too many open files"),
	ENOTTY(25, "Inappropriate ioctl for device"), ETXTBSY(26, "Text file busy"), EFBIG(27, "File too large"),
	ENOSPC(28, "No space left on device"), ESPIPE(29, "Illegal seek"), EROFS(30, "Read-only file system"),
	EPIPE(32, "Broken pipe"), ENAMETOOLONG(36, "File name too long"), ENOSYS(38, "Function not implemented"),
	ELOOP(40, "Too many levels of symbolic links"), EOVERFLOW(75, "Value too large for defined data type"),
	ENOTSOCK(88, "Socket operation on non-socket"), EMSGSIZE(90, "Message too long"),
	ENOPROTOOPT(92, "Protocol not available"), EOPNOTSUPP(95, "Operation not supported"),
	ECONNRESET(104, "Connection reset by peer"), ENOBUFS(105, "No buffer space available"),
	ENOTCONN(107, "Transport endpoint is not connected"), ETOOMANYREFS(109, "Too many references: cannot splice"),
	ETIMEDOUT(110, "Connection timed out"), ECONNREFUSED(111, "Connection refused");

	final int number;

	private final String text;

	Errno(int number, String text) {
		this.number = number;
		this.text = text;
	}

	/**
	 * The error number of this thread's last native call. It is meaningful only if that
	 * call returned a failure.
	 */
	static int last() {
		return LibC.errno();
	}

	/**
	 * Whether the call that just failed was only interrupted by a signal and must be
	 * repeated.
	 */
	static boolean interrupted() {
		return last() == EINTR.number;
	}

	/**
	 * Returns the result of a successful call, and turns a failure (a negative result)
	 * into an exception.
	 */
	static int check(String call, int result) throws IpcException {
		check(call, (long) result);
		return result;
	}

	static long check(String call, long result) throws IpcException {
		if (result < 0) {
			throw failure(call, last());
		}
		return result;
	}

	/**
	 * For the calls that return the error number instead of leaving it in {@code errno}.
	 */
	static void checkReturned(String call, int error) throws IpcException {
		if (error != 0) {
			throw failure(call, error);
		}
	}

	/** Such as {@code sendmsg failed: EMSGSIZE (Message too long)}. */
	static IpcException failure(String call, int error) {
		return new IpcException(call + " failed: " + describe(error));
	}

	static String describe(int error) {
		for (Errno errno : values()) {
			if (errno.number == error) {
				return errno.name() + " (" + errno.text + ')';
			}
		}
		return "errno " + error;
	}

}
