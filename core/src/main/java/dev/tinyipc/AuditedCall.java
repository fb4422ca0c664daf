package dev.tinyipc;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A system call that an audit looks at: where its path is among its arguments, and what
 * it does there.
 *
 * @param name the call
 * @param numberOnX86 its number on x86-64 ({@code <asm/unistd.h>}), -1 if there is none
 * @param numberOnArm its number on aarch64
 * @param action what it does
 * @param folder the index of the argument that is the descriptor of the folder that a
 * relative path starts at, -1 if that is the working directory
 * @param path the index of the argument that is the path
 * @param detail the index of the argument that matters besides, by the action; -1 if none
 */
record AuditedCall(String name, int numberOnX86, int numberOnArm, Action action, int folder, int path, int detail) {

	private static final int NONE = -1;

	/**
	 * A program that hears that there is no such thing does without, as the C library
	 * does without clone3: it needs nothing, and gets the same answer in an audit.
	 */
	private static final Set<Errno> DONE_WITHOUT = EnumSet.of(Errno.ENOSYS, Errno.EOPNOTSUPP);

	/** What Landlock restricts. */
	static final List<AuditedCall> OF_FILES = List.of(call("open", 2, NONE, Action.OPEN, NONE, 0, 1),
			call("openat", 257, 56, Action.OPEN, 0, 1, 2), call("openat2", 437, 437, Action.OPEN_BY_STRUCT, 0, 1, 2),
			call("creat", 85, NONE, Action.TRUNCATE_OR_CREATE, NONE, 0, NONE),
			call("truncate", 76, 45, Action.TRUNCATE, NONE, 0, NONE),
			call("execve", 59, 221, Action.EXECUTE, NONE, 0, NONE),
			call("execveat", 322, 281, Action.EXECUTE, 0, 1, NONE),
			call("mkdir", 83, NONE, Action.CREATE, NONE, 0, NONE), call("mkdirat", 258, 34, Action.CREATE, 0, 1, NONE),
			call("mknod", 133, NONE, Action.CREATE, NONE, 0, NONE), call("mknodat", 259, 33, Action.CREATE, 0, 1, NONE),
			call("symlink", 88, NONE, Action.CREATE, NONE, 1, NONE),
			call("symlinkat", 266, 36, Action.CREATE, 1, 2, NONE),
			call("rmdir", 84, NONE, Action.REMOVE, NONE, 0, NONE),
			call("unlink", 87, NONE, Action.REMOVE, NONE, 0, NONE),
			call("unlinkat", 263, 35, Action.REMOVE, 0, 1, NONE),
			// The detail is the new path, before which its folder stands, if any.
			call("rename", 82, NONE, Action.MOVE, NONE, 0, 1), call("renameat", 264, 38, Action.MOVE, 0, 1, 3),
			call("renameat2", 316, 276, Action.MOVE, 0, 1, 3), call("link", 86, NONE, Action.MOVE, NONE, 0, 1),
			call("linkat", 265, 37, Action.MOVE, 0, 1, 3));

	/** What a filter denies and the user can recognise by an argument, with its path. */
	private static final List<AuditedCall> OF_FILTER = List.of(call("chmod", 90, NONE, Action.TOUCH, NONE, 0, NONE),
			call("fchmodat", 268, 53, Action.TOUCH, 0, 1, NONE), call("fchmodat2", 452, 452, Action.TOUCH, 0, 1, NONE),
			call("chown", 92, NONE, Action.TOUCH, NONE, 0, NONE), call("lchown", 94, NONE, Action.TOUCH, NONE, 0, NONE),
			call("fchownat", 260, 54, Action.TOUCH, 0, 1, NONE), call("utime", 132, NONE, Action.TOUCH, NONE, 0, NONE),
			call("utimes", 235, NONE, Action.TOUCH, NONE, 0, NONE),
			call("futimesat", 261, NONE, Action.TOUCH, 0, 1, NONE),
			call("utimensat", 280, 88, Action.TOUCH, 0, 1, NONE), call("setxattr", 188, 5, Action.TOUCH, NONE, 0, NONE),
			call("lsetxattr", 189, 6, Action.TOUCH, NONE, 0, NONE),
			call("removexattr", 197, 14, Action.TOUCH, NONE, 0, NONE),
			call("lremovexattr", 198, 15, Action.TOUCH, NONE, 0, NONE),
			call("inotify_add_watch", 254, 27, Action.TOUCH, NONE, 1, NONE),
			call("socket", 41, 198, Action.SOCKET, NONE, NONE, 0),
			call("socketpair", 53, 199, Action.SOCKET, NONE, NONE, 0),
			call("connect", 42, 203, Action.ADDRESS, NONE, NONE, 1),
			call("bind", 49, 200, Action.ADDRESS, NONE, NONE, 1));

	private static AuditedCall call(String name, int numberOnX86, int numberOnArm, Action action, int folder, int path,
			int detail) {
		return new AuditedCall(name, numberOnX86, numberOnArm, action, folder, path, detail);
	}

	/**
	 * A filter that asks about all that another one denies.
	 * @param denied what that one denies
	 * @param files whether to ask about files, too
	 */
	static NativeBuffer filter(List<DeniedCalls.Row> denied, boolean files) {
		List<DeniedCalls.Row> rows = new ArrayList<>(denied);
		if (files) {
			OF_FILES.forEach((call) -> rows.add(call.row()));
		}
		return Seccomp.filter(rows, (row) -> !DONE_WITHOUT.contains(row.error()));
	}

	/** What a filter that asks about a call of this kind looks for. */
	private DeniedCalls.Row row() {
		return DeniedCalls.row(this.name, this.numberOnX86, this.numberOnArm);
	}

	/**
	 * Whether the call fails in an audit, too: it would do other calls out of our sight,
	 * and programs do without it.
	 */
	boolean isRefused() {
		return this.name.startsWith("io_uring_");
	}

	/**
	 * The calls by their number on this machine: those that concern files, and all rows
	 * of a filter.
	 */
	static Map<Integer, AuditedCall> byNumber(List<DeniedCalls.Row> filter) {
		Map<Integer, AuditedCall> calls = new HashMap<>();
		for (DeniedCalls.Row row : filter) {
			calls.put(row.number(), call(row.name(), row.number(), row.number(), Action.OTHER, NONE, NONE, NONE));
		}
		known().stream()
			.filter((call) -> OF_FILES.contains(call) || calls.containsKey(call.number()))
			.forEach((call) -> calls.put(call.number(), call));
		return calls;
	}

	/** The calls whose arguments are understood. */
	static List<AuditedCall> known() {
		List<AuditedCall> known = new ArrayList<>(OF_FILES);
		known.addAll(OF_FILTER);
		return known;
	}

	int number() {
		return Machine.isArm() ? this.numberOnArm : this.numberOnX86;
	}

	/** What a call does. */
	enum Action {

		/** It opens a file; the detail is its flags. */
		OPEN,

		/** It opens a file; the detail is a structure that begins with its flags. */
		OPEN_BY_STRUCT,

		/** It empties a file, or creates it. */
		TRUNCATE_OR_CREATE,

		/** It shortens or extends a file that exists. */
		TRUNCATE,

		/** It executes a program. */
		EXECUTE,

		/** It creates something that does not exist yet. */
		CREATE,

		/** It removes something. */
		REMOVE,

		/**
		 * It gives something a new name, or a further one; the detail is the new path.
		 */
		MOVE,

		/** It changes what a file's owner, times and so on are, which no rule allows. */
		TOUCH,

		/** It creates a socket; the detail is its domain, which its type follows. */
		SOCKET,

		/** It reaches an address; the detail is the pointer, which the length follows. */
		ADDRESS,

		/** Any other call that is denied. */
		OTHER

	}

}
