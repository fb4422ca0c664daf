package dev.tinyipc;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** What a child may still do under a profile. All ways out are in SandboxEscapeTests. */
@Timeout(60)
class SandboxTests {

	private static final Sandbox LOCKED_DOWN = Sandbox.of(Sandbox.Profile.LOCKED_DOWN);

	private static final Sandbox NO_NETWORK = Sandbox.of(Sandbox.Profile.NO_NETWORK);

	@TempDir
	private Path folder;

	@Test
	void lockedDownChildReadsNothingButItsProgram() throws Exception {
		Path file = Files.writeString(this.folder.resolve("file"), "content");
		assertThat(output(LOCKED_DOWN, "cat '" + file + "' 2>&1; true")).contains("ermission denied");
		assertThat(output(LOCKED_DOWN.read(List.of(this.folder)), "read -r line < '" + file + "'; echo $line"))
			.isEqualTo("content");
		assertThat(output(NO_NETWORK, "cat '" + file + "'")).isEqualTo("content");
	}

	@Test
	void lockedDownChildWritesOnlyWhereItMay() throws Exception {
		Path file = this.folder.resolve("new");
		assertThat(output(LOCKED_DOWN.read(List.of(this.folder)), "echo text 2>&1 > '" + file + "' || echo refused"))
			.endsWith("refused");
		assertThat(file).doesNotExist();
		assertThat(output(LOCKED_DOWN.write(List.of(this.folder)), "echo text > '" + file + "' && echo done"))
			.isEqualTo("done");
		assertThat(file).hasContent("text\n");
	}

	@Test
	void linksThatAChildLeavesBehindGiveItsSuccessorsNothing() throws Exception {
		Path secret = Files.writeString(Files.createDirectory(this.folder.resolve("secrets")).resolve("file"),
				"secret");
		Path own = Files.createDirectory(this.folder.resolve("own"));
		Path models = Files.createDirectory(own.resolve("models"));
		for (Sandbox sandbox : List.of(LOCKED_DOWN.write(List.of(own, models)),
				LOCKED_DOWN.write(List.of(own)).read(List.of(models)))) {
			Files.createDirectories(models);
			String plant = "mv '" + models + "' '" + own + "'/old$$ && ln -s '" + secret.getParent() + "' '" + models
					+ "'";
			output(sandbox.execute(List.of(Path.of("/bin/mv"), Path.of("/bin/ln"))), plant);
			assertThatExceptionOfType(IpcException.class)
				.isThrownBy(() -> output(sandbox, "read -r line < '" + secret + "'; echo $line"))
				.withMessageContaining("symbolic link " + models.toRealPath(LinkOption.NOFOLLOW_LINKS));
			Files.delete(models);
		}
	}

	@Test
	void scriptThatAChildHasReplacedByALinkIsNotGranted() throws Exception {
		Path secret = Files.writeString(Files.createDirectory(this.folder.resolve("secrets")).resolve("file"),
				"secret");
		Path own = Files.createDirectory(this.folder.resolve("own"));
		Path script = Files.createSymbolicLink(own.resolve("worker"), secret);
		for (String program : List.of("/bin/sh", "/usr/bin/python3", "/usr/bin/node")) {
			if (!Files.exists(Path.of(program))) {
				continue;
			}
			assertThatExceptionOfType(IpcException.class)
				.isThrownBy(
						() -> new IpcProcessBuilder(program, script.toString()).sandbox(LOCKED_DOWN.write(List.of(own)))
							.start())
				.withMessageContaining("symbolic link");
		}
	}

	@Test
	void linksThatAChildCannotChangeAreFollowed() throws Exception {
		Path file = Files.writeString(Files.createDirectory(this.folder.resolve("data")).resolve("file"), "content");
		Path own = Files.createDirectory(this.folder.resolve("own"));
		Path link = Files.createSymbolicLink(this.folder.resolve("link"), Path.of("data/../data"));
		Files.createSymbolicLink(own.resolve("inside"), own);
		Sandbox sandbox = LOCKED_DOWN.write(List.of(own, own.resolve("inside"))).read(List.of(link));
		assertThat(output(sandbox, "read -r line < '" + file + "'; echo $line > '" + own + "/copy'; echo $line"))
			.isEqualTo("content");
	}

	@Test
	void programThatTheChildMayChangeIsTold() throws Exception {
		Path script = Files.writeString(this.folder.resolve("worker.sh"), "read line");
		try (IpcProcess child = new IpcProcessBuilder("sh", script.toString())
			.sandbox(LOCKED_DOWN.write(List.of(this.folder)))
			.start()) {
			assertThat(child.protection().missing()).singleElement().asString().contains("may change " + script);
		}
	}

	@Test
	void lockedDownChildStartsOnlyWhatItMay() throws Exception {
		assertThat(output(LOCKED_DOWN, "/bin/echo text 2>&1; true")).contains("ermission denied");
		assertThat(output(LOCKED_DOWN.execute(List.of(Path.of("/bin/echo"))), "/bin/echo text")).isEqualTo("text");
	}

	@Test
	void whatAChildStartsIsRestrictedToo() throws Exception {
		Path file = Files.writeString(this.folder.resolve("file"), "content");
		assertThat(output(LOCKED_DOWN.execute(List.of(Path.of("/bin/cat"))), "/bin/cat '" + file + "' 2>&1; true"))
			.contains("ermission denied");
	}

	@Test
	void otherThreadsOfThisProcessKeepTheirRights() throws Exception {
		String before = Files.readString(Path.of("/proc/self/status")).replaceAll("(?s).*?(CapEff.*?)Cpus.*", "$1");
		output(LOCKED_DOWN, "true");
		assertThat(Files.readString(Path.of("/proc/self/status"))).contains(before);
		Thread thread = new Thread(() -> assertThat(Path.of("/etc/passwd")).isReadable());
		thread.start();
		thread.join();
		assertThat(Files.readString(Path.of("/etc/passwd"))).isNotEmpty();
	}

	@Test
	void whatIsInForceIsToldByTheKernel() throws Exception {
		int filters;
		try (IpcProcess child = start(LOCKED_DOWN, "read line")) {
			Protection protection = child.protection();
			assertThat(protection.profile()).isEqualTo(Sandbox.Profile.LOCKED_DOWN);
			assertThat(protection.landlockAbi()).isEqualTo(Landlock.abi()).isPositive();
			assertThat(protection.noNewPrivileges()).isTrue();
			filters = protection.seccompFilters();
			assertThat(protection.capabilities()).isZero();
			assertThat(protection.missing()).isEmpty();
		}
		try (IpcProcess child = start(Sandbox.of(Sandbox.Profile.NONE), "read line")) {
			assertThat(child.protection().landlockAbi()).isZero();
			assertThat(child.protection().seccompFilters()).isLessThan(filters);
		}
	}

	@Test
	void environmentIsCleanUnlessThePolicySaysOtherwise() throws Exception {
		IpcProcessBuilder builder = new IpcProcessBuilder("sh", "-c", "true");
		builder.environment().put("PASSWORD", "secret");
		builder.environment().put("LC_ALL", "C");
		builder.sandbox(LOCKED_DOWN);
		builder.environment().put("SET_AFTERWARDS", "value");
		assertThat(builder.environment()).doesNotContainKey("PASSWORD")
			.containsEntry("LC_ALL", "C")
			.containsEntry("SET_AFTERWARDS", "value")
			.containsEntry("PATH", System.getenv("PATH"));
		builder.environment().put("PASSWORD", "secret");
		builder.sandbox(LOCKED_DOWN.environmentPolicy(Sandbox.EnvironmentPolicy.INHERIT));
		assertThat(builder.environment()).containsEntry("PASSWORD", "secret");
	}

	@Test
	void programThatCannotBeFoundIsNamed() {
		assertThatExceptionOfType(IpcException.class)
			.isThrownBy(() -> new IpcProcessBuilder("/no/such/program").sandbox(LOCKED_DOWN).start())
			.withMessageContaining("Cannot run program \"/no/such/program\"")
			.withMessageContaining("ENOENT");
	}

	private IpcProcess start(Sandbox sandbox, String script) throws IOException {
		return new IpcProcessBuilder("sh", "-c", script).sandbox(sandbox).start();
	}

	private String output(Sandbox sandbox, String script) throws Exception {
		try (IpcProcess child = start(sandbox, script)) {
			String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
			String errors = new String(child.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
			assertThat(child.waitFor()).as(output + errors).isZero();
			return output.strip();
		}
	}

}
