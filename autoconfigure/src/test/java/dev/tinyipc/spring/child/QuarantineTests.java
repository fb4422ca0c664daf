package dev.tinyipc.spring.child;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import java.util.stream.Stream;

import dev.tinyipc.spring.CborMessageOperations;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcInterruptedException;
import dev.tinyipc.spring.IpcPoisonRequestException;
import dev.tinyipc.spring.IpcReplyLostException;
import dev.tinyipc.spring.IpcTimeoutException;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.actuate.IpcChildMetrics;
import dev.tinyipc.spring.actuate.IpcEndpoint;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** Children that die of one input, and the requests that are refused for that. */
@Timeout(180)
class QuarantineTests {

	private static final String[] PROPERTIES = { "ipc.children.worker.quarantine=1h",
			"ipc.children.worker.restart.initial-delay=1ms", "ipc.children.worker.restart.max-failures=100",
			"ipc.children.worker.startup-grace=1ms", "ipc.children.worker.shutdown-timeout=100ms" };

	private static final Duration PATIENCE = Duration.ofSeconds(60);

	private final ExecutorService threads = Executors.newCachedThreadPool();

	@TempDir
	private Path folder;

	@AfterEach
	void stopThreads() {
		this.threads.shutdownNow();
	}

	@Test
	void aRequestThatHasKilledTwoProcessesIsRefusedAndAnyOtherIsAnswered() {
		RawWorker.application(PROPERTIES).run((context) -> {
			Instant begun = Instant.now();
			kill(context);
			kill(context);
			assertThatExceptionOfType(IpcPoisonRequestException.class).isThrownBy(() -> call(context, "die"))
				.withMessageContainingAll("'worker'", "2 processes have died of it since")
				.satisfies((ex) -> {
					assertThat(ex.deaths()).isEqualTo(2);
					assertThat(ex.since()).isBetween(begun, Instant.now());
					assertThat(ex.until()).isBetween(ex.since().plusSeconds(3600), Instant.now().plusSeconds(3600));
				});
			assertThat(call(context, "hello")).isEqualTo("hello");
			awaitDeaths(context, 2);
			IpcChild child = context.getBean(IpcChild.class);
			assertThat(new IpcEndpoint(List.of(child), null).child("worker").requestsInQuarantine()).isEqualTo(1);
			MeterRegistry meters = new SimpleMeterRegistry();
			new IpcChildMetrics(List.of(child)).bindTo(meters);
			assertThat(meters.get("ipc.children.quarantined").tag("destination", "worker").gauge().value())
				.isEqualTo(1);
		});
	}

	@Test
	void theAutomaticRetryIsTheSecondDeath() {
		RawWorker.application(PROPERTIES).withPropertyValues("ipc.children.worker.idempotent=true").run((context) -> {
			kill(context);
			assertThatExceptionOfType(IpcPoisonRequestException.class).isThrownBy(() -> call(context, "die"));
			awaitDeaths(context, 2);
		});
	}

	@Test
	void withoutAQuarantineEveryRequestIsSent() {
		RawWorker.application(PROPERTIES).withPropertyValues("ipc.children.worker.quarantine=").run((context) -> {
			for (int i = 0; i < 4; i++) {
				kill(context);
			}
		});
	}

	@Test
	void aRequestThatIsAnsweredLaterStartsOver() {
		Path marker = this.folder.resolve("marker");
		String request = "die-unless " + marker + " ";
		RawWorker.application(PROPERTIES).run((context) -> {
			for (int i = 0; i < 3; i++) {
				assertThatExceptionOfType(IpcReplyLostException.class).isThrownBy(() -> call(context, request));
				assertThat(call(context, request)).isEqualTo(request);
				deleteIfExists(marker);
			}
			assertThat(context.getBean(IpcChild.class).requestsInQuarantine()).isZero();
		});
	}

	@Test
	void aRequestWhoseSilenceCostsAnInstanceIsOneThatHasKilledIt() {
		RawWorker.application(PROPERTIES).run((context) -> {
			for (int i = 0; i < 2; i++) {
				assertThat(call(context, "hello")).isEqualTo("hello");
				assertThatExceptionOfType(IpcTimeoutException.class)
					.isThrownBy(() -> call(context, "say-nothing", Duration.ofMillis(300)));
			}
			assertThatExceptionOfType(IpcPoisonRequestException.class).isThrownBy(() -> call(context, "say-nothing"));
			assertThat(call(context, "hello")).isEqualTo("hello");
		});
	}

	@Test
	void aRequestWhoseCallerWasInterruptedIsNotToBlame() throws Exception {
		Path marker = this.folder.resolve("marker");
		RawWorker.application(PROPERTIES).run((context) -> {
			for (int i = 0; i < 3; i++) {
				int restarts = i;
				IpcChild child = context.getBean(IpcChild.class);
				assertThat(call(context, "hello")).isEqualTo("hello");
				Thread caller = new Thread(() -> assertThatExceptionOfType(IpcInterruptedException.class)
					.isThrownBy(() -> call(context, arriveAndWaitFor(marker))));
				caller.start();
				awaitArrival(marker);
				caller.interrupt();
				caller.join();
				Awaitility.await().until(() -> child.instances().get(0).restarts() == restarts + 1);
			}
			Files.createFile(marker);
			assertThat(call(context, arriveAndWaitFor(marker))).isEqualTo(arriveAndWaitFor(marker));
		});
	}

	@Test
	void anOperatorsStopIsNotTheFaultOfTheRequestsThatItCosts() throws Exception {
		Path marker = this.folder.resolve("marker");
		RawWorker.application(PROPERTIES).run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			for (int i = 0; i < 3; i++) {
				CompletableFuture<String> call = async(() -> call(context, arriveAndWaitFor(marker)));
				awaitArrival(marker);
				child.stopInstances().join();
				assertThat(failureOf(call)).isInstanceOf(IpcReplyLostException.class);
				child.startInstances();
			}
			Files.createFile(marker);
			assertThat(call(context, arriveAndWaitFor(marker))).isEqualTo(arriveAndWaitFor(marker));
		});
	}

	@Test
	void ofSeveralRequestsInFlightOnlyTheGuiltyOneIsRefused() {
		Path marker = this.folder.resolve("marker");
		lanes("ipc.children.worker.instances=1").run((context) -> {
			for (int i = 0; i < 2; i++) {
				List<CompletableFuture<String>> innocent = inFlight(context, marker, false);
				kill(context);
				assertThat(innocent)
					.allSatisfy((call) -> assertThat(failureOf(call)).isInstanceOf(IpcReplyLostException.class));
				Files.createFile(marker);
				assertThat(call(context, waitFor(marker) + 1)).isEqualTo(waitFor(marker) + 1);
				assertThat(call(context, waitFor(marker) + 2)).isEqualTo(waitFor(marker) + 2);
				deleteIfExists(marker);
			}
			assertThatExceptionOfType(IpcPoisonRequestException.class).isThrownBy(() -> call(context, "die"));
			assertThat(context.getBean(IpcChild.class).requestsInQuarantine()).isEqualTo(1);
		});
	}

	@Test
	void innocentRequestsThatAreRetriedTogetherWithTheGuiltyOneAreAnswered() {
		Path marker = this.folder.resolve("marker");
		lanes("ipc.children.worker.instances=1").run((context) -> {
			List<CompletableFuture<String>> innocent = inFlight(context, marker, true);
			CompletableFuture<String> guilty = async(
					() -> template(context).idempotent().convertSendAndReceive("die", String.class, PATIENCE));
			// The second one may follow at once.
			Awaitility.await().until(() -> deaths(context) >= 1);
			Files.createFile(marker);
			for (int i = 1; i <= 2; i++) {
				assertThat(innocent.get(i - 1)).succeedsWithin(PATIENCE).isEqualTo(waitFor(marker) + i);
			}
			assertThat(failureOf(guilty)).isInstanceOf(IpcReplyLostException.class);
			assertThatExceptionOfType(IpcPoisonRequestException.class).isThrownBy(() -> call(context, "die"));
			awaitDeaths(context, 2);
		});
	}

	@Test
	void theSameRequestOnSeveralLanesOfAProcessIsCountedOnceForItsDeath() {
		Path marker = this.folder.resolve("marker");
		lanes("ipc.children.worker.instances=1").run((context) -> {
			String request = "die-once " + marker + " ";
			List<CompletableFuture<String>> calls = new ArrayList<>();
			for (int i = 0; i < 3; i++) {
				calls.add(async(() -> call(context, request)));
			}
			assertThat(calls)
				.allSatisfy((call) -> assertThat(failureOf(call)).isInstanceOf(IpcReplyLostException.class));
			awaitDeaths(context, 1);
			assertThat(call(context, request)).isEqualTo(request);
		});
	}

	@Test
	void aStreamThatKillsItsProcessHalfwayCounts() {
		lanes().run((context) -> {
			CborMessageOperations stream = template(context).method("stream-and-die");
			for (int i = 0; i < 2; i++) {
				List<Integer> elements = new ArrayList<>();
				try (Stream<Integer> numbers = stream.convertSendAndStream("worker", "any", Integer.class)) {
					assertThatExceptionOfType(IpcReplyLostException.class)
						.isThrownBy(() -> numbers.forEach(elements::add));
				}
				assertThat(elements).containsExactly(1);
			}
			assertThatExceptionOfType(IpcPoisonRequestException.class)
				.isThrownBy(() -> stream.convertSendAndStream("worker", "any", Integer.class));
			assertThat(template(context).convertSendAndReceive("any", String.class)).isEqualTo("any");
		});
	}

	/** Whether its end or that of its socket is noticed first is a matter of luck. */
	@RepeatedTest(3)
	void aProcessThatDiesAfterItsCallerGaveUpCounts() {
		lanes("ipc.children.worker.cancel-timeout=60s").run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			Path go = this.folder.resolve("go");
			Path arrivals = this.folder.resolve("arrivals");
			for (int i = 1; i <= 2; i++) {
				callInVain(context, "die-when " + go, arrivals);
				Files.createFile(go);
				awaitDeaths(context, i);
				deleteIfExists(go);
			}
			Awaitility.await().until(() -> child.requestsInQuarantine() == 1);
			assertThatExceptionOfType(IpcPoisonRequestException.class)
				.isThrownBy(() -> call(context, "die-when " + go));
		});
	}

	@Test
	void aProcessWhoseFirstLaneIsIdleWhenItDiesCounts() {
		Path marker = this.folder.resolve("marker");
		Path arrivals = this.folder.resolve("arrivals");
		lanes().run((context) -> {
			String request = "die-slowly " + marker;
			for (int i = 1; i <= 2; i++) {
				List<CompletableFuture<String>> onFirstLanes = inFlight(context, marker, false);
				CompletableFuture<String> guilty = async(() -> call(context, request));
				Awaitility.await().until(() -> Files.readAllLines(arrivals).size() == 3);
				Files.createFile(marker);
				assertThat(onFirstLanes).allSatisfy((call) -> assertThat(call).succeedsWithin(PATIENCE));
				assertThat(failureOf(guilty)).isInstanceOf(IpcReplyLostException.class);
				awaitDeaths(context, i);
				deleteIfExists(marker);
			}
			assertThatExceptionOfType(IpcPoisonRequestException.class).isThrownBy(() -> call(context, request));
		});
	}

	@Test
	void aQuarantineOfNoTimeAndOneOfAOneWayChildAreRefused() {
		RawWorker.application("ipc.children.worker.quarantine=0s")
			.run((context) -> assertThat(context).getFailure()
				.rootCause()
				.hasMessageContaining("ipc.children.worker.quarantine"));
		RawWorker.application("ipc.children.worker.quarantine=1h", "ipc.children.worker.one-way=true")
			.run((context) -> assertThat(context).getFailure().rootCause().hasMessageContaining("has no exchanges"));
	}

	/**
	 * Until a caller gives up a request that has arrived, and was not cancelled unseen.
	 */
	private static void callInVain(ApplicationContext context, String request, Path arrivals) {
		deleteIfExists(arrivals);
		while (!Files.exists(arrivals)) {
			assertThatExceptionOfType(IpcTimeoutException.class)
				.isThrownBy(() -> call(context, request, Duration.ofMillis(500)));
		}
	}

	/** As {@link #waitFor}, and says when it has come. */
	private static String arriveAndWaitFor(Path marker) {
		return waitFor(marker) + "arrive-at " + marker + ".arrived ";
	}

	private static void awaitArrival(Path marker) {
		Path arrived = Path.of(marker + ".arrived");
		Awaitility.await().until(() -> Files.exists(arrived));
		deleteIfExists(arrived);
	}

	/** Two different requests, in this order, that wait for a file. */
	private List<CompletableFuture<String>> inFlight(ApplicationContext context, Path marker, boolean idempotent) {
		CborMessageOperations template = idempotent ? template(context).idempotent() : template(context);
		Path arrivals = this.folder.resolve("arrivals");
		deleteIfExists(arrivals);
		List<CompletableFuture<String>> calls = new ArrayList<>();
		for (int i = 1; i <= 2; i++) {
			String request = waitFor(marker) + i;
			calls.add(async(() -> template.convertSendAndReceive(request, String.class, PATIENCE)));
		}
		Awaitility.await().until(() -> Files.exists(arrivals) && Files.readAllLines(arrivals).size() == 2);
		return calls;
	}

	/** A child that serves several requests at a time, and does what they say. */
	private ApplicationContextRunner lanes(String... properties) {
		Path script = this.folder.resolve("worker.py");
		try {
			Files.writeString(script, """
					import os, time
					from tiny_ipc import App
					app = App(concurrency=8)
					folder = os.path.dirname(os.path.abspath(__file__))

					def arrive():
					    with open(os.path.join(folder, "arrivals"), "a") as arrivals:
					        arrivals.write("here\\n")

					def close_sockets():
					    for fd in sorted(map(int, os.listdir("/proc/self/fd"))):
					        try:
					            if os.readlink(f"/proc/self/fd/{fd}").startswith("socket:"):
					                os.close(fd)
					        except FileNotFoundError:
					            pass # that of the listing

					def together(count):
					    arrive()
					    while len(open(os.path.join(folder, "arrivals")).readlines()) < count:
					        time.sleep(0.01)

					@app.handler()
					def act(request):
					    word, _, rest = request.payload.partition(" ")
					    path = rest.split(" ")[0]
					    if word == "die":
					        os._exit(7)
					    if word == "die-slowly":
					        arrive()
					        while not os.path.exists(path):
					            time.sleep(0.01)
					        time.sleep(0.5) # until the other lanes are watched
					        close_sockets()
					        time.sleep(0.2)
					        os._exit(7)
					    if word == "die-when":
					        arrive()
					        while not os.path.exists(path):
					            time.sleep(0.01)
					        os._exit(7)
					    if word == "wait-for":
					        arrive()
					        while not os.path.exists(path):
					            time.sleep(0.01)
					    if word == "die-once" and not os.path.exists(path):
					        together(3)
					        open(path, "w").close()
					        os._exit(7)
					    return request.payload

					@app.handler("stream-and-die")
					def stream_and_die(request):
					    yield 1
					    time.sleep(0.1)
					    os._exit(7)

					app.run()
					""");
		}
		catch (IOException ex) {
			throw new AssertionError(ex);
		}
		return PythonWorker.application()
			.withPropertyValues(PROPERTIES)
			.withPropertyValues("ipc.children.worker.ready=true", "ipc.children.worker.concurrency=8",
					"ipc.children.worker.command[1]=" + script)
			.withPropertyValues(properties);
	}

	private static void kill(ApplicationContext context) {
		assertThatExceptionOfType(IpcReplyLostException.class).isThrownBy(() -> call(context, "die"));
	}

	private static String call(ApplicationContext context, String request) {
		return call(context, request, PATIENCE);
	}

	private static String call(ApplicationContext context, String request, Duration timeout) {
		return template(context).convertSendAndReceive(request, String.class, timeout);
	}

	private static CborMessageOperations template(ApplicationContext context) {
		return context.getBean(CborMessageTemplate.class);
	}

	private CompletableFuture<String> async(Supplier<String> call) {
		return CompletableFuture.supplyAsync(call, this.threads);
	}

	private static Throwable failureOf(CompletableFuture<?> call) {
		try {
			throw new AssertionError("answered: " + call.join());
		}
		catch (CompletionException ex) {
			return ex.getCause();
		}
	}

	/** Until as many processes have been started again, and no more. */
	private static void awaitDeaths(ApplicationContext context, long number) {
		Awaitility.await().untilAsserted(() -> assertThat(deaths(context)).isEqualTo(number));
	}

	private static long deaths(ApplicationContext context) {
		return context.getBean(IpcChild.class).instances().get(0).restarts();
	}

	private static String waitFor(Path file) {
		return "wait-for " + file + " ";
	}

	private static void deleteIfExists(Path file) {
		try {
			Files.deleteIfExists(file);
		}
		catch (IOException ex) {
			throw new AssertionError(ex);
		}
	}

}
