package dev.tinyipc;

import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** What becomes of a child's own children. */
@Timeout(60)
class ContainedChildTests {

	/** A child of the shell that cannot be asked to end, and does not hold the socket. */
	private static final String GRANDCHILD = "(trap '' TERM HUP; exec sleep 600) 3>&- & echo $! >&3; ";

	@ParameterizedTest
	@ValueSource(strings = { "exit 0", "exit 3", "kill -9 $$" })
	void whatItStartedIsKilledHoweverItEnds(String end) throws Exception {
		try (IpcProcess child = shell(GRANDCHILD + "read go <&3; " + end).contained().start()) {
			long grandchild = receivePid(child);
			assertThat(runs(grandchild)).isTrue();
			child.socket().close();
			child.waitFor();
			await().until(() -> !runs(grandchild));
		}
	}

	@Test
	void whatItStartedIsAskedToEndToo() throws Exception {
		String script = "sleep 600 3>&- & trap '' TERM; echo $! >&3; wait; cat <&3";
		try (IpcProcess child = shell(script).contained().start()) {
			long grandchild = receivePid(child);
			child.destroy();
			await().until(() -> !runs(grandchild));
			assertThat(child.isAlive()).isTrue();
			child.socket().close();
			assertThat(child.waitFor()).isZero();
		}
	}

	@Test
	void whatItStartedIsKilledWithIt() throws Exception {
		try (IpcProcess child = shell("trap '' TERM; " + GRANDCHILD + "cat <&3").contained().start()) {
			long grandchild = receivePid(child);
			child.destroyForcibly();
			child.waitFor();
			assertThat(child.exitStatus().orElseThrow()).hasToString("signal 9 (SIGKILL)");
			await().until(() -> !runs(grandchild));
		}
	}

	@Test
	void aThreadDumpIsRequestedOfItAndNotOfWhatItStarted() throws Exception {
		String program = """
				import os, signal, subprocess
				member = subprocess.Popen(['sleep', '600'])
				signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGQUIT])
				os.write(3, str(member.pid).encode())
				while signal.sigwait([signal.SIGQUIT]):
					os.write(3, b'asked')
				""";
		try (IpcProcess child = new IpcProcessBuilder("python3", "-c", program).contained().start()) {
			long member = receivePid(child);
			child.requestThreadDump();
			assertThat(Samples.receiveText(child.socket())).isEqualTo("asked");
			assertThat(runs(member)).isTrue();
			child.destroyForcibly().waitFor();
			child.requestThreadDump(); // does nothing any more
		}
	}

	/** A group that the child has left is still ended, and the child as well. */
	@Test
	void aChildThatLeavesItsGroupIsEndedAllTheSame() throws Exception {
		String program = "import os; os.setpgid(0, os.getpgid(os.getppid())); os.write(3, b'left'); os.read(3, 1)";
		try (IpcProcess child = new IpcProcessBuilder("python3", "-c", program).contained().start()) {
			assertThat(Samples.receiveText(child.socket())).isEqualTo("left");
			child.destroy();
			assertThat(child.waitFor(20, TimeUnit.SECONDS)).isTrue();
			assertThat(child.exitStatus().orElseThrow()).hasToString("signal 15 (SIGTERM)");
		}
	}

	/** What is left of its group is not it. */
	@Test
	void aChildThatLeavesAMemberInItsGroupIsEndedAllTheSame() throws Exception {
		String program = """
				import os, signal
				member = os.fork()
				if member == 0:
					signal.pause()
				leader = os.fork()
				if leader == 0:
					os.setpgid(0, 0)
					signal.pause()
				os.setpgid(leader, leader)
				os.setpgid(0, leader)
				os.write(3, b'%d' % leader)
				signal.pause()
				""";
		for (String how : new String[] { "TERM", "KILL" }) {
			try (IpcProcess child = new IpcProcessBuilder("python3", "-c", program).contained().start()) {
				long leader = receivePid(child);
				try {
					if (how.equals("TERM")) {
						child.destroy();
					}
					else {
						child.destroyForcibly();
					}
					assertThat(child.waitFor(20, TimeUnit.SECONDS)).isTrue();
					assertThat(child.exitStatus().orElseThrow().toString()).contains(how);
				}
				finally {
					new ProcessBuilder("kill", "-9", Long.toString(leader)).start().waitFor();
				}
			}
		}
	}

	/** So that a handler is not interrupted by a second one. */
	@Test
	void aChildInItsGroupIsAskedToEndOnce() throws Exception {
		String program = """
				import os, signal
				count = 0
				def count_up(*_):
					global count
					count += 1
				signal.signal(signal.SIGTERM, count_up)
				os.write(3, b'ready')
				os.read(3, 1)
				os._exit(count)
				""";
		try (IpcProcess child = new IpcProcessBuilder("python3", "-c", program).contained().start()) {
			assertThat(Samples.receiveText(child.socket())).isEqualTo("ready");
			child.destroy();
			child.socket().send(Samples.bytes("x"));
			assertThat(child.waitFor()).isEqualTo(1);
		}
	}

	/** A container's first process inherits what its children leave. */
	@Test
	void theFirstProcessOfAContainerKeepsNoZombies() throws Exception {
		String output = new ChildJvm(FirstProcess.class).within("unshare", "--pid", "--fork", "--mount-proc").run();
		assertThat(output).contains("pid 1, zombies: 0");
	}

	static final class FirstProcess {

		public static void main(String[] args) throws Exception {
			String script = "for i in 1 2 3 4 5 6; do (sleep 600 & sleep 600) & done; echo >&3; cat <&3";
			for (int i = 0; i < 3; i++) {
				try (IpcProcess child = shell(script).contained().start()) {
					Samples.receiveText(child.socket());
					child.destroyForcibly().waitFor();
				}
			}
			long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
			while (zombies() > 0 && System.nanoTime() < end) {
				Thread.onSpinWait();
			}
			System.out.println("pid " + ProcessHandle.current().pid() + ", zombies: " + zombies());
		}

		private static long zombies() throws Exception {
			return LeakCheck.held().stream().filter((name) -> name.endsWith("a zombie")).count();
		}

	}

	@Test
	void withoutItWhatAChildStartedGoesOn() throws Exception {
		try (IpcProcess child = shell(GRANDCHILD + "cat <&3").start()) {
			long grandchild = receivePid(child);
			child.destroy();
			child.waitFor();
			assertThat(runs(grandchild)).isTrue();
			new ProcessBuilder("kill", "-9", Long.toString(grandchild)).start().waitFor();
			await().until(() -> !runs(grandchild));
		}
	}

	/** A number that was the child's may be another's by then. */
	@Test
	void nobodyIsSignalledOnceItHasEnded() throws Exception {
		try (IpcProcess child = shell("exit 3").contained().start()) {
			child.waitFor();
			child.destroy();
			child.destroyForcibly();
			assertThat(child.exitValue()).isEqualTo(3);
		}
	}

	/** Somebody else in this process waited for it, so that its number is free. */
	@Test
	void aProcessThatHasTheNumberOfAChildThatHasEndedIsLeftAlone() throws Exception {
		String output = new ChildJvm(Recycling.class).within("unshare", "--pid", "--fork", "--mount-proc").run();
		assertThat(output).contains("the other one runs: true");
	}

	static final class Recycling {

		/** Makes a process of a given number, which leads a group of its own. */
		private static final String TAKE_NUMBER = """
				read -r number
				until [ "$other" = "$number" ]; do
					echo $((number - 1)) >/proc/sys/kernel/ns_last_pid
					setsid sleep 600 & other=$!
				done
				cat
				""";

		public static void main(String[] args) throws Exception {
			Process taker = new ProcessBuilder("sh", "-c", TAKE_NUMBER).start();
			int number = spawn();
			ChildExit child = ChildWatcher.watch(number, true, null, new ChildStreams());
			synchronized (child) { // keeps the thread that watches it from seeing its end
				LibC.kill(number, LibC.SIGKILL);
				LibC.waitpid(number, 0, 0);
				taker.getOutputStream().write((number + "\n").getBytes());
				taker.getOutputStream().flush();
				while (LibC.getpgid(number) != number) {
					Thread.onSpinWait();
				}
				child.signal(LibC.SIGKILL);
			}
			child.status().get();
			child.signal(LibC.SIGKILL);
			System.out.println("the other one runs: " + runs(number));
			System.exit(0);
		}

		private static int spawn() throws Exception {
			try (OwnedFd nothing = OwnedFd.open(Path.of("/dev/null"), StandardOpenOption.READ,
					StandardOpenOption.WRITE)) {
				return PosixSpawn.spawn(List.of("sleep", "600"), System.getenv(), null,
						List.of(nothing, nothing, nothing));
			}
		}

	}

	private static IpcProcessBuilder shell(String script) {
		return new IpcProcessBuilder("sh", "-c", script);
	}

	private static long receivePid(IpcProcess child) throws Exception {
		return Long.parseLong(Samples.receiveText(child.socket()).strip());
	}

	/** A zombie does not run. */
	private static boolean runs(long pid) throws Exception {
		try {
			String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
			return stat.charAt(stat.lastIndexOf(')') + 2) != 'Z';
		}
		catch (NoSuchFileException ex) {
			return false;
		}
	}

}
