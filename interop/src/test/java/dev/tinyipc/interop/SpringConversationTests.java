package dev.tinyipc.interop;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcTimeoutException;
import dev.tinyipc.spring.autoconfigure.IpcHealthAutoConfiguration;
import dev.tinyipc.spring.child.ChildState;
import dev.tinyipc.spring.child.IpcChild;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * An application and children in other languages: those that can have conversations, and
 * those that cannot.
 */
@Timeout(value = 180, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SpringConversationTests {

	private static final int MANY = 1_000_000;

	private static final long MEMORY_FOR_A_STREAM = 64 * 1024 * 1024;

	private static final int CALLERS = 16;

	private final ExecutorService threads = Executors.newFixedThreadPool(CALLERS);

	@TempDir
	private Path folder;

	@BeforeAll
	@Timeout(value = 30, unit = TimeUnit.MINUTES)
	static void build() {
		InteropTests.build();
	}

	@AfterEach
	void stopThreads() {
		this.threads.shutdownNow();
	}

	@Test
	void childInPythonThatIsStillLoadingIsOutOfServiceAndItsFirstCallerWaitsForIt() throws Exception {
		Language.PYTHON_LIBRARY.require();
		Path loaded = this.folder.resolve("loaded");
		List<String> command = List.of(Language.PYTHON_LIBRARY.command().get(0),
				Language.PYTHON_LIBRARY.built("slow_child.py"), loaded.toString());
		SpringParent.application("child", command)
			.withConfiguration(AutoConfigurations.of(IpcHealthAutoConfiguration.class))
			.withPropertyValues("ipc.children.child.ready=true", "ipc.children.child.await-ready=false")
			.run((context) -> {
				HealthIndicator indicator = context.getBean(HealthIndicator.class);
				Health starting = indicator.health();
				assertThat(starting.getStatus()).isEqualTo(Status.OUT_OF_SERVICE);
				assertThat(starting.getDetails().toString()).contains("STARTING");
				CompletableFuture<JsonNode> first = CompletableFuture.supplyAsync(() -> echo(context, "first"),
						this.threads);
				Awaitility.await().until(() -> child(context).waitingCallers() == 1);
				assertThat(indicator.health().getStatus()).isEqualTo(Status.OUT_OF_SERVICE);
				Files.createFile(loaded);
				assertThat(first.get(60, TimeUnit.SECONDS).stringValue()).isEqualTo("first");
				assertThat(indicator.health().getStatus()).isEqualTo(Status.UP);
				assertThat(restarts(context)).isZero();
			});
	}

	@ParameterizedTest
	@EnumSource(names = { "JAVA", "PYTHON_LIBRARY" })
	void streamOfAnyLengthNeedsLittleMemoryAtBothEnds(Language language) throws Exception {
		language.require();
		List<String> command = new ArrayList<>(List.of(Programs.java("java"), "--enable-native-access=ALL-UNNAMED",
				"-XX:+UseSerialGC", "-Xmx64m", "-cp", Programs.classPath(), StreamConsumer.class.getName()));
		command.add(Integer.toString(MANY));
		language.command().stream().map((argument) -> argument.replace("-Xmx256m", "-Xmx64m")).forEach(command::add);
		String output = Programs.run(Path.of("."), command);
		assertThat(figure(output, "elements")).isEqualTo(MANY);
		assertThat(figure(output, "child")).isLessThan(MEMORY_FOR_A_STREAM);
		System.out.println("interop " + language + " stream of " + MANY + " ok, " + figure(output, "nanos")
				+ " ns an element, the child grew by " + figure(output, "child") / 1024 + " KiB");
	}

	private static long figure(String output, String name) {
		return output.lines()
			.filter((line) -> line.startsWith(name + ' '))
			.mapToLong((line) -> Long.parseLong(line.substring(name.length() + 1)))
			.findAny()
			.orElseThrow(() -> new AssertionError("no " + name + " in:\n" + output));
	}

	/** Children that know requests and replies, and nothing else. */
	enum Plain {

		TEN_LINES {
			@Override
			List<String> command() throws Exception {
				Language.PYTHON.require();
				return Language.python("ten_lines.py");
			}

			@Override
			JsonNode echoed(JsonNode reply) {
				return reply.path("payload"); // it answers with the whole request
			}
		},

		CRATE {
			@Override
			List<String> command() throws Exception {
				Language.RUST_TINY_NIX_IPC.require();
				return Language.RUST_TINY_NIX_IPC.command();
			}

			@Override
			JsonNode echoed(JsonNode reply) {
				return reply;
			}
		};

		abstract List<String> command() throws Exception;

		abstract JsonNode echoed(JsonNode reply);

		/** An application that would have it serve several requests at a time. */
		ApplicationContextRunner application() throws Exception {
			return SpringParent.application("child", command())
				.withPropertyValues("ipc.children.child.concurrency=4", "ipc.children.child.restart.initial-delay=1ms",
						"ipc.children.child.restart.max-failures=1000000");
		}

	}

	@ParameterizedTest
	@EnumSource
	void childThatIsNoneForConversationsServesOneCallerAfterTheOther(Plain plain) throws Exception {
		plain.application().run((context) -> {
			List<Future<?>> callers = new ArrayList<>();
			for (int caller = 0; caller < CALLERS; caller++) {
				int from = caller * 1000;
				callers.add(this.threads.submit(() -> {
					for (int nonce = from; nonce < from + 100; nonce++) {
						assertThat(plain.echoed(echo(context, nonce)).intValue()).isEqualTo(nonce);
					}
				}));
			}
			for (Future<?> caller : callers) {
				caller.get(60, TimeUnit.SECONDS);
			}
			assertThat(child(context).instances()).singleElement().satisfies((instance) -> {
				assertThat(instance.lanes()).isOne();
				assertThat(instance.restarts()).isZero();
			});
		});
	}

	@ParameterizedTest
	@EnumSource
	void childThatCannotBeToldToStopIsReplacedForEachCallerWhoGivesUp(Plain plain) throws Exception {
		plain.application().withPropertyValues("ipc.children.child.exchange-timeout=100ms").run((context) -> {
			for (int abandoned = 1; abandoned <= 20; abandoned++) {
				// With its first answer, it counts as started.
				assertThat(plain.echoed(patientEcho(context, abandoned)).intValue()).isEqualTo(abandoned);
				signal("STOP", pid(context));
				assertThatExceptionOfType(IpcTimeoutException.class).isThrownBy(() -> echo(context, "never"));
				int restarts = abandoned;
				Awaitility.await().until(() -> restarts(context) == restarts);
			}
			assertThat(plain.echoed(patientEcho(context, "next")).stringValue()).isEqualTo("next");
			assertThat(restarts(context)).isEqualTo(20);
		});
	}

	@ParameterizedTest
	@EnumSource
	void requestThatMayBeRetriedIsServedByTheNextProcess(Plain plain) throws Exception {
		plain.application().run((context) -> {
			echo(context, "before");
			long pid = pid(context);
			signal("STOP", pid);
			CompletableFuture<JsonNode> reply = CompletableFuture
				.supplyAsync(
						() -> context.getBean(CborMessageTemplate.class)
							.idempotent()
							.convertSendAndReceive(request("again"), JsonNode.class, Duration.ofSeconds(60)),
						this.threads);
			Awaitility.await().until(() -> child(context).instances().get(0).busyLanes() == 1);
			signal("KILL", pid);
			assertThat(plain.echoed(reply.get(60, TimeUnit.SECONDS)).stringValue()).isEqualTo("again");
			assertThat(pid(context)).isNotEqualTo(pid);
		});
	}

	private static Map<String, Object> request(Object payload) {
		return Map.of("do", "echo", "payload", payload);
	}

	private static JsonNode echo(ApplicationContext context, Object payload) {
		return context.getBean(CborMessageTemplate.class).convertSendAndReceive(request(payload), JsonNode.class);
	}

	private static JsonNode patientEcho(ApplicationContext context, Object payload) {
		return context.getBean(CborMessageTemplate.class)
			.convertSendAndReceive(request(payload), JsonNode.class, Duration.ofSeconds(60));
	}

	private static IpcChild child(ApplicationContext context) {
		return context.getBean(IpcChild.class);
	}

	private static long restarts(ApplicationContext context) {
		return child(context).instances().get(0).restarts();
	}

	private static long pid(ApplicationContext context) {
		Awaitility.await().until(() -> child(context).instances().get(0).state() == ChildState.RUNNING);
		return child(context).instances().get(0).pid().orElseThrow();
	}

	private static void signal(String name, long pid) throws IOException, InterruptedException {
		Programs.run(Path.of("."), List.of("sh", "-c", "kill -" + name + " " + pid));
	}

}
