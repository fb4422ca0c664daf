package dev.tinyipc;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** A process that is killed leaves no contained child, however soon it is killed. */
@Timeout(180)
class OrphanGuardTests {

	/** Ignores all signals that can be ignored, reads nothing, and has such a child. */
	private static final String STUBBORN = "trap '' HUP INT TERM QUIT; setsid sleep 600.$0 & %s sleep 600.$0; exit";

	/** In the command line of all that must end, and of nothing else. */
	private final String sign = Long.toString(Math.abs(UUID.randomUUID().getMostSignificantBits()));

	@AfterEach
	void endWhatIsLeft() {
		running().forEach((pid) -> LibC.kill(pid, LibC.SIGKILL));
	}

	/** The child itself kills its parent: nobody could be faster. */
	@ParameterizedTest
	@ValueSource(strings = { "kill -9 $PPID;", "sleep 0.001; kill -9 $PPID;", "sleep 0.005; kill -9 $PPID;" })
	void aParentThatIsKilledByItsFirstChildLeavesNoneBehind(String end) throws Exception {
		for (int i = 0; i < 25; i++) {
			new ChildJvm(Parent.class, this.sign, STUBBORN.formatted(end)).start().waitFor();
			awaitNone();
		}
	}

	@Test
	void anUnprivilegedParentLeavesNoneBehindEither(@TempDir Path folder) throws Exception {
		new ChildJvm(Parent.class, this.sign, STUBBORN.formatted("kill -9 $PPID;")).asNobody(folder).start().waitFor();
		awaitNone();
	}

	@Test
	void aParentThatIsKilledLeavesNoZygoteBehindAndNothingThatWasForked() throws Exception {
		Process parent = new ChildJvm(ParentOfFork.class, this.sign).start();
		assertThat(parent.waitFor()).as("killed by the fork").isEqualTo(128 + LibC.SIGKILL);
		awaitNone();
	}

	@Test
	void aParentThatEndsByItselfLeavesNoneBehind() throws Exception {
		Process parent = new ChildJvm(Parent.class, this.sign, STUBBORN.formatted("echo >&3;")).start();
		assertThat(parent.waitFor()).isZero();
		awaitNone();
	}

	@Test
	void aGuardThatWasKilledIsReplacedAtOnce() throws Exception {
		Process parent = new ChildJvm(Parent.class, this.sign, STUBBORN.formatted("")).start();
		await().until(() -> running().size() >= 2);
		long guard = guard(parent);
		assertThat(guard).isPositive(); // with 0, this process would be killed
		LibC.kill((int) guard, LibC.SIGKILL);
		await().until(() -> guard(parent) > 0 && guard(parent) != guard);
		parent.destroyForcibly().waitFor();
		awaitNone();
	}

	/** As when it is killed before it has been told of the child that starts. */
	@Test
	void aGuardThatWasKilledBeforeTheFirstChildIsReplaced() throws Exception {
		Process parent = new ChildJvm(ParentBeforeItsFirstChild.class).start();
		try {
			await().until(() -> guard(parent) > 0);
			long guard = guard(parent);
			LibC.kill((int) guard, LibC.SIGKILL);
			await().until(() -> guard(parent) > 0 && guard(parent) != guard);
		}
		finally {
			parent.destroyForcibly().waitFor();
		}
	}

	static final class ParentBeforeItsFirstChild {

		public static void main(String[] args) throws Exception {
			OrphanGuard.ensure();
			Thread.sleep(Duration.ofMinutes(2).toMillis());
		}

	}

	static final class Parent {

		public static void main(String[] args) throws Exception {
			IpcProcess child = new IpcProcessBuilder("sh", "-c", args[1], args[0]).contained().start();
			Samples.receiveText(child.socket());
		}

	}

	static final class ParentOfFork {

		public static void main(String[] args) throws Exception {
			IpcProcessBuilder program = PythonZygote
				.programThatFirst("import subprocess, time; parent, arguments = os.getppid(), sys.argv");
			program.command().add("600." + args[0]);
			IpcZygote zygote = PythonZygote.start(program.contained());
			IpcProcess fork = zygote.fork(new IpcProcessBuilder().inheritIO().contained());
			fork.socket().send(Samples.bytes("""
					signal.signal(signal.SIGTERM, signal.SIG_IGN)
					subprocess.Popen(['setsid', 'sleep', arguments[1]])
					os.kill(parent, signal.SIGKILL)
					time.sleep(600)
					"""));
			Samples.receiveText(fork.socket());
		}

	}

	private static long guard(Process parent) {
		return parent.children()
			.filter((process) -> commandLine(process.pid()).contains(OrphanGuard.VARIABLE))
			.mapToLong(ProcessHandle::pid)
			.findFirst()
			.orElse(0);
	}

	private void awaitNone() {
		await().atMost(Duration.ofSeconds(20)).untilAsserted(() -> assertThat(running()).isEmpty());
	}

	private List<Integer> running() {
		try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
			return processes.map((process) -> process.getFileName().toString())
				.filter((name) -> name.matches("\\d+"))
				.map(Integer::valueOf)
				.filter((pid) -> commandLine(pid).contains("600." + this.sign)
						|| commandLine(pid).matches("(?s)sh\0-c\0trap.*" + this.sign + "\0"))
				.toList();
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	private static String commandLine(long pid) {
		try {
			return Files.readString(Path.of("/proc", Long.toString(pid), "cmdline"), StandardCharsets.ISO_8859_1);
		}
		catch (IOException ex) {
			return ""; // it has ended
		}
	}

}
