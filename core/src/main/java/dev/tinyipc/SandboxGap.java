package dev.tinyipc;

import java.util.ArrayList;
import java.util.List;

/**
 * A part of a sandbox that cannot be enforced here.
 *
 * @param effect what is not enforced
 * @param reason why it is not
 * @param remedy what to do about it
 */
record SandboxGap(String effect, String reason, String remedy) {

	private static final String OR_ELSE = " Or do not require the profile: the child then starts without this protection.";

	/** Landlock is not there at all. */
	static SandboxGap ofLandlock(int error) {
		String effect = "Files, signals and other processes are not protected.";
		if (isForbidden(error)) {
			return new SandboxGap(effect, forbidden("Landlock", error),
					"Allow landlock_create_ruleset, landlock_add_rule and landlock_restrict_self in the seccomp profile"
							+ " of the container or service that this application runs in." + OR_ELSE);
		}
		if (error == Errno.EOPNOTSUPP.number) {
			return new SandboxGap(effect, "Landlock is in this kernel, but was switched off when it was booted.",
					"Add landlock to the kernel's boot parameter 'lsm='; /sys/kernel/security/lsm shows what is"
							+ " switched on." + OR_ELSE);
		}
		return new SandboxGap(
				effect, "This kernel has no Landlock (" + System.getProperty("os.version") + ", "
						+ Errno.describe(error) + ").",
				"Use Linux 5.13 or newer, built with CONFIG_SECURITY_LANDLOCK." + OR_ELSE);
	}

	/** The first version forbids to move files across folders, whatever the rules are. */
	static SandboxGap ofFirstLandlock() {
		return new SandboxGap("Signals and other processes are not protected.",
				"The Landlock of this kernel cannot protect them without restricting files, too.",
				"Use Linux 5.19 or newer." + OR_ELSE);
	}

	/** What a version of Landlock's interface does not cover. */
	static List<String> ofLandlockVersion(int abi, boolean lockedDown) {
		List<String> missing = new ArrayList<>();
		if (abi < 6) {
			missing.add("Signals to other processes of the same user and abstract sockets are not restricted, which"
					+ " needs Linux 6.12 or newer.");
		}
		if (abi < 5 && lockedDown) {
			missing.add("Commands to devices in folders that the child may write are not restricted, which needs"
					+ " Linux 6.10 or newer.");
		}
		return missing;
	}

	/** Seccomp cannot be used. */
	static SandboxGap ofSeccomp(int error) {
		String effect = "Network, inter-process communication and the kernel's dangerous calls are not protected.";
		if (isForbidden(error)) {
			return new SandboxGap(effect, forbidden("seccomp", error),
					"Allow the system call seccomp in the seccomp profile of the container or service that this"
							+ " application runs in." + OR_ELSE);
		}
		return new SandboxGap(effect, "This kernel has no seccomp filters (" + System.getProperty("os.version") + ", "
				+ Errno.describe(error) + ").", "Use a kernel built with CONFIG_SECCOMP_FILTER." + OR_ELSE);
	}

	/** Only one call is forbidden, of which nothing could be known before it was made. */
	static SandboxGap ofCall(String call, int error) {
		return new SandboxGap("The child is not restricted.", forbidden(call, error),
				"Allow " + call + " in the seccomp profile of the container or service that this application runs in.");
	}

	static boolean isForbidden(int error) {
		return error == Errno.EPERM.number || error == Errno.EACCES.number;
	}

	private static String forbidden(String what, int error) {
		return "A sandbox around this process does not allow it to use " + what + " (" + Errno.describe(error) + ").";
	}

}
