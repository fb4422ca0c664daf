package dev.tinyipc;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * What protects this machine from a child. It is read back from the kernel
 * ({@code proc_pid_status(5)}, {@code prlimit(2)}), except for Landlock, of which the
 * kernel tells nothing.
 *
 * @param profile the profile that was asked for
 * @param landlockAbi the version of Landlock's interface that restricts the child; 0 if
 * Landlock does not
 * @param noNewPrivileges whether the child cannot gain privileges
 * @param seccompFilters the number of seccomp filters, including those that restrict this
 * process, too
 * @param capabilities the child's effective capabilities, a bit each
 * ({@code capabilities(7)}); 0 if it has none
 * @param limits the limits in force, by their name in {@code getrlimit(2)}, and
 * {@code nice}: bytes, seconds or a number; unlimited ones are left out
 * @param missing what the profile promises and this kernel does not enforce, a sentence
 * each; empty if all is in force
 */
public record Protection(Sandbox.Profile profile, int landlockAbi, boolean noNewPrivileges, int seccompFilters,
		long capabilities, Map<String, Long> limits, List<String> missing) {

	/** {@code SECCOMP_MODE_FILTER} of {@code <linux/seccomp.h>}. */
	private static final int FILTERED = 2;

	/** Of what is no process of its own. */
	static final Protection NONE = new Protection(Sandbox.Profile.NONE, 0, false, 0, 0, Map.of(), List.of());

	/** Copies the collections. */
	public Protection {
		limits = Map.copyOf(limits);
		missing = List.copyOf(missing);
	}

	/**
	 * Sets the limits of a child that was just started, and reads back what is in force.
	 * @param pid the child, for which nobody has waited yet
	 */
	static Protection apply(int pid, Sandbox sandbox, Restrictions restrictions) throws IpcException {
		return apply(pid, sandbox.profile(), sandbox.limits(), restrictions.landlockAbi(), restrictions.missing());
	}

	/**
	 * Does the same with a process that has inherited what restricts another one.
	 * @param limits its own limits
	 * @param inherited what protects from the other one
	 */
	static Protection applyToFork(int pid, ResourceLimits limits, Protection inherited) throws IpcException {
		return apply(pid, inherited.profile(), limits, inherited.landlockAbi(), inherited.missing());
	}

	private static Protection apply(int pid, Sandbox.Profile profile, ResourceLimits limits, int landlockAbi,
			List<String> missing) throws IpcException {
		if (profile != Sandbox.Profile.NONE || !limits.equals(ResourceLimits.NONE)) {
			limits.applyTo(pid);
		}
		Path status = Path.of("/proc", Integer.toString(pid), "status");
		try {
			// The first line is a name, which may have any bytes.
			List<String> lines = Files.readAllLines(status, StandardCharsets.ISO_8859_1);
			return new Protection(profile, landlockAbi, number(lines, "NoNewPrivs:", 10) > 0, filters(lines),
					number(lines, "CapEff:", 16), ResourceLimits.inForce(pid), missing);
		}
		catch (IOException ex) {
			throw new IpcException("What protects from the child cannot be read from " + status, ex);
		}
	}

	/** Before Linux 5.9 the kernel tells that there are filters, and not how many. */
	private static int filters(List<String> lines) {
		long filters = number(lines, "Seccomp_filters:", 10);
		return (filters == 0 && number(lines, "Seccomp:", 10) == FILTERED) ? 1 : (int) filters;
	}

	/** Zero if there is no such line, as on old kernels. */
	private static long number(List<String> lines, String name, int radix) {
		for (String line : lines) {
			if (line.startsWith(name)) {
				return Long.parseLong(line.substring(name.length()).strip(), radix);
			}
		}
		return 0;
	}

	/** The step that protects from a child that was just started. */
	@FunctionalInterface
	interface Step {

		Protection take() throws IpcException;

	}

}
