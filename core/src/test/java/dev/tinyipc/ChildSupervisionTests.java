package dev.tinyipc;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;

/** Neither a child nor the consumer of its lines can stop the supervision of others. */
@Timeout(90)
class ChildSupervisionTests {

	@Test
	void aChildThatTakesItsOutputBackDoesNotStopTheWatching() throws Exception {
		String program = """
				import os, select
				taken = os.open('/proc/self/fd/1', os.O_RDONLY | os.O_NONBLOCK)
				tries = 0
				while tries % 100 or not select.select([3], [], [], 0)[0]:
					tries += 1
					os.write(1, b'x')
					for i in range(tries % 400): pass
					try: os.read(taken, 1)
					except BlockingIOError: pass
				""";
		try (IpcProcess thief = new IpcProcessBuilder("python3", "-c", program).outputLines((line) -> {
		}).start()) {
			for (int i = 0; i < 200; i++) {
				try (IpcProcess other = new IpcProcessBuilder("true").start()) {
					assertThat(other.waitFor(20, TimeUnit.SECONDS)).as("the end of child %d is noticed", i).isTrue();
				}
			}
			thief.socket().close();
			assertThat(thief.waitFor(20, TimeUnit.SECONDS)).isTrue();
		}
	}

	@Test
	void aConsumerThatBlocksStopsNeitherTheWatchingNorTheLinesOfOthers() throws Exception {
		CountDownLatch release = new CountDownLatch(1);
		CountDownLatch blocked = new CountDownLatch(3);
		List<IpcProcess> held = new ArrayList<>();
		try {
			for (int i = 0; i < 3; i++) {
				held.add(shell("echo held; cat <&3").outputLines((line) -> {
					blocked.countDown();
					awaitUninterruptibly(release);
				}).start());
			}
			assertThat(blocked.await(20, TimeUnit.SECONDS)).as("each has a thread").isTrue();
			List<String> lines = new ArrayList<>();
			try (IpcProcess free = shell("echo out; echo err >&2").outputLines(lines::add)
				.errorLines(lines::add)
				.start()) {
				assertThat(free.waitFor(20, TimeUnit.SECONDS)).isTrue();
				assertThat(lines).containsExactlyInAnyOrder("out", "err");
			}
			for (IpcProcess child : held) {
				child.destroyForcibly();
				assertThat(child.waitFor(20, TimeUnit.SECONDS)).as("its end is told without its lines").isTrue();
			}
		}
		finally {
			release.countDown();
			held.forEach(IpcProcess::close);
		}
	}

	@Test
	void aConsumerCanEndItsChildAndWaitForIt() throws Exception {
		CompletableFuture<IpcProcess> itself = new CompletableFuture<>();
		CompletableFuture<Integer> seen = new CompletableFuture<>();
		try (IpcProcess child = shell("echo line; cat <&3").outputLines((line) -> {
			try {
				seen.complete(itself.join().destroyForcibly().waitFor());
			}
			catch (InterruptedException ex) {
				throw new AssertionError(ex);
			}
		}).start()) {
			itself.complete(child);
			assertThat(seen.get(20, TimeUnit.SECONDS)).isEqualTo(128 + 9);
		}
	}

	@Test
	void aConsumerThatEndsTheJvmDoesNotKeepShutdownHooksFromSeeingTheEndOfChildren() throws Exception {
		Process parent = new ChildJvm(Exiting.class).start();
		String output = new String(parent.getInputStream().readAllBytes());
		assertThat(parent.waitFor()).as(output).isEqualTo(7);
		assertThat(output).contains("ended: true");
	}

	static final class Exiting {

		public static void main(String[] args) throws Exception {
			CountDownLatch started = new CountDownLatch(1);
			IpcProcess child = shell("echo line; cat <&3").outputLines((line) -> {
				awaitUninterruptibly(started);
				System.exit(7);
			}).start();
			Runtime.getRuntime().addShutdownHook(new Thread(() -> {
				child.close();
				try {
					System.out.println("ended: " + child.waitFor(20, TimeUnit.SECONDS));
				}
				catch (InterruptedException ex) {
					throw new AssertionError(ex);
				}
			}));
			started.countDown();
			new CountDownLatch(1).await(); // it is the consumer that ends this process
		}

	}

	private static void awaitUninterruptibly(CountDownLatch latch) {
		try {
			latch.await();
		}
		catch (InterruptedException ex) {
			throw new AssertionError(ex);
		}
	}

	private static IpcProcessBuilder shell(String script) {
		return new IpcProcessBuilder("sh", "-c", script);
	}

}
