package dev.tinyipc;

import java.util.Map;
import java.util.OptionalInt;

/**
 * How a process ended: with an exit code of its own, or killed by a signal
 * ({@code wait(2)}). Neither is known if other code in this process waited for it.
 *
 * @param code the exit code, 0 to 255; empty if a signal killed it
 * @param signal the number of the signal that killed it; empty if it ended itself
 */
public record ExitStatus(OptionalInt code, OptionalInt signal) {

	private static final Map<Integer, String> SIGNALS = Map.ofEntries(Map.entry(1, "SIGHUP"), Map.entry(2, "SIGINT"),
			Map.entry(3, "SIGQUIT"), Map.entry(4, "SIGILL"), Map.entry(5, "SIGTRAP"), Map.entry(6, "SIGABRT"),
			Map.entry(7, "SIGBUS"), Map.entry(8, "SIGFPE"), Map.entry(9, "SIGKILL"), Map.entry(10, "SIGUSR1"),
			Map.entry(11, "SIGSEGV"), Map.entry(12, "SIGUSR2"), Map.entry(13, "SIGPIPE"), Map.entry(14, "SIGALRM"),
			Map.entry(15, "SIGTERM"), Map.entry(24, "SIGXCPU: it used up its processor time"),
			Map.entry(25, "SIGXFSZ: it exceeded its largest file size"), Map.entry(31, "SIGSYS"));

	static final ExitStatus UNKNOWN = new ExitStatus(OptionalInt.empty(), OptionalInt.empty());

	/** What the JDK returns for a process that it lost track of. */
	private static final int UNKNOWN_VALUE = -1;

	/** What shells and the JDK add to the number of a signal to form a code. */
	private static final int SIGNAL_BASE = 128;

	/**
	 * Decodes the status of {@code waitpid(2)}: WTERMSIG in the low 7 bits, WEXITSTATUS
	 * above.
	 */
	static ExitStatus ofWaitStatus(int status) {
		int signal = status & 0x7f;
		return (signal == 0) ? new ExitStatus(OptionalInt.of((status >> 8) & 0xff), OptionalInt.empty())
				: new ExitStatus(OptionalInt.empty(), OptionalInt.of(signal));
	}

	/**
	 * Whether the process ended successfully.
	 * @return whether the exit code is 0
	 */
	public boolean isSuccess() {
		return this.code.equals(OptionalInt.of(0));
	}

	/**
	 * The value of {@link Process#exitValue()}, in which a signal looks like a code above
	 * 128.
	 * @return the exit code, or 128 and the signal's number, or -1 if neither is known
	 */
	public int exitValue() {
		if (this.signal.isPresent()) {
			return SIGNAL_BASE + this.signal.getAsInt();
		}
		return this.code.orElse(UNKNOWN_VALUE);
	}

	/** Such as {@code exit code 3} or {@code signal 9 (SIGKILL)}. */
	@Override
	public String toString() {
		if (this.code.isPresent()) {
			return "exit code " + this.code.getAsInt();
		}
		if (this.signal.isEmpty()) {
			return "unknown";
		}
		int number = this.signal.getAsInt();
		return "signal " + number + (SIGNALS.containsKey(number) ? " (" + SIGNALS.get(number) + ')' : "");
	}

}
