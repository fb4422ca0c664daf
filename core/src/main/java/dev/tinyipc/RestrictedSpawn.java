package dev.tinyipc;

import java.lang.ref.Reference;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A thread that restricts itself, starts a program, which inherits the restrictions, and
 * ends. It is used once and never pooled: a thread cannot get its rights back.
 * <p>
 * From the first of its calls on, this thread of the JVM may not open a file any more. So
 * it loads no class, logs nothing, throws nothing and starts no thread: it makes native
 * calls with numbers that are prepared beforehand, and leaves numbers behind. The first
 * one of this JVM is a {@linkplain #rehearse() rehearsal} that restricts nothing, after
 * which all that it uses is loaded. Garbage collection, safepoints and compilation are
 * other threads' work; a safepoint only makes this one wait. An agent that runs code of
 * its own at the end of each thread runs it with the restrictions, too.
 */
final class RestrictedSpawn extends Thread {

	/** Enough for native calls; the JVM rounds it up where it needs more. */
	private static final long STACK_SIZE = 128 * 1024;

	private static final NativeCall NO_CALL = NativeCall.of("none", -1, 0, 0, 0);

	private static boolean rehearsed;

	private final NativeCall[] restrictions;

	private final SpawnArguments arguments;

	private int failedCall = -1;

	private int error = Errno.EAGAIN.number; // if this thread ends in another way

	private RestrictedSpawn(List<NativeCall> restrictions, SpawnArguments arguments) {
		super(null, null, "tiny-ipc-restricted-spawn", STACK_SIZE, false);
		this.restrictions = restrictions.toArray(NativeCall[]::new);
		this.arguments = arguments;
		setDaemon(true);
		setContextClassLoader(null);
	}

	/**
	 * Starts a program under restrictions.
	 * @return the error number of {@code posix_spawnp}, 0 if the program was started
	 * @throws IpcException if a restriction failed; then nothing was started
	 */
	static int spawn(List<NativeCall> restrictions, SpawnArguments arguments) throws IpcException {
		rehearse();
		RestrictedSpawn thread = new RestrictedSpawn(restrictions, arguments);
		thread.startAndJoin();
		if (thread.failedCall >= 0) {
			throw failure(restrictions.get(thread.failedCall).name(), thread.error);
		}
		return thread.error;
	}

	private static IpcException failure(String call, int error) {
		if (SandboxGap.isForbidden(error)) {
			SandboxGap gap = SandboxGap.ofCall(call, error);
			return new IpcException.SandboxUnavailable(gap.reason(), gap.remedy());
		}
		return Errno.failure(call, error);
	}

	/**
	 * Makes calls in a thread that then ends, without starting a program.
	 * @return the error number of the first one that fails, 0 if none does
	 */
	static int tryOut(List<NativeCall> calls) throws IpcException {
		rehearse();
		return runWithoutProgram(calls);
	}

	/** Runs the same code without an effect: both calls fail. */
	private static synchronized void rehearse() throws IpcException {
		if (!rehearsed) {
			runWithoutProgram(List.of(NO_CALL.leavingResultIn(new AtomicLong())));
			runWithoutProgram(List.of());
			rehearsed = true;
		}
	}

	private static int runWithoutProgram(List<NativeCall> calls) throws IpcException {
		NativeBuffer zeroes = NativeBuffer.zeroed(Long.BYTES);
		long nothing = zeroes.address(); // no arguments, and an empty name
		RestrictedSpawn thread = new RestrictedSpawn(calls,
				new SpawnArguments(nothing, nothing, 0, 0, nothing, nothing));
		thread.startAndJoin();
		Reference.reachabilityFence(zeroes);
		return (thread.failedCall >= 0) ? thread.error : 0;
	}

	/** Starts a thread that the start of a child needs. */
	static void start(Thread thread) throws IpcException {
		try {
			thread.start();
		}
		catch (OutOfMemoryError ex) {
			throw new IpcException("The thread '" + thread.getName() + "', which a restricted child needs to start,"
					+ " cannot be created: there are too many threads, or too little memory is left", ex);
		}
	}

	private void startAndJoin() throws IpcException {
		start(this);
		boolean interrupted = false;
		while (true) {
			try {
				join();
				break;
			}
			catch (InterruptedException ex) {
				interrupted = true; // it takes a millisecond, and must not be left alone
			}
		}
		if (interrupted) {
			Thread.currentThread().interrupt();
		}
	}

	@Override
	public void run() {
		for (int i = 0; i < this.restrictions.length; i++) {
			if (this.restrictions[i].make() < 0) {
				this.error = Errno.last();
				this.failedCall = i;
				return;
			}
		}
		this.error = this.arguments.spawn();
	}

}
