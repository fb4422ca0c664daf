package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;

/** An application of its own is killed, and everything that it started must end. */
@Timeout(180)
class OrphanTests {

	/** Reads no socket and ignores whatever can be ignored, as its child does. */
	private static final String STUBBORN = "trap '' HUP INT TERM QUIT; sleep 1000 & while :; do sleep 1000; done";

	private static final String GUARD = "trap '' HUP INT TERM QUIT\n";

	private Process application;

	@AfterEach
	void endApplication() {
		descendants().forEach(ProcessHandle::destroyForcibly);
		this.application.destroyForcibly().onExit().join();
	}

	@Test
	void killNineOfTheApplicationEndsAllItsChildrenAndTheirs() {
		start("2");
		// The guard, and of each child a shell and two processes of it.
		List<ProcessHandle> all = awaitDescendants(1 + 2 * 3);
		kill(this.application.toHandle());
		awaitEnd(all);
	}

	@Test
	void aGuardThatWasKilledHasASuccessorThatGuardsAll() {
		start("2");
		awaitDescendants(1 + 2 * 3);
		ProcessHandle guard = guards().toList().get(0);
		kill(guard);
		awaitEnd(List.of(guard));
		List<ProcessHandle> all = awaitDescendants(1 + 2 * 3);
		assertThat(guards()).hasSize(1);
		kill(this.application.toHandle());
		awaitEnd(all);
	}

	@Test
	void aGuardIsNotTerminatedByWhatTerminatesTheApplication() {
		start("1");
		List<ProcessHandle> all = awaitDescendants(1 + 3);
		for (String signal : List.of("HUP", "INT", "TERM", "QUIT")) {
			signal(signal, guards().toList().get(0).pid());
		}
		kill(this.application.toHandle());
		awaitEnd(all);
	}

	@Test
	void anApplicationThatIsTerminatedStopsItsChildren() {
		start("1");
		List<ProcessHandle> all = awaitDescendants(1 + 3);
		this.application.destroy();
		awaitEnd(all);
		assertThat(this.application.onExit().join().exitValue()).isEqualTo(128 + 15);
	}

	private void start(String instances) {
		this.application = ChildApplication.start("ipc.children.stubborn.command[0]=sh",
				"ipc.children.stubborn.command[1]=-c", "ipc.children.stubborn.command[2]=" + STUBBORN,
				"ipc.children.stubborn.instances=" + instances, "ipc.children.stubborn.shutdown-timeout=300ms");
	}

	private static void kill(ProcessHandle process) {
		signal("KILL", process.pid());
	}

	private static void signal(String name, long pid) {
		try (Processes.Killer killer = new Processes.Killer()) {
			killer.send(name, pid);
		}
	}

	private Stream<ProcessHandle> descendants() {
		return this.application.descendants().filter((process) -> Processes.runs(process.pid()));
	}

	private Stream<ProcessHandle> guards() {
		return this.application.children().filter((process) -> commandLine(process).contains(GUARD));
	}

	private static String commandLine(ProcessHandle process) {
		return String.join(" ", process.info().arguments().orElse(new String[0]));
	}

	private List<ProcessHandle> awaitDescendants(int count) {
		Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> descendants().count() == count);
		return descendants().toList();
	}

	/** Two seconds are promised; a loaded machine gets more. */
	private static void awaitEnd(List<ProcessHandle> processes) {
		Awaitility.await()
			.atMost(Duration.ofSeconds(30))
			.untilAsserted(
					() -> assertThat(processes).filteredOn((process) -> Processes.runs(process.pid())).isEmpty());
	}

}
