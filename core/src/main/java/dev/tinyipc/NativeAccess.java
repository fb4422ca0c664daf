package dev.tinyipc;

import java.lang.invoke.MethodHandles;

import org.jspecify.annotations.Nullable;

/**
 * Checks on first use whether the native functions can be called here. Whatever creates a
 * descriptor checks first; whatever uses one need not.
 */
final class NativeAccess {

	private NativeAccess() {
	}

	/** Throws a clear exception where nothing here works. */
	static void require() throws IpcException.NativeUnavailable {
		rethrow(Sockets.UNAVAILABLE);
	}

	/** Throws a clear exception where no child can be started. */
	static void requireSpawn() throws IpcException.NativeUnavailable {
		require();
		rethrow(Spawning.UNAVAILABLE);
	}

	private static void rethrow(IpcException.@Nullable NativeUnavailable unavailable)
			throws IpcException.NativeUnavailable {
		if (unavailable != null) {
			throw new IpcException.NativeUnavailable(unavailable);
		}
	}

	private static @Nullable LinkageError load(Class<?> natives) {
		try {
			MethodHandles.lookup().ensureInitialized(natives);
			return null;
		}
		catch (LinkageError error) {
			return error;
		}
		catch (IllegalAccessException ex) {
			throw new IllegalStateException(ex);
		}
	}

	private static final class Sockets {

		static final IpcException.@Nullable NativeUnavailable UNAVAILABLE = find();

		private static IpcException.@Nullable NativeUnavailable find() {
			if (!Machine.isSupported()) {
				return new IpcException.NativeUnavailable("This is " + Machine.describe() + '.',
						"Run on Linux on x86-64 or aarch64, for example in a container or a virtual machine.", null);
			}
			LinkageError error = load(LibC.class);
			return (error == null) ? null : new IpcException.NativeUnavailable(
					"JNA could not load its native library: " + error.getMessage(),
					"JNA unpacks a library into a folder that must be writable and not mounted noexec: name another one"
							+ " with -Djna.tmpdir=<folder>, or unpack it yourself and name its folder with"
							+ " -Djna.boot.library.path=<folder>.",
					error);
		}

	}

	private static final class Spawning {

		static final IpcException.@Nullable NativeUnavailable UNAVAILABLE = find();

		private static IpcException.@Nullable NativeUnavailable find() {
			LinkageError error = load(LibC.Spawn.class);
			return (error == null) ? null
					: new IpcException.NativeUnavailable(
							"This C library cannot start a child without leaking descriptors to it: "
									+ error.getMessage(),
							"Use a system with glibc 2.34 or newer, such as Debian 12, Ubuntu 22.04 or RHEL 9.", error);
		}

	}

}
