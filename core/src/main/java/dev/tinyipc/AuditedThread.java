package dev.tinyipc;

import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * A thread of another process that waits in a system call, as {@code proc(5)} shows it.
 * What cannot be read is null: the process may be killed at any time, or be protected
 * from us.
 */
final class AuditedThread {

	/** {@code PATH_MAX}, the end included. */
	static final int MAX_PATH = 4096;

	/** {@code AT_FDCWD}: relative to the working directory. */
	static final int WORKING_DIRECTORY = -100;

	/** {@code tty_nr} among the fields of {@code /proc/<pid>/stat} after the name. */
	private static final int TERMINAL_AFTER_NAME = 4;

	private static final Path PROC = Path.of("/proc");

	private static final Path SELF = PROC.resolve("self");

	private static final Path OUR_FOLDER = PROC.resolve(Long.toString(ProcessHandle.current().pid()));

	/** What these links mean depends on who looks: a folder in /proc, or a file in it. */
	private static final Map<Path, String> LINKS_TO_SELF = Map.of(SELF, "", PROC.resolve("thread-self"), "",
			Path.of("/dev/fd"), "fd", Path.of("/dev/stdin"), "fd/0", Path.of("/dev/stdout"), "fd/1",
			Path.of("/dev/stderr"), "fd/2");

	private final NativeBuffer block;

	private final int thread;

	private final Path folder;

	private boolean secretive;

	/**
	 * Looks at a thread.
	 * @param block receives what is read of its memory, at least {@link #MAX_PATH} bytes
	 */
	AuditedThread(int thread, NativeBuffer block) {
		this.thread = thread;
		this.block = block;
		this.folder = PROC.resolve(Integer.toString(thread));
	}

	/** Whether the kernel did not let the thread's memory be read. */
	boolean isSecretive() {
		return this.secretive;
	}

	/** The bytes from an address on, as many as there are, up to a number. */
	@Nullable ByteBuffer bytes(long address, int count) {
		NativeBuffer path = NativeBuffer.string("Path", this.folder + "/mem");
		int memory = LibC.open(path.address(), LibC.O_RDONLY | LibC.O_CLOEXEC, 0);
		Reference.reachabilityFence(path);
		path.free();
		if (memory < 0) {
			int error = Errno.last();
			this.secretive = error == Errno.EACCES.number || error == Errno.EPERM.number;
			return null;
		}
		try {
			long read = LibC.pread(memory, this.block.address(), count, address);
			return (read > 0) ? this.block.bytes().slice(0, (int) read).order(this.block.bytes().order()) : null;
		}
		finally {
			LibC.close(memory);
		}
	}

	/** The C string at an address. */
	@Nullable String string(long address) {
		ByteBuffer bytes = bytes(address, MAX_PATH);
		if (bytes == null) {
			return null;
		}
		int length = 0;
		while (length < bytes.limit() && bytes.get(length) != 0) {
			length++;
		}
		if (length == bytes.limit()) {
			return null; // longer than a path can be
		}
		byte[] text = new byte[length];
		bytes.get(0, text);
		return NativeBuffer.decode(text);
	}

	/**
	 * The place that a path means to the thread. It may contain symbolic links, and need
	 * not exist.
	 * @param folder the descriptor of the folder that a relative path starts at
	 * @param path empty for the descriptor itself
	 */
	@Nullable Path locate(long folder, String path) {
		try {
			if (path.startsWith("/")) {
				return ofThread(Path.of(path));
			}
			Path link = ((int) folder == WORKING_DIRECTORY) ? this.folder.resolve("cwd")
					: this.folder.resolve("fd").resolve(Integer.toString((int) folder));
			Path start = Files.readSymbolicLink(link);
			return start.isAbsolute() ? start.resolve(path) : null; // such as pipe:[123]
		}
		catch (IOException | InvalidPathException ex) {
			return null;
		}
	}

	/** Such a path would mean this process if it was looked up here. */
	private Path ofThread(Path path) {
		for (Map.Entry<Path, String> link : LINKS_TO_SELF.entrySet()) {
			if (path.startsWith(link.getKey())) {
				return this.folder.resolve(link.getValue()).resolve(link.getKey().relativize(path));
			}
		}
		return path;
	}

	/**
	 * The file or folder at a place, without symbolic links. Files of the thread's own
	 * process are in {@code /proc/self}.
	 * @return null if there is none, or it is out of reach
	 */
	@Nullable Path real(Path location) {
		try {
			Path real = location.toRealPath();
			return real.startsWith(PROC) ? inSelf(real, location) : real;
		}
		catch (IOException ex) {
			return null;
		}
	}

	/** The folder that holds a place, without symbolic links; null if there is none. */
	@Nullable Path realParent(Path location) {
		Path parent = location.getParent();
		return (parent != null) ? real(parent) : null;
	}

	/**
	 * Whether a path that {@link #real} has returned is of a process: it does not outlive
	 * it.
	 */
	static boolean isOfAProcess(Path real) {
		return real.startsWith(SELF) || real.startsWith(PROC) && real.getNameCount() > 1
				&& Character.isDigit(real.getName(1).toString().charAt(0));
	}

	private Path inSelf(Path real, Path location) {
		boolean ours = real.startsWith(OUR_FOLDER) && !location.startsWith(OUR_FOLDER);
		if (real.getNameCount() < 2 || !(ours || isOwn(real.getName(1).toString()))) {
			return real;
		}
		return (real.getNameCount() > 2) ? SELF.resolve(real.subpath(2, real.getNameCount())) : SELF;
	}

	private boolean isOwn(String name) {
		return name.equals(Integer.toString(this.thread)) || Files.exists(this.folder.resolve("task").resolve(name));
	}

	/** Whether this is a thread of this process. */
	boolean isOurs() {
		return Files.exists(OUR_FOLDER.resolve("task").resolve(Integer.toString(this.thread)));
	}

	/** Whether the process has a controlling terminal. */
	boolean hasTerminal() {
		try {
			// The name is in brackets, and may have any bytes.
			String status = Files.readString(this.folder.resolve("stat"), StandardCharsets.ISO_8859_1);
			return !status.substring(status.lastIndexOf(')') + 2).split(" ")[TERMINAL_AFTER_NAME].equals("0");
		}
		catch (IOException ex) {
			return false;
		}
	}

	/** The program that the process runs. */
	String program() {
		try {
			return Files.readSymbolicLink(this.folder.resolve("exe")).toString();
		}
		catch (IOException ex) {
			return "";
		}
	}

}
