package dev.tinyipc;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.stream.Stream;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.awaitility.Awaitility.await;

/** What an audit tells of a child, and that it neither disturbs nor loses one. */
@Timeout(120)
class SandboxAuditTests {

	private static final Sandbox LOCKED_DOWN = Sandbox.of(Sandbox.Profile.LOCKED_DOWN);

	private final List<SandboxNeed> needs = new CopyOnWriteArrayList<>();

	@TempDir
	Path temporary;

	private Path folder;

	@BeforeEach
	void resolve() throws IOException {
		this.folder = this.temporary.toRealPath();
	}

	@Test
	void whatIsReadAndExecutedIsToldWithTheProgramAndHappens() throws Exception {
		Path file = Files.writeString(this.folder.resolve("file"), "content");
		Path copy = Files.copy(Path.of("/bin/cat").toRealPath(), this.folder.resolve("copy-of-cat"));
		try (IpcProcess child = audited(LOCKED_DOWN, "sh", "-c", copy + " " + file + " >&3")) {
			assertThat(Samples.receiveText(child.socket())).isEqualTo("content");
			assertThat(child.waitFor()).isZero();
			assertThat(child.protection().missing()).anyMatch((text) -> text.contains("audited"));
		}
		assertThat(here()).containsExactly(new SandboxNeed(SandboxNeed.Access.EXECUTE, copy.toString(), program("sh")),
				new SandboxNeed(SandboxNeed.Access.READ, file.toString(), copy.toString()));
	}

	private static String program(String name) throws IOException {
		return Path.of("/bin", name).toRealPath().toString();
	}

	@Test
	void whatIsAllowedAndWhatFailsAnywayIsNotTold() throws Exception {
		Path file = Files.writeString(this.folder.resolve("file"), "content");
		Path written = Files.createDirectory(this.folder.resolve("written"));
		Sandbox sandbox = LOCKED_DOWN.read(List.of(file)).write(List.of(written));
		run(sandbox, "sh", "-c", """
				read line < $1
				echo x > $2/new && echo y >> $2/new && read line < $2/new
				for path in $1/below $3/missing $3/missing/below; do (: < $path); (: > $path/x); done 2> /dev/null
				:
				""", "sh", file, written, this.folder.resolve("no"));
		assertThat(here()).isEmpty();
	}

	@Test
	void changesInAFolderAreToldByTheFolderAndThoseOfAFileByTheFile() throws Exception {
		Path create = Files.createDirectory(this.folder.resolve("create"));
		Path remove = Files.createDirectory(this.folder.resolve("remove"));
		Path changed = Files.writeString(this.folder.resolve("changed"), "x");
		Files.writeString(remove.resolve("file"), "x");
		run(LOCKED_DOWN.execute(List.of(Path.of("/bin/rm"))), "sh", "-c", "echo x > $1/new; echo y >> $2; rm $3/file",
				"sh", create, changed, remove);
		assertThat(here()).extracting(SandboxNeed::access).containsOnly(SandboxNeed.Access.WRITE);
		assertThat(here()).extracting(SandboxNeed::path).containsExactly(create, changed, remove);
		assertThat(Files.exists(remove.resolve("file"))).isFalse();
	}

	@Test
	void symbolicLinksCountForWhatTheyLeadTo() throws Exception {
		Path allowed = Files.createDirectory(this.folder.resolve("allowed"));
		Path outside = Files.writeString(this.folder.resolve("outside"), "x");
		Path inside = Files.writeString(allowed.resolve("inside"), "x");
		Path outwards = Files.createSymbolicLink(allowed.resolve("outwards"), outside);
		Path inwards = Files.createSymbolicLink(this.folder.resolve("inwards"), inside);
		run(LOCKED_DOWN.read(List.of(allowed)), "sh", "-c", "read x < $1; read x < $2; cd $3; read x < ../outside; :",
				"sh", outwards, inwards, allowed);
		assertThat(here()).extracting(SandboxNeed::path).containsExactly(outside);
	}

	@Test
	void networkIsToldAlthoughNoPathAllowsIt() throws Exception {
		try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
			run(Sandbox.of(Sandbox.Profile.NO_NETWORK), "python3", "-c", """
					import socket, sys
					socket.create_connection(('127.0.0.1', int(sys.argv[1]))).close()
					s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[2]); s.listen()
					c = socket.socket(socket.AF_UNIX)
					try: c.connect('/no/such/socket')
					except FileNotFoundError: pass
					c.connect('\\0tiny-ipc-no-such') if len(sys.argv) > 3 else c.connect(sys.argv[2])
					""", server.getLocalPort(), this.folder.resolve("socket"));
			assertThat(this.needs).extracting(SandboxNeed::access).containsOnly(SandboxNeed.Access.OTHER);
			assertThat(this.needs).extracting(SandboxNeed::target)
				.contains("socket: IPv4, stream", "connect to 127.0.0.1:" + server.getLocalPort(),
						"bind to " + this.folder.resolve("socket"), "connect to " + this.folder.resolve("socket"))
				.noneMatch((target) -> target.contains("no/such"));
		}
	}

	@Test
	void deniedCallsAreToldAndMadeButForIoUringWhichWouldHideOthers() throws Exception {
		Path file = Files.writeString(this.folder.resolve("file"), "x");
		run(LOCKED_DOWN.write(List.of(file)), "python3", "-c", """
				import ctypes, errno, os, sys
				os.chmod(sys.argv[1], 0o640)
				try: os.chmod(sys.argv[1] + '-missing', 0o640)
				except FileNotFoundError: pass
				c = ctypes.CDLL(None, use_errno=True)
				assert c.syscall(425, 1, ctypes.create_string_buffer(120)) == -1 and ctypes.get_errno() == errno.EPERM
				""", file);
		assertThat(this.needs).extracting(SandboxNeed::target).contains("io_uring_setup", "chmod " + file);
		assertThat(this.needs).extracting(SandboxNeed::target).noneMatch((target) -> target.contains("missing"));
		assertThat(Files.getPosixFilePermissions(file)).contains(PosixFilePermission.GROUP_READ);
	}

	@Test
	void filesOfTheProcessItselfAreToldAsSuch() throws Exception {
		run(LOCKED_DOWN, "sh", "-c", "read x < /proc/self/status; read x < /proc/$$/stat; read x < /proc/$PPID/stat");
		assertThat(this.needs).extracting(SandboxNeed::access).containsOnly(SandboxNeed.Access.OTHER);
		assertThat(this.needs).extracting(SandboxNeed::target)
			.containsExactly("read /proc/self/status", "read /proc/self/stat",
					"read /proc/" + ProcessHandle.current().pid() + "/stat");
	}

	@Test
	void grandchildThatOutlivesTheChildIsAuditedToItsEnd() throws Exception {
		Path file = Files.writeString(this.folder.resolve("file"), "late");
		try (IpcProcess child = new IpcProcessBuilder("python3", "-c", """
				import os, sys
				if os.fork() == 0:
				    os.setsid()
				    os.read(0, 1)
				    os.write(1, open(sys.argv[1], 'rb').read())
				""", file.toString()).sandbox(LOCKED_DOWN).auditSandbox(this.needs::add).start()) {
			assertThat(child.waitFor()).isZero();
			assertThat(here()).isEmpty();
			child.getOutputStream().write('!');
			assertThat(new String(child.getInputStream().readAllBytes())).isEqualTo("late");
		}
		assertThat(here()).extracting(SandboxNeed::path).containsExactly(file);
		awaitEndOfAudits();
	}

	@Test
	void childThatIsKilledWhileItsCallIsLookedAtEnds() throws Exception {
		Path file = Files.writeString(this.folder.resolve("file"), "x");
		CountDownLatch asked = new CountDownLatch(1);
		CountDownLatch answer = new CountDownLatch(1);
		Consumer<SandboxNeed> blocks = (need) -> {
			asked.countDown();
			awaitUninterruptibly(answer);
		};
		try (IpcProcess child = new IpcProcessBuilder("sh", "-c", "read x < " + file).sandbox(LOCKED_DOWN)
			.auditSandbox(blocks)
			.start()) {
			asked.await();
			child.destroyForcibly();
			assertThat(child.waitFor()).isEqualTo(128 + LibC.SIGKILL);
		}
		finally {
			answer.countDown();
		}
		awaitEndOfAudits();
	}

	private static void awaitUninterruptibly(CountDownLatch latch) {
		try {
			latch.await();
		}
		catch (InterruptedException ex) {
			throw new IllegalStateException(ex);
		}
	}

	@Test
	void manyThreadsThatWaitForASlowConsumerLoseNothing() throws Exception {
		int threads = 16;
		int files = 50;
		for (int i = 0; i < threads * files; i++) {
			Files.writeString(this.folder.resolve("file-" + i), "x");
		}
		CompletableFuture<Long> pid = new CompletableFuture<>();
		Consumer<SandboxNeed> slow = (need) -> {
			this.needs.add(need);
			if (here().size() == 1) {
				await().atMost(Duration.ofSeconds(30)).until(() -> threadsThatOpen(pid.join()) >= 4);
			}
			if (here().size() == files) {
				throw new IllegalStateException("expected: a consumer that fails");
			}
		};
		try (IpcProcess child = new IpcProcessBuilder("python3", "-c", """
				import sys, threading
				folder, threads, files = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
				def work(n):
				    for i in range(files):
				        for twice in range(2):
				            open('%s/file-%d' % (folder, n * files + i)).close()
				all = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
				for t in all: t.start()
				for t in all: t.join()
				""", this.folder.toString(), Integer.toString(threads), Integer.toString(files)).inheritIO()
			.sandbox(LOCKED_DOWN)
			.auditSandbox(slow)
			.start()) {
			pid.complete(child.pid());
			assertThat(child.waitFor()).isZero();
		}
		assertThat(here()).extracting(SandboxNeed::path).doesNotHaveDuplicates().hasSize(threads * files);
	}

	private static long threadsThatOpen(long pid) throws IOException {
		try (Stream<Path> threads = Files.list(Path.of("/proc/" + pid + "/task"))) {
			return threads.filter(SandboxAuditTests::isInOpenat).count();
		}
	}

	private static boolean isInOpenat(Path thread) {
		try {
			return Files.readString(thread.resolve("syscall")).matches("(?s)(257|56) .*");
		}
		catch (IOException ex) {
			return false;
		}
	}

	@Test
	void signalsDoNotDisturbCallsThatAreLookedAt() throws Exception {
		Path file = Files.writeString(this.folder.resolve("file"), "x");
		run(LOCKED_DOWN, "python3", "-c", """
				import os, signal, sys
				signal.signal(signal.SIGALRM, lambda *a: None)
				signal.siginterrupt(signal.SIGALRM, True)
				signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
				for i in range(2000): os.close(os.open(sys.argv[1], os.O_RDONLY))
				signal.setitimer(signal.ITIMER_REAL, 0)
				""", file);
		assertThat(this.needs).extracting(SandboxNeed::path).contains(file);
	}

	@Test
	void whatAnAuditHasFoundIsEnoughForTheSandbox() throws Exception {
		Path read = Files.createDirectory(this.folder.resolve("read"));
		for (int i = 0; i < 10; i++) {
			Files.writeString(read.resolve("file-" + i), "x");
		}
		Path written = Files.createDirectory(this.folder.resolve("written"));
		String script = "cat $1/* > /dev/null && echo x > $2/a && mv $2/a $2/b && rm $2/b";
		run(LOCKED_DOWN, "sh", "-c", script, "sh", read, written);
		Sandbox found = LOCKED_DOWN.allow(this.needs);
		assertThat(found.readable()).contains(read);
		assertThat(found.writable()).containsExactly(written);
		assertThat(found.executable()).contains(Path.of(program("cat")), Path.of(program("mv")));
		assertThat(start(LOCKED_DOWN, "sh", "-c", script, "sh", read, written)).isNotZero();
		assertThat(start(found, "sh", "-c", script, "sh", read, written)).isZero();
	}

	private int start(Sandbox sandbox, Object... command) throws Exception {
		List<String> words = Arrays.stream(command).map(Object::toString).toList();
		try (IpcProcess child = new IpcProcessBuilder(words).redirectErrorStream(true)
			.redirectOutput(Redirect.DISCARD)
			.sandbox(sandbox)
			.start()) {
			return child.waitFor();
		}
	}

	@Test
	void everyCallThatChangesAFileIsSeen() throws Exception {
		Path file = Files.writeString(this.folder.resolve("file"), "x");
		List<String> calls = List.of("os.open(f, os.O_RDWR)", "os.open(f, os.O_RDONLY | os.O_TRUNC)",
				"os.truncate(f, 0)", "os.open(d + '/1', os.O_CREAT | os.O_WRONLY)", "os.mkdir(d + '/2')",
				"os.mkfifo(d + '/3')", "os.symlink('x', d + '/4')", "os.link(f, d + '/5')",
				"os.rename(d + '/1', d + '/6')", "os.unlink(d + '/6')", "os.rmdir(d + '/2')",
				"os.open('.', os.O_TMPFILE | os.O_RDWR)", "os.open('new', os.O_CREAT, dir_fd=os.open(d, os.O_PATH))",
				"ctypes.CDLL(None).creat(os.fsencode(d + '/7'), 0o600)", "openat2(f, os.O_WRONLY)");
		for (String call : calls) {
			Path place = Files.createTempDirectory(this.folder, "place");
			Files.createFile(place.resolve("1"));
			Files.createDirectory(place.resolve("2"));
			Files.createFile(place.resolve("6"));
			if (call.contains("mkdir") || call.contains("/1', os.O_CREAT")) {
				Files.delete(place.resolve("1"));
				Files.delete(place.resolve("2"));
			}
			this.needs.clear();
			run(LOCKED_DOWN, "python3", "-c", """
					import ctypes, os, struct, sys
					def openat2(path, flags):
					    name = ctypes.create_string_buffer(os.fsencode(path))
					    how = ctypes.create_string_buffer(struct.pack('QQQ', flags, 0, 0))
					    assert ctypes.CDLL(None).syscall(437, -100, name, how, 24) >= 0
					f, d = sys.argv[1:3]
					os.chdir(d)
					""" + call, file, place);
			assertThat(here()).as(call)
				.filteredOn((need) -> need.access() == SandboxNeed.Access.WRITE)
				.extracting(SandboxNeed::path)
				.isSubsetOf(file, place, call.contains("link(f") ? this.folder : place)
				.isNotEmpty();
		}
	}

	@Test
	void programThatDoesNotExistLeavesNothingBehind() throws Exception {
		LeakWatch watch = new LeakWatch();
		assertThatExceptionOfType(IpcException.class)
			.isThrownBy(() -> audited(Sandbox.of(Sandbox.Profile.NO_NETWORK), "/no/such/program").close())
			.withMessageContaining("ENOENT");
		awaitEndOfAudits();
		watch.assertNoneLeft();
	}

	@Test
	void auditWithoutAProfileIsRefused() {
		assertThatIllegalStateException()
			.isThrownBy(() -> new IpcProcessBuilder("true").auditSandbox(this.needs::add).start())
			.withMessageContaining("profile");
	}

	@Test
	void auditInsideAnAuditNamesTheAlternative() throws Exception {
		List<String> command = new ChildJvm(AuditingChild.class).command();
		try (IpcProcess child = new IpcProcessBuilder(command).redirectError(Redirect.INHERIT)
			.sandbox(Sandbox.of(Sandbox.Profile.NO_NETWORK))
			.auditSandbox(this.needs::add)
			.start()) {
			assertThat(Samples.receiveText(child.socket())).contains("strace -f").contains("EBUSY");
			child.waitFor();
		}
	}

	static final class AuditingChild {

		public static void main(String[] args) throws Exception {
			IpcSocket socket = IpcSocket.inherited().orElseThrow();
			String answer;
			try (IpcProcess child = new IpcProcessBuilder("true").sandbox(Sandbox.of(Sandbox.Profile.NO_NETWORK))
				.auditSandbox((need) -> {
				})
				.start()) {
				answer = "started";
			}
			catch (IpcException ex) {
				answer = ex.getMessage();
			}
			socket.send(ByteBuffer.wrap(answer.getBytes()));
		}

	}

	@Test
	void childInJavaIsAudited() throws Exception {
		Path file = Files.writeString(this.folder.resolve("file"), "x");
		List<String> command = new ChildJvm(ReadingChild.class, file.toString()).command();
		try (IpcProcess child = new IpcProcessBuilder(command).redirectError(Redirect.INHERIT)
			.sandbox(LOCKED_DOWN)
			.auditSandbox(this.needs::add)
			.start()) {
			assertThat(child.waitFor()).isZero();
		}
		assertThat(this.needs).extracting(SandboxNeed::path).contains(file);
	}

	static final class ReadingChild {

		public static void main(String[] args) throws Exception {
			Files.readString(Path.of(args[0]));
		}

	}

	/**
	 * The needs of the test's own files: what programs need besides depends on the
	 * machine.
	 */
	private List<SandboxNeed> here() {
		return this.needs.stream()
			.filter((need) -> need.access() != SandboxNeed.Access.OTHER
					&& need.target().startsWith(this.folder.toString()))
			.toList();
	}

	private void run(Sandbox sandbox, Object... command) throws Exception {
		String[] words = Arrays.stream(command).map(Object::toString).toArray(String[]::new);
		try (IpcProcess child = audited(sandbox, words)) {
			assertThat(child.waitFor()).isZero();
		}
		awaitEndOfAudits();
	}

	private IpcProcess audited(Sandbox sandbox, String... command) throws IOException {
		return new IpcProcessBuilder(command).inheritIO().sandbox(sandbox).auditSandbox(this.needs::add).start();
	}

	private static void awaitEndOfAudits() {
		await().atMost(Duration.ofSeconds(20))
			.until(() -> Thread.getAllStackTraces()
				.keySet()
				.stream()
				.noneMatch((thread) -> thread.getName().equals("tiny-ipc-audit")));
	}

}
