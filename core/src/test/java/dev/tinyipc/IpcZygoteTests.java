package dev.tinyipc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

/** Processes that a zygote has forked are children like any other. */
@Timeout(120)
class IpcZygoteTests {

	@Test
	void forksAreProcessesOfTheirOwnThatShareWhatWasLoaded() throws Exception {
		try (IpcZygote zygote = PythonZygote.start(PythonZygote.programThatFirst("loaded = os.getpid()"));
				IpcProcess one = fork(zygote);
				IpcProcess other = fork(zygote)) {
			for (IpcProcess fork : List.of(one, other)) {
				assertThat(PythonZygote.run(fork, "say((os.getpid(), os.getpgid(0), loaded))"))
					.isEqualTo("(" + fork.pid() + ", " + fork.pid() + ", " + zygote.process().pid() + ")");
			}
			assertThat(one.pid()).isNotEqualTo(other.pid());
		}
	}

	@ParameterizedTest
	@CsvSource({ "os._exit(0),exit code 0", "os._exit(7),exit code 7",
			"'os.kill(os.getpid(), signal.SIGKILL)',signal 9 (SIGKILL)" })
	void itIsKnownHowAForkHasEnded(String end, String status) throws Exception {
		try (IpcZygote zygote = PythonZygote.start(); IpcProcess fork = fork(zygote)) {
			assertThat(fork.isAlive()).isTrue();
			fork.socket().send(Samples.bytes(end));
			fork.waitFor();
			assertThat(fork.exitStatus().orElseThrow()).hasToString(status);
			assertThat(Path.of("/proc", Long.toString(fork.pid()))).doesNotExist();
			assertThat(zygote.isUsable()).isTrue();
		}
	}

	@Test
	void aForkEndsAtTheEndOfItsSocket() throws Exception {
		try (IpcZygote zygote = PythonZygote.start(); IpcProcess fork = fork(zygote)) {
			fork.socket().shutdownOutput();
			assertThat(fork.waitFor()).isZero();
		}
	}

	@Test
	void theEndOfTheSocketIsSeenWhenAForkEndsWhileOthersRun() throws Exception {
		try (IpcZygote zygote = PythonZygote.start(); IpcProcess one = fork(zygote); IpcProcess other = fork(zygote)) {
			one.destroyForcibly();
			assertThat(one.socket().receive(ByteBuffer.allocate(10))).isNull();
			assertThat(PythonZygote.run(other, "say('there')")).isEqualTo("there");
		}
	}

	@Test
	void theLinesOfAForkAreItsOwnAndConsumedBeforeItsEnd() throws Exception {
		List<String> lines = new CopyOnWriteArrayList<>();
		List<String> ofZygote = new CopyOnWriteArrayList<>();
		IpcProcessBuilder program = PythonZygote.programThatFirst("print('loaded', flush=True)");
		try (IpcZygote zygote = PythonZygote.start(program.outputLines(ofZygote::add));
				IpcProcess fork = zygote.fork(new IpcProcessBuilder().outputLines(lines::add).errorLines(lines::add))) {
			fork.socket().send(Samples.bytes("print('out', flush=True); print('error', file=sys.stderr); os._exit(0)"));
			fork.waitFor();
			assertThat(lines).containsExactlyInAnyOrder("out", "error");
			await().until(() -> ofZygote.equals(List.of("loaded")));
		}
	}

	@Test
	void aContainedForkTakesWhatItStartedWithIt() throws Exception {
		try (IpcZygote zygote = PythonZygote.start(PythonZygote.program().contained());
				IpcProcess fork = zygote.fork(new IpcProcessBuilder().inheritIO().contained())) {
			long grandchild = Long
				.parseLong(PythonZygote.run(fork, "import subprocess; say(subprocess.Popen(['sleep', '600']).pid)"));
			assertThat(runs(grandchild)).isTrue();
			fork.destroy();
			fork.waitFor();
			assertThat(fork.exitStatus().orElseThrow()).hasToString("signal 15 (SIGTERM)");
			await().until(() -> !runs(grandchild));
		}
	}

	@Test
	void limitsAreThoseOfTheFork() throws Exception {
		ResourceLimits limits = new ResourceLimits(1L << 30, Duration.ofSeconds(100), 20L, null, 1000L, 5);
		try (IpcZygote zygote = PythonZygote.start();
				IpcProcess fork = zygote
					.fork(new IpcProcessBuilder().inheritIO().sandbox(Sandbox.of(Sandbox.Profile.NONE).limits(limits)));
				IpcProcess other = fork(zygote)) {
			assertThat(fork.protection().limits()).containsEntry("RLIMIT_DATA", 1L << 30)
				.containsEntry("RLIMIT_CPU", 100L)
				.containsEntry("RLIMIT_NOFILE", 20L)
				.containsEntry("RLIMIT_FSIZE", 1000L)
				.containsEntry("nice", Math.min(19, other.protection().limits().getOrDefault("nice", 0L) + 5));
			assertThat(PythonZygote.run(fork, "import resource; say(resource.getrlimit(resource.RLIMIT_NOFILE))"))
				.isEqualTo("(20, 20)");
			assertThat(other.protection().limits()).doesNotContainKeys("RLIMIT_DATA", "RLIMIT_CPU", "RLIMIT_FSIZE");
		}
	}

	@Test
	void aForkIsInTheSandboxOfItsZygote() throws Exception {
		IpcProcessBuilder program = PythonZygote.program();
		program.sandbox(Sandbox.of(Sandbox.Profile.LOCKED_DOWN));
		try (IpcZygote zygote = PythonZygote.start(program); IpcProcess fork = fork(zygote)) {
			assertThat(PythonZygote.run(fork, """
					try:
					    open('/proc/self/environ')
					    say('open')
					except PermissionError:
					    say('denied')
					""")).isEqualTo("denied");
			assertThat(fork.protection()).isEqualTo(zygote.process().protection());
			assertThat(fork.protection().profile()).isEqualTo(Sandbox.Profile.LOCKED_DOWN);
			assertThat(fork.protection().seccompFilters()).isPositive();
			fork.socket().send(Samples.bytes("os._exit(3)"));
			assertThat(fork.waitFor()).isEqualTo(3);
		}
	}

	@Test
	void forksGoOnWithoutTheZygoteButThenNobodyKnowsHowTheyEnd() throws Exception {
		try (IpcZygote zygote = PythonZygote.start(); IpcProcess fork = fork(zygote)) {
			zygote.process().destroyForcibly().waitFor();
			assertThat(zygote.isUsable()).isFalse();
			assertThat(PythonZygote.run(fork, "say('there')")).isEqualTo("there");
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> fork(zygote))
				.withMessageContaining("cannot fork any more");
			fork.destroyForcibly().waitFor();
			assertThat(fork.exitStatus().orElseThrow().toString()).isIn("unknown", "signal 9 (SIGKILL)");
			assertThat(runs(fork.pid())).isFalse();
		}
	}

	@Test
	void aClosedZygoteEndsAfterItsLastFork() throws Exception {
		IpcZygote zygote = PythonZygote.start();
		try (IpcProcess fork = fork(zygote)) {
			zygote.close();
			assertThat(zygote.isUsable()).isFalse();
			assertThat(zygote.process().isAlive()).isTrue();
			fork.socket().send(Samples.bytes("os._exit(4)"));
			assertThat(fork.waitFor()).isEqualTo(4);
			assertThat(zygote.process().waitFor()).isZero();
		}
	}

	@Test
	void aZygoteThatIsStuckIsKilledAndItsForksGoOn() throws Exception {
		try (IpcZygote zygote = PythonZygote.start(); IpcProcess fork = fork(zygote)) {
			LibC.kill((int) zygote.process().pid(), 19); // SIGSTOP
			assertThatExceptionOfType(IpcException.Timeout.class).isThrownBy(() -> fork(zygote));
			assertThat(zygote.process().waitFor()).isEqualTo(128 + LibC.SIGKILL);
			assertThat(PythonZygote.run(fork, "say('there')")).isEqualTo("there");
		}
	}

	@Test
	void forksGetNoDescriptorsButTheirOwnAndLeaveNothingBehind() throws Exception {
		try (IpcZygote zygote = PythonZygote.start()) {
			List<IpcProcess> forks = new ArrayList<>();
			for (int i = 0; i < 3; i++) {
				forks.add(fork(zygote));
			}
			for (IpcProcess fork : forks) {
				// Once it answers, it has closed what came with the request.
				assertThat(PythonZygote.run(fork, "say('there')")).isEqualTo("there");
				assertThat(descriptorsOf(fork.pid())).containsExactlyInAnyOrder("0", "1", "2", "3");
				fork.close();
				fork.waitFor();
			}
			long ours = descriptorsOf(ProcessHandle.current().pid()).size();
			for (int i = 0; i < 200; i++) {
				try (IpcProcess fork = fork(zygote)) {
					fork.destroyForcibly().waitFor();
				}
			}
			assertThat(descriptorsOf(zygote.process().pid())).containsExactlyInAnyOrder("0", "1", "2", "3");
			assertThat(childrenOf(zygote.process().pid())).isEmpty();
			await().until(() -> descriptorsOf(ProcessHandle.current().pid()).size() <= ours);
		}
	}

	@Test
	void aZygoteCannotHaveOtherProcessesSignalled() throws Exception {
		IpcProcessBuilder program = PythonZygote
			.program("hello('zygote.fork', 'zygote.reap'); serve(lambda files: os.getppid())");
		try (IpcZygote zygote = PythonZygote.start(program)) {
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> fork(zygote))
				.withMessageContaining("says that it has forked process " + ProcessHandle.current().pid()
						+ ", which is not a descendant of it");
			assertThat(zygote.process().waitFor()).isEqualTo(128 + LibC.SIGKILL);
		}
	}

	@Test
	void aZygoteCannotPassOneProcessOffAsTwo() throws Exception {
		IpcProcessBuilder program = PythonZygote.program("""
				forked = os.fork()
				if forked == 0:
				    os.setpgid(0, 0)
				    signal.pause()
				os.setpgid(forked, forked)
				hello('zygote.fork', 'zygote.reap')
				serve(lambda files: forked)
				""");
		try (IpcZygote zygote = PythonZygote.start(program.contained()); IpcProcess fork = fork(zygote)) {
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> fork(zygote))
				.withMessageContaining("says for the second time that it has forked process " + fork.pid());
			assertThat(zygote.isUsable()).isFalse();
			fork.destroyForcibly().waitFor();
		}
	}

	@Test
	void aZygoteWithMoreThanOneThreadIsRefused() throws Exception {
		IpcProcessBuilder program = PythonZygote
			.programThatFirst("threading.Thread(target=threading.Event().wait, daemon=True).start()");
		try (IpcZygote zygote = PythonZygote.start(program)) {
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> fork(zygote))
				.withMessageContaining("has more than one thread, which a fork would not have: ")
				.withMessageContaining("start threads in the forked processes only, or be started without a zygote");
			assertThat(zygote.isUsable()).isFalse();
		}
	}

	@Test
	void aThreadCountsWhateverItCallsItself() throws Exception {
		IpcProcessBuilder program = PythonZygote.programThatFirst("""
				named = threading.Event()
				def odd():
				    open(f'/proc/self/task/{threading.get_native_id()}/comm', 'wb').write(b'\\xe4')
				    named.set()
				    threading.Event().wait()
				threading.Thread(target=odd, daemon=True).start()
				named.wait()
				""");
		try (IpcZygote zygote = PythonZygote.start(program)) {
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> fork(zygote))
				.withMessageContaining("has more than one thread, which a fork would not have: \ufffd.");
		}
	}

	/** The kernel cuts the name of a program in the middle of a character. */
	@Test
	void aProcessMayCallItselfWhatItWants() throws Exception {
		IpcProcessBuilder program = PythonZygote
			.programThatFirst("open('/proc/self/comm', 'wb').write(b') Z 1 \\xe4')");
		ResourceLimits limits = new ResourceLimits(null, null, 20L, null, null, 1);
		try (IpcZygote zygote = PythonZygote.start(program);
				IpcProcess fork = zygote.fork(
						new IpcProcessBuilder().inheritIO().sandbox(Sandbox.of(Sandbox.Profile.NONE).limits(limits)))) {
			assertThat(PythonZygote.run(fork, "say('there')")).isEqualTo("there");
			assertThat(fork.protection().limits()).containsEntry("RLIMIT_NOFILE", 20L).containsKey("nice");
		}
	}

	@Test
	void aProgramThatServesItselfIsRefused() throws Exception {
		IpcProcessBuilder program = PythonZygote.program("hello('scale'); zygote.recv(1)");
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> PythonZygote.start(program))
			.withMessageContaining("cannot fork: it serves requests itself");
	}

	@Test
	void aProgramThatEndsIsRefused() throws Exception {
		IpcProcessBuilder program = PythonZygote.program("sys.exit(3)");
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> PythonZygote.start(program))
			.withMessageContaining("has ended (exit code 3) before it could fork");
	}

	@Test
	void aProgramThatDoesNotKnowOfZygotesIsRefusedOnceTheTimeIsUp() throws Exception {
		IpcProcessBuilder program = PythonZygote.program("zygote.recv(1)");
		assertThatExceptionOfType(IpcException.Timeout.class)
			.isThrownBy(() -> IpcZygote.start(program, Deadline.in(Duration.ofMillis(200))))
			.withMessageContaining("did not say in time that it can fork")
			.withMessageContaining("TINY_IPC_ZYGOTE");
		assertThat(program.environment()).doesNotContainKey("TINY_IPC_ZYGOTE");
	}

	private static IpcProcess fork(IpcZygote zygote) throws IOException {
		return zygote.fork(new IpcProcessBuilder().inheritIO());
	}

	private static boolean runs(long pid) throws IOException {
		Path stat = Path.of("/proc", Long.toString(pid), "stat");
		try {
			return !Files.readString(stat).contains(") Z ");
		}
		catch (IOException ex) {
			return false;
		}
	}

	private static List<String> descriptorsOf(long pid) throws IOException {
		try (Stream<Path> files = Files.list(Path.of("/proc", Long.toString(pid), "fd"))) {
			return files.map((file) -> file.getFileName().toString()).toList();
		}
	}

	private static String childrenOf(long pid) throws IOException {
		return Files.readString(Path.of("/proc/" + pid + "/task/" + pid + "/children"));
	}

}
