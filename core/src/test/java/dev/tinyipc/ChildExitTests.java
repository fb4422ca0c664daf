package dev.tinyipc;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

/**
 * Rows 34 and 35: how a child ended, when that is known, and that nothing stays of it.
 */
@Timeout(60)
class ChildExitTests {

	@ParameterizedTest
	@ValueSource(ints = { 0, 1, 42, 128, 137, 255 })
	void exitCodeIsReportedAsOne(int code) throws Exception {
		try (IpcProcess child = shell("exit " + code)) {
			assertThat(child.waitFor()).isEqualTo(code);
			assertThat(child.exitValue()).isEqualTo(code);
			assertThat(child.exitStatus()).hasValue(new ExitStatus(OptionalInt.of(code), OptionalInt.empty()));
			assertThat(child.exitStatus().get().isSuccess()).isEqualTo(code == 0);
			assertThat(child.exitStatus().get()).hasToString("exit code " + code);
		}
	}

	@ParameterizedTest
	@ValueSource(ints = { 1, 9, 11, 15, 34, 64 })
	void signalIsToldApartFromAnExitCode(int signal) throws Exception {
		try (IpcProcess child = shell("kill -" + signal + " $$; cat")) {
			assertThat(child.waitFor()).isEqualTo(128 + signal);
			assertThat(child.exitStatus()).hasValue(new ExitStatus(OptionalInt.empty(), OptionalInt.of(signal)));
			assertThat(child.exitStatus().get().isSuccess()).isFalse();
			assertThat(child.exitStatus().get().toString()).startsWith("signal " + signal);
		}
	}

	@Test
	void nothingIsSaidOfTheEndWhileItRuns() throws Exception {
		try (IpcProcess child = shell("exec cat")) {
			assertThat(child.isAlive()).isTrue();
			assertThat(child.exitStatus()).isEmpty();
			assertThat(child.onExit()).isNotDone();
			assertThatExceptionOfType(IllegalThreadStateException.class).isThrownBy(child::exitValue);
			assertThat(child.waitFor(1, TimeUnit.MILLISECONDS)).isFalse();
			assertThat(child.waitFor(-1, TimeUnit.DAYS)).isFalse();
			child.getOutputStream().close();
			assertThat(child.waitFor(Long.MAX_VALUE, TimeUnit.DAYS)).isTrue();
			assertThat(child.isAlive()).isFalse();
			assertThat(child.toString()).contains(Long.toString(child.pid())).contains("exit code 0");
		}
	}

	@Test
	void destroyAsksAndDestroyForciblyEnds() throws Exception {
		try (IpcProcess polite = shell("trap 'exit 3' TERM; echo >&3; while :; do sleep 0.05; done");
				IpcProcess stubborn = shell("trap '' TERM; echo >&3; while :; do sleep 0.05; done")) {
			Samples.receiveText(polite.socket());
			Samples.receiveText(stubborn.socket());
			assertThat(polite.supportsNormalTermination()).isTrue();
			polite.destroy();
			assertThat(polite.waitFor()).isEqualTo(3);
			stubborn.destroy();
			assertThat(stubborn.waitFor(200, TimeUnit.MILLISECONDS)).isFalse();
			assertThat(stubborn.destroyForcibly()).isSameAs(stubborn);
			stubborn.waitFor();
			assertThat(stubborn.exitStatus().get()).hasToString("signal 9 (SIGKILL)");
			polite.destroy();
			stubborn.destroyForcibly();
		}
	}

	@Test
	void endIsReportedWhileAGrandchildStillHoldsTheOutput() throws Exception {
		try (IpcProcess child = shell("sleep 600 3>&- & echo $! >&3; exit 5")) {
			String grandchild = Samples.receiveText(child.socket()).trim();
			assertThat(child.waitFor(20, TimeUnit.SECONDS)).isTrue();
			assertThat(child.exitValue()).isEqualTo(5);
			assertThat(child.onExit().get(20, TimeUnit.SECONDS)).isSameAs(child);
			assertThat(child.socket().receive(ByteBuffer.allocate(1))).isNull();
			new ProcessBuilder("kill", grandchild).start().waitFor();
			assertThat(child.getInputStream().read()).isEqualTo(-1);
		}
	}

	@Test
	void childThatEndsAtOnceIsNotMissed() throws Exception {
		for (int i = 0; i < 50; i++) {
			try (IpcProcess child = new IpcProcessBuilder("true").start()) {
				assertThat(child.waitFor(20, TimeUnit.SECONDS)).isTrue();
				assertThat(child.exitValue()).isZero();
				assertThat(child.socket().receive(ByteBuffer.allocate(1))).isNull();
			}
		}
	}

	@Test
	void fiftyChildrenLeaveNoZombieAndNoDescriptor() throws Exception {
		LeakWatch watch = new LeakWatch();
		List<IpcProcess> children = new ArrayList<>();
		for (int i = 0; i < 50; i++) {
			children.add(shell("cat <&3; exit " + i));
		}
		for (IpcProcess child : children) {
			child.close();
		}
		for (int i = 0; i < 50; i++) {
			assertThat(children.get(i).waitFor()).isEqualTo(i);
		}
		watch.assertNoneLeft();
	}

	@Test
	void socketShowsTheEndOfAChildThatWasKilled() throws Exception {
		try (IpcProcess child = shell("exec cat");
				Blocked reader = Blocked.in("recvmsg",
						() -> assertThat(child.socket().receive(ByteBuffer.allocate(1))).isNull())) {
			child.destroyForcibly();
			reader.join();
			child.waitFor();
		}
	}

	@Test
	void childrenOfTheJvmsOwnAreNotTakenAway() throws Exception {
		for (int i = 0; i < 20; i++) {
			Process own = new ProcessBuilder("sh", "-c", "exit " + (i + 1)).start();
			try (IpcProcess child = shell("exit " + (i + 100))) {
				assertThat(own.waitFor()).isEqualTo(i + 1);
				assertThat(child.waitFor()).isEqualTo(i + 100);
			}
		}
	}

	/**
	 * Somebody who waits for what is ours wins or loses, and we learn of the end both
	 * ways.
	 */
	@Test
	void endIsReportedAlsoIfSomebodyElseWaitedForTheChild() throws Exception {
		NativeBuffer status = NativeBuffer.allocate(4);
		for (int i = 0; i < 20; i++) {
			try (IpcProcess child = shell("exec cat <&3");
					Blocked thief = Blocked.in("wait4", () -> LibC.waitpid((int) child.pid(), status.address(), 0))) {
				child.socket().close();
				thief.join();
				assertThat(child.waitFor(20, TimeUnit.SECONDS)).isTrue();
				assertThat(child.exitStatus().get().toString()).isIn("exit code 0", "unknown");
			}
		}
	}

	@Test
	void waitingForTheEndCanBeInterrupted() throws Exception {
		try (IpcProcess child = shell("exec cat"); Blocked waiting = Blocked.waiting(() -> {
			assertThatExceptionOfType(InterruptedException.class).isThrownBy(child::waitFor);
		})) {
			waiting.thread().interrupt();
			waiting.join();
			child.destroyForcibly().waitFor();
		}
	}

	@Test
	void callerWhoCompletesItsFutureDoesNotEndTheProcessForOthers() throws Exception {
		try (IpcProcess child = shell("exec cat")) {
			child.onExit().complete(null);
			child.onExit().cancel(true);
			assertThat(child.isAlive()).isTrue();
			child.getOutputStream().close();
			assertThat(child.waitFor()).isZero();
		}
	}

	/** As with the JDK, whose callbacks do not run on the thread that reaps. */
	@Test
	void callbackThatBlocksDoesNotKeepTheEndsOfOtherChildrenBack() throws Exception {
		CountDownLatch release = new CountDownLatch(1);
		try (IpcProcess first = shell("exec cat <&3"); IpcProcess second = shell("exec cat <&3")) {
			CompletableFuture<?> callback = first.onExit().thenRun(() -> {
				try {
					release.await();
				}
				catch (InterruptedException ex) {
					throw new AssertionError(ex);
				}
			});
			first.socket().close();
			first.waitFor();
			second.socket().close();
			try {
				assertThat(second.waitFor(10, TimeUnit.SECONDS)).as("the reaper goes on").isTrue();
			}
			finally {
				release.countDown();
				callback.get(20, TimeUnit.SECONDS);
				second.waitFor();
			}
		}
	}

	@Test
	void callbackThatFailsDoesNotEndTheReaper() throws Exception {
		try (IpcProcess child = shell("exit 1")) {
			child.onExit().thenRun(() -> {
				throw new Error("on purpose");
			});
			child.waitFor();
		}
		try (IpcProcess child = shell("exit 2")) {
			assertThat(child.waitFor(20, TimeUnit.SECONDS)).isTrue();
		}
	}

	/** The other way round of the end of the stream: the child is not left behind. */
	@Test
	void childThatReadsItsSocketSeesTheEndOfThisProcess() throws Exception {
		Process parent = new ChildJvm(Parent.class).start();
		String pid = parent.inputReader().readLine();
		assertThat(ProcessHandle.of(Long.parseLong(pid))).isPresent();
		parent.destroyForcibly().waitFor();
		await().atMost(Duration.ofSeconds(20))
			.until(() -> ProcessHandle.of(Long.parseLong(pid)).filter(ProcessHandle::isAlive).isEmpty());
	}

	static final class Parent {

		public static void main(String[] args) throws Exception {
			IpcProcess child = shell("exec cat <&3");
			System.out.println(child.pid());
			child.waitFor();
		}

	}

	private static IpcProcess shell(String script) throws Exception {
		return new IpcProcessBuilder("sh", "-c", script).start();
	}

}
