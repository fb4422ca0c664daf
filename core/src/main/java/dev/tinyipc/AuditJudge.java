package dev.tinyipc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.function.BiConsumer;

import org.jspecify.annotations.Nullable;

/**
 * Decides what a call would need that a sandbox does not allow. What fails with or
 * without a sandbox needs nothing: most programs look for files that do not exist.
 */
final class AuditJudge {

	/** {@code __O_TMPFILE} of {@code <asm-generic/fcntl.h>}: a file without a name. */
	private static final int O_TMPFILE = 0x400000;

	private static final int ACCESS_MODE = 3;

	/** Shells try to open it, and fail where there is none. */
	private static final Path TERMINAL = Path.of("/dev/tty");

	/** An interpreter may be a script itself. */
	private static final int MAX_INTERPRETERS = 4;

	private final AuditedRules rules;

	private final AuditedThread thread;

	private final Arguments arguments;

	private final BiConsumer<SandboxNeed.Access, String> needs;

	/**
	 * Creates a judge of one call.
	 * @param needs consumes each need, with its path or phrase
	 */
	AuditJudge(AuditedRules rules, AuditedThread thread, Arguments arguments,
			BiConsumer<SandboxNeed.Access, String> needs) {
		this.rules = rules;
		this.thread = thread;
		this.arguments = arguments;
		this.needs = needs;
	}

	/** Judges the call. */
	void judge(AuditedCall call) throws Unreadable {
		switch (call.action()) {
			case OPEN -> open(call, (int) this.arguments.get(call.detail()));
			case OPEN_BY_STRUCT -> open(call, (int) bytes(this.arguments.get(call.detail()), Long.BYTES).getLong(0));
			case TRUNCATE_OR_CREATE -> open(call, LibC.O_CREAT | LibC.O_WRONLY | LibC.O_TRUNC);
			case TRUNCATE -> open(call, LibC.O_WRONLY);
			case EXECUTE -> execute(call);
			case CREATE -> create(location(call.folder(), call.path()));
			case REMOVE -> remove(location(call.folder(), call.path()));
			case MOVE -> move(call);
			case TOUCH -> touch(call);
			case SOCKET -> other(call.name() + ": "
					+ AuditedAddress.socket(this.arguments.get(call.detail()), this.arguments.get(call.detail() + 1)));
			case ADDRESS -> reach(call);
			case OTHER -> other(call.name());
		}
	}

	private void open(AuditedCall call, int flags) throws Unreadable {
		if ((flags & LibC.O_PATH) != 0) {
			return;
		}
		Path location = location(call.folder(), call.path());
		if (location == null) {
			return;
		}
		if ((flags & Machine.O_NOFOLLOW) != 0 && Files.isSymbolicLink(location)) {
			return;
		}
		Path real = this.thread.real(location);
		if (real == null) {
			if ((flags & LibC.O_CREAT) != 0) {
				change(this.thread.realParent(location));
			}
			return;
		}
		if ((flags & LibC.O_CREAT) != 0 && (flags & LibC.O_EXCL) != 0) {
			return;
		}
		boolean folder = Files.isDirectory(real);
		boolean writes = (flags & ACCESS_MODE) != LibC.O_RDONLY || (flags & LibC.O_TRUNC) != 0;
		if (writes && (!folder || (flags & O_TMPFILE) != 0)) {
			change(real);
		}
		else if (!writes && Files.isReadable(real)) {
			use(SandboxNeed.Access.READ, real);
		}
	}

	private void execute(AuditedCall call) throws Unreadable {
		Path location = location(call.folder(), call.path());
		Path program = (location != null) ? this.thread.real(location) : null;
		for (int i = 0; i < MAX_INTERPRETERS && program != null && isProgram(program); i++) {
			use(SandboxNeed.Access.EXECUTE, program);
			Path interpreter = interpreterOf(program);
			program = (interpreter != null) ? this.thread.real(interpreter) : null;
		}
	}

	/** Reading anything but a regular file could block. */
	private static boolean isProgram(Path file) {
		return Files.isRegularFile(file) && Files.isExecutable(file);
	}

	/** The interpreter, or loader, that the kernel opens for a program. */
	private static @Nullable Path interpreterOf(Path program) {
		try {
			Shebang shebang = Shebang.read(program);
			String interpreter = (shebang != null) ? shebang.interpreter() : LibraryNeeds.elf(program).interpreter();
			return (interpreter != null && interpreter.startsWith("/")) ? Path.of(interpreter) : null;
		}
		catch (IOException | InvalidPathException ex) {
			return null; // may be executed, but not read
		}
	}

	private void create(@Nullable Path location) {
		if (location != null && !exists(location)) {
			change(this.thread.realParent(location));
		}
	}

	private static boolean exists(Path location) {
		return Files.exists(location, LinkOption.NOFOLLOW_LINKS);
	}

	private void remove(@Nullable Path location) {
		if (location != null && exists(location)) {
			change(this.thread.realParent(location));
		}
	}

	private void move(AuditedCall call) throws Unreadable {
		Path from = location(call.folder(), call.path());
		Path to = location((call.folder() >= 0) ? call.detail() - 1 : -1, call.detail());
		if (from != null && to != null && exists(from)) {
			change(this.thread.realParent(from));
			change(this.thread.realParent(to));
		}
	}

	/** A program that may not change an attribute of a file fails, or ignores it. */
	private void touch(AuditedCall call) throws Unreadable {
		if (this.arguments.get(call.path()) == 0) {
			other(call.name()); // of a descriptor
			return;
		}
		Path location = location(call.folder(), call.path());
		Path real = (location != null) ? this.thread.real(location) : null;
		if (real != null) {
			other(call.name() + ' ' + real);
		}
	}

	private void reach(AuditedCall call) throws Unreadable {
		int length = (int) Math.min(AuditedAddress.MAX_SIZE, this.arguments.get(call.detail() + 1) & 0xffffffffL);
		if (length < Short.BYTES) {
			return;
		}
		ByteBuffer address = bytes(this.arguments.get(call.detail()), length);
		String path = AuditedAddress.path(address);
		if (path != null) {
			Path location = this.thread.locate(AuditedThread.WORKING_DIRECTORY, path);
			boolean exists = location != null && this.thread.real(location) != null;
			// As most C libraries' connection to a cache of names that nobody runs.
			if (!exists && call.name().equals("connect")) {
				return;
			}
		}
		String text = AuditedAddress.describe(address);
		if (text != null) {
			other(call.name() + " to " + text);
		}
	}

	/** A change in a folder, or of a file, that exists. */
	private void change(@Nullable Path real) {
		if (real != null && Files.isWritable(real)) {
			use(SandboxNeed.Access.WRITE, real);
		}
	}

	private void use(SandboxNeed.Access access, Path real) {
		if (this.rules.allow(access, real) || real.equals(TERMINAL) && !this.thread.hasTerminal()) {
			return;
		}
		if (AuditedThread.isOfAProcess(real)) {
			// A rule is about files that exist before the process does.
			other(access.verb() + real);
		}
		else {
			this.needs.accept(access, real.toString());
		}
	}

	private void other(String phrase) {
		this.needs.accept(SandboxNeed.Access.OTHER, phrase);
	}

	private @Nullable Path location(int folder, int path) throws Unreadable {
		String text = this.thread.string(this.arguments.get(path));
		if (text == null) {
			throw new Unreadable();
		}
		return this.thread.locate((folder < 0) ? AuditedThread.WORKING_DIRECTORY : this.arguments.get(folder), text);
	}

	private ByteBuffer bytes(long address, int count) throws Unreadable {
		ByteBuffer bytes = this.thread.bytes(address, count);
		if (bytes == null || bytes.limit() < count) {
			throw new Unreadable();
		}
		return bytes;
	}

	/** The arguments of a call. */
	interface Arguments {

		long get(int index);

	}

	/** The memory of the process cannot be read, or its call has a wrong address. */
	static final class Unreadable extends Exception {

		private static final long serialVersionUID = 1L;

		Unreadable() {
			super(null, null, false, false);
		}

	}

}
