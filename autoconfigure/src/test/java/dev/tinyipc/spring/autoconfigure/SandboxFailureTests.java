package dev.tinyipc.spring.autoconfigure;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import dev.tinyipc.Sandbox;
import dev.tinyipc.spring.ChildProcess;
import dev.tinyipc.spring.JavaCommand;
import dev.tinyipc.spring.child.ChildState;
import dev.tinyipc.spring.child.IpcChild;
import dev.tinyipc.spring.RawWorker;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import org.springframework.boot.ApplicationRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;
import org.springframework.context.annotation.Bean;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Applications on a kernel that does not enforce a profile: a seccomp filter around each
 * lets the calls fail as such a kernel does.
 */
@Timeout(120)
class SandboxFailureTests {

	@ParameterizedTest
	@CsvSource(delimiter = '|',
			textBlock = """
					landlock_create_ruleset=ENOSYS     | This kernel has no Landlock              | Use Linux 5.13
					landlock_create_ruleset=EOPNOTSUPP | switched off                             | 'lsm='
					landlock_create_ruleset=EPERM      | A sandbox around this process does not allow it to use Landlock | landlock_restrict_self
					seccomp=EPERM                      | A sandbox around this process does not allow it to use seccomp  | Allow the system call seccomp
					seccomp=ENOSYS                     | This kernel has no seccomp filters       | CONFIG_SECCOMP_FILTER
					""")
	void aRequiredProfileThatIsNotEnforcedFailsTheStartWithTheReasonAndTheRemedy(String kernel, String reason,
			String remedy) throws Exception {
		assertThat(output(kernel, 1))
			.containsSubsequence("APPLICATION FAILED TO START", "Description:",
					"Child process 'worker' requires a sandbox profile that cannot be enforced here", reason, "Action:",
					remedy, "ipc.children.worker.sandbox.required=false")
			.doesNotContain("Started child process", "Restarting", "\tat ");
	}

	@ParameterizedTest
	@CsvSource({ "landlock_create_ruleset=EOPNOTSUPP,Landlock is in this kernel,.*landlockAbi=0.*seccompFilters=2.*",
			"seccomp=EPERM,does not allow it to use seccomp,.*landlockAbi=[1-9].*seccompFilters=1.*" })
	void aProfileThatIsNotRequiredIsEnforcedAsFarAsPossibleWithOneWarning(String kernel, String reason, String inForce)
			throws Exception {
		String output = output(kernel, 0, "--ipc.children.worker.sandbox.required=false",
				"--ipc.children.worker.instances=2");
		assertThat(output.lines().filter((line) -> line.contains(" WARN "))).singleElement()
			.asString()
			.contains("child process 'worker' has the profile locked-down, which is not enforced as a whole", reason,
					"In force: ", "no_new_privs");
		assertThat(output.lines().filter((line) -> line.startsWith("protection: "))).hasSize(2)
			.allMatch((line) -> line.contains(reason) && line.matches(inForce));
	}

	@Test
	void aProfileThatDoesNotNeedLandlockIsEnforcedWithoutIt() throws Exception {
		assertThat(output("landlock_create_ruleset=ENOSYS", 0, "--ipc.children.worker.sandbox.profile=no-network"))
			.containsPattern("WARN.*has the profile no-network");
	}

	@Test
	void aChildWhoseProfileIsNoLongerEnforcedIsNotStartedAgain() throws Exception {
		String output = output(List.of(), 0, "--without-landlock-from-now-on");
		assertThat(output).containsSubsequence("Started child process 'worker'", "Restarting child process 'worker'",
				"child process 'worker' is not restarted, because that would fail again", "Landlock", "failed: true");
		assertThat(output.split("Restarting")).hasSize(2);
	}

	private static String output(String kernel, int exitCode, String... arguments) throws Exception {
		return output(List.of(RawWorker.python().toString(), resource("/outer_sandbox.py"), kernel), exitCode,
				arguments);
	}

	private static String output(List<String> outerSandbox, int exitCode, String... arguments) throws Exception {
		List<String> command = new ArrayList<>(outerSandbox);
		command.addAll(JavaCommand.of("-cp", System.getProperty("java.class.path"), Application.class.getName()));
		command.addAll(List.of(arguments));
		Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
		String output = new String(process.getInputStream().readAllBytes());
		assertThat(process.waitFor()).as(output).isEqualTo(exitCode);
		return output;
	}

	private static String resource(String name) throws IOException, URISyntaxException {
		return Path.of(Objects.requireNonNull(SandboxFailureTests.class.getResource(name)).toURI()).toString();
	}

	@ChildProcess(name = "worker", command = { "sh", "-c", "while read -r line; do :; done <&3" },
			sandbox = Sandbox.Profile.LOCKED_DOWN)
	@ImportAutoConfiguration({ JacksonAutoConfiguration.class, IpcAutoConfiguration.class })
	static class Application {

		public static void main(String[] arguments) {
			SpringApplication.run(Application.class, arguments).close();
		}

		@Bean
		ApplicationRunner runner(IpcChild child) {
			return (arguments) -> {
				child.instances()
					.forEach((instance) -> System.out.println("protection: " + instance.protection().orElseThrow()));
				if (arguments.containsOption("without-landlock-from-now-on")) {
					forbidLandlock();
					ProcessHandle.of(child.instances().get(0).pid().orElseThrow()).orElseThrow().destroyForcibly();
					Awaitility.await().until(() -> child.instances().get(0).state() == ChildState.FAILED);
					System.out.println("failed: true");
				}
			};
		}

		/** For all threads of this process ({@code SECCOMP_FILTER_FLAG_TSYNC}). */
		private static void forbidLandlock() {
			long landlockCreateRuleset = 444;
			long[] program = { 0x20, 0x01000015 | landlockCreateRuleset << 32, 0x06 | 0x00050001L << 32,
					0x06 | 0x7fff0000L << 32 };
			try (Memory instructions = new Memory(program.length * 8L); Memory header = new Memory(16)) {
				instructions.write(0, program, 0, program.length);
				header.setLong(0, program.length);
				header.setPointer(8, instructions);
				NativeLibrary libc = NativeLibrary.getProcess();
				long seccomp = System.getProperty("os.arch").equals("aarch64") ? 277 : 317;
				assertThat(libc.getFunction("prctl").invokeInt(new Object[] { 38, 1L, 0L, 0L, 0L })).isZero();
				assertThat(libc.getFunction("syscall").invokeInt(new Object[] { seccomp, 1L, 1L, header })).isZero();
			}
		}

	}

}
