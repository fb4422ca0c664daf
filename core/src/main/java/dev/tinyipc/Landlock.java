package dev.tinyipc;

import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;

/**
 * Rules about files ({@code landlock(7)}), made by a process that may still open them,
 * before one of its threads restricts itself to them ({@code <linux/landlock.h>}):
 *
 * <pre>
 * struct landlock_ruleset_attr {          struct landlock_path_beneath_attr {
 *     __u64 handled_access_fs;  // 0          __u64 allowed_access; // 0
 *     __u64 handled_access_net; // 8          __s32 parent_fd;      // 8
 *     __u64 scoped;             // 16     } __attribute__((packed)); // 12 bytes
 * };                            // 24 bytes
 * </pre>
 *
 * A kernel knows the rights of its version of the interface, the ABI: 1 is Linux 5.13, 2
 * renames across folders (5.19), 3 truncation (6.2), 4 TCP (6.7), 5 commands to devices
 * (6.10), 6 signals and abstract sockets (6.12), 7 is 6.15. Whatever the rules say, who
 * is restricted cannot trace or look into a process outside.
 */
final class Landlock implements AutoCloseable {

	private static final long VERSION = 1, PATH_BENEATH = 1;

	private static final long EXECUTE = 1 << 0, WRITE_FILE = 1 << 1, READ_FILE = 1 << 2, READ_DIR = 1 << 3,
			REMOVE_DIR = 1 << 4, REMOVE_FILE = 1 << 5, MAKE_CHAR = 1 << 6, MAKE_DIR = 1 << 7, MAKE_REG = 1 << 8,
			MAKE_SOCK = 1 << 9, MAKE_FIFO = 1 << 10, MAKE_BLOCK = 1 << 11, MAKE_SYM = 1 << 12, REFER = 1 << 13,
			TRUNCATE = 1 << 14, IOCTL_DEV = 1 << 15;

	/** The rights of ABI 1; each of 2, 3 and 5 adds one. */
	private static final long FIRST_RIGHTS = REFER - 1;

	private static final long NETWORK = 1 << 0 | 1 << 1;

	private static final long SCOPES = 1 << 0 | 1 << 1;

	/** What can be granted for a file that is not a folder. */
	private static final long OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;

	private static final long TO_READ = READ_FILE | READ_DIR;

	private static final long TO_EXECUTE = EXECUTE | READ_FILE | READ_DIR;

	private static final long TO_WRITE = READ_FILE | READ_DIR | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR
			| MAKE_REG | MAKE_SOCK | MAKE_FIFO | MAKE_SYM | REFER | TRUNCATE;

	private static final int RULESET_SIZE = 24, RULE_SIZE = 12;

	/** {@code <linux/limits.h>}; a longer path cannot be opened. */
	private static final int PATH_MAX = 4096;

	/** {@code AT_FDCWD}, and {@code RESOLVE_NO_SYMLINKS} of {@code openat2(2)}. */
	private static final long WORKING_DIRECTORY = -100, NO_LINKS = 4;

	/** {@code struct open_how} of {@code <linux/openat2.h>}: flags, mode, resolve. */
	private static final int HOW_SIZE = 24;

	private final OwnedFd ruleset;

	private final long handled;

	private Landlock(OwnedFd ruleset, long handled) {
		this.ruleset = ruleset;
		this.handled = handled;
	}

	/**
	 * The version of the interface, or the negative error number if there is none here.
	 */
	static int abi() {
		long abi = LibC.syscall(LibC.SYS_LANDLOCK_CREATE_RULESET, 0, 0, VERSION, 0, 0);
		return (abi < 0) ? -Errno.last() : (int) abi;
	}

	/** The rights to use files in a way. */
	static long rights(SandboxNeed.Access access) {
		return switch (access) {
			case READ -> TO_READ;
			case WRITE -> TO_WRITE;
			case EXECUTE -> TO_EXECUTE;
			case OTHER -> 0;
		};
	}

	/** Rules that deny everything. */
	static Landlock denyingAll(int abi) throws IpcException {
		long rights = FIRST_RIGHTS | ((abi >= 2) ? REFER : 0) | ((abi >= 3) ? TRUNCATE : 0)
				| ((abi >= 5) ? IOCTL_DEV : 0);
		return create(abi, rights);
	}

	/**
	 * Rules that deny all network, and leave files alone. Before ABI 4 there is no right
	 * of the network, and a ruleset needs some right: to move files across folders, which
	 * all rules deny that do not grant it, is handled and granted everywhere.
	 * @param abi at least 2
	 */
	static Landlock denyingNetwork(int abi) throws IpcException {
		if (abi >= 4) {
			return create(abi, 0);
		}
		Landlock landlock = create(abi, REFER);
		try {
			landlock.allow(List.of(Path.of("/")), REFER);
			return landlock;
		}
		catch (IpcException ex) {
			landlock.close();
			throw ex;
		}
	}

	private static Landlock create(int abi, long files) throws IpcException {
		NativeBuffer attributes = NativeBuffer.zeroed(RULESET_SIZE);
		attributes.bytes().putLong(0, files).putLong(8, (abi >= 4) ? NETWORK : 0).putLong(16, (abi >= 6) ? SCOPES : 0);
		int ruleset = (int) Errno.check("landlock_create_ruleset",
				LibC.syscall(LibC.SYS_LANDLOCK_CREATE_RULESET, attributes.address(), RULESET_SIZE, 0, 0, 0));
		Reference.reachabilityFence(attributes);
		return new Landlock(OwnedFd.of(ruleset), files);
	}

	/**
	 * Allows something for files and folders, and all that is below them. Paths that do
	 * not exist, or that this process cannot reach itself, are skipped.
	 */
	void allow(Collection<Path> paths, long rights) throws IpcException {
		allow(paths, rights, true);
	}

	/**
	 * As {@link #allow}, for paths that had no symbolic links when they were looked at:
	 * if one has some now, it is skipped.
	 */
	void allowUnlinked(Collection<Path> paths, long rights) throws IpcException {
		allow(paths, rights, false);
	}

	private void allow(Collection<Path> paths, long rights, boolean followLinks) throws IpcException {
		NativeBuffer how = NativeBuffer.zeroed(HOW_SIZE);
		how.bytes().putLong(0, LibC.O_PATH | LibC.O_CLOEXEC).putLong(16, NO_LINKS);
		NativeBuffer rule = NativeBuffer.zeroed(RULE_SIZE);
		NativeBuffer text = NativeBuffer.allocate(PATH_MAX);
		for (Path path : paths) {
			byte[] encoded = NativeBuffer.encode("Path", path.toString());
			if (encoded.length < PATH_MAX) {
				text.bytes().put(0, encoded).put(encoded.length, (byte) 0);
				int file = followLinks ? LibC.open(text.address(), LibC.O_PATH | LibC.O_CLOEXEC, 0) : (int) LibC
					.syscall(LibC.SYS_OPENAT2, WORKING_DIRECTORY, text.address(), how.address(), HOW_SIZE, 0);
				allow(path, file, rights & this.handled, rule);
			}
		}
		Reference.reachabilityFence(text);
		Reference.reachabilityFence(how);
		Reference.reachabilityFence(rule);
	}

	private void allow(Path path, int file, long rights, NativeBuffer rule) throws IpcException {
		if (file < 0) {
			int error = Errno.last();
			// The last two are about openat2, which an outer sandbox may forbid.
			if (error == Errno.EMFILE.number || error == Errno.ENFILE.number || error == Errno.EPERM.number
					|| error == Errno.ENOSYS.number) {
				throw Errno.failure("open(" + path + ')', error);
			}
			return;
		}
		try {
			rule.bytes().putLong(0, rights).putInt(8, file);
			long result = add(rule);
			if (result < 0 && Errno.last() == Errno.EINVAL.number) {
				rule.bytes().putLong(0, rights & OF_FILES); // it is no folder
				result = add(rule);
			}
			Errno.check("landlock_add_rule(" + path + ')', result);
		}
		finally {
			LibC.close(file);
		}
	}

	private long add(NativeBuffer rule) {
		return LibC.syscall(LibC.SYS_LANDLOCK_ADD_RULE, this.ruleset.fd(), PATH_BENEATH, rule.address(), 0, 0);
	}

	/**
	 * The call that restricts the calling thread, and what it starts from then on. It
	 * needs {@code PR_SET_NO_NEW_PRIVS}.
	 */
	NativeCall restrictSelf() {
		return NativeCall.of("landlock_restrict_self", LibC.SYS_LANDLOCK_RESTRICT_SELF, this.ruleset.fd(), 0, 0);
	}

	@Override
	public void close() {
		this.ruleset.close();
	}

}
