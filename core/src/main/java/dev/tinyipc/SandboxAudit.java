package dev.tinyipc;

import java.lang.ref.Reference;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches what a child and all that it starts do, in a thread of its own, and finds out
 * what their sandbox would deny. The kernel holds each of the calls in question until
 * this has looked at it ({@code seccomp_unotify(2)}), and then executes it. This cannot
 * restrict the child: after the answer, the kernel reads the arguments again, which the
 * child may have changed by then.
 * <p>
 * The thread runs before the child does, because the child's first call, execve, waits
 * for it; and it runs as long as any process has the filter.
 */
final class SandboxAudit implements Runnable {

	private static final Logger logger = LoggerFactory.getLogger(SandboxAudit.class);

	/** How often to look for the listener that the spawning thread leaves behind. */
	private static final long LISTENER_WAIT_NANOS = TimeUnit.MICROSECONDS.toNanos(50);

	/** A child that uses ever new paths must not fill our memory. */
	static final int MAX_NEEDS = 10_000;

	/** How the same is found out by a tool. */
	private static final String REMEDY = " Use strace instead, and look at the paths and addresses that it shows: strace -f"
			+ " -e trace=%file,%network -o <file> <command>";

	private static final long NO_LISTENER = -1;

	private final AuditedRules rules;

	private final Map<Integer, AuditedCall> calls;

	private final Consumer<SandboxNeed> consumer;

	private final AtomicLong listener = new AtomicLong(NO_LISTENER);

	/** Whether no further listener will come. */
	private volatile boolean spawned;

	private final NativeBuffer block = NativeBuffer.allocate(AuditedThread.MAX_PATH);

	private final Set<String> known = new HashSet<>();

	private boolean told;

	private SandboxAudit(AuditedRules rules, List<DeniedCalls.Row> filter, Consumer<SandboxNeed> consumer) {
		this.rules = rules;
		this.calls = AuditedCall.byNumber(filter);
		this.consumer = consumer;
	}

	/**
	 * Starts an audit.
	 * @param filter what the sandbox's filter denies
	 * @param consumer consumes each need, once
	 * @throws IpcException if there cannot be a thread for it
	 */
	static SandboxAudit start(AuditedRules rules, List<DeniedCalls.Row> filter, Consumer<SandboxNeed> consumer)
			throws IpcException {
		SandboxAudit audit = new SandboxAudit(rules, filter, consumer);
		Thread thread = new Thread(audit, "tiny-ipc-audit");
		thread.setDaemon(true);
		thread.setContextClassLoader(SandboxAudit.class.getClassLoader());
		RestrictedSpawn.start(thread);
		return audit;
	}

	/**
	 * Finds out whether this kernel can be asked to ask, by a thread that then ends.
	 * @param restriction must be made before a filter
	 * @return the flags to use, see {@link Seccomp#listenToSelf}
	 * @throws IpcException if it cannot, or may not
	 */
	static int flags(NativeCall restriction) throws IpcException {
		NativeBuffer filter = Seccomp.filter(List.of());
		int flags = Seccomp.WAIT_KILLABLE;
		AtomicLong result = new AtomicLong(NO_LISTENER);
		int error = RestrictedSpawn
			.tryOut(List.of(restriction, Seccomp.listenToSelf(filter, flags).leavingResultIn(result)));
		if (error == Errno.EINVAL.number) {
			flags = 0;
			error = RestrictedSpawn
				.tryOut(List.of(restriction, Seccomp.listenToSelf(filter, flags).leavingResultIn(result)));
		}
		Reference.reachabilityFence(filter);
		if (error != 0) {
			throw new IpcException(reason(error) + REMEDY);
		}
		try (SeccompListener listener = new SeccompListener(OwnedFd.of((int) result.get()))) {
			if (!listener.reportsItsEnd()) {
				throw new IpcException("The sandbox cannot be audited here. That needs Linux 5.9 or newer." + REMEDY);
			}
		}
		return flags;
	}

	private static String reason(int error) {
		String reason = "The sandbox cannot be audited here. ";
		if (error == Errno.EBUSY.number) {
			return reason
					+ "The system calls of this process are already watched by another one, and cannot be by two ("
					+ Errno.describe(error) + ").";
		}
		if (error == Errno.EPERM.number || error == Errno.EACCES.number) {
			return reason + "A sandbox around this process does not allow it to use seccomp (" + Errno.describe(error)
					+ ").";
		}
		return reason + "The kernel does not report system calls (" + Errno.describe(error)
				+ "): that needs Linux 5.9 or newer, with CONFIG_SECCOMP_FILTER.";
	}

	/** Where each spawning thread leaves the descriptor of its listener. */
	AtomicLong listener() {
		return this.listener;
	}

	/** Must be called once the program has been started, or could not be. */
	void spawned() {
		this.spawned = true;
	}

	@Override
	public void run() {
		while (true) {
			// Whoever calls unpark may have to load a class: so this looks by itself. A
			// script without an interpreter is started in a second attempt.
			boolean last = this.spawned;
			long descriptor = this.listener.getAndSet(NO_LISTENER);
			if (descriptor != NO_LISTENER) {
				watch(new SeccompListener(OwnedFd.of((int) descriptor)));
			}
			else if (last) {
				return;
			}
			else {
				LockSupport.parkNanos(LISTENER_WAIT_NANOS);
			}
		}
	}

	private void watch(SeccompListener listener) {
		try (listener) {
			while (listener.receive()) {
				AuditedCall call = this.calls.get(listener.number());
				try {
					judge(listener, call);
				}
				catch (RuntimeException | Error ex) {
					Failures.log(logger, "Failed to audit a call of a child", ex);
				}
				finally {
					if (call != null && call.isRefused()) {
						listener.refuse(Errno.EPERM);
					}
					else {
						listener.resume();
					}
				}
			}
		}
		catch (IpcException | RuntimeException | Error ex) {
			Failures.log(logger, "The audit of a child has failed: it cannot open files any more", ex);
		}
	}

	private void judge(SeccompListener listener, @Nullable AuditedCall call) {
		if (call == null || listener.thread() == 0) {
			return;
		}
		AuditedThread thread = new AuditedThread(listener.thread(), this.block);
		try {
			new AuditJudge(this.rules, thread, listener::argument,
					(access, target) -> consume(listener, thread, access, target))
				.judge(call);
		}
		catch (AuditJudge.Unreadable ex) {
			if (!this.told && thread.isSecretive() && listener.isStillWaiting()) {
				this.told = true;
				logger.warn("The calls of {} cannot be audited: it does not let its memory be read. The audit is"
						+ " incomplete", named(thread));
			}
		}
	}

	private static String named(AuditedThread thread) {
		String program = thread.program();
		return program.isEmpty() ? "a program" : program;
	}

	private void consume(SeccompListener listener, AuditedThread thread, SandboxNeed.Access access, String target) {
		if (this.known.size() >= MAX_NEEDS || this.known.contains(access + target)) {
			return;
		}
		SandboxNeed need = new SandboxNeed(access, target, thread.program());
		// What was read of a thread that is gone may be another's; and the thread that
		// starts the child is one of ours until then.
		if (!listener.isStillWaiting() || thread.isOurs()) {
			return;
		}
		this.known.add(access + target);
		if (this.known.size() == MAX_NEEDS) {
			logger.warn("A child needs more than {} things that its sandbox would deny: no more are reported",
					MAX_NEEDS);
		}
		try {
			this.consumer.accept(need);
		}
		catch (RuntimeException | Error ex) {
			Failures.log(logger, "What consumes the needs of an audited child has failed", ex);
		}
	}

}
