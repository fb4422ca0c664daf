package dev.tinyipc;

import java.io.File;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * Starts a program with {@code posix_spawnp(3)}, which costs the same however large this
 * process is. The child gets only the descriptors that are placed for it, an empty signal
 * mask, default signal actions and its own process group.
 */
final class PosixSpawn {

	/** Sources are duplicated up here first, so that no placement can overwrite one. */
	private static final int ABOVE_ALL_TARGETS = 10;

	private static final String SHELL = "/bin/sh";

	private PosixSpawn() {
	}

	/** Starts a program that may do all that this process may do. */
	static int spawn(List<String> command, Map<String, String> environment, @Nullable File directory,
			List<OwnedFd> descriptors) throws IpcException {
		return spawn(command, null, environment, directory, descriptors, Restrictions.NONE);
	}

	/**
	 * Starts a program.
	 * @param program the program's path; null to look it up by its name
	 * @param descriptors the child's descriptors, by their number in the child
	 * @param restrictions what the child gives up before it runs
	 * @return its process id
	 * @throws IpcException if the program cannot be started: the message names it and the
	 * reason
	 */
	static int spawn(List<String> command, @Nullable Path program, Map<String, String> environment,
			@Nullable File directory, List<OwnedFd> descriptors, Restrictions restrictions) throws IpcException {
		NativeAccess.requireSpawn();
		StringArray environmentBlock = new StringArray(SystemEnvironment.encode(environment));
		List<OwnedFd> sources = new ArrayList<>();
		NativeBuffer attributes = attributes();
		NativeBuffer actions = NativeBuffer.zeroed(LibC.Spawn.FILE_ACTIONS_SIZE);
		LibC.Spawn.posix_spawn_file_actions_init(actions.address());
		try {
			if (directory != null) {
				NativeBuffer path = NativeBuffer.string("Directory", directory.getPath());
				Errno.checkReturned("posix_spawn_file_actions_addchdir_np",
						LibC.Spawn.posix_spawn_file_actions_addchdir_np(actions.address(), path.address()));
				Reference.reachabilityFence(path);
			}
			for (int target = 0; target < descriptors.size(); target++) {
				OwnedFd source = OwnedFd.of(descriptors.get(target).duplicateFrom(ABOVE_ALL_TARGETS));
				sources.add(source);
				// dup2 to another number clears close-on-exec, on every C library.
				Errno.checkReturned("posix_spawn_file_actions_adddup2",
						LibC.Spawn.posix_spawn_file_actions_adddup2(actions.address(), source.fd(), target));
			}
			Errno.checkReturned("posix_spawn_file_actions_addclosefrom_np",
					LibC.Spawn.posix_spawn_file_actions_addclosefrom_np(actions.address(), descriptors.size()));
			String file = (program != null) ? program.toString() : command.get(0);
			return spawn(command, file, directory, actions, attributes, environmentBlock, restrictions);
		}
		finally {
			LibC.Spawn.posix_spawn_file_actions_destroy(actions.address());
			LibC.Spawn.posix_spawnattr_destroy(attributes.address());
			OwnedFd.closeAll(sources);
		}
	}

	private static int spawn(List<String> command, String file, @Nullable File directory, NativeBuffer actions,
			NativeBuffer attributes, StringArray environment, Restrictions restrictions) throws IpcException {
		NativeBuffer pid = NativeBuffer.zeroed(Integer.BYTES);
		int error = spawn(pid, command, file, actions, attributes, environment, restrictions);
		if (error == Errno.ENOEXEC.number) {
			// As by ProcessBuilder, a script without an interpreter is run by the shell.
			List<String> script = new ArrayList<>(command);
			script.set(0, find(file));
			script.add(0, SHELL);
			error = spawn(pid, script, SHELL, actions, attributes, environment, restrictions);
		}
		if (error != 0) {
			throw new IpcException("Cannot run program \"" + command.get(0) + '"'
					+ ((directory != null) ? " (in directory \"" + directory + "\")" : "") + ": "
					+ Errno.describe(error));
		}
		return pid.bytes().getInt(0);
	}

	private static int spawn(NativeBuffer pid, List<String> command, String file, NativeBuffer actions,
			NativeBuffer attributes, StringArray environment, Restrictions restrictions) throws IpcException {
		NativeBuffer path = NativeBuffer.string("Program", file);
		StringArray arguments = new StringArray(
				command.stream().map((argument) -> NativeBuffer.encode("Argument", argument)).toList());
		SpawnArguments spawn = new SpawnArguments(pid.address(), path.address(), actions.address(),
				attributes.address(), arguments.address(), environment.address());
		int error = restrictions.calls().isEmpty() ? spawn.spawn() : RestrictedSpawn.spawn(restrictions.calls(), spawn);
		Reference.reachabilityFence(path);
		Reference.reachabilityFence(arguments);
		Reference.reachabilityFence(environment);
		return error;
	}

	/** Finds the path of an existing program, as {@code execvp(3)} does. */
	private static String find(String program) {
		if (program.indexOf('/') >= 0) {
			return program;
		}
		for (String folder : System.getenv().getOrDefault("PATH", "/bin:/usr/bin").split(":")) {
			File candidate = new File(folder.isEmpty() ? "." : folder, program);
			if (candidate.canExecute()) {
				return candidate.getPath();
			}
		}
		return program;
	}

	private static NativeBuffer attributes() throws IpcException {
		NativeBuffer attributes = NativeBuffer.zeroed(LibC.Spawn.ATTRIBUTES_SIZE);
		NativeBuffer signals = NativeBuffer.zeroed(LibC.Spawn.SIGNAL_SET_SIZE);
		LibC.Spawn.posix_spawnattr_init(attributes.address());
		// The JVM's threads block SIGQUIT, and the JVM may have been started with others
		// ignored.
		LibC.Spawn.sigemptyset(signals.address());
		LibC.Spawn.posix_spawnattr_setsigmask(attributes.address(), signals.address());
		LibC.Spawn.sigfillset(signals.address());
		LibC.Spawn.posix_spawnattr_setsigdefault(attributes.address(), signals.address());
		Reference.reachabilityFence(signals);
		LibC.Spawn.posix_spawnattr_setpgroup(attributes.address(), 0);
		Errno.checkReturned("posix_spawnattr_setflags",
				LibC.Spawn.posix_spawnattr_setflags(attributes.address(), (short) (LibC.Spawn.POSIX_SPAWN_SETPGROUP
						| LibC.Spawn.POSIX_SPAWN_SETSIGDEF | LibC.Spawn.POSIX_SPAWN_SETSIGMASK)));
		return attributes;
	}

	/** A {@code char *[]} that ends with NULL, followed by its strings, in one block. */
	private static final class StringArray {

		private final NativeBuffer block;

		StringArray(List<byte[]> strings) {
			int size = (strings.size() + 1) * Long.BYTES;
			for (byte[] string : strings) {
				size += string.length + 1;
			}
			this.block = NativeBuffer.zeroed(size);
			ByteBuffer bytes = this.block.bytes();
			int text = (strings.size() + 1) * Long.BYTES;
			for (int i = 0; i < strings.size(); i++) {
				bytes.putLong(i * Long.BYTES, this.block.address() + text);
				bytes.put(text, strings.get(i));
				text += strings.get(i).length + 1;
			}
		}

		long address() {
			return this.block.address();
		}

	}

}
