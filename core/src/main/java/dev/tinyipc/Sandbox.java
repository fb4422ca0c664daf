package dev.tinyipc;

import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * What a child may do, for {@link IpcProcessBuilder#sandbox}. It is enforced by the
 * kernel from before the program's first instruction, holds for whatever the child starts
 * in turn, and needs no privileges and no helper program:
 *
 * <pre class="code">
 * Sandbox sandbox = Sandbox.of(Sandbox.Profile.LOCKED_DOWN)
 *     .read(List.of(Path.of("/opt/models")))
 *     .limits(ResourceLimits.NONE.memory(512 * 1024 * 1024));
 * </pre>
 *
 * What the program itself needs (its file, interpreter, libraries) is found out and need
 * not be listed. With a script, that includes all of its folder, where its modules are,
 * unless others share the folder, as they do a home folder. A descriptor that a message
 * carries to the child stays usable: the open file is the permission. An instance is
 * immutable; each method returns another one.
 */
public final class Sandbox {

	private static final Sandbox NONE = new Sandbox(Profile.NONE, Set.of(), Set.of(), Set.of(), true,
			ResourceLimits.NONE, EnvironmentPolicy.INHERIT);

	private final Profile profile;

	private final Set<Path> readable;

	private final Set<Path> writable;

	private final Set<Path> executable;

	private final boolean required;

	private final ResourceLimits limits;

	private final EnvironmentPolicy environmentPolicy;

	private Sandbox(Profile profile, Set<Path> readable, Set<Path> writable, Set<Path> executable, boolean required,
			ResourceLimits limits, EnvironmentPolicy environmentPolicy) {
		this.profile = profile;
		this.readable = readable;
		this.writable = writable;
		this.executable = executable;
		this.required = required;
		this.limits = limits;
		this.environmentPolicy = environmentPolicy;
	}

	/**
	 * A sandbox without further paths and limits, which is required. With a profile other
	 * than {@link Profile#NONE}, the child's environment is
	 * {@link EnvironmentPolicy#CLEAN clean}.
	 * @param profile what the child may do
	 * @return the sandbox
	 */
	public static Sandbox of(Profile profile) {
		Objects.requireNonNull(profile, "profile");
		return (profile == Profile.NONE) ? NONE : new Sandbox(profile, Set.of(), Set.of(), Set.of(), true,
				ResourceLimits.NONE, EnvironmentPolicy.CLEAN);
	}

	/**
	 * Lets the child read further files and folders, and what is below them. It has an
	 * effect only on a child that is {@linkplain Profile#LOCKED_DOWN locked down}, as
	 * have the other paths.
	 * @param paths the paths; those that do not exist when a child starts are skipped
	 * @return another sandbox
	 */
	public Sandbox read(Collection<Path> paths) {
		return new Sandbox(this.profile, plus(this.readable, paths), this.writable, this.executable, this.required,
				this.limits, this.environmentPolicy);
	}

	/**
	 * Lets the child read, create, change and delete further files, and what is below the
	 * folders among them.
	 * @param paths the paths; those that do not exist when a child starts are skipped
	 * @return another sandbox
	 */
	public Sandbox write(Collection<Path> paths) {
		return new Sandbox(this.profile, this.readable, plus(this.writable, paths), this.executable, this.required,
				this.limits, this.environmentPolicy);
	}

	/**
	 * Lets the child read and execute further programs, and those below the folders among
	 * the paths. What a program needs is found out, except for those in folders. What a
	 * program starts is restricted as it is itself.
	 * @param paths the paths; those that do not exist when a child starts are skipped
	 * @return another sandbox
	 */
	public Sandbox execute(Collection<Path> paths) {
		return new Sandbox(this.profile, this.readable, this.writable, plus(this.executable, paths), this.required,
				this.limits, this.environmentPolicy);
	}

	/**
	 * Allows what an audit has found, as far as paths allow it, see
	 * {@link IpcProcessBuilder#auditSandbox}. Where much is needed in one folder, the
	 * folder is allowed; one that holds what other programs and users have, such as
	 * {@code /etc} or a home folder, is not, even if the child lists it.
	 * @param needs what the child needs
	 * @return another sandbox
	 */
	public Sandbox allow(Collection<SandboxNeed> needs) {
		Sandbox more = write(SuggestedPaths.of(SandboxNeed.Access.WRITE, needs, this.writable));
		more = more.execute(SuggestedPaths.of(SandboxNeed.Access.EXECUTE, needs, this.executable));
		Set<Path> readable = new LinkedHashSet<>(more.readable);
		readable.addAll(more.writable);
		readable.addAll(more.executable);
		return more.read(SuggestedPaths.of(SandboxNeed.Access.READ, needs, readable));
	}

	private static Set<Path> plus(Set<Path> paths, Collection<Path> more) {
		Set<Path> sum = new LinkedHashSet<>(paths);
		more.forEach((path) -> sum.add(path.toAbsolutePath().normalize()));
		return Set.copyOf(sum);
	}

	/**
	 * Sets whether a child may start only if the kernel enforces the profile.
	 * @param required true by default; false to start a child without what the kernel
	 * does not have or an outer sandbox forbids, which {@link IpcProcess#protection()}
	 * tells
	 * @return another sandbox
	 */
	public Sandbox required(boolean required) {
		return new Sandbox(this.profile, this.readable, this.writable, this.executable, required, this.limits,
				this.environmentPolicy);
	}

	/**
	 * Sets limits, with any profile.
	 * @param limits the limits
	 * @return another sandbox
	 */
	public Sandbox limits(ResourceLimits limits) {
		return new Sandbox(this.profile, this.readable, this.writable, this.executable, this.required,
				Objects.requireNonNull(limits, "limits"), this.environmentPolicy);
	}

	/**
	 * Sets what the child inherits of this process's environment, with any profile.
	 * @param policy the policy
	 * @return another sandbox
	 */
	public Sandbox environmentPolicy(EnvironmentPolicy policy) {
		return new Sandbox(this.profile, this.readable, this.writable, this.executable, this.required, this.limits,
				Objects.requireNonNull(policy, "policy"));
	}

	/**
	 * What the child may do.
	 * @return the profile
	 */
	public Profile profile() {
		return this.profile;
	}

	/**
	 * What the child may read in addition to what its program needs.
	 * @return absolute paths
	 */
	public Set<Path> readable() {
		return this.readable;
	}

	/**
	 * What the child may read and write.
	 * @return absolute paths
	 */
	public Set<Path> writable() {
		return this.writable;
	}

	/**
	 * What the child may execute in addition to what its program needs.
	 * @return absolute paths
	 */
	public Set<Path> executable() {
		return this.executable;
	}

	/**
	 * Whether a child may start only if the kernel enforces the profile.
	 * @return whether the profile is required
	 */
	public boolean isRequired() {
		return this.required;
	}

	/**
	 * The limits.
	 * @return the limits, {@link ResourceLimits#NONE} by default
	 */
	public ResourceLimits limits() {
		return this.limits;
	}

	/**
	 * What the child inherits of this process's environment.
	 * @return the policy
	 */
	public EnvironmentPolicy environmentPolicy() {
		return this.environmentPolicy;
	}

	@Override
	public String toString() {
		return "Sandbox[" + this.profile + ", read " + this.readable + ", write " + this.writable + ", execute "
				+ this.executable + (this.required ? ", required, " : ", ") + this.limits + ", "
				+ this.environmentPolicy + ']';
	}

	/** What a child may do. */
	public enum Profile {

		/** All that this process may do. */
		NONE,

		/**
		 * All that this process may do, except to reach anybody: it has no sockets but
		 * those that it was given, cannot trace, read or signal a process outside, and
		 * gains no privileges. Of a privileged user's capabilities it keeps those about
		 * files and users.
		 */
		NO_NETWORK,

		/**
		 * Nothing but to compute, to use what it was given, and to read its own program,
		 * interpreter and libraries. It has none of the capabilities of a privileged
		 * user.
		 */
		LOCKED_DOWN

	}

	/** What a child inherits of its parent's environment. */
	public enum EnvironmentPolicy {

		/** All variables. */
		INHERIT,

		/**
		 * {@code PATH}, {@code HOME}, {@code LANG}, {@code LC_*}, {@code TZ} and
		 * {@code TMPDIR} only. Variables that are set for the child are kept, too.
		 */
		CLEAN;

		boolean keeps(String variable) {
			return this == INHERIT || KEPT_IF_CLEAN.contains(variable) || variable.startsWith("LC_");
		}

		private static final List<String> KEPT_IF_CLEAN = List.of("PATH", "HOME", "LANG", "TZ", "TMPDIR");

	}

}
