package dev.tinyipc;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/** Threads that may not open a file any more, in a JVM that does a lot else. */
@Timeout(600)
class SandboxStressTests {

	private static final int SPAWNS = Integer.getInteger("tinyipc.stress.spawns", 1_000);

	private static final int SPAWNING_THREADS = 4;

	@TempDir
	private Path folder;

	@Test
	void manyLockedSpawnsLeaveABusyJvmAsItWas() throws Exception {
		spawn();
		LeakWatch leaks = new LeakWatch();
		Set<String> before = restrictionsOfThreads();
		AtomicBoolean done = new AtomicBoolean();
		AtomicInteger left = new AtomicInteger(SPAWNS);
		ExecutorService threads = Executors.newCachedThreadPool();
		try (Recording recording = new Recording()) {
			recording.enable("jdk.ThreadStart");
			recording.enable("jdk.ThreadEnd");
			recording.enable("jdk.ClassLoad");
			recording.start();
			List<Future<?>> busy = List.of(threads.submit(until(done, SandboxStressTests::loadClasses)),
					threads.submit(until(done, SandboxStressTests::makeGarbage)));
			List<Future<?>> spawning = new ArrayList<>();
			for (int i = 0; i < SPAWNING_THREADS; i++) {
				spawning.add(threads.submit(() -> {
					while (left.getAndDecrement() > 0) {
						spawn();
					}
					return null;
				}));
			}
			for (Future<?> future : spawning) {
				future.get();
			}
			done.set(true);
			for (Future<?> future : busy) {
				future.get();
			}
			Path file = this.folder.resolve("recording.jfr");
			recording.dump(file);
			assertThat(RecordingFile.readAllEvents(file))
				.filteredOn((event) -> event.getEventType().getName().equals("jdk.ThreadEnd"))
				.hasSizeGreaterThanOrEqualTo(SPAWNS);
		}
		finally {
			threads.shutdownNow();
			assertThat(threads.awaitTermination(1, TimeUnit.MINUTES)).isTrue();
		}
		assertThat(Thread.getAllStackTraces().keySet())
			.noneMatch((thread) -> thread.getName().equals("tiny-ipc-restricted-spawn"));
		assertThat(restrictionsOfThreads()).isEqualTo(before).hasSize(1);
		leaks.assertNoneLeft();
	}

	/** What the kernel says of each thread of this process, without repetition. */
	private static Set<String> restrictionsOfThreads() throws IOException {
		Set<String> restrictions = new HashSet<>();
		try (DirectoryStream<Path> threads = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
			for (Path thread : threads) {
				try (Stream<String> lines = Files.lines(thread.resolve("status"))) {
					restrictions
						.add(lines.filter((line) -> line.matches("(NoNewPrivs|Seccomp|CapEff).*")).toList().toString());
				}
				catch (NoSuchFileException | UncheckedIOException ex) {
					// It has just ended.
				}
			}
		}
		return restrictions;
	}

	private static void spawn() throws IOException, InterruptedException {
		try (IpcProcess child = new IpcProcessBuilder("true").sandbox(Sandbox.of(Sandbox.Profile.LOCKED_DOWN))
			.redirectInput(Redirect.from(Path.of("/dev/null").toFile()))
			.redirectOutput(Redirect.DISCARD)
			.redirectError(Redirect.DISCARD)
			.start()) {
			assertThat(child.waitFor()).isZero();
			assertThat(child.protection().noNewPrivileges()).isTrue();
		}
	}

	private static Callable<?> until(AtomicBoolean done, Callable<?> work) {
		return () -> {
			while (!done.get()) {
				work.call();
			}
			return null;
		};
	}

	/** Opens files, defines classes, and gives the compiler work. */
	private static Class<?> loadClasses() throws Exception {
		URL classes = Sandbox.class.getProtectionDomain().getCodeSource().getLocation();
		try (URLClassLoader loader = new URLClassLoader(new URL[] { classes }, null)) {
			return loader.loadClass("dev.tinyipc.ExitStatus");
		}
	}

	private static List<byte[]> makeGarbage() {
		List<byte[]> garbage = new ArrayList<>();
		for (int i = 0; i < 100; i++) {
			garbage.add(new byte[10_000]);
		}
		return garbage;
	}

}
