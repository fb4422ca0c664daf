package dev.tinyipc;

import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

/** What a program finds that was not, or not directly, started by this library. */
@Timeout(60)
class InheritedSocketTests {

	@TempDir
	Path folder;

	@Test
	void programThatWasStartedInAnotherWayHasNone() throws Exception {
		assertThat(IpcSocket.inherited()).isEmpty();
		assertThat(new ChildJvm(Asking.class).run()).isEqualTo("empty\n");
	}

	/** Such as one that a child passed on to a program that it started. */
	@ParameterizedTest
	@ValueSource(strings = { "3", "0", "999999", "-1", "", " 3", "three", "99999999999999" })
	void variableThatNamesNoSocketSaysSoAndWhatToDo(String value) throws Exception {
		assertThat(new ChildJvm(Asking.class).with((builder) -> builder.environment().put(IpcSocket.FD_VARIABLE, value))
			.run()).contains("IpcException: The environment says TINY_IPC_FD=" + value + ",")
			.contains("remove it from the environment")
			.contains("still open: true");
	}

	@Test
	void otherSystemThanLinuxIsNamedWithTheRemedy() throws Exception {
		assertThat(new ChildJvm(Using.class).option("-Dos.name=Mac OS X").run()).isEqualTo("""
				NativeUnavailable
				This is Mac OS X on %s.
				Run on Linux on x86-64 or aarch64, for example in a container or a virtual machine.
				again: NativeUnavailable
				""".formatted(System.getProperty("os.arch")));
		assertThat(new ChildJvm(Using.class).option("-Dos.arch=riscv64").run()).contains("This is Linux on riscv64.");
	}

	@Test
	void jnaThatCannotUnpackIsNamedWithTheRemedy() throws Exception {
		Path file = Files.createFile(this.folder.resolve("file"));
		assertThat(new ChildJvm(Using.class).option("-Djna.tmpdir=" + file).option("-Djna.nosys=true").run())
			.startsWith("NativeUnavailable\nJNA could not load its native library: ")
			.contains("-Djna.tmpdir=<folder>")
			.contains("-Djna.boot.library.path=<folder>")
			.endsWith("again: NativeUnavailable\n");
		assertThat(new ChildJvm(Using.class).option("-Djna.nounpack=true").option("-Djna.nosys=true").run())
			.startsWith("NativeUnavailable\n");
	}

	static final class Asking {

		public static void main(String[] args) {
			try {
				System.out.println(IpcSocket.inherited().map(Object::toString).orElse("empty"));
			}
			catch (IpcException ex) {
				System.out.println(ex.getClass().getSimpleName() + ": " + ex.getMessage());
				System.out.println("still open: " + (LibC.fcntl(0, LibC.F_GETFD, 0) >= 0));
			}
		}

	}

	static final class Using {

		public static void main(String[] args) throws Exception {
			try {
				IpcSocket.pair();
			}
			catch (IpcException.NativeUnavailable ex) {
				System.out.println(ex.getClass().getSimpleName());
				System.out.println(ex.reason());
				System.out.println(ex.remedy());
			}
			try {
				new IpcProcessBuilder("true").start();
			}
			catch (IpcException ex) {
				System.out.println("again: " + ex.getClass().getSimpleName());
			}
		}

	}

}
