package dev.tinyipc.spring.child;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

import dev.tinyipc.Sandbox;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcPoisonRequestException;
import dev.tinyipc.spring.IpcReplyLostException;
import dev.tinyipc.spring.IpcTimeoutException;
import dev.tinyipc.spring.PostMortem;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.actuate.IpcEndpoint;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.ApplicationContext;
import org.springframework.context.ApplicationListener;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** Children that grow too large in the middle of a request. */
@Timeout(180)
@ExtendWith(OutputCaptureExtension.class)
class MemoryWatchTests {

	private static final String LIMIT = "ipc.children.worker.max-memory=100MB";

	private static final String GROWS = "eat 200 wait-for /nothing";

	private static final String REASON = "it used \\d+ MiB, more than ipc.children.worker.max-memory \\(100 MiB\\)";

	private final Queue<IpcChildEvent> events = new ConcurrentLinkedQueue<>();

	@Test
	void theInstanceIsKilledAndEverybodyIsToldWhy(CapturedOutput output) {
		application(LIMIT).run((context) -> {
			long first = who(context);
			assertThatExceptionOfType(IpcReplyLostException.class).isThrownBy(() -> call(context, GROWS))
				.withMessageMatching(".*had been sent the request, and its process ended with .*SIGKILL.*,"
						+ " sent by this application because " + REASON)
				.satisfies((ex) -> {
					PostMortem end = ex.postMortem().orElseThrow();
					assertThat(end.killedBecause().orElseThrow()).matches(REASON);
					assertThat(end.probablyOutOfMemory()).isFalse();
				});
			assertThat(who(context)).isNotEqualTo(first);
			IpcChild child = context.getBean(IpcChild.class);
			Awaitility.await().until(() -> child.instances().get(0).lastEnd().isPresent());
			assertThat(new IpcEndpoint(List.of(child), null).child("worker").instances().get(0).killedBecause())
				.matches(REASON);
			assertThat(output).containsPattern("\\(pid " + first + "\\) is replaced, because " + REASON);
			assertThat(this.events).anySatisfy((event) -> assertThat(event.reason().orElse("")).matches(REASON));
		});
	}

	@Test
	void theRequestIsNotTriedAgainOnAnotherInstance() {
		application(LIMIT, "ipc.children.worker.idempotent=true").run((context) -> {
			assertThatExceptionOfType(IpcReplyLostException.class).isThrownBy(() -> call(context, GROWS));
			IpcChild child = context.getBean(IpcChild.class);
			Awaitility.await().until(() -> child.instances().get(0).restarts() > 0);
			assertThat(child.instances().get(0).restarts()).isEqualTo(1);
		});
	}

	@Test
	void theRequestIsOneThatAProcessHasDiedOf() {
		application(LIMIT, "ipc.children.worker.quarantine=1h").run((context) -> {
			for (int i = 0; i < 2; i++) {
				assertThatExceptionOfType(IpcReplyLostException.class).isThrownBy(() -> call(context, GROWS));
			}
			assertThatExceptionOfType(IpcPoisonRequestException.class).isThrownBy(() -> call(context, GROWS));
			assertThat(call(context, "hello")).isEqualTo("hello");
		});
	}

	@Test
	void theRequestMayBeOneThatNobodyWaitsFor() {
		application(LIMIT, "ipc.children.worker.startup-grace=1h").run((context) -> {
			assertThatExceptionOfType(IpcTimeoutException.class)
				.isThrownBy(() -> context.getBean(CborMessageTemplate.class)
					.timeout(Duration.ofMillis(300))
					.convertSendAndReceive("sleep 1 " + GROWS, String.class));
			IpcChild child = context.getBean(IpcChild.class);
			Awaitility.await()
				.until(() -> child.instances().get(0).lastEnd().flatMap(PostMortem::killedBecause).isPresent());
		});
	}

	@Test
	void anInstanceThatGrowsByOneWayMessagesIsReplaced() {
		application(LIMIT, "ipc.children.worker.one-way=true").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			long first = Processes.pids(child).get(0);
			context.getBean(CborMessageTemplate.class).convertAndSend("swell 200");
			Awaitility.await().until(() -> !Processes.runs(first));
			assertThat(child.instances().get(0).restarts()).isEqualTo(1);
			assertThat(child.instances().get(0).lastEnd().flatMap(PostMortem::killedBecause)).isEmpty();
		});
	}

	@Test
	void withoutALimitItMayGrow() {
		application().run((context) -> assertThat(call(context, "eat 200 sleep 0.4")).isEqualTo("eat 200 sleep 0.4"));
	}

	@Test
	void anInstanceThatIsToBeReplacedMayGrowALittle() throws Exception {
		String program = """
				import sys
				ballast = []
				for line in sys.stdin:
				    ballast.append(b'x' * (int(line) << 20))
				    print(line, end='', flush=True)
				""";
		Process process = new ProcessBuilder(RawWorker.python().toString(), "-c", program).start();
		try (BufferedReader output = new BufferedReader(new InputStreamReader(process.getInputStream()))) {
			InstanceMemory memory = new InstanceMemory(new InstanceMemory.Limit(100 << 20, "limit"), process.pid(),
					ControlGroup.NONE, new MemoryWatch(new ChildSupervisor()));
			grow(process, 60, output);
			assertThat(memory.isWornOut()).isFalse();
			grow(process, 60, output);
			assertThat(memory.isWornOut()).isTrue();
			grow(process, 30, output);
			assertThat(memory.isWornOut()).isTrue();
			assertThat(memory.exceed()).isEmpty();
			grow(process, 30, output);
			assertThat(memory.exceed()).isPresent().isEqualTo(memory.excess());
			assertThat(memory.exceed()).as("told once").isEmpty();
		}
		finally {
			process.destroyForcibly().waitFor();
		}
	}

	@Test
	void theSizeIsKnownWhateverTheProcessCallsItself() throws Exception {
		String program = """
				import sys
				open('/proc/self/comm', 'wb').write(b'VmRSS: \\xe4')
				print('renamed', flush=True)
				sys.stdin.read()
				""";
		Process process = new ProcessBuilder(RawWorker.python().toString(), "-c", program).start();
		try (BufferedReader output = new BufferedReader(new InputStreamReader(process.getInputStream()))) {
			assertThat(output.readLine()).isEqualTo("renamed");
			assertThat(ProcessMemory.residentSize(process.pid())).isGreaterThan(1 << 20);
		}
		finally {
			process.destroyForcibly().waitFor();
		}
	}

	@Test
	void theLowerOfTwoLimitsCounts() {
		assertThat(limit("100MB", "200MB")).hasToString("ipc.children.worker.max-memory (100 MiB)");
		assertThat(limit("300MB", "200MB")).hasToString("ipc.children.worker.limits.memory (200 MiB)");
		assertThat(limit("0", "200MB")).hasToString("ipc.children.worker.limits.memory (200 MiB)");
		assertThat(limit("100MB", "")).hasToString("ipc.children.worker.max-memory (100 MiB)");
		assertThat(limit("0", "").bytes()).isZero();
	}

	private static InstanceMemory.Limit limit(String maxMemory, String data) {
		Map<String, String> properties = Map.of("max-memory", maxMemory, "limits.memory", data);
		ChildSettings settings = new Binder(new MapConfigurationPropertySource(properties)).bindOrCreate("",
				ChildSettings.class);
		return new ChildSpec("worker", List.of("true"), null, List.of(), 1, 1, false, false, false,
				ChildSettings.Transport.SOCKET, Sandbox.Profile.NONE, Map.of(), null, settings)
			.memoryLimit();
	}

	private static void grow(Process process, int mib, BufferedReader output) throws Exception {
		process.getOutputStream().write((mib + "\n").getBytes());
		process.getOutputStream().flush();
		assertThat(output.readLine()).isEqualTo(Integer.toString(mib));
	}

	private ApplicationContextRunner application(String... properties) {
		return RawWorker.application("ipc.children.worker.startup-grace=1ms")
			.withPropertyValues(properties)
			.withInitializer(
					(context) -> context.addApplicationListener(ApplicationListener.forPayload(this.events::add)));
	}

	private static long who(ApplicationContext context) {
		return context.getBean(CborMessageTemplate.class).<Integer>convertSendAndReceive("who", Integer.class);
	}

	private static String call(ApplicationContext context, String request) {
		return context.getBean(CborMessageTemplate.class)
			.timeout(Duration.ofSeconds(60))
			.convertSendAndReceive(request, String.class);
	}

}
