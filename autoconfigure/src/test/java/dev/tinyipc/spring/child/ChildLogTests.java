package dev.tinyipc.spring.child;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import dev.tinyipc.spring.JavaCommand;
import dev.tinyipc.spring.RawWorker;
import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

import static org.assertj.core.api.Assertions.assertThat;

/** Where the output of a child goes. */
@Timeout(120)
class ChildLogTests {

	private static final String TALKER = "echo out words; echo err words >&2; cat <&3";

	private static final Pattern DROPPED = Pattern
		.compile("(\\d+) lines were dropped: there were more than 1000 lines or 1048576 characters in a second");

	private final LogOf log = new LogOf("ipc.child.worker");

	@TempDir
	private Path folder;

	@AfterEach
	void stopListening() {
		this.log.close();
	}

	@Test
	void byDefaultOutputIsLoggedAsInformationAndErrorOutputAsAWarning() {
		RawWorker.shell(TALKER).run((context) -> {
			context.close();
			assertThat(this.log.of(Level.INFO)).containsExactly("out words");
			assertThat(this.log.of(Level.WARN)).containsExactly("err words");
		});
	}

	@Test
	void aLineNamesItsLevelAsInSdDaemon() {
		Logger logger = (Logger) LoggerFactory.getLogger("ipc.child.worker");
		logger.setLevel(Level.DEBUG);
		String script = "for level in 0 1 2 3 4 5 6 7 8; do echo \"<$level>out $level\"; done;"
				+ " echo '<6>a {} \033b' >&2; echo '<7 x'; echo ' <3>indented'; echo '<'; echo '<3>'; cat <&3";
		RawWorker.shell(script).run((context) -> {
			context.close();
			assertThat(this.log.of(Level.ERROR)).containsExactly("out 0", "out 1", "out 2", "out 3", "");
			assertThat(this.log.of(Level.WARN)).containsExactly("out 4");
			assertThat(this.log.of(Level.INFO)).contains("out 5", "out 6", "<8>out 8", "a {} \\u001bb", "<7 x",
					" <3>indented", "<");
			assertThat(this.log.of(Level.DEBUG)).containsExactly("out 7");
		});
		logger.setLevel(null);
	}

	@Test
	void onlyAChildWhoseOutputIsLoggedIsToldOfLevels() {
		String script = "echo \"${TINY_IPC_LOG_PREFIX-none}\" >> " + this.folder.resolve("witness") + "; cat <&3";
		RawWorker.shell(script).run((context) -> context.close());
		RawWorker.shell(script, "ipc.children.worker.output=discard").run((context) -> context.close());
		assertThat(this.folder.resolve("witness")).hasContent("1\nnone");
	}

	@Test
	void theLastLinesAreKeptWithoutTheirLevels() {
		try (LogOf supervision = new LogOf(IpcChild.class.getName())) {
			RawWorker.shell("echo '<3>no model' >&2; exit 3", "ipc.children.worker.restart.max-failures=1")
				.run((context) -> {
					Awaitility.await().until(() -> !supervision.of(Level.ERROR).isEmpty());
					assertThat(supervision.of(Level.ERROR).get(0)).endsWith("Its last lines of output: no model");
				});
		}
	}

	@Test
	void whatLooksLikeAPatternIsLoggedAsItIs() {
		RawWorker.shell("echo 'a {} b %s \\ c'").run((context) -> {
			Awaitility.await().until(() -> !this.log.of(Level.INFO).isEmpty());
			assertThat(this.log.of(Level.INFO)).contains("a {} b %s \\ c");
		});
	}

	@Test
	void outputIsDiscarded() {
		Path streams = this.folder.resolve("streams");
		RawWorker
			.shell("links=$(readlink /proc/$$/fd/1 /proc/$$/fd/2); echo \"$links\" > %s; ".formatted(streams) + TALKER,
					"ipc.children.worker.output=discard")
			.run((context) -> {
				context.close();
				assertThat(streams).hasContent("/dev/null\n/dev/null");
				assertThat(this.log.of(Level.INFO)).isEmpty();
				assertThat(this.log.of(Level.WARN)).isEmpty();
			});
	}

	@Test
	void outputIsAppendedToAFile() throws Exception {
		Path file = Files.writeString(this.folder.resolve("out"), "before\n");
		for (int i = 0; i < 2; i++) {
			RawWorker.shell(TALKER, "ipc.children.worker.output=file", "ipc.children.worker.output-file=" + file)
				.run((context) -> context.close());
		}
		assertThat(file).hasContent("before\nout words\nerr words\nout words\nerr words");
		assertThat(this.log.of(Level.INFO)).isEmpty();
	}

	@Test
	void outputIsWhereThatOfTheApplicationIs() throws Exception {
		Path out = this.folder.resolve("out");
		Path err = this.folder.resolve("err");
		List<String> command = JavaCommand.of("-cp", System.getProperty("java.class.path"),
				ChildApplication.class.getName(), "--ipc.children.worker.command=sh,-c," + TALKER,
				"--ipc.children.worker.output=inherit");
		Process application = new ProcessBuilder(command).redirectOutput(out.toFile())
			.redirectError(err.toFile())
			.start();
		assertThat(application.waitFor()).isZero();
		assertThat(Files.readAllLines(out)).contains("out words").doesNotContain("err words");
		assertThat(Files.readAllLines(err)).contains("err words").doesNotContain("out words");
	}

	@Test
	void aFloodIsLimitedAndToldAndDoesNotBlockTheChild() {
		int lines = 300_000;
		Path witness = this.folder.resolve("witness");
		long start = System.nanoTime();
		RawWorker.shell("yes out | head -n %d; touch %s; cat <&3".formatted(lines, witness)).run((context) -> {
			Awaitility.await().until(() -> Files.exists(witness));
			Awaitility.await().untilAsserted(() -> assertThat(logged() + dropped()).isEqualTo(lines));
			long seconds = Duration.ofNanos(System.nanoTime() - start).toSeconds();
			assertThat(logged()).isBetween(1000L, 1000 * (seconds + 1));
		});
	}

	@Test
	void whatComesAfterAFloodIsLoggedAgain() {
		Path sign = this.folder.resolve("go");
		String script = "yes out | head -n 5000 >&2; until [ -e %s ]; do sleep 0.05; done; echo words after it >&2";
		RawWorker.shell(script.formatted(sign), "ipc.children.worker.restart.policy=never").run((context) -> {
			Awaitility.await().until(() -> dropped() > 0);
			Files.createFile(sign);
			Awaitility.await().until(() -> this.log.of(Level.WARN).contains("words after it"));
		});
	}

	@Test
	void aFloodOfLongLinesIsLimitedToo() {
		Path witness = this.folder.resolve("witness");
		long start = System.nanoTime();
		RawWorker
			.shell("line=$(head -c 60000 /dev/zero | tr '\\0' x); yes $line | head -n 2000; touch %s; cat <&3"
				.formatted(witness))
			.run((context) -> {
				Awaitility.await().until(() -> Files.exists(witness));
				Awaitility.await().untilAsserted(() -> assertThat(logged() + dropped()).isEqualTo(2000));
				long seconds = Duration.ofNanos(System.nanoTime() - start).toSeconds();
				assertThat(logged()).isBetween(17L, 18 * (seconds + 1));
			});
	}

	@Test
	void controlCharactersCannotForgeALineOrDriveATerminal() {
		RawWorker.shell(
				"printf 'a\\tb\\033[2Jc\\rd\\177\\302\\205\\342\\200\\250\\342\\200\\256\\342\\201\\246é\\n' | tee /dev/stderr")
			.run((context) -> {
				Awaitility.await()
					.until(() -> !this.log.of(Level.INFO).isEmpty() && !this.log.of(Level.WARN).isEmpty());
				String line = "a\tb\\u001b[2Jc\\u000dd\\u007f\\u0085\\u2028\\u202e\\u2066é";
				assertThat(this.log.of(Level.INFO)).contains(line);
				assertThat(this.log.of(Level.WARN)).contains(line);
			});
	}

	@Test
	void theReasonOfAFailedStartIsToldFromBothStreams() {
		String script = "echo Error occurred during initialization; echo 'IllegalStateException: no <model>' >&2; "
				+ "for i in $(seq 50); do printf '\\tat a.B.c(B.java)\\n' >&2; done; echo 'Caused by: x.Missing' >&2; "
				+ "for i in $(seq 50); do printf '\\tat a.B.c(B.java)\\n' >&2; done; "
				+ "printf '\\t... 12 more\\n' >&2; exit 3";
		try (LogOf supervision = new LogOf(IpcChild.class.getName())) {
			RawWorker.shell(script, "ipc.children.worker.restart.max-failures=1").run((context) -> {
				Awaitility.await().until(() -> !supervision.of(Level.ERROR).isEmpty());
				assertThat(supervision.of(Level.ERROR)).singleElement()
					.asString()
					.contains("Error occurred during initialization", "IllegalStateException: no <model>",
							"Caused by: x.Missing")
					.doesNotContain("B.java", "more");
			});
		}
	}

	private long logged() {
		return this.log.of(Level.INFO).size();
	}

	private long dropped() {
		return this.log.of(Level.WARN)
			.stream()
			.map(DROPPED::matcher)
			.filter(Matcher::matches)
			.mapToLong((matcher) -> Long.parseLong(matcher.group(1)))
			.sum();
	}

}
