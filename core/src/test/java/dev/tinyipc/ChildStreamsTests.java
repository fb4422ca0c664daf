package dev.tinyipc;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

/** Redirection: it means what it means for {@code ProcessBuilder}. */
@Timeout(60)
class ChildStreamsTests {

	private static final String TALKER = "cat; echo out; echo err >&2";

	@TempDir
	Path folder;

	@Test
	void inputComesFromAFile() throws Exception {
		Path file = Files.writeString(this.folder.resolve("in"), "from the file\n");
		assertThat(ChildTests.output(new IpcProcessBuilder("cat").redirectInput(Redirect.from(file.toFile()))))
			.isEqualTo("from the file\n");
	}

	@Test
	void outputReplacesAFile() throws Exception {
		File out = Files.writeString(this.folder.resolve("out"), "something longer than that").toFile();
		File err = new File(this.folder.toFile(), "err");
		run(builder().redirectOutput(Redirect.to(out)).redirectError(Redirect.to(err)));
		assertThat(out).hasContent("out");
		assertThat(err).hasContent("err");
	}

	@Test
	void outputIsAppendedToAFile() throws Exception {
		File out = Files.writeString(this.folder.resolve("out"), "before\n").toFile();
		run(builder().redirectOutput(Redirect.appendTo(out)).redirectError(Redirect.appendTo(out)));
		assertThat(out).hasContent("before\nout\nerr");
	}

	@Test
	void outputIsDiscarded() throws Exception {
		try (IpcProcess child = builder().redirectOutput(Redirect.DISCARD).redirectError(Redirect.DISCARD).start()) {
			child.getOutputStream().close();
			assertThat(child.getInputStream().readAllBytes()).isEmpty();
			assertThat(child.getErrorStream().readAllBytes()).isEmpty();
			assertThat(child.waitFor()).isZero();
		}
	}

	@Test
	void errorsGoWhereOutputGoes() throws Exception {
		File out = this.folder.resolve("out").toFile();
		run(builder().redirectOutput(out("out")).redirectErrorStream(true));
		assertThat(out).hasContent("out\nerr");
		try (IpcProcess child = builder().redirectErrorStream(true).start()) {
			child.getOutputStream().close();
			assertThat(new String(child.getInputStream().readAllBytes())).isEqualTo("out\nerr\n");
			assertThat(child.getErrorStream().readAllBytes()).isEmpty();
			child.waitFor();
		}
	}

	private Redirect out(String name) {
		return Redirect.to(this.folder.resolve(name).toFile());
	}

	@Test
	void streamsOfThisProcessAreInherited() throws Exception {
		try (IpcProcess child = new IpcProcessBuilder("sh", "-c",
				"links=$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2); echo \"$links\" >&3")
			.inheritIO()
			.start()) {
			assertThat(Samples.receiveText(child.socket()))
				.isEqualTo(Samples.target(0) + '\n' + Samples.target(1) + '\n' + Samples.target(2) + '\n');
			assertThat(child.getInputStream().readAllBytes()).isEmpty();
			child.waitFor();
		}
	}

	@Test
	void fileThatCannotBeOpenedIsNamedAndNothingStaysOpen() throws Exception {
		LeakWatch watch = new LeakWatch();
		File missing = new File("/no/such/file");
		assertThatExceptionOfType(IOException.class)
			.isThrownBy(() -> builder().redirectInput(Redirect.from(missing)).start())
			.withMessageContaining("/no/such/file")
			.withMessageContaining("ENOENT");
		assertThatExceptionOfType(IOException.class)
			.isThrownBy(() -> builder().redirectError(Redirect.to(missing)).start());
		assertThatExceptionOfType(IOException.class)
			.isThrownBy(() -> builder().redirectOutput(Redirect.appendTo(this.folder.toFile())).start())
			.withMessageContaining("EISDIR");
		watch.assertNoneLeft();
	}

	/** So that {@code ready()} of a reader works, as it does with the JDK's streams. */
	@Test
	void availableTellsWhatIsInThePipe() throws Exception {
		try (IpcProcess child = new IpcProcessBuilder("sh", "-c", "echo 12345; cat").start()) {
			await().untilAsserted(() -> assertThat(child.getInputStream().available()).isEqualTo(6));
			child.getOutputStream().close();
			child.waitFor();
		}
	}

	@Test
	void outputThatNobodyReadHasNotGoneWithTheProcess() throws Exception {
		try (IpcProcess child = new IpcProcessBuilder("sh", "-c", "echo kept").start()) {
			child.waitFor();
			assertThat(new String(child.getInputStream().readAllBytes())).isEqualTo("kept\n");
		}
	}

	@Test
	void writingToAProcessThatEndedIsAnErrorAndNoSignal() throws Exception {
		try (IpcProcess child = new IpcProcessBuilder("true").start()) {
			child.waitFor();
			assertThatExceptionOfType(IOException.class).isThrownBy(() -> {
				child.getOutputStream().write('x');
				child.getOutputStream().flush();
			}).withMessageContaining("EPIPE (Broken pipe)");
		}
	}

	/**
	 * Close wakes a socket's reader; a pipe's cannot be woken, and must not hang close.
	 */
	@Test
	void closeDoesNotWaitForAReaderOfThePipe() throws Exception {
		IpcProcess child = new IpcProcessBuilder("sh", "-c", "cat <&3; exit 0").start();
		InputStream output = child.getInputStream();
		try (Blocked reader = Blocked.in("read", output::read)) {
			child.close();
			reader.join();
			assertThat(child.waitFor()).isZero();
		}
	}

	/** Closing must not wait for a child that no longer reads. */
	@Test
	void closeDoesNotWaitForAChildThatReadsNothing() throws Exception {
		IpcProcess child = new IpcProcessBuilder("sh", "-c", "exec sleep 600").start();
		try (Blocked writer = Blocked.in("write", () -> child.getOutputStream().write(new byte[1_000_000]))) {
			try (Blocked closing = Blocked.any(child::close)) {
				closing.join();
				assertThat(child.socket().isClosed()).isTrue();
			}
			finally {
				child.destroyForcibly().waitFor();
			}
			assertThatExceptionOfType(IOException.class).isThrownBy(writer::join);
		}
	}

	private static IpcProcessBuilder builder() {
		return new IpcProcessBuilder("sh", "-c", TALKER);
	}

	private static void run(IpcProcessBuilder builder) throws Exception {
		try (IpcProcess child = builder.start()) {
			child.getOutputStream().close();
			assertThat(child.waitFor()).isZero();
		}
	}

}
