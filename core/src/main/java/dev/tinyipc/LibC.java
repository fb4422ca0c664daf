package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;

/**
 * The one door to native code: the C library's functions, mapped directly, the constants
 * that go with them, and native memory. Pointers and sizes are {@code long}, so that no
 * call converts or allocates anything; each function returns what C returns, and
 * {@link Errno#last()} tells why it failed.
 * <p>
 * The constants are those that are the same on x86-64 and aarch64; the others are in
 * {@link Machine}. {@link NativeAccess} checks that this class can be loaded before
 * anything else uses it.
 */
final class LibC {

	// <sys/socket.h>

	static final int AF_UNIX = 1, SOCK_SEQPACKET = 5, SOCK_CLOEXEC = 0x80000;

	static final int SOL_SOCKET = 1, SO_TYPE = 3, SO_SNDBUF = 7, SO_RCVTIMEO = 20, SO_SNDTIMEO = 21, SO_DOMAIN = 39;

	static final int SCM_RIGHTS = 1, SCM_PIDFD = 4;

	static final int MSG_PEEK = 0x2, MSG_CTRUNC = 0x8, MSG_TRUNC = 0x20, MSG_DONTWAIT = 0x40, MSG_NOSIGNAL = 0x4000,
			MSG_WAITFORONE = 0x10000, MSG_CMSG_CLOEXEC = 0x40000000;

	static final int SHUT_WR = 1, SHUT_RDWR = 2;

	// <sys/eventfd.h>

	static final int EFD_NONBLOCK = 0x800;

	// <fcntl.h>

	static final int O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_PATH = 0x200000;

	static final int O_CREAT = 0x40, O_EXCL = 0x80, O_TRUNC = 0x200, O_APPEND = 0x400, O_NONBLOCK = 0x800,
			O_DSYNC = 0x1000, O_SYNC = 0x101000, O_CLOEXEC = 0x80000;

	static final int F_GETFD = 1, F_SETFD = 2, F_GETFL = 3, F_SETFL = 4, F_DUPFD_CLOEXEC = 1030, F_ADD_SEALS = 1033,
			F_GET_SEALS = 1034;

	static final int FD_CLOEXEC = 1;

	// <sys/uio.h>

	static final int RWF_NOWAIT = 0x8;

	// <sys/mman.h>

	static final int MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2;

	static final int PROT_READ = 1, PROT_WRITE = 2;

	static final int MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_FIXED = 0x10, MAP_ANONYMOUS = 0x20, MAP_NORESERVE = 0x4000;

	// <sys/stat.h>: statx with an empty path asks about the descriptor itself

	static final int AT_EMPTY_PATH = 0x1000;

	static final int STATX_TYPE = 0x1, STATX_NLINK = 0x4, STATX_INO = 0x100, STATX_SIZE = 0x200;

	// <sys/ioctl.h>

	static final long FIONREAD = 0x541b;

	// <poll.h>

	static final short POLLIN = 1, POLLOUT = 4;

	// <signal.h>

	static final int SIGQUIT = 3, SIGKILL = 9, SIGTERM = 15;

	// <sys/resource.h>

	static final int RLIMIT_CPU = 0, RLIMIT_FSIZE = 1, RLIMIT_DATA = 2, RLIMIT_CORE = 4, RLIMIT_NPROC = 6,
			RLIMIT_NOFILE = 7;

	static final long RLIM_INFINITY = -1;

	static final int PRIO_PGRP = 1;

	// <sys/wait.h>

	static final int WNOHANG = 1;

	// <asm-generic/unistd.h>: calls that are newer than the C libraries in use

	static final long SYS_PIDFD_SEND_SIGNAL = 424, SYS_PIDFD_OPEN = 434, SYS_OPENAT2 = 437,
			SYS_LANDLOCK_CREATE_RULESET = 444, SYS_LANDLOCK_ADD_RULE = 445, SYS_LANDLOCK_RESTRICT_SELF = 446;

	static {
		Native.register(LibC.class, NativeLibrary.getProcess());
	}

	private LibC() {
	}

	/** {@code errno}, as the last call of this thread left it. */
	static int errno() {
		return Native.getLastError();
	}

	/**
	 * {@code void *malloc(size_t size)}.
	 * @throws OutOfMemoryError if there is none
	 */
	static Block allocate(int size) {
		Memory memory = new Memory(size);
		return new Block(Pointer.nativeValue(memory), memory.getByteBuffer(0, size).order(ByteOrder.nativeOrder()),
				memory::close);
	}

	/** Memory that is freed once neither this nor its buffer is reachable, or earlier. */
	record Block(long address, ByteBuffer bytes, Runnable free) {
	}

	/** A view of memory that the caller keeps allocated. */
	static ByteBuffer bufferAt(long address, int size) {
		return new Pointer(address).getByteBuffer(0, size).order(ByteOrder.nativeOrder());
	}

	/** The address of the first byte of a direct buffer. */
	static long addressOf(ByteBuffer direct) {
		return Pointer.nativeValue(Native.getDirectBufferPointer(direct));
	}

	/** {@code int socketpair(int domain, int type, int protocol, int sv[2])}. */
	static native int socketpair(int domain, int type, int protocol, long sv);

	/** {@code ssize_t send(int sockfd, const void *buf, size_t len, int flags)}. */
	static native long send(int sockfd, long buf, long len, int flags);

	/** {@code ssize_t sendmsg(int sockfd, const struct msghdr *msg, int flags)}. */
	static native long sendmsg(int sockfd, long msg, int flags);

	/** {@code ssize_t recvmsg(int sockfd, struct msghdr *msg, int flags)}. */
	static native long recvmsg(int sockfd, long msg, int flags);

	/**
	 * {@code int sendmmsg(int sockfd, struct mmsghdr *msgvec, unsigned int vlen, int flags)}.
	 */
	static native int sendmmsg(int sockfd, long msgvec, int vlen, int flags);

	/**
	 * {@code int recvmmsg(int sockfd, struct mmsghdr *msgvec, unsigned int vlen, int flags, struct timespec *timeout)}.
	 */
	static native int recvmmsg(int sockfd, long msgvec, int vlen, int flags, long timeout);

	/** {@code ssize_t recv(int sockfd, void *buf, size_t len, int flags)}. */
	static native long recv(int sockfd, long buf, long len, int flags);

	/** {@code int shutdown(int sockfd, int how)}. */
	static native int shutdown(int sockfd, int how);

	/**
	 * {@code int getsockopt(int sockfd, int level, int optname, void *optval, socklen_t *optlen)}.
	 */
	static native int getsockopt(int sockfd, int level, int optname, long optval, long optlen);

	/**
	 * {@code int setsockopt(int sockfd, int level, int optname, const void *optval, socklen_t optlen)}.
	 */
	static native int setsockopt(int sockfd, int level, int optname, long optval, int optlen);

	/** {@code int poll(struct pollfd *fds, nfds_t nfds, int timeout)}. */
	static native int poll(long fds, long nfds, int timeout);

	/** {@code int open(const char *pathname, int flags, mode_t mode)}. */
	static native int open(long pathname, int flags, int mode);

	/** {@code int close(int fd)}. */
	static native int close(int fd);

	/** {@code int fcntl(int fd, int cmd, long arg)}. */
	static native int fcntl(int fd, int cmd, long arg);

	/** {@code int ioctl(int fd, unsigned long request, void *argument)}. */
	static native int ioctl(int fd, long request, long argument);

	/** {@code int pipe2(int pipefd[2], int flags)}. */
	static native int pipe2(long pipefd, int flags);

	/** {@code ssize_t read(int fd, void *buf, size_t count)}. */
	static native long read(int fd, long buf, long count);

	/**
	 * {@code ssize_t preadv2(int fd, const struct iovec *iov, int iovcnt, off_t offset, int flags)}.
	 */
	static native long preadv2(int fd, long iov, int iovcnt, long offset, int flags);

	/** {@code ssize_t write(int fd, const void *buf, size_t count)}. */
	static native long write(int fd, long buf, long count);

	/** {@code ssize_t pread(int fd, void *buf, size_t count, off_t offset)}. */
	static native long pread(int fd, long buf, long count, long offset);

	/**
	 * {@code ssize_t pwrite(int fd, const void *buf, size_t count, off_t offset)}.
	 */
	static native long pwrite(int fd, long buf, long count, long offset);

	/** {@code int ftruncate(int fd, off_t length)}. */
	static native int ftruncate(int fd, long length);

	/**
	 * {@code int statx(int dirfd, const char *pathname, int flags, unsigned int mask, struct statx *statxbuf)}.
	 */
	static native int statx(int dirfd, long pathname, int flags, int mask, long statxbuf);

	/** {@code int memfd_create(const char *name, unsigned int flags)}. */
	static native int memfd_create(long name, int flags);

	/**
	 * {@code void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)}.
	 * {@code MAP_FAILED} is -1.
	 */
	static native long mmap(long addr, long length, int prot, int flags, int fd, long offset);

	/** {@code int munmap(void *addr, size_t length)}. */
	static native int munmap(long addr, long length);

	/** {@code int eventfd(unsigned int initval, int flags)}. */
	static native int eventfd(int initval, int flags);

	/** {@code int epoll_create1(int flags)}. */
	static native int epoll_create1(int flags);

	/**
	 * {@code int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)}.
	 */
	static native int epoll_ctl(int epfd, int op, int fd, long event);

	/**
	 * {@code int epoll_wait(int epfd, struct epoll_event *events, int maxevents, int timeout)}.
	 */
	static native int epoll_wait(int epfd, long events, int maxevents, int timeout);

	/** {@code pid_t waitpid(pid_t pid, int *wstatus, int options)}. */
	static native int waitpid(int pid, long wstatus, int options);

	/** {@code int kill(pid_t pid, int sig)}. */
	static native int kill(int pid, int sig);

	/** {@code pid_t getpgid(pid_t pid)}. */
	static native int getpgid(int pid);

	/**
	 * {@code int prlimit(pid_t pid, int resource, const struct rlimit *new_limit, struct rlimit *old_limit)}.
	 */
	static native int prlimit(int pid, int resource, long newLimit, long oldLimit);

	/** {@code int setpriority(int which, id_t who, int prio)}. */
	static native int setpriority(int which, int who, int priority);

	/** {@code long syscall(long number, ...)}. */
	static native long syscall(long number, long first, long second, long third, long fourth, long fifth);

	/**
	 * {@code <spawn.h>}, on its own because its newest function needs glibc 2.34: sockets
	 * work without it.
	 */
	static final class Spawn {

		static final short POSIX_SPAWN_SETPGROUP = 0x02;

		static final short POSIX_SPAWN_SETSIGDEF = 0x04;

		static final short POSIX_SPAWN_SETSIGMASK = 0x08;

		/** {@code sizeof(posix_spawn_file_actions_t)}. */
		static final int FILE_ACTIONS_SIZE = 80;

		/** {@code sizeof(posix_spawnattr_t)}. */
		static final int ATTRIBUTES_SIZE = 336;

		/** {@code sizeof(sigset_t)}. */
		static final int SIGNAL_SET_SIZE = 128;

		static {
			Native.register(Spawn.class, NativeLibrary.getProcess());
		}

		private Spawn() {
		}

		/**
		 * {@code int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *file_actions, const posix_spawnattr_t *attrp, char *const argv[], char *const envp[])}.
		 * Returns the error number.
		 */
		static native int posix_spawnp(long pid, long file, long fileActions, long attributes, long argv, long envp);

		/**
		 * {@code int posix_spawn_file_actions_init(posix_spawn_file_actions_t *)}.
		 */
		static native int posix_spawn_file_actions_init(long fileActions);

		/**
		 * {@code int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *)}.
		 */
		static native int posix_spawn_file_actions_destroy(long fileActions);

		/**
		 * {@code int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *, int fd, int newfd)}.
		 */
		static native int posix_spawn_file_actions_adddup2(long fileActions, int fd, int newFd);

		/**
		 * {@code int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *, const char *path)}.
		 */
		static native int posix_spawn_file_actions_addchdir_np(long fileActions, long path);

		/**
		 * {@code int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int from)}.
		 */
		static native int posix_spawn_file_actions_addclosefrom_np(long fileActions, int from);

		/** {@code int posix_spawnattr_init(posix_spawnattr_t *)}. */
		static native int posix_spawnattr_init(long attributes);

		/** {@code int posix_spawnattr_destroy(posix_spawnattr_t *)}. */
		static native int posix_spawnattr_destroy(long attributes);

		/** {@code int posix_spawnattr_setflags(posix_spawnattr_t *, short flags)}. */
		static native int posix_spawnattr_setflags(long attributes, short flags);

		/**
		 * {@code int posix_spawnattr_setpgroup(posix_spawnattr_t *, pid_t pgroup)}.
		 */
		static native int posix_spawnattr_setpgroup(long attributes, int processGroup);

		/**
		 * {@code int posix_spawnattr_setsigdefault(posix_spawnattr_t *, const sigset_t *)}.
		 */
		static native int posix_spawnattr_setsigdefault(long attributes, long signals);

		/**
		 * {@code int posix_spawnattr_setsigmask(posix_spawnattr_t *, const sigset_t *)}.
		 */
		static native int posix_spawnattr_setsigmask(long attributes, long signals);

		/** {@code int sigemptyset(sigset_t *set)}. */
		static native int sigemptyset(long set);

		/** {@code int sigfillset(sigset_t *set)}. */
		static native int sigfillset(long set);

	}

}
