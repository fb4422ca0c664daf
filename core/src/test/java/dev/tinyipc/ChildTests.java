package dev.tinyipc;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

/** Starting programs: what they get, and what is said of those that cannot be started. */
@Timeout(60)
class ChildTests {

	@TempDir
	File folder;

	@Test
	void childOfAnotherLanguageTalksOverDescriptor3() throws Exception {
		String program = """
				import os, socket
				s = socket.socket(fileno=int(os.environ['TINY_IPC_FD']))
				data, fds, flags, _ = socket.recv_fds(s, 100, 2)
				content = os.pread(fds[0], 100, 0)
				s.send(data.upper() + b' ' + content + b' over %d' % s.fileno())
				""";
		try (IpcProcess child = python(program); OwnedFd file = Samples.memoryFile("content")) {
			child.socket().send(Samples.bytes("hello"), file);
			assertThat(Samples.receiveText(child.socket())).isEqualTo("HELLO content over 3");
			assertThat(child.socket().receive(ByteBuffer.allocate(1))).as("row 29").isNull();
			assertThat(child.waitFor()).isZero();
		}
	}

	@Test
	void childThatIsJavaFindsItsSocket() throws Exception {
		List<String> command = new ChildJvm(EchoingChild.class).command();
		try (IpcProcess child = new IpcProcessBuilder(command).redirectError(Redirect.INHERIT).start()) {
			IpcChannel channel = IpcChannel.over(child.socket());
			channel.send(Map.of("from", "parent"));
			assertThat(channel.receive(Object.class).payload()).isEqualTo(Map.of("from", "parent"));
			channel.send("same socket, close-on-exec?");
			assertThat(channel.receive(Object.class).payload()).isEqualTo("true, true");
			child.socket().close();
			assertThat(child.waitFor()).isZero();
		}
	}

	static final class EchoingChild {

		public static void main(String[] args) throws Exception {
			IpcSocket socket = IpcSocket.inherited().orElseThrow();
			IpcChannel channel = IpcChannel.over(socket);
			channel.send(channel.receive(Object.class).payload());
			channel.receive(Object.class);
			channel.send((IpcSocket.inherited().orElseThrow() == socket) + ", " + socket.isCloseOnExec());
			if (channel.receive(Object.class) != null) {
				System.exit(1);
			}
		}

	}

	@Test
	void programThatDoesNotExistIsNamedWithTheReasonAndNothingStaysOpen() throws Exception {
		LeakWatch watch = new LeakWatch();
		for (String program : List.of("no-such-program", "/no/such/program")) {
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> new IpcProcessBuilder(program, "x").start())
				.withMessageContaining("Cannot run program \"" + program + "\"")
				.withMessageContaining("ENOENT (No such file or directory)");
		}
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> new IpcProcessBuilder("/etc/passwd").start())
			.withMessageContaining("EACCES (Permission denied)");
		assertThatExceptionOfType(IOException.class).isThrownBy(() -> new IpcProcessBuilder("").start());
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> new IpcProcessBuilder().start())
			.withMessageContaining("empty");
		watch.assertNoneLeft();
	}

	@Test
	void pairThatWasGivenIsClosedWhenTheStartFails() throws Exception {
		for (String[] command : new String[][] { { "no-such-program" }, { "true", "\0" }, { "" }, {} }) {
			IpcSocketPair pair = IpcSocket.pair();
			try (pair) {
				assertThatExceptionOfType(Exception.class)
					.isThrownBy(() -> new IpcProcessBuilder(command).socketPair(pair).start());
				assertThat(pair.parent().isClosed()).as(List.of(command).toString()).isTrue();
				assertThat(pair.child().isClosed()).isTrue();
			}
		}
	}

	@Test
	void pairThatWasGivenIsUsedAndItsChildsEndClosed() throws Exception {
		IpcSocketPair pair = IpcSocket.pair();
		try (IpcProcess child = new IpcProcessBuilder("sh", "-c", "echo >&3").socketPair(pair).start()) {
			assertThat(child.socket()).isSameAs(pair.parent());
			assertThat(pair.child().isClosed()).isTrue();
			assertThat(Samples.receiveText(child.socket())).isEqualTo("\n");
			child.waitFor();
		}
	}

	@Test
	void directoryThatDoesNotExistIsNamed() throws Exception {
		LeakWatch watch = new LeakWatch();
		File file = new File(this.folder, "file");
		assertThat(file.createNewFile()).isTrue();
		for (File directory : List.of(new File("/no/such"), file)) {
			assertThatExceptionOfType(IpcException.class)
				.isThrownBy(() -> new IpcProcessBuilder("true").directory(directory).start())
				.withMessageContaining("in directory \"" + directory + '"');
		}
		watch.assertNoneLeft();
	}

	@Test
	void nulIsRefusedWhereverItIs() throws Exception {
		LeakWatch watch = new LeakWatch();
		assertThatIllegalArgumentException().isThrownBy(() -> new IpcProcessBuilder("true", "a\0b").start())
			.withMessageContaining("NUL");
		assertThatIllegalArgumentException().isThrownBy(() -> new IpcProcessBuilder("tr\0ue").start());
		IpcProcessBuilder builder = new IpcProcessBuilder("true");
		assertThatIllegalArgumentException().isThrownBy(() -> builder.environment().put("a", "b\0"));
		assertThatIllegalArgumentException().isThrownBy(() -> builder.environment().put("a\0", "b"));
		assertThatExceptionOfType(Exception.class)
			.isThrownBy(() -> new IpcProcessBuilder("true").directory(new File("/tmp\0")).start());
		assertThatExceptionOfType(Exception.class).isThrownBy(
				() -> new IpcProcessBuilder("true").redirectOutput(Redirect.to(new File("/dev/null\0"))).start());
		watch.assertNoneLeft();
	}

	@Test
	void nullInTheCommandIsRefusedAndNothingStaysOpen() throws Exception {
		LeakWatch watch = new LeakWatch();
		assertThatExceptionOfType(NullPointerException.class)
			.isThrownBy(() -> new IpcProcessBuilder("true", null).start());
		watch.assertNoneLeft();
	}

	@Test
	void argumentsArriveAsTheyAre() throws Exception {
		assertThat(output(new IpcProcessBuilder("printf", "[%s]", "", "a b", "*", "$HOME", "\"'\\", "x\ny", "grün")))
			.isEqualTo("[][a b][*][$HOME][\"'\\][x\ny][grün]");
	}

	@Test
	void environmentIsOursAndWhatWasSaidBesides() throws Exception {
		IpcProcessBuilder builder = new IpcProcessBuilder("sh", "-c",
				"echo \"$PATH|$ADDED|${HOME-removed}|$TINY_IPC_FD|$EMPTY|$MANY\"");
		builder.environment().put("ADDED", "grün = x");
		builder.environment().put("EMPTY", "");
		builder.environment().put("MANY", "a\nb");
		builder.environment().remove("HOME");
		assertThat(output(builder)).isEqualTo(System.getenv("PATH") + "|grün = x|removed|3||a\nb\n");
		assertThat(System.getenv(IpcSocket.FD_VARIABLE)).isNull();
	}

	@Test
	void whatThisProcesssOwnParentSaidIsNotHandedDown() throws Exception {
		String output = new ChildJvm(PassingOn.class)
			.with((builder) -> builder.environment()
				.putAll(Map.of("TINY_IPC_HELLO", "1", "TINY_IPC_GUARD", "another's", "TINY_IPC_SPIN_MICROS", "50")))
			.run();
		assertThat(output.lines().filter((line) -> line.startsWith("TINY_IPC")))
			.containsExactlyInAnyOrder("TINY_IPC_FD=3", "TINY_IPC_HELLO=2");
	}

	static final class PassingOn {

		public static void main(String[] args) throws Exception {
			IpcProcessBuilder builder = new IpcProcessBuilder("env");
			builder.environment().put("TINY_IPC_HELLO", "2");
			System.out.print(output(builder));
		}

	}

	@Test
	void clearedEnvironmentHoldsTheSocketOnly() throws Exception {
		IpcProcessBuilder builder = new IpcProcessBuilder("env");
		builder.environment().clear();
		assertThat(output(builder)).isEqualTo("TINY_IPC_FD=3\n");
	}

	@Test
	void directoryIsTheChildsOwn() throws Exception {
		assertThat(output(new IpcProcessBuilder("pwd").directory(this.folder)))
			.isEqualTo(this.folder.getCanonicalPath() + '\n');
		assertThat(output(new IpcProcessBuilder("pwd"))).isEqualTo(System.getProperty("user.dir") + '\n');
	}

	@Test
	void programIsLookedUpFromTheChildsDirectory() throws Exception {
		Path program = Files.writeString(this.folder.toPath().resolve("here"), "#!/bin/sh\necho found\n");
		assertThat(program.toFile().setExecutable(true)).isTrue();
		assertThat(output(new IpcProcessBuilder("./here").directory(this.folder))).isEqualTo("found\n");
	}

	/** As for {@code ProcessBuilder}: execvp has always run these with a shell. */
	@Test
	void scriptWithoutAFirstLineOfItsOwnIsRunByTheShell() throws Exception {
		Path program = Files.writeString(this.folder.toPath().resolve("script"), "echo \"ran $1\"\n");
		assertThat(program.toFile().setExecutable(true)).isTrue();
		Process byTheJdk = new ProcessBuilder(program.toString(), "x").start();
		assertThat(new String(byTheJdk.getInputStream().readAllBytes())).isEqualTo("ran x\n");
		byTheJdk.waitFor();
		assertThat(output(new IpcProcessBuilder(program.toString(), "x"))).isEqualTo("ran x\n");
	}

	/** A container has no LANG, and still has variables that are not ASCII. */
	@Test
	void variablesThatTheLocaleCannotExpressArriveAsTheyAre() throws Exception {
		String output = new ChildJvm(Passing.class).after("export LC_ALL=C; export NAME=$(printf 'Zo\\303\\253')")
			.run();
		assertThat(output).isEqualTo("5a6fc3ab\n5a6fc3ab\n");
	}

	static final class Passing {

		private static final String[] COMMAND = { "sh", "-c", "printf %s \"$NAME\" | od -An -tx1 | tr -d ' '" };

		public static void main(String[] args) throws Exception {
			for (Process process : new Process[] { new ProcessBuilder(COMMAND).start(),
					new IpcProcessBuilder(COMMAND).start() }) {
				System.out.print(new String(process.getInputStream().readAllBytes()));
				process.waitFor();
			}
		}

	}

	@Test
	void standardStreamsArePipesAtFirst() throws Exception {
		try (IpcProcess child = new IpcProcessBuilder("sh", "-c", "read line; echo \"out $line\"; echo err >&2")
			.start()) {
			child.getOutputStream().write("typed\n".getBytes());
			child.getOutputStream().flush();
			try (BufferedReader reader = child.inputReader(StandardCharsets.UTF_8)) {
				assertThat(reader.readLine()).isEqualTo("out typed");
			}
			assertThat(new String(child.getErrorStream().readAllBytes())).isEqualTo("err\n");
			assertThat(child.waitFor(20, TimeUnit.SECONDS)).isTrue();
		}
	}

	@Test
	void handleIsTheChildsAndOutlivesIt() throws Exception {
		try (IpcProcess child = new IpcProcessBuilder("cat").start()) {
			ProcessHandle handle = child.toHandle();
			assertThat(handle.pid()).isEqualTo(child.pid());
			assertThat(handle.isAlive()).isTrue();
			assertThat(child.info().command()).hasValueSatisfying((command) -> assertThat(command).endsWith("cat"));
			child.getOutputStream().close();
			child.waitFor();
			// As of any other Process.
			assertThat(child.toHandle()).isEqualTo(handle);
			assertThat(child.info()).isNotNull();
			assertThat(child.descendants()).isEmpty();
		}
	}

	@Test
	void socketOfAClosedProcessIsClosed() throws Exception {
		IpcProcess child = new IpcProcessBuilder("cat", "/dev/fd/3").start();
		child.close();
		child.close();
		assertThatIllegalStateException().isThrownBy(() -> child.socket().fd());
		assertThat(child.waitFor(20, TimeUnit.SECONDS)).as("the child saw the end").isTrue();
	}

	@Test
	void whatWasWrittenIsNotLostWhenTheProcessIsClosed() throws Exception {
		File file = new File(this.folder, "written");
		IpcProcess child = new IpcProcessBuilder("cat").redirectOutput(Redirect.to(file)).start();
		child.getOutputStream().write("buffered".getBytes());
		child.close();
		child.waitFor();
		assertThat(file).hasContent("buffered");
	}

	static IpcProcess python(String program) throws IOException {
		return new IpcProcessBuilder("python3", "-c", program).redirectOutput(Redirect.INHERIT)
			.redirectError(Redirect.INHERIT)
			.start();
	}

	static String output(IpcProcessBuilder builder) throws Exception {
		try (IpcProcess child = builder.redirectErrorStream(true).start()) {
			String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
			assertThat(child.waitFor()).as(output).isZero();
			return output;
		}
	}

}
