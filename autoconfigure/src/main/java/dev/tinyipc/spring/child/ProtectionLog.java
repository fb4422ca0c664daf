package dev.tinyipc.spring.child;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.stream.Collectors;

import dev.tinyipc.IpcProcess;
import dev.tinyipc.Protection;
import dev.tinyipc.ResourceLimits;
import dev.tinyipc.Sandbox;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says once what protects this machine from a child, as the kernel says, not as was asked
 * for, whether paths that it may use are missing, and whether its command line gives
 * secrets away. Used in the supervisor's thread only.
 */
final class ProtectionLog {

	private static final Logger logger = LoggerFactory.getLogger(IpcChild.class);

	private final ChildSpec spec;

	private final Sandbox sandbox;

	private boolean told;

	ProtectionLog(ChildSpec spec, Sandbox sandbox) {
		this.spec = spec;
		this.sandbox = sandbox;
	}

	/** A process was started, which is like all others of the child. */
	void started(IpcProcess process) {
		if (this.told) {
			return;
		}
		this.told = true;
		tell(process.protection());
		warnOfMissing("read", this.sandbox.readable());
		warnOfMissing("write", this.sandbox.writable());
		warnOfMissing("execute", this.sandbox.executable());
		warnOf("arguments", CommandLineSecrets.in(this.spec.command()));
		warnOf("jvm-arguments", CommandLineSecrets.in(this.spec.jvmArguments()));
	}

	private void tell(Protection protection) {
		String profile = this.sandbox.profile().name().toLowerCase(Locale.ROOT).replace('_', '-');
		if (this.spec.settings().sandbox().audit()) {
			logger.warn("{} is audited: this machine is not protected from it, and what its profile {} would deny"
					+ " is logged and done. Remove ipc.children.{}.sandbox.audit when you know what the child needs",
					this.spec, profile, this.spec.name());
		}
		else if (!protection.missing().isEmpty()) {
			logger.warn("{} has the profile {}, which is not enforced as a whole. {} In force: {}", this.spec, profile,
					String.join(" ", protection.missing()), inForce(protection));
		}
		else if (this.sandbox.profile() != Sandbox.Profile.NONE) {
			logger.info("{} has the profile {}. In force: {}", this.spec, profile, inForce(protection));
		}
		else if (!this.sandbox.limits().equals(ResourceLimits.NONE)) {
			logger.info("{} has no profile. In force: {}", this.spec, inForce(protection));
		}
		else {
			logger.debug("{} has neither a profile nor limits. In force: {}", this.spec, inForce(protection));
		}
	}

	/** Nothing can be allowed that is not there, and a typing error would go unseen. */
	private void warnOfMissing(String right, Collection<Path> paths) {
		String missing = paths.stream()
			.filter(Files::notExists)
			.map(Path::toString)
			.sorted()
			.collect(Collectors.joining(", "));
		if (!missing.isEmpty()) {
			logger.warn("{} cannot be allowed to {} what does not exist: {}. Correct ipc.children.{}.sandbox.{}, or"
					+ " create it before the child starts", this.spec, right, missing, this.spec.name(), right);
		}
	}

	private void warnOf(String arguments, List<String> secrets) {
		if (!secrets.isEmpty()) {
			logger.warn("The {} of {} look like they contain secrets: {}. Every user of this machine can read the"
					+ " command line of a process. Pass secrets in ipc.children.{}.environment, which only this user"
					+ " can read, or in a message", arguments, this.spec, String.join(", ", secrets), this.spec.name());
		}
	}

	private static String inForce(Protection protection) {
		List<String> parts = new ArrayList<>();
		if (protection.landlockAbi() > 0) {
			parts.add("Landlock (ABI " + protection.landlockAbi() + ')');
		}
		int filters = protection.seccompFilters();
		if (filters > 0) {
			parts.add("seccomp (" + filters + ((filters == 1) ? " filter)" : " filters)"));
		}
		if (protection.noNewPrivileges()) {
			parts.add("no_new_privs");
		}
		if (protection.capabilities() == 0) {
			parts.add("no capabilities");
		}
		if (!protection.limits().isEmpty()) {
			parts.add("limits " + new TreeMap<>(protection.limits()));
		}
		return parts.isEmpty() ? "nothing" : String.join(", ", parts);
	}

}
