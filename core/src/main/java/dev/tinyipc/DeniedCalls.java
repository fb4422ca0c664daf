package dev.tinyipc;

import java.util.ArrayList;
import java.util.List;

/**
 * The system calls that a restricted child is denied, by their numbers on x86-64 and
 * aarch64 ({@code <asm/unistd.h>}); -1 where there is no such call.
 */
final class DeniedCalls {

	/** An AF_UNIX socket of the type RAW is a datagram socket. */
	private static final int AF_UNIX = LibC.AF_UNIX, SOCK_DGRAM = 2, SOCK_RAW = 3, SOCK_TYPE = 0xf;

	/** It makes a process that its parent's parent would have to wait for. */
	private static final int CLONE_PARENT = 0x8000;

	/**
	 * {@code CLONE_NEWTIME | NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET}.
	 */
	private static final int CLONE_NEW = 0x80 | 0x20000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000
			| 0x40000000;

	/** They put input into a terminal, and so into the shell that reads it. */
	private static final int TIOCSTI = 0x5412, TIOCLINUX = 0x541c;

	/** They change a file that is open for reading only. */
	private static final int FS_IOC_SETFLAGS = 0x40086602, FS_IOC_FSSETXATTR = 0x401c5820,
			FS_IOC_ENABLE_VERITY = 0x40806685;

	/** They watch a folder, or make others wait who open a file. */
	private static final int F_NOTIFY = 1026, F_SETLEASE = 1024;

	private static final int IOPRIO_WHO_PROCESS = 1;

	private static final int PERSONALITY_QUERY = 0xffffffff;

	private static final int ALL = 0xffffffff;

	/** Reaching others, and more of the kernel than a program needs. */
	static final List<Row> ANY_PROFILE = List.of(
			// Sockets, but for connected ones within the child. A datagram socket, even
			// one of a pair, can address others without connect.
			row("socket", 41, 198).with(Errno.EACCES).unless(0, AF_UNIX),
			row("socket", 41, 198).with(Errno.EACCES).when(1, SOCK_TYPE, SOCK_RAW),
			row("socket", 41, 198).with(Errno.EACCES).when(1, SOCK_TYPE, SOCK_DGRAM),
			row("socketpair", 53, 199).with(Errno.EACCES).unless(0, AF_UNIX),
			row("socketpair", 53, 199).with(Errno.EACCES).when(1, SOCK_TYPE, SOCK_RAW),
			row("socketpair", 53, 199).with(Errno.EACCES).when(1, SOCK_TYPE, SOCK_DGRAM),
			row("connect", 42, 203).with(Errno.EACCES), row("bind", 49, 200).with(Errno.EACCES),
			// It would do all of that out of the filter's sight.
			row("io_uring_setup", 425, 425), row("io_uring_enter", 426, 426), row("io_uring_register", 427, 427),
			// Other processes
			row("ptrace", 101, 117), row("process_vm_readv", 310, 270), row("process_vm_writev", 311, 271),
			row("process_madvise", 440, 440), row("process_mrelease", 448, 448), row("pidfd_getfd", 438, 438),
			row("kcmp", 312, 272), row("migrate_pages", 256, 238), row("move_pages", 279, 239),
			row("prlimit64", 302, 261).unless(0, 0), row("setpriority", 141, 140).unless(0, 0),
			row("setpriority", 141, 140).unless(1, 0), row("sched_setaffinity", 203, 122).unless(0, 0),
			row("sched_setparam", 142, 118).unless(0, 0), row("sched_setscheduler", 144, 119).unless(0, 0),
			row("sched_setattr", 314, 274).unless(0, 0), row("ioprio_set", 251, 30).unless(0, IOPRIO_WHO_PROCESS),
			row("ioprio_set", 251, 30).unless(1, 0), row("ioctl", 16, 29).when(1, ALL, TIOCSTI),
			row("ioctl", 16, 29).when(1, ALL, TIOCLINUX),
			// What processes of one user share
			row("shmget", 29, 194), row("shmat", 30, 196), row("shmctl", 31, 195), row("shmdt", 67, 197),
			row("semget", 64, 190), row("semop", 65, 193), row("semctl", 66, 191), row("semtimedop", 220, 192),
			row("msgget", 68, 186), row("msgsnd", 69, 189), row("msgrcv", 70, 188), row("msgctl", 71, 187),
			row("mq_open", 240, 180), row("mq_unlink", 241, 181), row("add_key", 248, 217),
			row("request_key", 249, 218), row("keyctl", 250, 219),
			// Namespaces. The arguments of clone3 are out of reach: the C library
			// falls back to clone if there is no such call.
			row("unshare", 272, 97), row("setns", 308, 268), row("clone", 56, 220).whenAny(0, CLONE_NEW | CLONE_PARENT),
			row("clone3", 435, 435).with(Errno.ENOSYS),
			// Mounts
			row("mount", 165, 40), row("umount2", 166, 39), row("pivot_root", 155, 41), row("chroot", 161, 51),
			row("open_tree", 428, 428), row("move_mount", 429, 429), row("fsopen", 430, 430), row("fsconfig", 431, 431),
			row("fsmount", 432, 432), row("fspick", 433, 433), row("mount_setattr", 442, 442),
			row("open_tree_attr", 467, 467), row("quotactl", 179, 60), row("quotactl_fd", 443, 443),
			row("swapon", 167, 224), row("swapoff", 168, 225), row("acct", 163, 89), row("open_by_handle_at", 304, 265),
			row("fanotify_init", 300, 262), row("fanotify_mark", 301, 263),
			// The kernel itself
			row("bpf", 321, 280), row("perf_event_open", 298, 241), row("userfaultfd", 323, 282),
			row("personality", 135, 92).unless(0, PERSONALITY_QUERY), row("init_module", 175, 105),
			row("finit_module", 313, 273), row("delete_module", 176, 106), row("kexec_load", 246, 104),
			row("kexec_file_load", 320, 294), row("reboot", 169, 142), row("syslog", 103, 116),
			row("settimeofday", 164, 170), row("clock_settime", 227, 112), row("adjtimex", 159, 171),
			row("clock_adjtime", 305, 266), row("sethostname", 170, 161), row("setdomainname", 171, 162),
			row("iopl", 172, -1), row("ioperm", 173, -1), row("modify_ldt", 154, -1), row("uselib", 134, -1),
			row("vhangup", 153, 58), row("lookup_dcookie", 212, 18), row("nfsservctl", 180, 42));

	/**
	 * What Landlock does not cover: attributes of files that may not be opened, or that
	 * were opened for reading only, and watching files.
	 */
	private static final List<Row> LOCKED_DOWN = List.of(row("chmod", 90, -1), row("fchmod", 91, 52),
			row("fchmodat", 268, 53), row("fchmodat2", 452, 452), row("chown", 92, -1), row("lchown", 94, -1),
			row("fchown", 93, 55), row("fchownat", 260, 54), row("utime", 132, -1), row("utimes", 235, -1),
			row("futimesat", 261, -1), row("utimensat", 280, 88), row("setxattr", 188, 5), row("lsetxattr", 189, 6),
			row("fsetxattr", 190, 7), row("setxattrat", 463, 463), row("removexattr", 197, 14),
			row("lremovexattr", 198, 15), row("fremovexattr", 199, 16), row("removexattrat", 466, 466),
			row("file_setattr", 469, 469), row("ioctl", 16, 29).when(1, ALL, FS_IOC_SETFLAGS),
			row("ioctl", 16, 29).when(1, ALL, FS_IOC_FSSETXATTR),
			row("ioctl", 16, 29).when(1, ALL, FS_IOC_ENABLE_VERITY), row("fcntl", 72, 25).when(1, ALL, F_NOTIFY),
			row("fcntl", 72, 25).when(1, ALL, F_SETLEASE), row("getxattr", 191, 8).with(Errno.EOPNOTSUPP),
			row("lgetxattr", 192, 9).with(Errno.EOPNOTSUPP), row("getxattrat", 464, 464).with(Errno.EOPNOTSUPP),
			row("listxattr", 194, 11).with(Errno.EOPNOTSUPP), row("llistxattr", 195, 12).with(Errno.EOPNOTSUPP),
			row("listxattrat", 465, 465).with(Errno.EOPNOTSUPP), row("inotify_init", 253, -1),
			row("inotify_init1", 294, 26), row("inotify_add_watch", 254, 27));

	private static final Row TRUNCATE = row("truncate", 76, 45);

	private DeniedCalls() {
	}

	/**
	 * What a child that is locked down is denied.
	 * @param landlockAbi the version of Landlock's interface, which covers truncation
	 * since 3
	 */
	static List<Row> lockedDown(int landlockAbi) {
		List<Row> rows = new ArrayList<>(ANY_PROFILE);
		rows.addAll(LOCKED_DOWN);
		if (landlockAbi < 3) {
			rows.add(TRUNCATE);
		}
		return rows;
	}

	static Row row(String name, int numberOnX86, int numberOnArm) {
		return new Row(name, numberOnX86, numberOnArm, Errno.EPERM, Test.ALWAYS, 0, 0, 0);
	}

	/** When a call is denied. */
	enum Test {

		/** Whatever its arguments are. */
		ALWAYS,

		/** If the bits of the mask in an argument have a value. */
		IS,

		/** If they have another value. */
		IS_NOT,

		/** If any of them is set. */
		HAS_ANY

	}

	/**
	 * A row of the table.
	 *
	 * @param name the call
	 * @param numberOnX86 its number on x86-64
	 * @param numberOnArm its number on aarch64
	 * @param error what a denied call fails with
	 * @param test when it is denied
	 * @param argument the index of the argument that is tested
	 * @param mask the bits of the argument that are tested
	 * @param value what they are compared with
	 */
	record Row(String name, int numberOnX86, int numberOnArm, Errno error, Test test, int argument, int mask,
			int value) {

		int number() {
			return Machine.isArm() ? this.numberOnArm : this.numberOnX86;
		}

		private Row with(Errno error) {
			return new Row(this.name, this.numberOnX86, this.numberOnArm, error, this.test, this.argument, this.mask,
					this.value);
		}

		private Row test(Test test, int argument, int mask, int value) {
			return new Row(this.name, this.numberOnX86, this.numberOnArm, this.error, test, argument, mask, value);
		}

		private Row when(int argument, int mask, int value) {
			return test(Test.IS, argument, mask, value);
		}

		private Row unless(int argument, int value) {
			return test(Test.IS_NOT, argument, ALL, value);
		}

		private Row whenAny(int argument, int bits) {
			return test(Test.HAS_ANY, argument, bits, 0);
		}

	}

}
