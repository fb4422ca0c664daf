package dev.tinyipc;

import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

/** The thread that everything depends on. */
@Timeout(60)
class ChildWatcherTests {

	@ParameterizedTest
	@ValueSource(classes = { OutOfMemoryError.class, StackOverflowError.class, IllegalStateException.class })
	void whateverIsThrownInTheWatchingThreadDoesNotEndIt(Class<? extends Throwable> type) throws Exception {
		CountDownLatch thrown = new CountDownLatch(3);
		try (OwnedFd.Pipe pipe = OwnedFd.pipe()) {
			pipe.sink().outputStream().write(1);
			ChildWatcher.get().add(new Failing(pipe.source(), type, thrown));
			assertThat(thrown.await(20, TimeUnit.SECONDS)).isTrue();
			try (IpcProcess child = new IpcProcessBuilder("true").start()) {
				assertThat(child.waitFor(20, TimeUnit.SECONDS)).isTrue();
			}
		}
	}

	/** A child may take back what it wrote, after that has been noticed. */
	@Test
	void anOutputThatTurnsOutToBeEmptyIsNotWaitedFor() throws Exception {
		ChildLines lines = new ChildLines(new ForeignCalls(), () -> {
		});
		try (OwnedFd.Pipe pipe = OwnedFd.pipe()) {
			ChildOutput output = new ChildOutput(pipe.source(), (line) -> {
			}, lines);
			Blocked.any(() -> assertThat(output.serve()).isEqualTo(ChildWatcher.Watched.Next.WATCH)).join();
		}
	}

	/** Fails to be served, and to be looked after, and is done after three times. */
	private static final class Failing implements ChildWatcher.Watched {

		private final OwnedFd source;

		private final Class<? extends Throwable> type;

		private final CountDownLatch thrown;

		private final AtomicInteger rest = new AtomicInteger(3);

		private Failing(OwnedFd source, Class<? extends Throwable> type, CountDownLatch thrown) {
			this.source = source;
			this.type = type;
			this.thrown = thrown;
		}

		@Override
		public OwnedFd descriptor() {
			return this.source;
		}

		@Override
		public Next serve() {
			return fail();
		}

		@Override
		public Next look(long now) {
			return fail();
		}

		private Next fail() {
			if (this.rest.getAndDecrement() <= 0) {
				return Next.CLOSE;
			}
			this.thrown.countDown();
			try {
				throw ChildWatcherTests.<RuntimeException>sneaky(this.type.getConstructor().newInstance());
			}
			catch (ReflectiveOperationException ex) {
				throw new AssertionError(ex);
			}
		}

		@Override
		public void close() {
			this.source.close();
		}

	}

	@SuppressWarnings("unchecked")
	private static <X extends Throwable> X sneaky(Throwable failure) throws X {
		throw (X) failure;
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void aJvmWithoutMemoryStillSeesTheEndsOfItsChildren(boolean oneTalks) throws Exception {
		assertThat(new ChildJvm(Starving.class, Boolean.toString(oneTalks)).option("-Xmx24m").run())
			.contains("ended: Optional[signal 9 (SIGKILL)], Optional[signal 9 (SIGKILL)]");
	}

	static final class Starving {

		private static final byte[][] hog = new byte[100_000][];

		public static void main(String[] args) throws Exception {
			boolean talks = Boolean.parseBoolean(args[0]);
			AtomicInteger lines = new AtomicInteger();
			String loud = "exec yes $(head -c 60000 /dev/zero | tr '\\0' x)";
			IpcProcess talker = new IpcProcessBuilder("sh", "-c", talks ? loud : "exec sleep 1000")
				.outputLines((line) -> lines.incrementAndGet())
				.start();
			IpcProcess other = new IpcProcessBuilder("sleep", "1000").start();
			while (talks && lines.get() == 0) {
				Thread.onSpinWait();
			}
			fill(20);
			LibC.kill((int) other.pid(), LibC.SIGKILL);
			fill(200);
			// Nothing may be allocated before this: this thread may find no memory
			// either.
			Arrays.fill(hog, null);
			other.waitFor(20, TimeUnit.SECONDS);
			talker.destroyForcibly();
			talker.waitFor(20, TimeUnit.SECONDS);
			System.out.println("ended: " + other.exitStatus() + ", " + talker.exitStatus());
		}

		/** Until no thread can have been given memory for a line. */
		private static void fill(int times) {
			int failures = 0;
			int size = 1 << 20;
			for (int i = 0; failures < times; i++) {
				try {
					hog[i % hog.length] = new byte[size];
				}
				catch (OutOfMemoryError ex) {
					failures++;
					size = Math.max(1024, size / 2);
				}
			}
		}

	}

}
