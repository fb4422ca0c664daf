package dev.tinyipc;

/**
 * What depends on the processor. All other constants and layouts of {@link LibC} are the
 * same on x86-64 and aarch64.
 */
final class Machine {

	private static final String PROCESSOR = System.getProperty("os.arch");

	private static final boolean IS_ARM = PROCESSOR.equals("aarch64");

	// <fcntl.h>

	static final int O_NOFOLLOW = IS_ARM ? 0x8000 : 0x20000;

	// <sys/epoll.h>: struct epoll_event is packed on x86-64

	static final int EPOLL_EVENT_DATA = IS_ARM ? 8 : 4;

	static final int EPOLL_EVENT_SIZE = IS_ARM ? 16 : 12;

	// <asm/unistd.h>

	static final long SYS_CAPGET = IS_ARM ? 90 : 125, SYS_CAPSET = IS_ARM ? 91 : 126, SYS_PRCTL = IS_ARM ? 167 : 157,
			SYS_SECCOMP = IS_ARM ? 277 : 317;

	// <linux/audit.h>

	static final int AUDIT_ARCH = IS_ARM ? 0xc00000b7 : 0xc000003e;

	/** The folder of JNA's resources for this processor. */
	static final String JNA_FOLDER = IS_ARM ? "/com/sun/jna/linux-aarch64/" : "/com/sun/jna/linux-x86-64/";

	private Machine() {
	}

	static boolean isArm() {
		return IS_ARM;
	}

	/** Whether this is Linux on one of the two processors. */
	static boolean isSupported() {
		return System.getProperty("os.name").equals("Linux") && (IS_ARM || PROCESSOR.equals("amd64"));
	}

	/** Such as {@code Linux on amd64}. */
	static String describe() {
		return System.getProperty("os.name") + " on " + PROCESSOR;
	}

}
