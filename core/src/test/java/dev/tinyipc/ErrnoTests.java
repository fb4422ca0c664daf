package dev.tinyipc;

import java.io.IOException;
import java.io.UncheckedIOException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

class ErrnoTests {

	@Test
	void messageNamesCallErrorAndText() {
		assertThat(Errno.failure("sendmsg", Errno.EMSGSIZE.number))
			.hasMessage("sendmsg failed: EMSGSIZE (Message too long)");
		assertThat(Errno.failure("x", 4711)).hasMessage("x failed: errno 4711");
	}

	/** What the C library itself would say. */
	@ParameterizedTest
	@EnumSource
	void textIsTheOneOfTheSystem(Errno errno) throws Exception {
		assertThat(Errno.describe(errno.number)).isEqualTo(errno.name() + " (" + TEXTS[errno.number] + ')');
	}

	private static final String[] TEXTS = texts();

	private static String[] texts() {
		try {
			Process process = new ProcessBuilder("python3", "-c",
					"import os\nfor n in range(134): print(os.strerror(n))")
				.start();
			return process.inputReader().lines().toArray(String[]::new);
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	@Test
	void successIsReturnedAndFailureIsThrownWithWhatTheKernelLeft() throws Exception {
		assertThat(Errno.check("fcntl", LibC.fcntl(0, LibC.F_GETFD, 0))).isNotNegative();
		assertThatExceptionOfType(IpcException.class)
			.isThrownBy(() -> Errno.check("fcntl", LibC.fcntl(1_000_000, LibC.F_GETFD, 0)))
			.withMessage("fcntl failed: EBADF (Bad file descriptor)");
		assertThat(Errno.check("lseek", 1L << 40)).isEqualTo(1L << 40);
		Errno.checkReturned("posix_spawnp", 0);
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> Errno.checkReturned("posix_spawnp", 2))
			.withMessage("posix_spawnp failed: ENOENT (No such file or directory)");
	}

	/** A thread's error number is its own, whatever others do meanwhile. */
	@Test
	void errorNumberIsTheThreadsOwn() throws Exception {
		LibC.close(1_000_000);
		Thread other = new Thread(() -> Lseek.lseek(LibC.AF_UNIX, 0, 99));
		other.start();
		other.join();
		assertThat(Errno.last()).isEqualTo(Errno.EBADF.number);
	}

}
