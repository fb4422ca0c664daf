package dev.tinyipc.spring.child;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/** With the files of a kernel that a test cannot run out of memory. */
class OutOfMemoryKillsTests {

	private static final String MEMORY_EVENTS = "low 0\nhigh 0\nmax 12\noom 4\noom_kill %d\noom_group_kill 9\n";

	private static final String VMSTAT = "nr_free_pages 1\noom_kill %d\nnuma_hit 5\n";

	@TempDir
	private Path folder;

	private Path vmstat;

	private Path events;

	@BeforeEach
	void createFiles() throws IOException {
		this.vmstat = this.folder.resolve("proc/vmstat");
		this.events = this.folder.resolve("groups/system.slice/app.service/memory.events");
		Files.createDirectories(this.folder.resolve("proc/42"));
		Files.createDirectories(this.events.getParent());
		Files.writeString(this.vmstat, VMSTAT.formatted(1));
		Files.writeString(this.events, MEMORY_EVENTS.formatted(2));
	}

	@Test
	void aKillInTheGroupOfTheProcessCounts() throws IOException {
		belongsTo("0::/system.slice/app.service\n");
		OutOfMemoryKills kills = start();
		assertThat(kills.any()).isFalse();
		Files.writeString(this.events, MEMORY_EVENTS.formatted(3));
		assertThat(kills.any()).isTrue();
	}

	@Test
	void aKillInAnotherGroupDoesNot() throws IOException {
		belongsTo("0::/system.slice/app.service\n");
		OutOfMemoryKills kills = start();
		Files.writeString(this.vmstat, VMSTAT.formatted(2));
		assertThat(kills.any()).isFalse();
	}

	@Test
	void whereGroupsDoNotCountThoseOfTheMachineDo() throws IOException {
		belongsTo("4:memory:/app\n0::/\n");
		OutOfMemoryKills kills = start();
		assertThat(kills.any()).isFalse();
		Files.writeString(this.vmstat, VMSTAT.formatted(2));
		assertThat(kills.any()).isTrue();
	}

	@Test
	void whereNothingCountsNothingIsClaimed() throws IOException {
		Files.delete(this.vmstat);
		OutOfMemoryKills kills = start();
		Files.writeString(this.vmstat, VMSTAT.formatted(2));
		assertThat(kills.any()).isFalse();
	}

	private void belongsTo(String groups) throws IOException {
		Files.writeString(this.folder.resolve("proc/42/cgroup"), groups);
	}

	private OutOfMemoryKills start() {
		return OutOfMemoryKills.during(42, this.folder.resolve("proc"), this.folder.resolve("groups"));
	}

}
