package dev.tinyipc;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Stream;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/** What happens to a child that exceeds a limit. */
@Timeout(60)
class ResourceLimitsTests {

	private static final long MIB = 1024 * 1024;

	/** {@code signal(7)}, on x86-64 and aarch64. */
	private static final OptionalInt SIGABRT = OptionalInt.of(6), SIGKILL = OptionalInt.of(9),
			SIGXCPU = OptionalInt.of(24), SIGXFSZ = OptionalInt.of(25);

	private static final String AS_SOON_AS_TOLD = """
			import errno, os, resource, signal, socket, threading
			s = socket.socket(fileno=3)
			s.recv(10)
			def reply(text): s.send(str(text).encode())
			""";

	private static final String AS_NOBODY = """
			if os.getuid() == 0:
			  os.setgroups([])
			  os.setgid(65534)
			  os.setuid(65534)
			""";

	@TempDir
	Path folder;

	@Test
	void allocationBeyondTheMemoryFailsAndTheChildLivesOn() throws Exception {
		String program = """
				below = bytearray(100 << 20)
				try: bytearray(300 << 20)
				except MemoryError: reply('MemoryError')
				""";
		try (IpcProcess child = start(ResourceLimits.NONE.memory(256 * MIB), program)) {
			assertThat(Samples.receiveText(child.socket())).isEqualTo("MemoryError");
			assertThat(child.waitFor()).isZero();
		}
	}

	@Test
	void childThatComputesForTooLongIsEndedByASignalThatSaysSo() throws Exception {
		try (IpcProcess child = start(cpuTime(Duration.ofMillis(300)), "while True: pass")) {
			child.waitFor();
			assertThat(child.exitStatus().orElseThrow().signal()).isEqualTo(SIGXCPU);
		}
	}

	@Test
	void childThatIgnoresThatSignalIsKilled() throws Exception {
		String program = """
				signal.signal(signal.SIGXCPU, signal.SIG_IGN)
				while True: pass
				""";
		try (IpcProcess child = start(cpuTime(Duration.ofSeconds(1)), program)) {
			child.waitFor();
			assertThat(child.exitStatus().orElseThrow().signal()).isEqualTo(SIGKILL);
		}
	}

	@Test
	void childCannotOpenMoreFiles() throws Exception {
		String program = """
				try:
				  while True: last = os.open('/dev/null', os.O_RDONLY)
				except OSError as e: reply([errno.errorcode[e.errno], last])
				""";
		try (IpcProcess child = start(new ResourceLimits(null, null, 20L, null, null, null), program)) {
			assertThat(Samples.receiveText(child.socket())).isEqualTo("['EMFILE', 19]");
		}
	}

	@Test
	void childCannotStartMoreProcesses() throws Exception {
		String program = """
				children = []
				try:
				  for i in range(100):
				    pid = os.fork()
				    if pid == 0: signal.pause()
				    children.append(pid)
				except OSError as e: reply(errno.errorcode[e.errno])
				for pid in children: os.kill(pid, signal.SIGKILL)
				""";
		try (IpcProcess child = start(new ResourceLimits(null, null, null, 60L, null, null), AS_NOBODY + program)) {
			assertThat(Samples.receiveText(child.socket())).isEqualTo("EAGAIN");
			assertThat(child.waitFor()).isZero();
		}
	}

	@Test
	void childCannotExtendAFileFurther() throws Exception {
		Path file = this.folder.resolve("file");
		String program = """
				f = os.open('%s', os.O_CREAT | os.O_WRONLY)
				reply(os.write(f, b'.' * 5000))
				try: os.write(f, b'.') # Python ignores the signal
				except OSError as e: reply(errno.errorcode[e.errno])
				signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
				os.write(f, b'.')
				""".formatted(file);
		try (IpcProcess child = start(new ResourceLimits(null, null, null, null, 1000L, null), program)) {
			assertThat(Samples.receiveText(child.socket())).isEqualTo("1000");
			assertThat(Samples.receiveText(child.socket())).isEqualTo("EFBIG");
			child.waitFor();
			assertThat(child.exitStatus().orElseThrow().signal()).isEqualTo(SIGXFSZ);
			assertThat(file).hasSize(1000);
		}
	}

	@Test
	void childWithAnyLimitLeavesNoCoreDump() throws Exception {
		String program = """
				hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
				resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
				os.chdir('%s')
				os.abort()
				""".formatted(this.folder);
		try (IpcProcess child = start(ResourceLimits.NONE.memory(256 * MIB), program)) {
			child.waitFor();
			assertThat(child.exitStatus().orElseThrow().signal()).isEqualTo(SIGABRT);
			assertThat(this.folder).isEmptyDirectory();
		}
		if (writesCoreDumpsIntoFolders()) {
			try (IpcProcess child = start(new ResourceLimits(null, null, null, null, null, null), program)) {
				child.waitFor();
				assertThat(this.folder).isNotEmptyDirectory();
			}
		}
	}

	private static boolean writesCoreDumpsIntoFolders() throws IOException {
		return Files.readString(Path.of("/proc/sys/kernel/core_pattern")).matches("[^|@/]+\\s*")
				&& !ResourceLimits.inForce(myself()).containsKey("RLIMIT_CORE");
	}

	@Test
	void allThreadsOfTheChildAreNicer() throws Exception {
		List<String> command = new ArrayList<>(List.of("python3", "-c", """
				import socket, threading
				s = socket.socket(fileno=3)
				threading.Thread(target=s.recv, args=[1]).start()
				s.send(b'started')
				"""));
		if (isRoot()) {
			command.addAll(0, List.of("nice", "-n", "-19")); // we may be nice ourselves
		}
		try (IpcProcess child = new IpcProcessBuilder(command).start()) {
			assertThat(Samples.receiveText(child.socket())).isEqualTo("started");
			long before = nice(Path.of("/proc/" + child.pid()));
			new ResourceLimits(null, null, null, null, null, 7).applyTo((int) child.pid());
			long after = Math.min(19, before + 7);
			assertThat(ResourceLimits.inForce((int) child.pid())).containsEntry("nice", after);
			try (Stream<Path> threads = Files.list(Path.of("/proc/" + child.pid() + "/task"))) {
				assertThat(threads.map(ResourceLimitsTests::nice)).hasSize(2).containsOnly(after);
			}
		}
	}

	private static long nice(Path process) {
		try {
			String stat = Files.readString(process.resolve("stat"));
			return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[16]);
		}
		catch (IOException ex) {
			throw new IllegalStateException(ex);
		}
	}

	@Test
	void limitsInForceAreReadBackAndInherited() throws Exception {
		ResourceLimits limits = new ResourceLimits(512 * MIB, Duration.ofMillis(1500), 100L, 5000L, 0L, null);
		String program = "reply(os.popen('ulimit -Hd; ulimit -Hn; ulimit -Hf').read().split())";
		try (IpcProcess child = start(limits, "s.recv(10)\n" + program)) {
			assertThat(ResourceLimits.inForce((int) child.pid())).containsAllEntriesOf(Map.of("RLIMIT_DATA", 512 * MIB,
					"RLIMIT_CPU", 2L, "RLIMIT_NOFILE", 100L, "RLIMIT_NPROC", 5000L, "RLIMIT_FSIZE", 0L));
			child.socket().send(Samples.bytes("go"));
			assertThat(Samples.receiveText(child.socket())).isEqualTo("['524288', '100', '0']");
		}
	}

	@Test
	void limitThatIsHigherThanOurOwnHasNoEffect() throws Exception {
		ResourceLimits limits = new ResourceLimits(null, null, Long.MAX_VALUE, null, null, null);
		try (IpcProcess child = start(limits, "s.recv(10)")) {
			assertThat(ResourceLimits.inForce((int) child.pid()).get("RLIMIT_NOFILE"))
				.isEqualTo(ResourceLimits.inForce(myself()).get("RLIMIT_NOFILE"));
		}
	}

	@Test
	void childThatHasEndedNeedsNoLimits() throws Exception {
		try (IpcProcess child = new IpcProcessBuilder("true").start()) {
			child.waitFor();
			new ResourceLimits(MIB, Duration.ofSeconds(1), 10L, 10L, 10L, 10).applyTo((int) child.pid());
			assertThat(ResourceLimits.inForce((int) child.pid())).isEmpty();
		}
	}

	@Test
	void limitsOfAnotherUsersProgramAreSetByPrivilegedProcessesOnly() throws Exception {
		Assumptions.assumeTrue(isRoot(), "only root can change its user");
		String program = "reply(os.getuid())\ns.recv(10)";
		try (IpcProcess child = start(ResourceLimits.NONE, AS_NOBODY + program)) {
			assertThat(Samples.receiveText(child.socket())).isEqualTo("65534");
			int pid = (int) child.pid();
			if (mayLimitEverybody()) {
				ResourceLimits.NONE.memory(MIB).applyTo(pid);
				assertThat(ResourceLimits.inForce(pid)).containsEntry("RLIMIT_DATA", MIB);
				return;
			}
			assertThat(ResourceLimits.inForce(pid)).doesNotContainKey("RLIMIT_NOFILE");
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> ResourceLimits.NONE.memory(MIB).applyTo(pid))
				.withMessage("prlimit failed: EPERM (Operation not permitted). The limits of a program that runs as"
						+ " another user, such as sudo, cannot be set");
		}
	}

	/** By {@code CAP_SYS_RESOURCE}, which root need not have in a container. */
	private static boolean mayLimitEverybody() throws IOException {
		return Files.readAllLines(Path.of("/proc/self/status"))
			.stream()
			.filter((line) -> line.startsWith("CapEff:"))
			.anyMatch((line) -> (Long.parseLong(line.substring(7).strip(), 16) >> 24 & 1) == 1);
	}

	@Test
	void limitsWithWhichNoChildCouldRunAreRefused() {
		assertThatIllegalArgumentException().isThrownBy(() -> ResourceLimits.NONE.memory(0))
			.withMessage("memory must be at least 1, and is 0");
		assertThatIllegalArgumentException().isThrownBy(() -> cpuTime(Duration.ZERO))
			.withMessage("cpuTime must be positive, and is PT0S");
		assertThatIllegalArgumentException().isThrownBy(() -> new ResourceLimits(null, null, 3L, null, null, null))
			.withMessage("openFiles must be at least 4, and is 3");
		assertThatIllegalArgumentException().isThrownBy(() -> new ResourceLimits(null, null, null, 0L, null, null))
			.withMessage("processes must be at least 1, and is 0");
		assertThatIllegalArgumentException().isThrownBy(() -> new ResourceLimits(null, null, null, null, -1L, null))
			.withMessage("fileSize must be at least 0, and is -1");
		assertThatIllegalArgumentException().isThrownBy(() -> new ResourceLimits(null, null, null, null, null, 20))
			.withMessage("nice must be from 0 to 19, and is 20");
	}

	private static ResourceLimits cpuTime(Duration time) {
		return new ResourceLimits(null, time, null, null, null, null);
	}

	private static boolean isRoot() {
		return "root".equals(System.getProperty("user.name"));
	}

	private static int myself() {
		return (int) ProcessHandle.current().pid();
	}

	private static IpcProcess start(ResourceLimits limits, String program) throws IOException {
		IpcProcess child = new IpcProcessBuilder("python3", "-c", AS_SOON_AS_TOLD + program)
			.sandbox(Sandbox.of(Sandbox.Profile.NONE).limits(limits))
			.redirectOutput(Redirect.INHERIT)
			.redirectError(Redirect.INHERIT)
			.start();
		child.socket().send(Samples.bytes("go"));
		return child;
	}

}
