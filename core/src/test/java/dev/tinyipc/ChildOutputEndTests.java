package dev.tinyipc;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** The output of a child is handed on before its end is reported. */
@Timeout(60)
class ChildOutputEndTests {

	private final Queue<String> output = new ConcurrentLinkedQueue<>();

	private final Queue<String> errors = new ConcurrentLinkedQueue<>();

	@RepeatedTest(50)
	void lastWordsAreThereWhenTheEndIs() throws Exception {
		try (IpcProcess child = start("echo last words; printf 'of error' >&2; exit 3")) {
			assertThat(child.waitFor()).isEqualTo(3);
			assertThat(this.output).containsExactly("last words");
			assertThat(this.errors).containsExactly("of error");
		}
	}

	@RepeatedTest(5)
	void aFullPipeIsThereWhenTheEndIs() throws Exception {
		try (IpcProcess child = start("yes 1234567 | head -n 8192; exit 3")) {
			assertThat(child.waitFor()).isEqualTo(3);
			assertThat(this.output).hasSize(8192).containsOnly("1234567");
		}
	}

	@RepeatedTest(20)
	void lastWordsAreThereWhenTheEndIsWhoeverHoldsTheOutputOpen() throws Exception {
		try (IpcProcess child = start("(cat <&3; echo later) & printf 'last words'; exit 3")) {
			assertThat(child.waitFor()).isEqualTo(3);
			assertThat(this.output).startsWith("last words");
			await().untilAsserted(() -> assertThat(this.output).containsExactly("last words", "later"));
		}
	}

	@Test
	void theFutureOfTheEndIsCompletedAfterTheLastLine() throws Exception {
		for (int i = 0; i < 50; i++) {
			this.output.clear();
			try (IpcProcess child = start("read go <&3; echo last words")) {
				Queue<String> seen = new ConcurrentLinkedQueue<>();
				var atEnd = child.onExit(Runnable::run).thenRun(() -> seen.addAll(this.output));
				child.socket().close();
				atEnd.get(20, TimeUnit.SECONDS);
				assertThat(seen).containsExactly("last words");
			}
		}
	}

	@Test
	void aGrandchildThatFloodsTheOutputDoesNotKeepTheEndBack() throws Exception {
		try (IpcProcess child = new IpcProcessBuilder("sh", "-c", "yes 3>&- & echo $! >&3; exit 3")
			.outputLines((line) -> {
			})
			.start()) {
			String grandchild = Samples.receiveText(child.socket()).strip();
			try {
				assertThat(child.waitFor(20, TimeUnit.SECONDS)).isTrue();
				assertThat(child.exitValue()).isEqualTo(3);
			}
			finally {
				new ProcessBuilder("kill", grandchild).start().waitFor();
			}
		}
	}

	/** However many children end so, the descriptors do not become more. */
	@Test
	void theOutputOfAChildThatHasEndedIsClosedWhoeverHoldsItOpen() throws Exception {
		LeakWatch watch = new LeakWatch();
		List<String> grandchildren = new ArrayList<>();
		try {
			for (int i = 0; i < 20; i++) {
				try (IpcProcess child = start("setsid sleep 600 3>&- & echo $! >&3; exit 3")) {
					grandchildren.add(Samples.receiveText(child.socket()).strip());
					assertThat(child.waitFor()).isEqualTo(3);
				}
			}
			watch.assertNoneLeft();
		}
		finally {
			grandchildren.add(0, "kill");
			new ProcessBuilder(grandchildren).start().waitFor();
		}
	}

	private IpcProcess start(String script) throws Exception {
		return new IpcProcessBuilder("sh", "-c", script).outputLines(this.output::add)
			.errorLines(this.errors::add)
			.start();
	}

}
