package dev.tinyipc;

import java.util.Arrays;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;

/** Any system call, by its number on this machine. */
final class RawCall {

	private static final boolean X86 = System.getProperty("os.arch").equals("amd64");

	static {
		Native.register(RawCall.class, NativeLibrary.getProcess());
	}

	private RawCall() {
	}

	/** Makes a call by its number on x86-64 or on aarch64. */
	static long call(int x86, int aarch64, long... arguments) {
		int number = X86 ? x86 : aarch64;
		long[] all = Arrays.copyOf(arguments, 6);
		return syscall(number, all[0], all[1], all[2], all[3], all[4], all[5]);
	}

	/** {@code long syscall(long number, ...)}. */
	private static native long syscall(long number, long first, long second, long third, long fourth, long fifth,
			long sixth);

}
