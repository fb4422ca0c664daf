package dev.tinyipc;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;

/** Looks at the offset that all descriptors of an open file share. */
final class Lseek {

	static final int SEEK_CUR = 1;

	static {
		Native.register(Lseek.class, NativeLibrary.getProcess());
	}

	private Lseek() {
	}

	/** {@code off_t lseek(int fd, off_t offset, int whence)}. */
	static native long lseek(int fd, long offset, int whence);

}
