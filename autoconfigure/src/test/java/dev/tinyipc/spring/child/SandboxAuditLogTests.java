package dev.tinyipc.spring.child;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import ch.qos.logback.classic.Level;
import dev.tinyipc.spring.RawWorker;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/** What the log says of a child whose sandbox is audited. */
@Timeout(120)
class SandboxAuditLogTests {

	private static final String[] AUDITED = { "ipc.children.worker.sandbox.profile=locked-down",
			"ipc.children.worker.sandbox.audit=true", "ipc.children.worker.restart.policy=never" };

	private final LogOf log = new LogOf(IpcChild.class.getName());

	@TempDir
	private Path temporary;

	private Path folder;

	@BeforeEach
	void resolve() throws IOException {
		this.folder = this.temporary.toRealPath();
	}

	@AfterEach
	void stopListening() {
		this.log.close();
	}

	@Test
	void theLinesToCopyAreThereWhileTheChildRunsAndAtItsEnd() throws Exception {
		Path read = Files.writeString(this.folder.resolve("read,me"), "x");
		Path written = Files.createDirectory(this.folder.resolve("written"));
		String script = "read x < '%s'; echo x > %s/new; ls / > /dev/null; cat <&3".formatted(read, written);
		RawWorker.shell(script, AUDITED).run((context) -> {
			Awaitility.await().until(() -> !messages("So far, it needs").isEmpty());
			assertThat(messages("So far, it needs").get(0)).contains("would deny", "\n    read " + read + " (",
					"\n    write " + written + " (", "\n    execute ", "\n    read / (",
					"\n    ipc.children.worker.sandbox.read[0]=" + read,
					"\n    ipc.children.worker.sandbox.write=" + written, "\n    ipc.children.worker.sandbox.execute=",
					"\n    # read / (");
			context.close();
			Awaitility.await().until(() -> !messages("In all, it needs").isEmpty());
			assertThat(messages("In all, it needs").get(0)).contains("ipc.children.worker.sandbox.write=" + written);
		});
		assertThat(this.log.of(Level.WARN)).anyMatch((line) -> line.contains("is audited")
				&& line.contains("not protected") && line.contains("ipc.children.worker.sandbox.audit"));
	}

	@Test
	void aChildThatNeedsNothingMoreIsToldSo() {
		RawWorker.shell("cat <&3", AUDITED)
			.withPropertyValues("ipc.children.worker.sandbox.execute=/bin/cat", "ipc.children.worker.sandbox.read=/etc")
			.run((context) -> {
				context.close();
				Awaitility.await().until(() -> !messages("nothing that its profile").isEmpty());
			});
		assertThat(messages("needs")).isEmpty();
	}

	@Test
	void aNameThatWouldForgeALineIsEscaped() throws Exception {
		Path forged = Files.writeString(this.folder.resolve("a\nforged line"), "x");
		RawWorker
			.shell("read x < \"$(printf '%s')\"; cat <&3".formatted(forged.toString().replace("\n", "\\n")), AUDITED)
			.run((context) -> {
				Awaitility.await().until(() -> !messages("So far, it needs").isEmpty());
				assertThat(messages("forged line")).isNotEmpty()
					.allSatisfy(
							(message) -> assertThat(message.lines()).noneMatch((line) -> line.startsWith("forged")));
			});
	}

	private List<String> messages(String part) {
		return this.log.of(Level.INFO).stream().filter((line) -> line.contains(part)).toList();
	}

}
