package dev.tinyipc;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/** What an audit's needs become as paths of a sandbox. */
class SuggestedPathsTests {

	private static final Sandbox LOCKED_DOWN = Sandbox.of(Sandbox.Profile.LOCKED_DOWN);

	@TempDir
	Path folder;

	@Test
	void fewPathsStandForManyNeedsButNotForMuchMore() throws Exception {
		List<SandboxNeed> found = new ArrayList<>();
		Path many = Files.createDirectories(this.folder.resolve("a/many"));
		Path few = Files.createDirectories(this.folder.resolve("a/few"));
		for (int i = 0; i < 5; i++) {
			found.add(need(SandboxNeed.Access.READ, Files.createFile(many.resolve("file-" + i))));
		}
		for (int i = 0; i < 3; i++) {
			found.add(need(SandboxNeed.Access.READ, Files.createFile(few.resolve("file-" + i))));
			found.add(need(SandboxNeed.Access.WRITE, few.resolve("file-0")));
		}
		for (String broad : List.of("/", "/etc", System.getProperty("user.home"))) {
			found.add(need(SandboxNeed.Access.READ, Path.of(broad)));
		}
		for (String name : List.of("group", "hosts", "nsswitch.conf", "passwd", "resolv.conf", "services")) {
			found.add(need(SandboxNeed.Access.READ, Path.of("/etc", name)));
		}
		found.add(new SandboxNeed(SandboxNeed.Access.OTHER, "connect to 192.0.2.1:80", ""));
		Sandbox sandbox = LOCKED_DOWN.allow(found);
		assertThat(sandbox.writable()).isEqualTo(Set.of(few.resolve("file-0")));
		assertThat(sandbox.readable())
			.contains(many, few.resolve("file-1"), few.resolve("file-2"), Path.of("/etc/hosts"))
			.hasSize(9);
		assertThat(sandbox.executable()).isEmpty();
	}

	private static SandboxNeed need(SandboxNeed.Access access, Path path) {
		return new SandboxNeed(access, path.toString(), "");
	}

	@Test
	void whatIsAllowedAlreadyIsNotNamedAgain() {
		Path file = this.folder.resolve("file");
		Sandbox sandbox = LOCKED_DOWN.write(List.of(this.folder));
		assertThat(sandbox.allow(List.of(need(SandboxNeed.Access.READ, file), need(SandboxNeed.Access.WRITE, file))))
			.returns(Set.of(), Sandbox::readable)
			.returns(Set.of(this.folder), Sandbox::writable);
	}

}
