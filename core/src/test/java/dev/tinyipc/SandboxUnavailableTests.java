package dev.tinyipc;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Kernels and containers that do not offer what a profile needs. A real filter makes the
 * kernel answer one thread as such a kernel answers.
 */
@Timeout(60)
class SandboxUnavailableTests {

	private static final Sandbox LOCKED_DOWN = Sandbox.of(Sandbox.Profile.LOCKED_DOWN);

	private static final Sandbox NO_NETWORK = Sandbox.of(Sandbox.Profile.NO_NETWORK);

	private enum Lack {

		KERNEL_TOO_OLD(Errno.ENOSYS, "no Landlock", "5.13"),
		SWITCHED_OFF(Errno.EOPNOTSUPP, "was switched off when it was booted", "'lsm='"),
		FORBIDDEN(Errno.EPERM, "A sandbox around this process does not allow", "landlock_create_ruleset");

		private final Errno error;

		private final String reason;

		private final String remedy;

		Lack(Errno error, String reason, String remedy) {
			this.error = error;
			this.reason = reason;
			this.remedy = remedy;
		}

		private DeniedCalls.Row row() {
			int number = (int) LibC.SYS_LANDLOCK_CREATE_RULESET;
			return denied("landlock_create_ruleset", number, this.error);
		}

	}

	@ParameterizedTest
	@EnumSource
	void requiredProfileIsRefusedWithTheReasonAndTheRemedy(Lack lack) {
		assertThatExceptionOfType(IpcException.SandboxUnavailable.class)
			.isThrownBy(() -> under(lack.row(), () -> start(LOCKED_DOWN)))
			.satisfies((ex) -> assertThat(ex.reason()).contains(lack.reason))
			.satisfies((ex) -> assertThat(ex.remedy()).contains(lack.remedy))
			.withMessageContaining(lack.reason)
			.withMessageContaining(lack.remedy);
	}

	@ParameterizedTest
	@EnumSource
	void profileThatIsNotRequiredKeepsWhatThereIs(Lack lack) throws Exception {
		try (IpcProcess child = under(lack.row(), () -> start(LOCKED_DOWN.required(false)))) {
			assertThat(child.protection().landlockAbi()).isZero();
			assertThat(child.protection().seccompFilters()).as("that of this test, and ours").isEqualTo(2);
			assertThat(child.protection().noNewPrivileges()).isTrue();
			assertThat(child.protection().missing()).singleElement().asString().contains("Files", lack.reason);
			assertThat(child.waitFor()).isZero();
		}
	}

	@Test
	void childWithoutNetworkNeedsNoLandlock() throws Exception {
		try (IpcProcess child = under(Lack.KERNEL_TOO_OLD.row(), () -> start(NO_NETWORK))) {
			assertThat(child.protection().seccompFilters()).isEqualTo(2);
			assertThat(child.protection().missing()).singleElement().asString().contains("Landlock");
		}
	}

	@ParameterizedTest
	@EnumSource(value = Sandbox.Profile.class, names = { "NO_NETWORK", "LOCKED_DOWN" })
	void seccompThatIsForbiddenIsRefusedOrMissing(Sandbox.Profile profile) throws Exception {
		DeniedCalls.Row forbidden = denied("seccomp", (int) Machine.SYS_SECCOMP, Errno.EPERM);
		assertThatExceptionOfType(IpcException.SandboxUnavailable.class)
			.isThrownBy(() -> under(forbidden, () -> start(Sandbox.of(profile))))
			.withMessageContaining("does not allow it to use seccomp")
			.withMessageContaining("Allow the system call seccomp");
		try (IpcProcess child = under(forbidden, () -> start(Sandbox.of(profile).required(false)))) {
			assertThat(child.protection().seccompFilters()).isEqualTo(1);
			assertThat(child.protection().missing()).singleElement().asString().contains("Network");
		}
	}

	@Test
	void kernelWithoutSeccompIsToldApart() {
		DeniedCalls.Row unknown = denied("seccomp", (int) Machine.SYS_SECCOMP, Errno.ENOSYS);
		assertThatExceptionOfType(IpcException.SandboxUnavailable.class)
			.isThrownBy(() -> under(unknown, () -> start(LOCKED_DOWN)))
			.withMessageContaining("no seccomp filters")
			.withMessageContaining("CONFIG_SECCOMP_FILTER");
	}

	@Test
	void restrictionThatFailsStartsNothing() {
		DeniedCalls.Row failing = denied("landlock_restrict_self", (int) LibC.SYS_LANDLOCK_RESTRICT_SELF, Errno.E2BIG);
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> under(failing, () -> start(LOCKED_DOWN)))
			.withMessage("landlock_restrict_self failed: E2BIG (Argument list too long)");
	}

	@Test
	void restrictionThatIsForbiddenAtTheLastMomentIsToldAsSuch() {
		DeniedCalls.Row forbidden = denied("capset", (int) Machine.SYS_CAPSET, Errno.EPERM);
		assertThatExceptionOfType(IpcException.SandboxUnavailable.class)
			.isThrownBy(() -> under(forbidden, () -> start(LOCKED_DOWN)))
			.withMessageContaining("does not allow it to use capset")
			.withMessageContaining("Allow capset");
	}

	private static DeniedCalls.Row denied(String name, int number, Errno error) {
		return new DeniedCalls.Row(name, number, number, error, DeniedCalls.Test.ALWAYS, 0, 0, 0);
	}

	private static IpcProcess start(Sandbox sandbox) throws IOException {
		return new IpcProcessBuilder("sh", "-c", "exit 0").sandbox(sandbox).start();
	}

	/** Runs something in a thread to which a call is denied. */
	private static <T> T under(DeniedCalls.Row denied, Callable<T> action) throws Exception {
		CompletableFuture<T> result = new CompletableFuture<>();
		NativeBuffer filter = Seccomp.filter(List.of(denied));
		Thread thread = new Thread(() -> {
			try {
				Errno.check("prctl", NativeCall.of("prctl", Machine.SYS_PRCTL, 38, 1, 0).make());
				Errno.check("seccomp", Seccomp.restrictSelf(filter).make());
				result.complete(action.call());
			}
			catch (Throwable ex) {
				result.completeExceptionally(ex);
			}
		});
		thread.start();
		thread.join();
		try {
			return result.get();
		}
		catch (ExecutionException ex) {
			throw (ex.getCause() instanceof Exception cause) ? cause : ex;
		}
	}

}
