package dev.tinyipc.spring.child;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;

import ch.qos.logback.classic.Level;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcReplyLostException;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.actuate.InstanceDetails;
import dev.tinyipc.spring.actuate.IpcEndpoint;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowable;

/** Children that are forked from a process that has loaded everything. */
@Timeout(180)
class ZygoteTests {

	private static final Path LIBRARY = Path.of("..", "python", "src", "tiny_ipc");

	@TempDir
	private Path folder;

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void instancesAndThoseThatStandByAreForkedFromOneProcess(boolean ready) {
		application("ipc.children.worker.ready=" + ready, "ipc.children.worker.instances=2",
				"ipc.children.worker.spare=1")
			.run((context) -> {
				IpcChild child = context.getBean(IpcChild.class);
				assertThat(Processes.pids(child)).hasSize(3).doesNotHaveDuplicates();
				long zygote = zygote(child);
				for (int i = 0; i < 10; i++) {
					Who who = who(context);
					assertThat(who.loadedBy()).isEqualTo(zygote);
					assertThat(Processes.pids(child)).contains(who.pid()).doesNotContain(zygote);
				}
				assertThat(new IpcEndpoint(List.of(child), null).child("worker").instances())
					.extracting(InstanceDetails::zygote)
					.containsOnly(zygote);
			});
	}

	@Test
	void anInstanceThatEndsIsFollowedByAnotherForkAndItIsKnownHowItEnded() {
		application("ipc.children.worker.restart.initial-delay=10ms").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			Who first = who(context);
			assertThatExceptionOfType(IpcReplyLostException.class).isThrownBy(() -> ask(context, "exit 7"))
				.withMessageContaining("exit code 7");
			Who second = who(context);
			assertThat(second.pid()).isNotEqualTo(first.pid());
			assertThat(second.loadedBy()).isEqualTo(first.loadedBy());
			assertThat(child.instances().get(0).lastExit()).hasToString("Optional[exit code 7]");
			assertThat(child.instances().get(0).restarts()).isOne();
			ReadinessTests.kill(second.pid());
			Awaitility.await().until(() -> child.instances().get(0).restarts() == 2);
			assertThat(child.instances().get(0).lastExit()).hasToString("Optional[signal 9 (SIGKILL)]");
			assertThat(who(context).loadedBy()).isEqualTo(first.loadedBy());
		});
	}

	@Test
	void instancesOutliveTheirZygoteAndTheNextStartHasAnother() {
		try (LogOf log = new LogOf(IpcChild.class.getName())) {
			application("ipc.children.worker.restart.initial-delay=10ms").run((context) -> {
				IpcChild child = context.getBean(IpcChild.class);
				Who first = who(context);
				ReadinessTests.kill(first.loadedBy());
				Awaitility.await().until(() -> log.of(Level.WARN).stream().anyMatch((line) -> line.contains("zygote")));
				assertThat(log.of(Level.WARN)).anyMatch((line) -> line.startsWith("The zygote of child process"
						+ " 'worker' has ended: process " + first.loadedBy() + ", ended with signal 9 (SIGKILL)."));
				assertThat(who(context)).isEqualTo(first);
				ReadinessTests.kill(first.pid());
				Awaitility.await().until(() -> child.instances().get(0).restarts() == 1);
				Who second = who(context);
				assertThat(second.pid()).isNotEqualTo(first.pid());
				assertThat(second.loadedBy()).isNotEqualTo(first.loadedBy()).isEqualTo(zygote(child));
			});
		}
	}

	@Test
	void aWornOutInstanceIsReplacedAlsoAfterTheZygoteHasEnded() {
		application("ipc.children.worker.max-exchanges=3", "ipc.children.worker.ready=true",
				"ipc.children.worker.restart.initial-delay=10ms")
			.run((context) -> {
				Who first = who(context);
				Awaitility.await().until(() -> who(context).pid() != first.pid());
				assertThat(who(context).loadedBy()).isEqualTo(first.loadedBy());
				ReadinessTests.kill(first.loadedBy());
				Awaitility.await().until(() -> who(context).loadedBy() != first.loadedBy());
			});
	}

	@Test
	void aOneWayChildIsForkedToo() throws Exception {
		Path program = program();
		Path received = this.folder.resolve("received");
		Files.writeString(program,
				Files.readString(program)
					.replace("def act(request):\n",
							"def act(request):\n    open('" + received + "', 'a').write(request.payload)\n"));
		application("ipc.children.worker.command[1]=" + program, "ipc.children.worker.one-way=true").run((context) -> {
			context.getBean(CborMessageTemplate.class).convertAndSend("hello");
			Awaitility.await().until(() -> Files.exists(received) && Files.readString(received).equals("hello"));
			assertThat(zygote(context.getBean(IpcChild.class))).isPositive();
		});
	}

	@Test
	void aRestartLoadsTheProgramAnew() {
		application("ipc.children.worker.instances=2").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			List<Long> before = Processes.pids(child);
			long zygote = zygote(child);
			child.restartInstances().join();
			assertThat(Processes.pids(child)).hasSize(2).doesNotContainAnyElementsOf(before);
			assertThat(who(context).loadedBy()).isEqualTo(zygote(child)).isNotEqualTo(zygote);
			Awaitility.await().until(() -> !Processes.runs(zygote));
		});
	}

	@Test
	void aRestartOfAProgramThatCannotBeLoadedChangesNothing() throws Exception {
		Path program = program();
		application("ipc.children.worker.command[1]=" + program, "ipc.children.worker.restart.initial-delay=10ms")
			.run((context) -> {
				IpcChild child = context.getBean(IpcChild.class);
				Who first = who(context);
				String works = Files.readString(program);
				Files.writeString(program, "no program");
				assertThatExceptionOfType(CompletionException.class).isThrownBy(() -> child.restartInstances().join())
					.havingCause()
					.withMessageContaining("its zygote cannot be started")
					.withMessageContaining("SyntaxError");
				assertThat(who(context)).isEqualTo(first);
				ReadinessTests.kill(first.pid());
				Awaitility.await().until(() -> child.instances().get(0).restarts() == 1);
				assertThat(who(context).loadedBy()).isEqualTo(first.loadedBy());
				Files.writeString(program, works);
				child.restartInstances().join();
				assertThat(who(context).loadedBy()).isEqualTo(zygote(child)).isNotEqualTo(first.loadedBy());
			});
	}

	@Test
	void nothingIsLeftOfAChildThatWasStopped() {
		application("ipc.children.worker.instances=2", "ipc.children.worker.ready=true").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			Map<String, Long> descriptors = OpenDescriptors.withoutFiles();
			for (int i = 0; i < 3; i++) {
				List<Long> pids = Processes.pids(child);
				long zygote = zygote(child);
				child.stopInstances().join();
				assertThat(pids).noneMatch(Processes::runs);
				assertThat(Processes.runs(zygote)).isFalse();
				child.startInstances();
				Awaitility.await()
					.until(() -> child.instances().stream().allMatch((one) -> one.state() == ChildState.RUNNING));
				assertThat(ask(context, "hello")).isEqualTo("hello");
			}
			Awaitility.await().until(() -> OpenDescriptors.withoutFiles().equals(descriptors));
			assertThat(Processes.zombies()).isEmpty();
		});
	}

	@Test
	void aStopWaitsForTheZygoteBeforeTheLastOneToo() throws Exception {
		Path slow = Files.createFile(this.folder.resolve("slow"));
		Path program = program(
				"import atexit, os, time\nif os.path.exists('" + slow + "'): atexit.register(time.sleep, 2)\n");
		application("ipc.children.worker.command[1]=" + program).run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			long zygote = zygote(child);
			Files.delete(slow);
			child.restartInstances().join();
			assertThat(Processes.runs(zygote)).isTrue();
			child.stopInstances().join();
			assertThat(Processes.runs(zygote)).isFalse();
		});
	}

	@Test
	void theLinesOfTheZygoteAndOfItsInstancesAreThoseOfTheChild() {
		try (LogOf log = new LogOf("ipc.child.worker")) {
			application().run((context) -> {
				ask(context, "say hello");
				Awaitility.await().until(() -> log.of(Level.ERROR).equals(List.of("hello")));
				Awaitility.await().until(() -> log.of(Level.INFO).equals(List.of("loaded", "hello")));
			});
		}
	}

	@Test
	void limitsAreThoseOfEachInstance() {
		application("ipc.children.worker.limits.memory=200MB", "ipc.children.worker.limits.open-files=30",
				"ipc.children.worker.limits.cpu-time=100s", "ipc.children.worker.limits.file-size=1MB")
			.run((context) -> {
				IpcChild child = context.getBean(IpcChild.class);
				assertThat(child.instances().get(0).protection().orElseThrow().limits())
					.containsEntry("RLIMIT_NOFILE", 30L)
					.containsEntry("RLIMIT_DATA", 200L << 20)
					.containsEntry("RLIMIT_CPU", 100L);
				assertThat(ask(context, "allocate 1000")).isEqualTo("1000");
				assertThatExceptionOfType(RuntimeException.class)
					.isThrownBy(() -> ask(context, "allocate " + (300 << 20)))
					.withMessageContaining("MemoryError");
			});
	}

	@Test
	void aLockedDownProgramForksToo() throws Exception {
		Path program = program();
		Path secret = Files.writeString(this.folder.resolve("secret"), "secret");
		application("ipc.children.worker.command[1]=" + program, "ipc.children.worker.sandbox.profile=locked-down",
				"ipc.children.worker.restart.initial-delay=10ms")
			.run((context) -> {
				IpcChild child = context.getBean(IpcChild.class);
				Who first = who(context);
				assertThat(first.loadedBy()).isEqualTo(zygote(child));
				assertThat(child.instances().get(0).protection().orElseThrow().seccompFilters()).isPositive();
				assertThatExceptionOfType(RuntimeException.class).isThrownBy(() -> ask(context, "open " + secret))
					.withMessageContaining("PermissionError");
				ReadinessTests.kill(first.pid());
				Awaitility.await().until(() -> child.instances().get(0).restarts() == 1);
				assertThat(who(context).loadedBy()).isEqualTo(first.loadedBy());
			});
	}

	@Test
	void instancesHaveNoDescriptorsOfEachOther() {
		application("ipc.children.worker.instances=3", "ipc.children.worker.ready=true").run((context) -> {
			for (long pid : Processes.pids(context.getBean(IpcChild.class))) {
				// Its own, and that of the calls that it may make.
				Awaitility.await().until(() -> sockets(pid) == 2);
			}
		});
	}

	@Test
	void anApplicationThatDoesNotWaitIsStartedBeforeTheProgramIsLoaded() throws Exception {
		Path gate = this.folder.resolve("gate");
		Path program = program("import os, time\nwhile not os.path.exists('" + gate + "'): time.sleep(0.01)\n");
		application("ipc.children.worker.command[1]=" + program, "ipc.children.worker.ready=true",
				"ipc.children.worker.await-ready=false")
			.run((context) -> {
				IpcChild child = context.getBean(IpcChild.class);
				assertThat(child.instances()).extracting(IpcChild.Instance::state).containsOnly(ChildState.STARTING);
				assertThat(child.instances().get(0).pid()).isEmpty();
				Files.createFile(gate);
				assertThat(ask(context, "hello")).isEqualTo("hello");
				assertThat(child.instances().get(0).restarts()).isZero();
			});
	}

	@Test
	void aStartThatIsAskedForWhileAnotherOneWaitsDoesNotStartTwice() throws Exception {
		Path gate = Files.createFile(this.folder.resolve("gate"));
		Path program = program("import os, time\nwhile not os.path.exists('" + gate + "'): time.sleep(0.01)\n");
		application("ipc.children.worker.command[1]=" + program, "ipc.children.worker.restart.initial-delay=10ms")
			.run((context) -> {
				IpcChild child = context.getBean(IpcChild.class);
				Who first = who(context);
				Files.delete(gate);
				ReadinessTests.kill(first.loadedBy());
				ReadinessTests.kill(first.pid());
				Awaitility.await().until(() -> child.instances().get(0).state() == ChildState.STARTING);
				Thread start = new Thread(child::startInstances);
				start.start();
				Awaitility.await().until(() -> start.getState() == Thread.State.TIMED_WAITING);
				Files.createFile(gate);
				start.join();
				// Once this returns, the start that waited has had its turn, too.
				child.startInstances();
				Who second = who(context);
				assertThat(childrenOf(second.loadedBy())).isEqualTo(Long.toString(second.pid()));
			});
	}

	@Test
	void aStopDoesNotWaitUntilTheProgramIsLoaded() throws Exception {
		Path program = program("import time\ntime.sleep(600)\n");
		application("ipc.children.worker.command[1]=" + program, "ipc.children.worker.ready=true",
				"ipc.children.worker.await-ready=false")
			.run((context) -> {
				IpcChild child = context.getBean(IpcChild.class);
				child.stopInstances().join();
				assertThat(child.instances()).extracting(IpcChild.Instance::state).containsOnly(ChildState.STOPPED);
				assertThat(ProcessHandle.current().children().map((one) -> one.info().commandLine().orElse("")))
					.noneMatch((line) -> line.contains(program.toString()));
			});
	}

	@Test
	void stopsAndStartsInAnyOrderEndInWhatWasAskedForLast() {
		application("ipc.children.worker.ready=true").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			for (int i = 0; i < 5; i++) {
				CompletableFuture<?> stop = child.stopInstances();
				child.startInstances();
				stop.join();
				child.restartInstances();
				assertThat(ask(context, "hello")).isEqualTo("hello");
			}
			CompletableFuture<?> restart = child.restartInstances();
			child.stopInstances().join();
			Throwable failure = catchThrowable(restart::join);
			assertThat((failure != null) ? failure.getMessage() : "it was stopped before")
				.contains("it was stopped before");
			assertThat(child.instances()).extracting(IpcChild.Instance::state).containsOnly(ChildState.STOPPED);
			assertThat(Processes.pids(child)).isEmpty();
		});
	}

	@Test
	void aProgramThatCannotBeForkedKeepsTheApplicationFromStarting() throws Exception {
		Path program = program("import threading\n"
				+ "threading.Thread(target=threading.Event().wait, daemon=True, name='ticker').start()\n");
		application("ipc.children.worker.command[1]=" + program).run((context) -> assertThat(context).getFailure()
			.cause()
			.hasMessageContaining("its zygote cannot be started: ")
			.hasMessageContaining("(exit code 1) before it could fork")
			.hasMessageContaining("because it has more than one thread, which a fork would not have: ticker"));
	}

	@Test
	void aProgramThatDoesNotKnowOfZygotesKeepsTheApplicationFromStarting() {
		RawWorker.application("ipc.children.worker.zygote=true", "ipc.children.worker.start-timeout=500ms")
			.run((context) -> assertThat(context).getFailure()
				.cause()
				.hasMessageContaining("did not say in time that it can fork")
				.hasMessageContaining(
						"Raise ipc.children.worker.start-timeout, or set ipc.children.worker.zygote to" + " false"));
	}

	@Test
	void aMainClassCannotHaveAZygote() {
		RawWorker.nothing()
			.withPropertyValues("ipc.children.worker.main=" + TwiceWorker.class.getName(),
					"ipc.children.worker.zygote=true")
			.run((context) -> assertThat(context).getFailure()
				.rootCause()
				.hasMessageContaining("ipc.children.worker.zygote"));
	}

	private static ApplicationContextRunner application(String... properties) {
		return PythonWorker.application("/zygote_worker.py")
			.withPropertyValues("ipc.children.worker.zygote=true")
			.withPropertyValues(properties);
	}

	/**
	 * The program in a folder of its own, with the library, and with other first lines.
	 */
	private Path program(String... first) throws IOException {
		Path library = Files.createDirectories(this.folder.resolve("program").resolve("tiny_ipc"));
		try (Stream<Path> files = Files.list(LIBRARY)) {
			for (Path file : files.filter((one) -> one.toString().endsWith(".py")).toList()) {
				Files.copy(file, library.resolve(file.getFileName()));
			}
		}
		try (var program = ZygoteTests.class.getResourceAsStream("/zygote_worker.py")) {
			return Files.write(library.resolveSibling("zygote_worker.py"),
					(String.join("", first) + new String(program.readAllBytes())).getBytes());
		}
	}

	private static long zygote(IpcChild child) {
		List<Long> zygotes = child.instances().stream().flatMap((one) -> one.zygote().stream()).distinct().toList();
		assertThat(zygotes).hasSize(1);
		return zygotes.get(0);
	}

	private static Who who(ApplicationContext context) {
		String[] numbers = ask(context, "who").split(" ");
		return new Who(Long.parseLong(numbers[0]), Long.parseLong(numbers[1]));
	}

	private static String ask(ApplicationContext context, String what) {
		return context.getBean(CborMessageTemplate.class)
			.convertSendAndReceive(what, String.class, Duration.ofSeconds(60));
	}

	private static String childrenOf(long pid) throws IOException {
		return Files.readString(Path.of("/proc/" + pid + "/task/" + pid + "/children")).strip();
	}

	private static long sockets(long pid) throws IOException {
		try (Stream<Path> files = Files.list(Path.of("/proc", Long.toString(pid), "fd"))) {
			return files.filter((file) -> target(file).startsWith("socket:")).count();
		}
	}

	private static String target(Path file) {
		try {
			return Files.readSymbolicLink(file).toString();
		}
		catch (IOException ex) {
			return "";
		}
	}

	private record Who(long pid, long loadedBy) {
	}

}
