package dev.tinyipc;

import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;

/**
 * Starts a program as a child process that inherits one end of a socket pair. Use it like
 * {@link ProcessBuilder}, whose names it shares:
 *
 * <pre class="code">
 * IpcProcess child = new IpcProcessBuilder("python3", "worker.py").inheritIO().start();
 * IpcChannel channel = IpcChannel.over(child.socket());
 * </pre>
 *
 * The child's end is descriptor 3, and the environment variable
 * {@value IpcSocket#FD_VARIABLE} says so. The child gets 0, 1, 2 and 3 and no other
 * descriptor of this process, an empty signal mask, default signal actions and its own
 * process group. When the child ends, this process sees the end of the stream, and vice
 * versa.
 */
public final class IpcProcessBuilder {

	/** The number of the socket in the child. */
	private static final int CHILD_FD = 3;

	/** The prefix of the variables that a parent sets for its child. */
	private static final String VARIABLE_PREFIX = "TINY_IPC_";

	/** Holds and checks the settings that the two builders share. It starts nothing. */
	private final ProcessBuilder settings;

	private @Nullable IpcSocketPair pair;

	private @Nullable Consumer<String> outputLines;

	private @Nullable Consumer<String> errorLines;

	private boolean contained;

	private @Nullable Consumer<SandboxNeed> needs;

	private Sandbox sandbox = Sandbox.of(Sandbox.Profile.NONE);

	private Duration spinTime = Duration.ZERO;

	/**
	 * Creates a builder for a program.
	 * @param command the program, which is looked up in PATH if its name has no slash,
	 * and its arguments
	 */
	public IpcProcessBuilder(String... command) {
		this(new ProcessBuilder(command));
	}

	/**
	 * Creates a builder for a program.
	 * @param command the program and its arguments
	 */
	public IpcProcessBuilder(List<String> command) {
		this(new ProcessBuilder(new ArrayList<>(command)));
	}

	private IpcProcessBuilder(ProcessBuilder settings) {
		this.settings = settings;
		// They concern this process and its own parent.
		settings.environment().keySet().removeIf((name) -> name.startsWith(VARIABLE_PREFIX));
	}

	/**
	 * The program and its arguments.
	 * @return the list, which can be changed
	 */
	public List<String> command() {
		return this.settings.command();
	}

	/**
	 * The child's environment: at first a copy of this process's, without the variables
	 * {@code TINY_IPC_*} that its own parent may have set. {@link #start()} adds
	 * {@value IpcSocket#FD_VARIABLE}.
	 * @return the map, which can be changed
	 */
	public Map<String, String> environment() {
		return this.settings.environment();
	}

	/**
	 * Sets the child's working directory.
	 * @param directory null, the default, for this process's own
	 * @return this builder
	 */
	public IpcProcessBuilder directory(@Nullable File directory) {
		this.settings.directory(directory);
		return this;
	}

	/**
	 * Sets where the child's standard input comes from.
	 * @param source a pipe by default
	 * @return this builder
	 */
	public IpcProcessBuilder redirectInput(Redirect source) {
		this.settings.redirectInput(source);
		return this;
	}

	/**
	 * Sets where the child's standard output goes.
	 * @param destination a pipe by default, which must be read: a child blocks once it
	 * has written 64 KiB that nobody reads
	 * @return this builder
	 */
	public IpcProcessBuilder redirectOutput(Redirect destination) {
		this.settings.redirectOutput(destination);
		return this;
	}

	/**
	 * Sets where the child's standard error goes.
	 * @param destination a pipe by default, as for {@link #redirectOutput}
	 * @return this builder
	 */
	public IpcProcessBuilder redirectError(Redirect destination) {
		this.settings.redirectError(destination);
		return this;
	}

	/**
	 * Passes each line of the child's standard output to a consumer. A line is UTF-8; one
	 * of more than 64 KiB is cut, and says so. The lines of a child are consumed one at a
	 * time, by this library's threads. Once 256 KiB of lines wait, the child waits for a
	 * slow consumer, for up to a second at a time; then lines are dropped, and a line
	 * that says how many takes their place. A consumer that blocks delays only the lines
	 * of its own child, unless more than eight block. The end of the child is reported
	 * once its lines have been consumed, but no more than two seconds late. What other
	 * processes write to the output is read for a second after the end.
	 * @param lines consumes each line, without its end
	 * @return this builder
	 */
	public IpcProcessBuilder outputLines(Consumer<String> lines) {
		this.outputLines = lines;
		return redirectOutput(Redirect.PIPE);
	}

	/**
	 * Passes each line of the child's standard error to a consumer, as
	 * {@link #outputLines} does.
	 * @param lines consumes each line, without its end
	 * @return this builder
	 */
	public IpcProcessBuilder errorLines(Consumer<String> lines) {
		this.errorLines = lines;
		return redirectError(Redirect.PIPE);
	}

	/**
	 * Contains the child: when it ends, every process of its group is killed, so that no
	 * grandchild is left behind. When this process ends, in any way, they are killed too,
	 * even those that have left the group but inherited the child's environment.
	 * {@link IpcProcess#destroy()} then signals the whole group.
	 * @return this builder
	 */
	public IpcProcessBuilder contained() {
		this.contained = true;
		return this;
	}

	/**
	 * Restricts the child. A policy that keeps the environment clean removes the other
	 * variables from {@link #environment()} now; those that are set afterwards stay. A
	 * command of {@code java} that is locked down is told the folder where this process
	 * has unpacked JNA's native library ({@code -Djna.boot.library.path}).
	 * @param sandbox what the child may do
	 * @return this builder
	 */
	public IpcProcessBuilder sandbox(Sandbox sandbox) {
		this.sandbox = sandbox;
		environment().keySet().removeIf((name) -> !sandbox.environmentPolicy().keeps(name));
		return this;
	}

	/**
	 * Finds out what the child's sandbox would deny: the child <em>is not restricted</em>
	 * then, but each thing that it does and may not do is passed to a consumer, once.
	 * This also covers whatever the child starts. It is for development, and makes each
	 * call that opens a file take tens of microseconds longer.
	 * <p>
	 * The child waits while the consumer runs, which so must neither block nor ask the
	 * child anything. When the child has ended, all that it needed has been consumed;
	 * what it started goes on being audited. {@link Sandbox#allow} turns the needs into a
	 * sandbox.
	 * @param needs consumes what would be refused by a sandbox with a profile, which must
	 * be set, too
	 * @return this builder
	 */
	public IpcProcessBuilder auditSandbox(Consumer<SandboxNeed> needs) {
		this.needs = needs;
		return this;
	}

	/**
	 * Sets how long both ends spin before they go to sleep, see
	 * {@link IpcSocket#setSpinTime}. {@link IpcSocket#inherited()} applies it in a child
	 * in Java; others find the time in {@value InheritedSocket#SPIN_VARIABLE}, in
	 * microseconds.
	 * @param limit zero, the default, never to spin
	 * @return this builder
	 */
	public IpcProcessBuilder spinTime(Duration limit) {
		this.spinTime = Spin.checkLimit(limit);
		return this;
	}

	/**
	 * Sets whether standard error goes where standard output goes.
	 * @param redirectErrorStream false by default
	 * @return this builder
	 */
	public IpcProcessBuilder redirectErrorStream(boolean redirectErrorStream) {
		this.settings.redirectErrorStream(redirectErrorStream);
		return this;
	}

	/**
	 * Gives the child this process's standard input, output and error.
	 * @return this builder
	 */
	public IpcProcessBuilder inheritIO() {
		this.settings.inheritIO();
		return this;
	}

	/**
	 * Uses an existing socket pair for the next start, which closes the child's end in
	 * this process, and if it fails also the parent's end.
	 * @param pair the pair; without one, {@link #start()} creates one
	 * @return this builder
	 */
	public IpcProcessBuilder socketPair(IpcSocketPair pair) {
		this.pair = pair;
		return this;
	}

	/**
	 * Starts the program ({@code posix_spawnp(3)}).
	 * @return the child
	 * @throws IpcException if the program cannot be started: the message names it and the
	 * reason, and nothing is left open
	 * @throws IOException if a file for the child's input or output cannot be opened
	 * @throws IllegalArgumentException if an argument, a variable or a path contains a
	 * NUL
	 */
	public IpcProcess start() throws IOException {
		return start(null);
	}

	/** Starts the program, or has a zygote fork. */
	IpcProcess start(@Nullable IpcZygote zygote) throws IOException {
		IpcSocketPair sockets = (this.pair != null) ? this.pair : IpcSocket.pair();
		this.pair = null;
		ChildStreams streams = new ChildStreams();
		IpcProcess process = null;
		try {
			process = start(sockets, streams, zygote);
			return process;
		}
		finally {
			sockets.child().close();
			streams.closeChildEnds();
			if (process == null) {
				sockets.parent().close();
				streams.closeParentEnds();
			}
		}
	}

	private IpcProcess start(IpcSocketPair sockets, ChildStreams streams, @Nullable IpcZygote zygote)
			throws IOException {
		if (zygote == null) {
			checkProgram();
		}
		List<OwnedFd> descriptors = descriptors(sockets, streams);
		if (zygote == null) {
			return spawn(descriptors, sockets, streams);
		}
		int pid = zygote.fork(descriptors);
		return supervise(pid, zygote::reap,
				() -> Protection.applyToFork(pid, this.sandbox.limits(), zygote.process().protection()), sockets,
				streams);
	}

	private List<OwnedFd> descriptors(IpcSocketPair sockets, ChildStreams streams) throws IpcException {
		streams.input(this.settings.redirectInput());
		streams.output(this.settings.redirectOutput());
		if (this.settings.redirectErrorStream()) {
			streams.errorToOutput();
		}
		else {
			streams.error(this.settings.redirectError());
		}
		streams.readLines(1, this.outputLines);
		streams.readLines(2, this.errorLines);
		if (!this.spinTime.isZero()) {
			sockets.parent().setSpinTime(this.spinTime);
		}
		if (this.contained) {
			OrphanGuard.ensure(); // first, so that no child runs unguarded
		}
		List<OwnedFd> descriptors = streams.childEnds();
		descriptors.add(CHILD_FD, sockets.child().descriptor());
		return descriptors;
	}

	private IpcProcess spawn(List<OwnedFd> descriptors, IpcSocketPair sockets, ChildStreams streams)
			throws IOException {
		Map<String, String> variables = childEnvironment();
		File directory = this.settings.directory();
		ProgramNeeds needs = (this.sandbox.profile() == Sandbox.Profile.LOCKED_DOWN)
				? ProgramNeeds.of(command(), variables, directory, this.sandbox.executable()) : null;
		try (Restrictions restrictions = restrictions(needs)) {
			int pid = PosixSpawn.spawn((needs != null) ? needs.command() : command(),
					(needs != null) ? needs.program() : null, variables, directory, descriptors, restrictions);
			return supervise(pid, null, () -> Protection.apply(pid, this.sandbox, restrictions), sockets, streams);
		}
	}

	private Restrictions restrictions(@Nullable ProgramNeeds needs) throws IpcException {
		return (this.needs != null) ? Restrictions.auditing(this.sandbox, needs, this.needs)
				: Restrictions.of(this.sandbox, needs);
	}

	private IpcProcess supervise(int pid, @Nullable ChildReaper reaper, Protection.Step step, IpcSocketPair sockets,
			ChildStreams streams) throws IpcException {
		Protection protection = null;
		IpcException failure = null;
		try {
			// While nobody waits for the child, its number cannot become another's.
			protection = step.take();
		}
		catch (IpcException ex) {
			failure = ex;
		}
		ChildExit child = ChildWatcher.watch(pid, this.contained, sockets.parent().descriptor(), streams, reaper);
		try {
			if (protection == null) {
				throw Objects.requireNonNull(failure);
			}
			return new IpcProcess(child, sockets.parent(), streams, protection);
		}
		catch (IpcException | RuntimeException | Error ex) {
			child.signal(LibC.SIGKILL); // nobody would know of it
			throw ex;
		}
	}

	private Map<String, String> childEnvironment() {
		Map<String, String> variables = new LinkedHashMap<>(environment());
		variables.put(IpcSocket.FD_VARIABLE, Integer.toString(CHILD_FD));
		if (this.spinTime.isZero()) {
			variables.remove(InheritedSocket.SPIN_VARIABLE);
		}
		else {
			variables.put(InheritedSocket.SPIN_VARIABLE, Long.toString(this.spinTime.toNanos() / 1000));
		}
		if (this.contained) {
			variables.put(OrphanGuard.VARIABLE, OrphanGuard.MARK);
		}
		return variables;
	}

	private void checkProgram() throws IpcException {
		if (command().isEmpty() || command().get(0).isEmpty()) {
			throw new IpcException("Cannot run a program: the command is empty");
		}
		if (this.needs != null && this.sandbox.profile() == Sandbox.Profile.NONE) {
			throw new IllegalStateException("There is no sandbox to audit: set one with a profile");
		}
		// The spawn itself would fail with "no such file", without saying which.
		File directory = this.settings.directory();
		if (directory != null && !directory.isDirectory()) {
			throw new IpcException("Cannot run program \"" + command().get(0) + "\" (in directory \"" + directory
					+ "\"): there is no such directory");
		}
	}

}
