package dev.tinyipc.spring.child;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import dev.tinyipc.Sandbox.Profile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

import static org.assertj.core.api.Assertions.assertThat;

/** What the last lines of a child's output tell about its sandbox. */
class SandboxHintTests {

	private static final String READ = "It probably needs to read FILE: if it should, set"
			+ " ipc.children.worker.sandbox.read=FILE. ipc.children.worker.sandbox.audit=true shows everything that it needs";

	@TempDir
	private Path folder;

	private Path file;

	private Path program;

	@BeforeEach
	void files() throws IOException {
		this.file = Files.writeString(this.folder.resolve("model.bin"), "");
		this.program = Files.writeString(this.folder.resolve("convert"), "");
		Files.setPosixFilePermissions(this.program, PosixFilePermissions.fromString("rwxr-xr-x"));
	}

	@ParameterizedTest
	@ValueSource(strings = { "cat: FILE: Permission denied", "worker: cannot open 'FILE': Permission denied",
			"sh: 1: cannot open FILE: Permission denied", "PermissionError: [Errno 13] Permission denied: 'FILE'",
			"/usr/bin/python3: can't open file 'FILE': [Errno 13] Permission denied",
			"Error: EACCES: permission denied, open 'FILE'", "Error: EACCES: permission denied, scandir 'FILE'",
			"Caused by: java.nio.file.AccessDeniedException: FILE",
			"java.io.FileNotFoundException: FILE (Permission denied)", "Error: Unable to access jarfile FILE",
			"panic: open FILE: permission denied", "Error: Cannot find module 'FILE'",
			"ImportError: FILE: cannot open shared object file: Permission denied" })
	void aFileThatCouldNotBeReadIsNamedWithItsProperty(String line) {
		assertThat(hint(line)).contains(READ.replace("FILE", this.file.toString()));
	}

	@ParameterizedTest
	@ValueSource(strings = { "sh: 1: PROGRAM: Permission denied", "bash: line 1: PROGRAM: Permission denied",
			"sh: 1: exec: PROGRAM: Permission denied", "Error: spawn PROGRAM EACCES",
			"java.io.IOException: Cannot run program \"PROGRAM\": error=13, Permission denied",
			"fork/exec PROGRAM: permission denied" })
	void aProgramThatCouldNotBeStartedIsNamedWithItsProperty(String line) {
		assertThat(hint(line.replace("PROGRAM", this.program.toString())).orElseThrow())
			.contains("needs to execute " + this.program, "ipc.children.worker.sandbox.execute=" + this.program);
	}

	@Test
	void theTracebackOfPythonTellsAProgramFromAFileAndASocket() {
		String program = this.program.toString();
		assertThat(traceback("  File \"/usr/lib/python3.11/subprocess.py\", line 1950, in _execute_child",
				"PermissionError: [Errno 13] Permission denied: '" + program + "'"))
			.contains("ipc.children.worker.sandbox.execute=" + program + ".");
		assertThat(traceback("  File \"/usr/lib/python3.11/socket.py\", line 232, in __init__",
				"PermissionError: [Errno 13] Permission denied"))
			.contains("a socket of its own");
	}

	@ParameterizedTest
	@ValueSource(strings = { "FileNotFoundError: [Errno 2] No usable temporary directory found in ['/tmp', '/var/tmp']",
			"javax.imageio.IIOException: Can't create cache file!" })
	void aMissingFolderForTemporaryFilesIsSaid(String line) {
		assertThat(hint(line).orElseThrow()).contains("no folder for temporary files", "TMPDIR",
				"ipc.children.worker.sandbox.write", "ImageIO.setUseCache(false)");
	}

	@ParameterizedTest
	@ValueSource(strings = { "sh: 1: cannot create NEW: Permission denied",
			"touch: cannot touch 'NEW': Permission denied", "mkdir: cannot create directory ‘NEW’: Permission denied",
			"Error: EACCES: permission denied, mkdir 'NEW'", "mkdir NEW: permission denied",
			"PermissionError: [Errno 13] Permission denied: 'NEW'", "java.nio.file.AccessDeniedException: NEW" })
	void aFolderInWhichNothingCouldBeMadeIsNamedWithItsProperty(String line) {
		assertThat(hint(line.replace("NEW", this.folder.resolve("new/file").toString())).orElseThrow())
			.contains("needs to write " + this.folder + ":", "ipc.children.worker.sandbox.write=" + this.folder + ".");
	}

	@Test
	void aFileThatMayBeReadAlreadyWasToBeWritten() {
		String line = "PermissionError: [Errno 13] Permission denied: 'FILE'";
		assertThat(hint(line, "sandbox.read", this.folder.toString()).orElseThrow()).contains("needs to write");
		assertThat(hint(line, "sandbox.read", this.folder.toString(), "sandbox.write", this.folder.toString()))
			.isEmpty();
	}

	@Test
	void aFurtherPathIsAddedToThoseThatAreThere() {
		assertThat(hint("cat: FILE: Permission denied", "sandbox.read", "/opt/fonts").orElseThrow())
			.contains("if it should, add " + this.file + " to ipc.children.worker.sandbox.read.");
	}

	@Test
	void aRelativePathStartsAtTheChildsDirectory() {
		assertThat(hint("cat: model.bin: Permission denied", "directory", this.folder.toString())).contains(
				"It was probably denied a file or a socket. ipc.children.worker.sandbox.audit=true tells which one");
		for (String line : List.of("PermissionError: [Errno 13] Permission denied: 'model.bin'",
				"Caused by: java.io.FileNotFoundException: model.bin (Permission denied)")) {
			assertThat(hint(line, "directory", this.folder.toString()))
				.contains(READ.replace("FILE", this.file.toString()));
		}
	}

	@Test
	void aLibraryAndAModuleAreKnownByTheirNames() {
		assertThat(hint("worker: error while loading shared libraries: libmodel.so.1: cannot open shared object file:"
				+ " No such file or directory")
			.orElseThrow()).contains("library 'libmodel.so.1'", "ipc.children.worker.sandbox.read to its folder");
		assertThat(hint("ModuleNotFoundError: No module named 'numpy'").orElseThrow()).contains("module 'numpy'");
	}

	@Test
	void aSocketIsNothingThatAPropertyGives() {
		for (String line : List.of("socket: Permission denied", "java.net.SocketException: Permission denied",
				"Error: connect EACCES 127.0.0.1:80", "dial tcp: connect: permission denied")) {
			assertThat(hint(line).orElseThrow()).contains("a socket of its own").doesNotContain("ipc.children");
		}
	}

	@Test
	void aFileIsNoSocketWhateverItsName() throws IOException {
		Path socket = Files.writeString(this.folder.resolve("network"), "");
		assertThat(hint("cat: " + socket + ": Permission denied")).contains(READ.replace("FILE", socket.toString()));
	}

	@Test
	void theMostSpecificLineCounts() {
		assertThat(
				hint("thread 'main' panicked: Os { code: 13, kind: PermissionDenied, message: \"Permission denied\" }")
					.orElseThrow())
			.contains("denied a file")
			.contains("audit=true tells which one");
		assertThat(SandboxHintTests.this.hints(List.of("cat: FILE: Permission denied", "failed with EACCES", "bye"),
				Profile.LOCKED_DOWN, Map.of()))
			.contains(READ.replace("FILE", this.file.toString()));
	}

	@Test
	void whatTheUserMayNotDoEitherIsNotTheSandboxsFault() {
		assertThat(hint("cat: /no/such/file: No such file or directory")).isEmpty();
		assertThat(hint("Error: Cannot find module '/no/such/module'")).isEmpty();
		assertThat(hint("Error: spawn /no/such/program EACCES")).isEmpty();
		assertThat(hint("ready")).isEmpty();
	}

	@Test
	void aChildWithoutAProfileGetsNoHint() {
		assertThat(hints(List.of("cat: FILE: Permission denied"), Profile.NONE, Map.of())).isEmpty();
		assertThat(hints(List.of("cat: FILE: Permission denied"), Profile.NO_NETWORK, Map.of())).isEmpty();
		assertThat(hints(List.of("socket: Permission denied"), Profile.NO_NETWORK, Map.of())).isPresent();
	}

	private String traceback(String... lines) {
		return hints(List.of(lines), Profile.LOCKED_DOWN, Map.of()).orElseThrow();
	}

	private Optional<String> hint(String line, String... settings) {
		Map<String, String> map = new HashMap<>();
		for (int i = 0; i < settings.length; i += 2) {
			map.put(settings[i], settings[i + 1]);
		}
		return hints(List.of(line), Profile.LOCKED_DOWN, map);
	}

	private Optional<String> hints(List<String> lines, Profile profile, Map<String, String> settings) {
		ChildSettings bound = new Binder(new MapConfigurationPropertySource(settings)).bindOrCreate("",
				Bindable.of(ChildSettings.class));
		return new SandboxHint(new ChildSpec("worker", List.of("true"), null, List.of(), 1, 1, false, false, false,
				ChildSettings.Transport.SOCKET, profile, Map.of(), null, bound))
			.of(lines.stream().map((line) -> line.replace("FILE", this.file.toString())).toList());
	}

}
