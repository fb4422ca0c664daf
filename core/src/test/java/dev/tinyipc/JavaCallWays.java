package dev.tinyipc;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import dev.tinyipc.JavaProbe.Attempt;
import dev.tinyipc.JavaProbe.Refused;
import dev.tinyipc.JavaProbe.Target;

/** System calls for which the JDK has nothing. */
final class JavaCallWays {

	/** Ignored by all who do not ask for it. */
	private static final int SIGWINCH = 28;

	private static final int SEIZE = 0x4206, F_NOTIFY = 1026;

	/** A number that no descriptor has. */
	private static final int NOWHERE = 1_000_000;

	private static final int EBADF = 9, EFAULT = 14, EINVAL = 22, ENOENT = 2, ENOKEY = 126;

	/** Memory that calls refer to, which nobody frees: the process ends soon. */
	private static final List<NativeBuffer> KEPT = new ArrayList<>();

	private final Target target;

	private final Map<String, Attempt> ways;

	private JavaCallWays(Map<String, Attempt> ways, Target target) {
		this.ways = ways;
		this.target = target;
	}

	static void addTo(Map<String, Attempt> ways, Target target) {
		JavaCallWays own = new JavaCallWays(ways, target);
		own.addDescriptors();
		own.addProcesses();
		own.addSockets();
		own.addKernel();
	}

	private void addDescriptors() {
		long room = zeroes(16);
		int file = this.target.passed(0);
		int folder = this.target.passed(3);
		way("truncate", 76, 45, text(this.target.outside() + "/victim"), 3);
		way("passed-read", 17, 67, file, room, 1, 0);
		way("passed-write", 18, 68, this.target.passed(4), room, 1, 0);
		way("passed-connection", 44, 206, this.target.passed(5), room, 1, 0, 0, 0);
		way("passed-read-only-write", 18, 68, file, room, 1, 0);
		way("passed-fchmod", 91, 52, file, 0600);
		way("passed-fchown", 93, 55, file, -1, -1);
		way("passed-futimens", 280, 88, file, 0, 0, 0);
		way("passed-folder-open", 257, 56, folder, text("secret"), 0, 0);
		way("passed-folder-unlink", 263, 35, folder, text("removed-in-folder"), 0);
		this.ways.put("passed-folder-watch", () -> {
			call(72, 25, folder, F_NOTIFY, 4);
			call(72, 25, folder, F_NOTIFY, 0); // or a new file there would end this
												// process
		});
		way("mknod", 259, 33, -100, text(this.target.outside() + "/device"), 020600, 0x103);
		way("chroot", 161, 51, text("/"));
		way("fsopen", 430, 430, text("tmpfs"), 0);
		way("open_tree", 428, 428, -100, text(this.target.outside()), 1);
		reach("pivot_root", ENOENT, 155, 41, text("/no/such/folder"), text("/no/such/folder"));
	}

	private void addProcesses() {
		int parent = this.target.parent();
		int sibling = this.target.sibling();
		way("kill-parent", 62, 129, parent, SIGWINCH);
		way("kill-sibling", 62, 129, sibling, SIGWINCH);
		way("kill-guard", 62, 129, this.target.guard(), SIGWINCH);
		way("tgkill", 234, 131, parent, parent, SIGWINCH);
		way("ptrace-parent", 101, 117, SEIZE, parent, 0, 0);
		way("ptrace-sibling", 101, 117, SEIZE, sibling, 0, 0);
		reach("process_vm_readv", EFAULT, 310, 270, parent, vector(zeroes(8)), 1, vector(0), 1, 0);
		reach("process_vm_writev", EFAULT, 311, 271, parent, vector(zeroes(8)), 1, vector(0), 1, 0);
		this.ways.put("pidfd_send_signal", () -> call(424, 424, pidfd(parent), SIGWINCH, 0, 0));
		this.ways.put("pidfd_getfd", () -> call(438, 438, pidfd(parent), 0, 0));
		this.ways.put("setns", () -> call(308, 268, pidfd(parent), 0x04000000));
		way("kcmp", 312, 272, ProcessHandle.current().pid(), parent, 1, 0, 0);
		this.ways.put("setpriority", () -> call(141, 140, 0, parent, 20 - call(140, 141, 0, parent)));
		way("prlimit-read", 302, 261, parent, 7, 0, zeroes(16));
		this.ways.put("sched_setaffinity", () -> {
			long mask = zeroes(128);
			call(204, 123, parent, 128, mask);
			call(203, 122, parent, 128, mask);
		});
		this.ways.put("ioprio_set", () -> call(251, 30, 1, parent, call(252, 31, 1, parent)));
		way("setuid", 117, 147, 1, 1, 1);
	}

	private void addSockets() {
		socket("tcp-ipv6", 10, 1, 0);
		socket("raw", 2, 3, 1);
		socket("packet", 17, 3, 0x300);
		socket("netlink", 16, 3, 0);
		socket("vsock", 40, 1, 0);
		way("socketpair-stream", 53, 199, 1, 1, 0, zeroes(8));
	}

	private void addKernel() {
		way("io_uring_setup", 425, 425, 1, zeroes(120));
		reach("io_uring_enter", EBADF, 426, 426, NOWHERE, 0, 0, 0, 0, 0);
		reach("io_uring_register", EBADF, 427, 427, NOWHERE, 0, 0, 0);
		way("add_key", 248, 217, text("user"), text("tiny-ipc-probe"), text("x"), 1, -2);
		reach("request_key", ENOKEY, 249, 218, text("user"), text("tiny-ipc-no-such-key"), 0, -2);
		way("keyctl", 250, 219, 0, -2, 1);
		way("userfaultfd", 323, 282, 1);
		way("unshare-mount", 272, 97, 0x20000);
		way("personality", 135, 92, 0x40000);
		reach("reboot", EINVAL, 169, 142, 1, 2, 3, 0);
		reach("swapon", ENOENT, 167, 224, text("/no/such/file"), 0);
		reach("swapoff", ENOENT, 168, 225, text("/no/such/file"));
		reach("acct", ENOENT, 163, 89, text("/no/such/file"));
		reach("clock_settime", EINVAL, 227, 112, 0, vector(0, -1));
		reach("settimeofday", EINVAL, 164, 170, vector(0, -1), 0);
		way("syslog", 103, 116, 10, 0, 0);
		this.ways.put("shmget", () -> call(31, 195, call(29, 194, 0, 4096, 0600), 0, 0));
		this.ways.put("msgget", () -> call(71, 187, call(68, 186, 0, 0600), 0, 0));
		this.ways.put("semget", () -> call(66, 191, call(64, 190, 0, 1, 0600), 0, 0));
		way("x32", 0x40000000 | 110, -1);
		way("memfd_create", 319, 279, text("probe"), 0);
	}

	private void socket(String name, long domain, long type, long protocol) {
		way(name, 41, 198, domain, type, protocol);
	}

	private void way(String name, int x86, int aarch64, long... arguments) {
		this.ways.put(name, () -> call(x86, aarch64, arguments));
	}

	/** A call that fails with an error of its own once it is let through. */
	private void reach(String name, int error, int x86, int aarch64, long... arguments) {
		this.ways.put(name, () -> {
			if (RawCall.call(x86, aarch64, arguments) < 0 && Errno.last() != error) {
				throw new Refused(Errno.last());
			}
		});
	}

	private static long call(int x86, int aarch64, long... arguments) throws Refused {
		long result = RawCall.call(x86, aarch64, arguments);
		if (result < 0) {
			throw new Refused(Errno.last());
		}
		return result;
	}

	private static long pidfd(int process) throws Refused {
		return call(434, 434, process, 0);
	}

	private static long zeroes(int size) {
		return keep(NativeBuffer.zeroed(size));
	}

	private static long text(String text) {
		return keep(NativeBuffer.string("Text", text));
	}

	/** {@code struct iovec}, or two numbers. */
	private static long vector(long... numbers) {
		NativeBuffer vector = NativeBuffer.zeroed(16);
		vector.bytes().putLong(0, numbers[0]).putLong(8, (numbers.length > 1) ? numbers[1] : 1);
		return keep(vector);
	}

	private static long keep(NativeBuffer memory) {
		KEPT.add(memory);
		return memory.address();
	}

}
