package dev.tinyipc;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;

/** Rows 29 to 32: what a child gets of this process, and what it does not. */
@Timeout(60)
class ChildIsolationTests {

	private static final int F_DUPFD = 0;

	/** What is there no more is the folder that the shell has just listed. */
	private static final String LIST = "exec 1>&3; for d in /proc/$$/fd/*; do [ -e $d ] && echo ${d##*/}; done; true";

	/** Signals 32 and 33, which glibc needs for itself. */
	private static final long GLIBCS_OWN = 0x180000000L;

	/**
	 * None of these is close-on-exec, or the JVM relies on closing it by hand.
	 */
	@Test
	void childHasItsStreamsAndItsSocketAndNoOtherDescriptor() throws Exception {
		List<OwnedFd> leaky = new ArrayList<>();
		try (ServerSocket server = new ServerSocket(0);
				ServerSocketChannel channel = ServerSocketChannel.open().bind(null);
				FileChannel file = FileChannel.open(Path.of("/etc/passwd"));
				IpcSocketPair other = IpcSocket.pair()) {
			other.parent().setCloseOnExec(false);
			for (int number : new int[] { 4, 5, 6, 9, 10, 11, 300, 2000 }) {
				OwnedFd descriptor = OwnedFd.of(LibC.fcntl(other.parent().fd(), F_DUPFD, number));
				assertThat(Samples.isCloseOnExec(descriptor.fd())).isFalse();
				leaky.add(descriptor);
			}
			for (Redirect redirect : List.of(Redirect.PIPE, Redirect.INHERIT, Redirect.DISCARD)) {
				assertThat(descriptors(redirect)).containsExactly("0", "1", "2", "3");
			}
			assertThat(List.of(server.isBound(), channel.isOpen(), file.isOpen())).containsOnly(true);
		}
		finally {
			OwnedFd.closeAll(leaky);
		}
	}

	private static List<String> descriptors(Redirect redirect) throws Exception {
		IpcProcessBuilder builder = new IpcProcessBuilder("sh", "-c", LIST).redirectOutput(redirect)
			.redirectError(redirect);
		builder.redirectInput((redirect == Redirect.DISCARD) ? Redirect.from(Path.of("/dev/null").toFile()) : redirect);
		try (IpcProcess child = builder.start()) {
			StringBuilder listed = new StringBuilder();
			String line;
			while ((line = receive(child.socket())) != null) {
				listed.append(line);
			}
			child.waitFor();
			return listed.toString().lines().toList();
		}
	}

	private static String receive(IpcSocket socket) throws IOException {
		ByteBuffer buffer = ByteBuffer.allocate(1000);
		return (socket.receive(buffer) != null) ? Samples.text(buffer) : null;
	}

	/**
	 * The shell cannot change what was ignored when it started, but Python can tell.
	 */
	@Test
	void childBlocksAndIgnoresNoSignal() throws Exception {
		assertNoSignals(ChildTests.output(new IpcProcessBuilder("grep", "^Sig[BI]", "/proc/self/status")));
	}

	private static void assertNoSignals(String status) {
		Matcher matcher = Pattern.compile("SigBlk:\\s(\\w+)\nSigIgn:\\s(\\w+)\n").matcher(status);
		assertThat(matcher.matches()).as(status).isTrue();
		assertThat(Long.parseLong(matcher.group(1), 16)).isZero();
		assertThat(Long.parseLong(matcher.group(2), 16) & ~GLIBCS_OWN).isZero();
	}

	/** A JVM may have been started like that itself, for example by nohup. */
	@Test
	void childIgnoresNoSignalThatThisJvmWasStartedWithIgnored() throws Exception {
		assertNoSignals(new ChildJvm(Spawning.class, "grep", "^Sig[BI]", "/proc/self/status")
			.after("trap '' HUP INT QUIT USR1 TERM")
			.run());
	}

	@Test
	void childHasAProcessGroupOfItsOwn() throws Exception {
		try (IpcProcess child = new IpcProcessBuilder("sh", "-c", "cut -d' ' -f5 /proc/$$/stat").start()) {
			assertThat(new String(child.getInputStream().readAllBytes()).trim()).isEqualTo(Long.toString(child.pid()));
			child.waitFor();
		}
	}

	/** A JVM without standard streams may get their numbers for any descriptor. */
	@Test
	void streamsThatThisJvmWasStartedWithoutAreNoProblem() throws Exception {
		for (String closed : Stream.of("0<&-", "2>&-", "0<&- 2>&-").toList()) {
			assertThat(new ChildJvm(Spawning.class, "sh", "-c",
					"for d in /proc/$$/fd/*; do [ -e $d ] && printf '%s ' ${d##*/}; done; readlink /proc/$$/fd/3 | cut -c1-7")
				.after("exec " + closed)
				.run()).as(closed).isEqualTo("0 1 2 3 socket:\n");
		}
	}

	/**
	 * The parent would never see the end of a child that has a copy of the parent's end.
	 */
	@Test
	void inheritedStreamsOfAJvmWithoutStreamsAreNotTheSocketItself() throws Exception {
		assertThat(new ChildJvm(Inheriting.class).after("exec 0<&- 2>&-").run()).isEqualTo("end\n");
	}

	@Test
	void parentHoldsNoCopyOfTheChildsEnd() throws Exception {
		try (IpcProcess child = new IpcProcessBuilder("sh", "-c", "exec 3>&-; cat").start()) {
			assertThat(receive(child.socket())).isNull();
			child.getOutputStream().close();
			child.waitFor();
		}
	}

	/** A sibling that starts at the same moment must not hold another child's end. */
	@Test
	void siblingsThatStartAtOnceDoNotGetEachOthersEnds() throws Exception {
		List<Thread> threads = new ArrayList<>();
		List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
		for (int i = 0; i < 4; i++) {
			threads.add(new Thread(() -> {
				for (int round = 0; round < 20; round++) {
					try {
						assertThat(descriptors(Redirect.PIPE)).containsExactly("0", "1", "2", "3");
						new ProcessBuilder("true").start().waitFor();
					}
					catch (Throwable ex) {
						failures.add(ex);
					}
				}
			}));
		}
		threads.forEach(Thread::start);
		for (Thread thread : threads) {
			thread.join();
		}
		assertThat(failures).isEmpty();
	}

	static final class Spawning {

		public static void main(String[] args) throws Exception {
			try (IpcProcess child = new IpcProcessBuilder(args).start()) {
				child.getInputStream().transferTo(System.out);
				child.waitFor();
			}
		}

	}

	static final class Inheriting {

		public static void main(String[] args) throws Exception {
			try (IpcProcess child = new IpcProcessBuilder("sh", "-c", "exec 3<&-; exec sleep 600").inheritIO()
				.redirectOutput(Redirect.DISCARD)
				.start()) {
				child.socket().setReceiveTimeout(Duration.ofSeconds(5));
				System.out.println((receive(child.socket()) == null) ? "end" : "a message");
				child.destroyForcibly().waitFor();
			}
		}

	}

}
