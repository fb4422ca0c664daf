package dev.tinyipc;

import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A child that has loaded everything and then, instead of serving, forks processes that
 * do: each starts within milliseconds, and shares the memory of what was loaded.
 *
 * <pre class="code">
 * try (IpcZygote zygote = IpcZygote.start(new IpcProcessBuilder("python3", "worker.py"), Deadline.NONE)) {
 *     IpcProcess child = zygote.fork(new IpcProcessBuilder().inheritIO());
 * </pre>
 *
 * A forked process is like any other {@link IpcProcess}, with a process id, a group, a
 * socket and streams of its own. It goes on if the zygote ends, but then it is not known
 * how it ends itself, unless this process adopts it.
 */
public final class IpcZygote implements Closeable {

	private static final Logger logger = LoggerFactory.getLogger(IpcZygote.class);

	/** Tells a child to be a zygote. */
	static final String VARIABLE = "TINY_IPC_ZYGOTE";

	static final String FORK = "zygote.fork";

	static final String REAP = "zygote.reap";

	/** A zygote that takes longer is stuck, and killed. */
	private static final Duration PATIENCE = Duration.ofSeconds(5);

	/** How long a program that will not fork may take to end. */
	private static final Duration GRACE = Duration.ofSeconds(2);

	private final IpcProcess process;

	private final IpcRequester requester;

	private final ReentrantLock turn = new ReentrantLock();

	/** Of the thread that watches all children, which must not wait. */
	private final ThreadPoolExecutor reaper = new ThreadPoolExecutor(1, 1, 10, TimeUnit.SECONDS,
			new LinkedBlockingQueue<>(), IpcZygote::thread);

	/** Forked processes that were not waited for. Guarded by this. */
	private int forks;

	/** The numbers of those. One that is told of twice would be two processes here. */
	private final Set<Integer> numbers = ConcurrentHashMap.newKeySet();

	private boolean closed;

	private volatile boolean usable = true;

	/** Whether it is known to have one thread. Guarded by the turn. */
	private boolean checked;

	private IpcZygote(IpcProcess process, IpcRequester requester) {
		this.process = process;
		this.requester = requester;
		this.reaper.allowCoreThreadTimeOut(true);
	}

	private static Thread thread(Runnable task) {
		Thread thread = new Thread(task, "tiny-ipc-zygote");
		thread.setDaemon(true);
		thread.setContextClassLoader(IpcZygote.class.getClassLoader());
		return thread;
	}

	/**
	 * Starts a program and waits until it can fork.
	 * @param builder the program, for which the variable {@value #VARIABLE} is set
	 * @param deadline how long the program may take to load everything
	 * @return the zygote
	 * @throws IpcException if the program ends before that, or does not say that it can
	 * fork; it is killed then
	 * @throws IOException as {@link IpcProcessBuilder#start()}
	 */
	public static IpcZygote start(IpcProcessBuilder builder, Deadline deadline) throws IOException {
		IpcProcess process;
		builder.environment().put(VARIABLE, "1");
		try {
			process = builder.start();
		}
		finally {
			builder.environment().remove(VARIABLE);
		}
		String program = '"' + builder.command().get(0) + '"'; // arguments may be secret
		try {
			IpcRequester requester = IpcRequester.over(IpcChannel.over(process.socket()),
					"the zygote (pid " + process.pid() + ')');
			requireForks(requester.awaitHello(deadline), program);
			return new IpcZygote(process, requester);
		}
		catch (IpcException.PeerClosed ex) {
			awaitEnd(process);
			String how = process.exitStatus().map((status) -> "has ended (" + status + ')').orElse("closed its socket");
			kill(process);
			throw new IpcException("The program " + program + ' ' + how + " before it could fork", ex);
		}
		catch (IpcException.Timeout ex) {
			kill(process);
			throw new IpcException.Timeout("The program " + program + " did not say in time that it can fork: "
					+ ex.getMessage() + ". It must use a library that knows the variable " + VARIABLE
					+ ", such as tiny_ipc for Python, and load what it needs in that time");
		}
		catch (IOException | RuntimeException | Error ex) {
			kill(process);
			throw ex;
		}
	}

	private static void requireForks(IpcHello hello, String program) throws IpcException {
		if (!hello.methods().orElse(List.of()).containsAll(List.of(FORK, REAP))) {
			throw new IpcException("The program " + program + " cannot fork: it serves requests itself, as if it did"
					+ " not know the variable " + VARIABLE + ". Start it without a zygote, or use a library that knows"
					+ " it, such as tiny_ipc for Python");
		}
	}

	private static void kill(IpcProcess process) {
		process.destroyForcibly();
		awaitEnd(process); // and for its last lines
		process.close();
	}

	/**
	 * Also in a thread that was interrupted: it takes milliseconds once it was killed.
	 */
	private static void awaitEnd(IpcProcess process) {
		boolean interrupted = Thread.interrupted();
		try {
			process.waitFor(GRACE.toMillis(), TimeUnit.MILLISECONDS);
		}
		catch (InterruptedException ex) {
			interrupted = true;
		}
		if (interrupted) {
			Thread.currentThread().interrupt();
		}
	}

	/**
	 * Forks a process.
	 * @param builder the streams of the new process, the spin time, the socket pair, and
	 * whether it is contained; of the sandbox only the limits. The rest, which includes
	 * command, environment, directory and profile, is that of the zygote, and not looked
	 * at
	 * @return the process
	 * @throws IpcException if the zygote cannot fork. One that is gone, stuck or has more
	 * than one thread is not {@linkplain #isUsable() usable} any more
	 * @throws IOException as {@link IpcProcessBuilder#start()}
	 */
	public IpcProcess fork(IpcProcessBuilder builder) throws IOException {
		return builder.start(this);
	}

	/**
	 * Has a process forked, whose descriptors become 0 to 3.
	 * @return its number, which stays its own until it is {@linkplain #reap reaped}
	 */
	int fork(List<OwnedFd> descriptors) throws IpcException {
		boolean forked = false;
		begin();
		try {
			int pid = lockedFork(descriptors);
			forked = true;
			return pid;
		}
		finally {
			if (!forked) {
				reaped();
			}
		}
	}

	/** From now on, it is not closed before this fork has been reaped. */
	private synchronized void begin() throws IpcException {
		if (!isUsable()) {
			throw new IpcException(this + " cannot fork any more");
		}
		this.forks++;
	}

	private int lockedFork(List<OwnedFd> descriptors) throws IpcException {
		this.turn.lock();
		try {
			if (!this.usable) { // it was found to be stuck meanwhile
				throw new IpcException(this + " cannot fork any more");
			}
			int pid = ask(FORK, null, descriptors.toArray(OwnedFd[]::new));
			check(pid);
			return pid;
		}
		finally {
			this.turn.unlock();
		}
	}

	/** A zygote in a sandbox must not have this process signal and limit any other. */
	private void check(int pid) throws IpcException {
		try {
			int parent = ForkFacts.parentOf(pid, process().pid())
				.orElseThrow(() -> new IpcException(this + " says that it has forked process " + pid
						+ ", which is not a descendant of it here. It must be in the same PID namespace as this process"));
			if (!this.numbers.add(pid)) {
				throw new IpcException(this + " says for the second time that it has forked process " + pid);
			}
			if (!this.checked) {
				List<String> threads = ForkFacts.otherThreadsOf(parent);
				if (!threads.isEmpty()) {
					LibC.kill(pid, LibC.SIGKILL);
					throw new IpcException(this + " has more than one thread, which a fork would not have: "
							+ String.join(", ", threads) + ". Its program must start threads in the forked processes"
							+ " only, or be started without a zygote");
				}
				this.checked = true;
			}
		}
		catch (IpcException ex) {
			giveUp();
			throw ex;
		}
	}

	/** Has a forked process waited for, without waiting for that here. */
	CompletableFuture<ExitStatus> reap(int pid) {
		CompletableFuture<ExitStatus> end = new CompletableFuture<>();
		try {
			this.reaper.execute(() -> {
				try {
					end.complete(ExitStatus.ofWaitStatus(askForEnd(pid)));
				}
				catch (IpcException | RuntimeException ex) {
					logger.debug("{} does not say how process {} has ended", this, pid, ex);
				}
				finally {
					end.complete(ExitStatus.UNKNOWN); // unless it is known
					reaped();
				}
			});
		}
		catch (OutOfMemoryError ex) { // there is no thread
			end.complete(ExitStatus.UNKNOWN);
			reaped();
		}
		return end;
	}

	private int askForEnd(int pid) throws IpcException {
		this.turn.lock();
		try {
			return ask(REAP, pid);
		}
		finally {
			this.numbers.remove(pid); // from now on, another one may get it
			this.turn.unlock();
		}
	}

	private int ask(String method, @Nullable Object payload, OwnedFd... descriptors) throws IpcException {
		try {
			Exchange exchange = this.requester.begin(Deadline.in(PATIENCE)).method(method);
			exchange.request(payload, descriptors);
			try (IpcMessage<Integer> reply = exchange.reply(Integer.class)) {
				return Optional.ofNullable(reply.payload())
					.orElseThrow(() -> new IpcException(this + " has answered " + method + " with null"));
			}
		}
		catch (IpcException.Remote ex) {
			throw ex; // it can still be asked
		}
		catch (IpcException | RuntimeException ex) {
			giveUp();
			throw ex;
		}
	}

	private void giveUp() {
		this.usable = false;
		this.process.destroyForcibly();
	}

	/**
	 * Whether it can fork.
	 * @return false once it was closed or has ended, or turned out to be unusable
	 */
	public synchronized boolean isUsable() {
		return this.usable && !this.closed && this.process.isAlive();
	}

	/**
	 * Its own process.
	 * @return the process, whose socket must not be used
	 */
	public IpcProcess process() {
		return this.process;
	}

	/**
	 * Forks no further processes. It ends when the last of those that it has forked has
	 * ended.
	 */
	@Override
	public void close() {
		boolean last;
		synchronized (this) {
			last = !this.closed && this.forks == 0;
			this.closed = true;
		}
		if (last) {
			end();
		}
	}

	private void reaped() {
		boolean last;
		synchronized (this) {
			this.forks--;
			last = this.closed && this.forks == 0;
		}
		if (last) {
			end();
		}
	}

	/** It exits at the end of its socket, with what its program does then. */
	private void end() {
		this.process.close();
		this.process.onExit().orTimeout(PATIENCE.toMillis(), TimeUnit.MILLISECONDS).exceptionally((late) -> {
			this.process.destroyForcibly();
			return this.process;
		});
	}

	@Override
	public String toString() {
		return "zygote (" + this.process + ')';
	}

}
