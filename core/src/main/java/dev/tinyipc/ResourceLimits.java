package dev.tinyipc;

import java.lang.ref.Reference;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * Limits of a child ({@code getrlimit(2)}, {@code setpriority(2)}), which whatever it
 * starts inherits. They are set right after its start, and it cannot raise them. A limit
 * that is higher than this process's own has no effect. With any limit, the child writes
 * no core dumps.
 *
 * @param memory the size of a process's data, heap included, in bytes
 * ({@code RLIMIT_DATA}); null for no limit. An allocation beyond it fails
 * @param cpuTime the processor time of a process, of which parts of a second are rounded
 * up ({@code RLIMIT_CPU}); null for no limit. A process that exceeds it is ended by
 * {@code SIGXCPU}, or a second later by {@code SIGKILL}
 * @param openFiles the number that the descriptors of a process stay below
 * ({@code RLIMIT_NOFILE}), at least 4; null for the limit of this process
 * @param processes the number of processes and threads that the child's user has in all
 * ({@code RLIMIT_NPROC}), which does not apply to a privileged user; null for no limit
 * @param fileSize the size that a file may be extended to, in bytes
 * ({@code RLIMIT_FSIZE}); null for no limit
 * @param nice by how much the child's priority is lower than this process's, from 0 to
 * 19, as of {@code nice(1)}; null for 0
 */
public record ResourceLimits(@Nullable Long memory, @Nullable Duration cpuTime, @Nullable Long openFiles,
		@Nullable Long processes, @Nullable Long fileSize, @Nullable Integer nice) {

	/** No limits. */
	public static final ResourceLimits NONE = new ResourceLimits(null, null, null, null, null, null);

	private static final int LOWEST_PRIORITY = 19;

	/** The streams and the socket. */
	private static final int FEWEST_FILES = 4;

	/**
	 * Checks the limits.
	 * @throws IllegalArgumentException if no child could run with one of them
	 */
	public ResourceLimits {
		requireAtLeast(1, "memory", memory);
		requireAtLeast(FEWEST_FILES, "openFiles", openFiles);
		requireAtLeast(1, "processes", processes);
		requireAtLeast(0, "fileSize", fileSize);
		if (cpuTime != null && (cpuTime.isNegative() || cpuTime.isZero())) {
			throw new IllegalArgumentException("cpuTime must be positive, and is " + cpuTime);
		}
		if (nice != null && (nice < 0 || nice > LOWEST_PRIORITY)) {
			throw new IllegalArgumentException("nice must be from 0 to " + LOWEST_PRIORITY + ", and is " + nice);
		}
	}

	private static void requireAtLeast(long least, String name, @Nullable Long value) {
		if (value != null && value < least) {
			throw new IllegalArgumentException(name + " must be at least " + least + ", and is " + value);
		}
	}

	/**
	 * Sets the limit of a process's data.
	 * @param bytes the limit in bytes
	 * @return other limits
	 */
	public ResourceLimits memory(long bytes) {
		return new ResourceLimits(bytes, this.cpuTime, this.openFiles, this.processes, this.fileSize, this.nice);
	}

	/**
	 * Sets the limits of a child and turns its core dumps off. It must not have been
	 * waited for, so that its number is still its own. A child that has ended needs no
	 * limits.
	 * @param pid the child, the leader of a process group
	 */
	void applyTo(int pid) throws IpcException {
		// A core dump of one byte is none, not even one that is piped to a program, which
		// the kernel writes whatever the limit, unless it is 1 (fs/coredump.c).
		Resource.RLIMIT_CORE.limit(pid, 1, 1);
		if (this.memory != null) {
			Resource.RLIMIT_DATA.limit(pid, this.memory, this.memory);
		}
		if (this.cpuTime != null) {
			long seconds = this.cpuTime.plusNanos(999_999_999).toSeconds();
			// At the hard limit comes SIGKILL, which says nothing about why.
			Resource.RLIMIT_CPU.limit(pid, seconds, seconds + 1);
		}
		if (this.openFiles != null) {
			Resource.RLIMIT_NOFILE.limit(pid, this.openFiles, this.openFiles);
		}
		if (this.processes != null) {
			Resource.RLIMIT_NPROC.limit(pid, this.processes, this.processes);
		}
		if (this.fileSize != null) {
			Resource.RLIMIT_FSIZE.limit(pid, this.fileSize, this.fileSize);
		}
		if (this.nice != null && this.nice > 0) {
			int priority = Math.min(LOWEST_PRIORITY, niceOf(pid) + this.nice);
			// For a process it would be set for its first thread only.
			isAlive("setpriority", LibC.setpriority(LibC.PRIO_PGRP, pid, priority));
		}
	}

	/**
	 * Asks the kernel for the limits of a child.
	 * @return the limits that it cannot raise, by their name in {@code getrlimit(2)}, and
	 * {@code nice}: bytes, seconds or a number; unlimited ones are left out, and those of
	 * another user's program. Empty if it has ended
	 */
	static Map<String, Long> inForce(int pid) throws IpcException {
		Map<String, Long> limits = new LinkedHashMap<>();
		for (Resource resource : Resource.values()) {
			long limit = resource.limitOf(pid);
			if (limit != LibC.RLIM_INFINITY) {
				limits.put(resource.name(), limit);
			}
		}
		int nice = niceOf(pid);
		if (nice != 0) {
			limits.put("nice", (long) nice);
		}
		return limits;
	}

	/** Whether the process is still there. */
	private static boolean isAlive(String call, int result) throws IpcException {
		if (result < 0 && Errno.last() == Errno.ESRCH.number) {
			return false;
		}
		if (isOfAnotherUser(result)) {
			throw new IpcException(Errno.failure(call, Errno.EPERM.number).getMessage()
					+ ". The limits of a program that runs as another user, such as sudo, cannot be set");
		}
		Errno.check(call, result);
		return true;
	}

	private static boolean isOfAnotherUser(int result) {
		return result < 0 && Errno.last() == Errno.EPERM.number;
	}

	/**
	 * The field {@code nice} of {@code proc_pid_stat(5)}. The C library's
	 * {@code getpriority} returns an error as a priority.
	 * @return 0 if the process has ended
	 */
	private static int niceOf(int pid) throws IpcException {
		List<String> fields = ForkFacts.fieldsFromThird(pid);
		return fields.isEmpty() ? 0 : Integer.parseInt(fields.get(19 - 3));
	}

	/**
	 * A resource of {@code <sys/resource.h>}, and its limit after {@code prlimit(2)}:
	 *
	 * <pre>
	 * struct rlimit {
	 *     rlim_t rlim_cur;  // 0, the soft limit, in force
	 *     rlim_t rlim_max;  // 8, the hard limit, which it may be raised to
	 * };                    // 16 bytes
	 * </pre>
	 */
	enum Resource {

		RLIMIT_CPU(LibC.RLIMIT_CPU), RLIMIT_FSIZE(LibC.RLIMIT_FSIZE), RLIMIT_DATA(LibC.RLIMIT_DATA),
		RLIMIT_CORE(LibC.RLIMIT_CORE), RLIMIT_NPROC(LibC.RLIMIT_NPROC), RLIMIT_NOFILE(LibC.RLIMIT_NOFILE);

		private static final int SOFT = 0;

		private static final int HARD = 8;

		private static final int SIZE = 16;

		private final int number;

		Resource(int number) {
			this.number = number;
		}

		/** Sets a limit, unless there is a lower one. */
		void limit(int pid, long soft, long hard) throws IpcException {
			NativeBuffer limit = NativeBuffer.zeroed(SIZE);
			if (isAlive("prlimit", LibC.prlimit(pid, this.number, 0, limit.address()))) {
				long hardest = lower(hard, limit.bytes().getLong(HARD));
				limit.bytes().putLong(HARD, hardest).putLong(SOFT, lower(soft, hardest));
				isAlive("prlimit(" + name() + ')', LibC.prlimit(pid, this.number, limit.address(), 0));
			}
			Reference.reachabilityFence(limit);
		}

		/** Unlimited is the highest number, without a sign. */
		private static long lower(long one, long other) {
			return (Long.compareUnsigned(one, other) < 0) ? one : other;
		}

		/** The limit that the process cannot raise, or unlimited if it is not known. */
		long limitOf(int pid) throws IpcException {
			NativeBuffer limit = NativeBuffer.zeroed(SIZE);
			int result = LibC.prlimit(pid, this.number, 0, limit.address());
			boolean known = !isOfAnotherUser(result) && isAlive("prlimit", result);
			// Of processor time, the hard limit is only for those that ignore the soft.
			long value = limit.bytes().getLong((this == RLIMIT_CPU) ? SOFT : HARD);
			Reference.reachabilityFence(limit);
			return known ? value : LibC.RLIM_INFINITY;
		}

	}

}
