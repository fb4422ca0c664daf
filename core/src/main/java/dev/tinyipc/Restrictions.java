package dev.tinyipc;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

/**
 * The system calls by which a thread gives up what a sandbox denies, in the order in
 * which they are possible:
 *
 * <pre>
 * prctl(PR_SET_NO_NEW_PRIVS)   no program gains privileges; the others need it
 * landlock_restrict_self       files, TCP, signals
 * capset                       few capabilities; none, if locked down
 * seccomp                      all other ways out, see {@link DeniedCalls}
 * </pre>
 */
final class Restrictions implements AutoCloseable {

	/** {@code PR_SET_NO_NEW_PRIVS} of {@code <linux/prctl.h>}. */
	private static final long NO_NEW_PRIVILEGES = 38;

	/** {@code _LINUX_CAPABILITY_VERSION_3} of {@code <linux/capability.h>}. */
	private static final int CAPABILITY_VERSION = 0x20080522;

	/** {@code struct __user_cap_header_struct}: version and process id. */
	private static final int CAPABILITY_HEADER_SIZE = 8;

	/** Two {@code struct __user_cap_data_struct}: effective, permitted, inheritable. */
	private static final int CAPABILITY_DATA_SIZE = 2 * 3 * Integer.BYTES;

	/**
	 * {@code CAP_CHOWN}, {@code DAC_OVERRIDE}, {@code DAC_READ_SEARCH}, {@code FOWNER},
	 * {@code FSETID}, {@code SETGID}, {@code SETUID} and {@code SETFCAP}. Others reach
	 * beyond the child: {@code CAP_PERFMON}, for one, reads the environment of any
	 * process.
	 */
	private static final int OF_FILES_AND_USERS = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 6 | 1 << 7
			| 1 << 31;

	/**
	 * The filters by the version of Landlock that they complete; there are one or two.
	 */
	private static final Map<Integer, NativeBuffer> FILTERS = new ConcurrentHashMap<>();

	private static final int NO_NETWORK = -1;

	static final Restrictions NONE = new Restrictions(Sandbox.of(Sandbox.Profile.NONE));

	private final Sandbox sandbox;

	private final List<NativeCall> calls = new ArrayList<>();

	/** Memory that the calls refer to. */
	private final List<NativeBuffer> memory = new ArrayList<>();

	private final List<String> missing = new ArrayList<>();

	private @Nullable Landlock landlock;

	private @Nullable SandboxAudit audit;

	private int landlockAbi;

	private Restrictions(Sandbox sandbox) {
		this.sandbox = sandbox;
	}

	/**
	 * Prepares the restrictions of a sandbox.
	 * @param needs what the program needs; null if the profile does not restrict files
	 * @throws IpcException.SandboxUnavailable if the profile is required, and cannot be
	 * enforced here
	 */
	static Restrictions of(Sandbox sandbox, @Nullable ProgramNeeds needs) throws IpcException {
		if (sandbox.profile() == Sandbox.Profile.NONE) {
			return NONE;
		}
		Restrictions restrictions = new Restrictions(sandbox);
		try {
			restrictions.calls.add(gainNoPrivileges());
			restrictions.addLandlock(needs);
			restrictions.keepCapabilities((needs != null) ? 0 : OF_FILES_AND_USERS);
			restrictions.addSeccomp();
			return restrictions;
		}
		catch (IpcException | RuntimeException | Error ex) {
			restrictions.close();
			throw ex;
		}
	}

	/**
	 * Prepares an audit in place of the restrictions of a sandbox: files and system calls
	 * are not restricted, but watched.
	 * @param needs what the program needs; null if the profile does not restrict files
	 * @param consumer consumes what the sandbox would deny
	 * @throws IpcException if a child cannot be watched here
	 */
	static Restrictions auditing(Sandbox sandbox, @Nullable ProgramNeeds needs, Consumer<SandboxNeed> consumer)
			throws IpcException {
		int flags = SandboxAudit.flags(gainNoPrivileges());
		Restrictions restrictions = new Restrictions(sandbox);
		restrictions.calls.add(gainNoPrivileges());
		restrictions.keepCapabilities((needs != null) ? 0 : OF_FILES_AND_USERS);
		List<DeniedCalls.Row> denied = (needs != null) ? DeniedCalls.lockedDown(Landlock.abi())
				: DeniedCalls.ANY_PROFILE;
		NativeBuffer filter = AuditedCall.filter(denied, needs != null);
		restrictions.memory.add(filter);
		SandboxAudit audit = SandboxAudit.start(new AuditedRules(sandbox, needs), denied, consumer);
		restrictions.audit = audit;
		restrictions.calls.add(Seccomp.listenToSelf(filter, flags).leavingResultIn(audit.listener()));
		restrictions.missing.add("The sandbox is only audited: the child may do what the profile denies.");
		return restrictions;
	}

	private static NativeCall gainNoPrivileges() {
		return NativeCall.of("prctl(PR_SET_NO_NEW_PRIVS)", Machine.SYS_PRCTL, NO_NEW_PRIVILEGES, 1, 0);
	}

	private void addLandlock(@Nullable ProgramNeeds needs) throws IpcException {
		int abi = Landlock.abi();
		if (abi < 0) {
			lacks(SandboxGap.ofLandlock(-abi), needs != null);
			return;
		}
		if (needs == null && abi < 2) {
			lacks(SandboxGap.ofFirstLandlock(), false);
			return;
		}
		this.landlock = (needs != null) ? Landlock.denyingAll(abi) : Landlock.denyingNetwork(abi);
		if (needs != null) {
			allow(this.landlock, needs);
		}
		this.calls.add(this.landlock.restrictSelf());
		this.landlockAbi = abi;
		this.missing.addAll(SandboxGap.ofLandlockVersion(abi, needs != null));
	}

	private void allow(Landlock landlock, ProgramNeeds needs) throws IpcException {
		WritableFolders folders = new WritableFolders(this.sandbox.writable());
		for (FileGrant grant : FileGrant.of(this.sandbox, needs)) {
			long rights = Landlock.rights(grant.access());
			if (folders.isEmpty()) {
				landlock.allow(grant.paths(), rights);
			}
			else {
				landlock.allowUnlinked(folders.follow(grant.paths()), rights);
			}
		}
		Stream.of(needs.executable(), needs.readable())
			.map(folders::changeable)
			.flatMap(Optional::stream)
			.findFirst()
			.ifPresent((file) -> this.missing.add("The child may change " + file
					+ ", which is part of its program: what it writes there is run by its successors."));
	}

	/** Of the low 32 capabilities, keeps those of a mask; of the others none. */
	private void keepCapabilities(int mask) throws IpcException {
		NativeBuffer header = NativeBuffer.zeroed(CAPABILITY_HEADER_SIZE);
		header.bytes().putInt(0, CAPABILITY_VERSION);
		NativeBuffer sets = NativeBuffer.zeroed(CAPABILITY_DATA_SIZE);
		this.memory.add(header);
		this.memory.add(sets);
		Errno.check("capget", NativeCall.of("capget", Machine.SYS_CAPGET, header.address(), sets.address(), 0).make());
		for (int at = 0; at < CAPABILITY_DATA_SIZE; at += Integer.BYTES) {
			sets.bytes().putInt(at, (at < 2 * Integer.BYTES) ? sets.bytes().getInt(at) & mask : 0);
		}
		this.calls.add(NativeCall.of("capset", Machine.SYS_CAPSET, header.address(), sets.address(), 0));
	}

	private void addSeccomp() throws IpcException.SandboxUnavailable {
		int error = Seccomp.unavailable();
		if (error != 0) {
			lacks(SandboxGap.ofSeccomp(error), true);
			return;
		}
		this.calls.add(Seccomp.restrictSelf(filter(this.sandbox.profile(), this.landlockAbi)));
	}

	private static NativeBuffer filter(Sandbox.Profile profile, int landlockAbi) {
		return (profile == Sandbox.Profile.LOCKED_DOWN)
				? FILTERS.computeIfAbsent(landlockAbi, (abi) -> Seccomp.filter(DeniedCalls.lockedDown(abi)))
				: FILTERS.computeIfAbsent(NO_NETWORK, (key) -> Seccomp.filter(DeniedCalls.ANY_PROFILE));
	}

	private void lacks(SandboxGap gap, boolean essential) throws IpcException.SandboxUnavailable {
		if (essential && this.sandbox.isRequired()) {
			throw new IpcException.SandboxUnavailable(gap.reason(), gap.remedy());
		}
		this.missing.add(gap.effect() + ' ' + gap.reason());
	}

	/** The calls to make; none if nothing is restricted. */
	List<NativeCall> calls() {
		return this.calls;
	}

	/** Must be called once the calls have been made. */
	@Override
	public void close() {
		if (this.audit != null) {
			this.audit.spawned();
		}
		if (this.landlock != null) {
			this.landlock.close();
		}
		this.memory.clear();
	}

	int landlockAbi() {
		return this.landlockAbi;
	}

	/** What the profile promises and is not enforced, a sentence each. */
	List<String> missing() {
		return this.missing;
	}

}
