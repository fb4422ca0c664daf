package dev.tinyipc;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** A check that cannot fail is useless. */
class LeakCheckTests {

	@Test
	void findsADescriptorThatWasNotClosed() throws Exception {
		Set<String> before = LeakCheck.held();
		try (OwnedFd.Pipe pipe = OwnedFd.pipe()) {
			assertThatExceptionOfType(ConditionTimeoutException.class)
				.isThrownBy(() -> LeakCheck.assertNothingNew(before, Duration.ofMillis(200)))
				.withMessageContaining("descriptor " + pipe.source().fd() + " of pipe:");
		}
		LeakCheck.assertNothingNew(before, Duration.ofSeconds(10));
	}

	@Test
	void findsAMapOfAMemoryFile() throws Exception {
		Set<String> before = LeakCheck.held();
		BlockFile block = BlockFile.create(4096);
		try {
			block.descriptor().close();
			assertThatExceptionOfType(ConditionTimeoutException.class)
				.isThrownBy(() -> LeakCheck.assertNothingNew(before, Duration.ofMillis(200)))
				.withMessageContaining("/memfd:tiny-ipc-block");
		}
		finally {
			block.close();
		}
		LeakCheck.assertNothingNew(before, Duration.ofSeconds(10));
	}

	@Test
	void findsAZombie() throws Exception {
		Set<String> before = LeakCheck.held();
		int pid = PosixSpawn.spawn(List.of("true"), Map.of(), null, List.of());
		try {
			assertThatExceptionOfType(ConditionTimeoutException.class)
				.isThrownBy(() -> LeakCheck.assertNothingNew(before, Duration.ofMillis(500)))
				.withMessageContaining("child " + pid + " (true), a zombie");
		}
		finally {
			LibC.waitpid(pid, NativeBuffer.allocate(Integer.BYTES).address(), 0);
		}
		LeakCheck.assertNothingNew(before, Duration.ofSeconds(10));
	}

}
