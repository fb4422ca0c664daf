package dev.tinyipc.spring.child;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Groups in a tree of files like that of {@code cgroups(7)}, and in a real one where
 * there is one to write to, although it need not distribute memory.
 */
@Timeout(60)
class ControlGroupTreeTests {

	private static final long MIB = 1024 * 1024;

	private static final Path REAL = Path.of("/sys/fs/cgroup/unified");

	@TempDir
	private Path folder;

	private Path self;

	private Path mount;

	private Process process;

	private BufferedReader output;

	@BeforeEach
	void startProcess() throws IOException {
		this.self = Files.createDirectory(this.folder.resolve("self"));
		this.mount = Files.createDirectory(this.folder.resolve("groups"));
		this.process = new ProcessBuilder("sh", "-c", "read line; setsid sleep 1000 & echo $!; read line").start();
		this.output = new BufferedReader(new InputStreamReader(this.process.getInputStream()));
	}

	@AfterEach
	void endProcess() throws Exception {
		this.process.destroyForcibly().waitFor();
	}

	@Test
	void groupsAreMadeBesideThatOfTheApplicationIfTheOneAboveHasNoProcesses() throws Exception {
		Path above = group("app.service", "cpu memory pids", "");
		group("app.service/main", "", Long.toString(ProcessHandle.current().pid()));
		mark(above);
		belongsTo("app.service/main");
		Path expected = emptyGroup(above.resolve("tiny-ipc-" + this.process.pid()));
		ControlGroup group = tree().put(this.process.pid(), 100 * MIB, 20L);
		assertThat(above.resolve("cgroup.subtree_control")).hasContent("+memory +pids");
		assertThat(contents(expected)).containsAllEntriesOf(
				Map.of("memory.max", Long.toString(100 * MIB), "memory.swap.max", "0", "memory.oom.group", "1",
						"pids.max", "20", "cgroup.procs", Long.toString(this.process.pid()), "cgroup.kill", ""));
		assertThat(group.hasRunOut()).isFalse();
		Files.writeString(expected.resolve("memory.events"), "oom 1\noom_kill 1\noom_group_kill 1\n");
		assertThat(group.hasRunOut()).isTrue();
		group.remove();
		assertThat(expected.resolve("cgroup.kill")).hasContent("1");
		clear(expected); // as the kernel does with the directory
		Awaitility.await().untilAsserted(() -> assertThat(expected).doesNotExist());
		assertThat(group.hasRunOut()).as("afterwards").isTrue();
	}

	@Test
	void aContainerThatHasOnlyThisApplicationMovesItBelowItsGroup() throws Exception {
		Path top = group("", "memory pids", Long.toString(ProcessHandle.current().pid()));
		belongsTo("");
		Path below = emptyGroup(top.resolve("tiny-ipc"));
		Path expected = emptyGroup(top.resolve("tiny-ipc-" + this.process.pid()));
		assertThat(tree().put(this.process.pid(), 100 * MIB, null)).isNotSameAs(ControlGroup.NONE);
		assertThat(below.resolve("cgroup.procs")).hasContent(Long.toString(ProcessHandle.current().pid()));
		assertThat(contents(expected)).containsEntry("memory.max", Long.toString(100 * MIB))
			.containsEntry("pids.max", "max")
			.containsEntry("cgroup.procs", Long.toString(this.process.pid()));
	}

	@Test
	void aGroupWithSomebodyElsesProcessIsLeftAlone() throws Exception {
		group("", "memory pids", ProcessHandle.current().pid() + "\n1");
		belongsTo("");
		assertUnchanged();
	}

	@Test
	void aGroupThatWasNotDelegatedIsLeftAlone() throws Exception {
		Path own = group("app.service", "memory pids", Long.toString(ProcessHandle.current().pid()));
		belongsTo("app.service");
		if (isRoot()) {
			assertUnchanged();
			mark(own);
		}
		emptyGroup(own.resolve("tiny-ipc"));
		emptyGroup(own.resolve("tiny-ipc-" + this.process.pid()));
		assertThat(tree().put(this.process.pid(), MIB, 20L)).isNotSameAs(ControlGroup.NONE);
	}

	@Test
	void withoutVersion2OrItsControllersThereAreNone() throws Exception {
		Files.writeString(this.self.resolve("cgroup"), "4:memory:/app\n1:cpu:/\n");
		assertUnchanged();
		belongsTo("");
		assertUnchanged();
		group("", "", Long.toString(ProcessHandle.current().pid()));
		emptyGroup(this.mount.resolve("tiny-ipc"));
		assertThat(tree().put(this.process.pid(), MIB, 20L)).isSameAs(ControlGroup.NONE);
	}

	@Test
	void aPathThatLeavesTheTreeIsNotFollowed() throws Exception {
		group("../outside", "memory pids", Long.toString(ProcessHandle.current().pid()));
		belongsTo("../outside");
		assertThat(tree().put(this.process.pid(), MIB, 20L)).isSameAs(ControlGroup.NONE);
	}

	@Test
	void aProcessWithoutLimitsNeedsNoGroup() throws Exception {
		group("", "memory pids", Long.toString(ProcessHandle.current().pid()));
		belongsTo("");
		assertThat(tree().put(this.process.pid(), null, null)).isSameAs(ControlGroup.NONE);
		assertThat(this.mount.resolve("cgroup.subtree_control")).isEmptyFile();
	}

	@Test
	void whatIsLeftInAGroupIsEndedWithIt() throws Exception {
		Path above = realGroup();
		boolean real = above.startsWith(REAL);
		if (!real) {
			emptyGroup(above.resolve("tiny-ipc-" + this.process.pid()));
		}
		Path path = above.resolve("tiny-ipc-" + this.process.pid());
		try {
			ControlGroup group = tree().put(this.process.pid(), above, 100 * MIB, 20L);
			assertThat(Files.readString(path.resolve("cgroup.procs")).strip())
				.isEqualTo(Long.toString(this.process.pid()));
			this.process.getOutputStream().write('\n');
			this.process.getOutputStream().flush();
			long grandchild = Long.parseLong(this.output.readLine());
			this.process.destroyForcibly().waitFor();
			assertThat(Processes.runs(grandchild)).isTrue();
			assertThat(group.hasRunOut()).isFalse();
			group.remove();
			if (!real) {
				assertThat(path.resolve("cgroup.kill")).hasContent("1");
				clear(path);
				ProcessHandle.of(grandchild).ifPresent(ProcessHandle::destroyForcibly);
			}
			Awaitility.await().until(() -> !Processes.runs(grandchild) && !Files.exists(path));
		}
		finally {
			if (real) {
				Files.deleteIfExists(path);
				Files.delete(above);
			}
		}
	}

	/** One that the kernel made, if it lets us. */
	private Path realGroup() throws IOException {
		Path group = REAL.resolve("tiny-ipc-test-" + ProcessHandle.current().pid());
		return Files.isWritable(REAL) ? Files.createDirectory(group) : Files.createDirectory(this.mount.resolve("app"));
	}

	private ControlGroupTree tree() {
		return new ControlGroupTree(this.self, this.mount, new ChildSupervisor());
	}

	private void assertUnchanged() throws IOException {
		Map<String, String> before = Files.exists(this.mount.resolve("app.service"))
				? contents(this.mount.resolve("app.service")) : contents(this.mount);
		assertThat(tree().put(this.process.pid(), MIB, 20L)).isSameAs(ControlGroup.NONE);
		assertThat(Files.exists(this.mount.resolve("app.service")) ? contents(this.mount.resolve("app.service"))
				: contents(this.mount))
			.isEqualTo(before);
	}

	private void belongsTo(String path) throws IOException {
		Files.writeString(this.self.resolve("cgroup"), "0::/" + path + "\n");
	}

	private Path group(String path, String controllers, String processes) throws IOException {
		Path group = Files.createDirectories(this.mount.resolve(path));
		Files.writeString(group.resolve("cgroup.controllers"), controllers + "\n");
		Files.writeString(group.resolve("cgroup.subtree_control"), "");
		Files.writeString(group.resolve("cgroup.events"), "populated 1\nfrozen 0\n");
		Files.writeString(group.resolve("cgroup.procs"), processes.isEmpty() ? "" : processes + "\n");
		return group;
	}

	/** As the kernel fills a directory that is made. */
	private static Path emptyGroup(Path group) throws IOException {
		Files.createDirectory(group);
		for (String name : new String[] { "memory.max", "memory.swap.max", "pids.max" }) {
			Files.writeString(group.resolve(name), "max\n");
		}
		Files.writeString(group.resolve("memory.oom.group"), "0\n");
		Files.writeString(group.resolve("memory.events"), "oom 0\noom_kill 0\noom_group_kill 0\n");
		Files.writeString(group.resolve("cgroup.procs"), "");
		Files.writeString(group.resolve("cgroup.kill"), "");
		return group;
	}

	private static Map<String, String> contents(Path group) throws IOException {
		try (Stream<Path> files = Files.list(group)) {
			return files.filter(Files::isRegularFile)
				.collect(Collectors.toMap((file) -> file.getFileName().toString(), (file) -> {
					try {
						return Files.readString(file).strip();
					}
					catch (IOException ex) {
						throw new IllegalStateException(ex);
					}
				}));
		}
	}

	private static void clear(Path group) throws IOException {
		try (Stream<Path> files = Files.list(group)) {
			for (Path file : files.toList()) {
				Files.delete(file);
			}
		}
	}

	private static void mark(Path group) throws IOException {
		if (isRoot()) {
			Files.getFileAttributeView(group, UserDefinedFileAttributeView.class)
				.write("delegate", ByteBuffer.wrap(new byte[] { '1' }));
		}
	}

	private static boolean isRoot() {
		return "root".equals(System.getProperty("user.name"));
	}

}
