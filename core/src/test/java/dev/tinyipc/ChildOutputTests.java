package dev.tinyipc;

import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

/** What is a line, and that none is lost. */
@Timeout(60)
class ChildOutputTests {

	private static final int LIMIT = ChildOutput.MAX_LINE_LENGTH;

	private final Queue<String> output = new ConcurrentLinkedQueue<>();

	private final Queue<String> errors = new ConcurrentLinkedQueue<>();

	@Test
	void linesOfBothStreamsComeWholeInOrderAndApart() throws Exception {
		run("i=0; while [ $i -lt 20000 ]; do echo \"out $i\"; echo \"err $i\" >&2; i=$((i+1)); done");
		assertThat(this.output)
			.containsExactlyElementsOf(IntStream.range(0, 20_000).mapToObj((i) -> "out " + i).toList());
		assertThat(this.errors)
			.containsExactlyElementsOf(IntStream.range(0, 20_000).mapToObj((i) -> "err " + i).toList());
	}

	@Test
	void aLineEndsWithALineFeedAndACarriageReturnBeforeItBelongsToTheEnd() throws Exception {
		run("printf 'dos\\r\\nunix\\nmac\\rmac\\n\\r\\n\\n'");
		assertThat(this.output).containsExactly("dos", "unix", "mac\rmac", "", "");
	}

	@Test
	void theLastLineNeedsNoEnd() throws Exception {
		run("printf 'first\\nlast'; printf 'only' >&2");
		assertThat(this.output).containsExactly("first", "last");
		assertThat(this.errors).containsExactly("only");
	}

	@Test
	void nothingIsNoLine() throws Exception {
		run(":");
		assertThat(this.output).isEmpty();
		assertThat(this.errors).isEmpty();
	}

	@Test
	void whatIsNotUtf8IsReplaced() throws Exception {
		run("printf 'gr\\303\\274n \\377 \\303\\nnext\\n'");
		assertThat(this.output).containsExactly("grün \uFFFD \uFFFD", "next");
	}

	@Test
	void aCharacterThatComesInTwoPartsIsOne() throws Exception {
		String program = """
				import fcntl, os, struct, termios
				def unread():
					return struct.unpack('i', fcntl.ioctl(1, termios.FIONREAD, bytes(4)))[0]
				for part in b'gr\\xc3', b'\\xbcn\\r', b'\\nnext\\n':
					os.write(1, part)
					while unread(): pass
				""";
		run(List.of("python3", "-c", program));
		assertThat(this.output).containsExactly("grün", "next");
	}

	@Test
	void aLineOf64KibIsWhole() throws Exception {
		run(xes(LIMIT) + "; echo; echo next");
		assertThat(this.output).containsExactly("x".repeat(LIMIT), "next");
	}

	@ParameterizedTest
	@ValueSource(ints = { LIMIT + 1, 3 * LIMIT, 20_000_000 })
	void aLongerLineIsCutAndMarkedOnceAndTheNextOneIsWhole(int length) throws Exception {
		run(xes(length) + "; echo; echo next; " + xes(length));
		String cut = "x".repeat(LIMIT) + ChildOutput.CUT_MARK;
		assertThat(this.output).containsExactly(cut, "next", cut);
	}

	@Test
	void aLineThatSomebodyFailsToTakeIsTheOnlyOneThatIsLost() throws Exception {
		IpcProcessBuilder builder = new IpcProcessBuilder("sh", "-c",
				"for i in 1 2 3 4 5; do echo $i; echo $i >&2; done")
			.outputLines((line) -> {
				switch (line) {
					case "2" -> throw new IllegalStateException("on purpose");
					case "4" -> throw new AssertionError("on purpose");
					default -> this.output.add(line);
				}
			})
			.errorLines(this.errors::add);
		run(builder);
		assertThat(this.output).containsExactly("1", "3", "5");
		assertThat(this.errors).containsExactly("1", "2", "3", "4", "5");
	}

	@Test
	void oneStreamCanBeReadByLinesAndTheOtherAsAStream() throws Exception {
		IpcProcessBuilder builder = new IpcProcessBuilder("sh", "-c", "echo out; echo err >&2")
			.errorLines(this.errors::add);
		try (IpcProcess child = builder.start()) {
			assertThat(new String(child.getInputStream().readAllBytes())).isEqualTo("out\n");
			assertThat(child.getErrorStream().readAllBytes()).isEmpty();
			child.waitFor();
			assertThat(this.errors).containsExactly("err");
		}
	}

	@Test
	void linesOfBothStreamsAreOneIfTheChildHasOne() throws Exception {
		run(new IpcProcessBuilder("sh", "-c", "echo out; echo err >&2; echo out").redirectErrorStream(true)
			.outputLines(this.output::add)
			.errorLines(this.errors::add));
		assertThat(this.output).containsExactly("out", "err", "out");
		assertThat(this.errors).isEmpty();
	}

	/** A command that writes this many characters, and no line end. */
	private static String xes(int count) {
		return "head -c " + count + " /dev/zero | tr '\\0' x";
	}

	private void run(String script) throws Exception {
		run(List.of("sh", "-c", script));
	}

	private void run(List<String> command) throws Exception {
		run(new IpcProcessBuilder(command).outputLines(this.output::add).errorLines(this.errors::add));
	}

	private static void run(IpcProcessBuilder builder) throws Exception {
		try (IpcProcess child = builder.start()) {
			assertThat(child.waitFor()).isZero();
		}
	}

}
