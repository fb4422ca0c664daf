package dev.tinyipc.spring.child;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcServer;
import dev.tinyipc.Protection;
import dev.tinyipc.Sandbox;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.ChildProcess;
import dev.tinyipc.spring.IpcPeerUnavailableException;
import dev.tinyipc.spring.RawWorker;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.ApplicationContext;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** What a child may do is decided by its profile, enforced by the kernel, and told. */
@Timeout(120)
@ExtendWith(OutputCaptureExtension.class)
class ChildProtectionTests {

	@TempDir
	private Path folder;

	@Test
	void aLockedDownChildServesButReadsAndWritesOnlyWhatItMay() throws IOException {
		Path secret = Files.writeString(this.folder.resolve("secret"), "hunter2");
		Path spool = Files.createDirectory(this.folder.resolve("spool"));
		String prelude = """
				def attempt(action):
				    try:
				        return action()
				    except PermissionError:
				        return 'refused'
				answers = [attempt(lambda: open('%s').read()), attempt(lambda: open('%s', 'w').write('x'))]
				open('%s', 'w').write(' '.join(answers))
				""".formatted(secret, this.folder.resolve("new"), spool.resolve("answers"));
		lockedDown(RawWorker.python(prelude, "ipc.children.worker.sandbox.write=" + spool,
				"ipc.children.worker.sandbox.read=" + RawWorker.script()))
			.run((context) -> {
				assertThat(template(context).convertSendAndReceive("hello", String.class)).isEqualTo("hello");
				assertThat(spool.resolve("answers")).hasContent("refused refused");
				assertThat(this.folder.resolve("new")).doesNotExist();
			});
	}

	@Test
	void theLogSaysOnceWhatIsInForce(CapturedOutput output) {
		lockedDown(RawWorker.application("ipc.children.worker.instances=2",
				"ipc.children.worker.restart.initial-delay=10ms"))
			.run((context) -> {
				assertThatExceptionOfType(IpcPeerUnavailableException.class)
					.isThrownBy(() -> template(context).convertSendAndReceive("die", String.class));
				Awaitility.await()
					.until(() -> instances(context).stream().mapToLong(IpcChild.Instance::restarts).sum() == 1);
				Protection protection = protection(context);
				assertThat(output.getAll().lines().filter((line) -> line.contains("In force"))).singleElement()
					.asString()
					.contains("INFO", "child process 'worker' has the profile locked-down",
							"Landlock (ABI " + protection.landlockAbi() + ")", "seccomp (", "no_new_privs",
							"no capabilities");
			});
	}

	@Test
	void theLogWarnsAboutPathsThatDoNotExist(CapturedOutput output) {
		Path missing = this.folder.resolve("modles");
		lockedDown(RawWorker.application("ipc.children.worker.sandbox.read=" + missing + ',' + RawWorker.script(),
				"ipc.children.worker.sandbox.write=" + this.folder))
			.run((context) -> {
				assertThat(template(context).convertSendAndReceive("hello", String.class)).isEqualTo("hello");
				assertThat(output.getAll().lines().filter((line) -> line.contains("does not exist"))).singleElement()
					.asString()
					.contains("WARN", "child process 'worker' cannot be allowed to read what does not exist: " + missing
							+ ". Correct ipc.children.worker.sandbox.read,");
			});
	}

	@Test
	void whatIsInForceIsWhatTheKernelSays() {
		lockedDown(RawWorker.application()).run((context) -> {
			Protection protection = protection(context);
			assertThat(protection.profile()).isEqualTo(Sandbox.Profile.LOCKED_DOWN);
			assertThat(protection.landlockAbi()).isPositive();
			assertThat(protection.missing()).isEmpty();
			List<String> status = Files
				.readAllLines(Path.of("/proc", instances(context).get(0).pid().orElseThrow().toString(), "status"));
			assertThat(status).contains("NoNewPrivs:\t1", "Seccomp_filters:\t" + protection.seccompFilters(),
					"CapEff:\t%016x".formatted(protection.capabilities()));
			context.getBean(IpcChild.class).stopInstances().get();
			assertThat(instances(context).get(0).protection()).isEmpty();
		});
	}

	@Test
	void limitsAreInForceWithoutAProfile(CapturedOutput output) {
		RawWorker
			.application("ipc.children.worker.limits.open-files=64", "ipc.children.worker.limits.file-size=0",
					"ipc.children.worker.limits.memory=512MB", "ipc.children.worker.limits.cpu-time=90s",
					"ipc.children.worker.nice=3")
			.run((context) -> {
				assertThat(template(context).convertSendAndReceive("hello", String.class)).isEqualTo("hello");
				assertThat(protection(context).limits()).containsEntry("RLIMIT_NOFILE", 64L)
					.containsEntry("RLIMIT_FSIZE", 0L)
					.containsEntry("RLIMIT_DATA", 512L << 20)
					.containsEntry("RLIMIT_CPU", 90L)
					.containsKey("nice");
				List<String> limits = Files
					.readAllLines(Path.of("/proc", instances(context).get(0).pid().orElseThrow().toString(), "limits"));
				assertThat(limits).anyMatch((line) -> line.matches("Max open files +64 +64 .*"))
					.anyMatch((line) -> line.matches("Max file size +0 +0 .*"));
				assertThat(output.getAll().lines().filter((line) -> line.contains("In force"))).singleElement()
					.asString()
					.contains("INFO", "child process 'worker' has no profile", "RLIMIT_NOFILE=64");
			});
	}

	@Test
	void anUnrestrictedChildIsNotTalkedAbout(CapturedOutput output) {
		RawWorker.application().run((context) -> {
			assertThat(protection(context).profile()).isEqualTo(Sandbox.Profile.NONE);
			assertThat(output.getAll().lines().filter((line) -> line.matches(".*(INFO|WARN).*In force.*"))).isEmpty();
		});
	}

	@Test
	void theAnnotationNamesTheProfileAndAPropertyOverridesIt() {
		ApplicationContextRunner runner = RawWorker.nothing().withUserConfiguration(NoNetwork.class);
		runner.run((context) -> assertThat(protection(context)).satisfies((protection) -> {
			assertThat(protection.profile()).isEqualTo(Sandbox.Profile.NO_NETWORK);
			assertThat(protection.noNewPrivileges()).isTrue();
		}));
		runner.withPropertyValues("ipc.children.cat.sandbox.profile=none")
			.run((context) -> assertThat(protection(context).noNewPrivileges()).isFalse());
		runner.withPropertyValues("ipc.children.cat.nice=0")
			.run((context) -> assertThat(protection(context).noNewPrivileges()).isTrue());
	}

	@ChildProcess(name = "cat", command = { "sh", "-c", "while read -r line; do :; done <&3" },
			sandbox = Sandbox.Profile.NO_NETWORK)
	static class NoNetwork {

	}

	@Test
	void aProgramInThisJvmHasNoProfile() {
		InProcessChildren children = (child) -> (socket) -> {
			IpcServer.serve(IpcChannel.over(socket), String.class, IpcMessage::payload);
			return 0;
		};
		lockedDown(RawWorker.application()).withBean(InProcessChildren.class, () -> children).run((context) -> {
			assertThat(template(context).convertSendAndReceive("hello", String.class)).isEqualTo("hello");
			assertThat(protection(context).profile()).isEqualTo(Sandbox.Profile.NONE);
		});
	}

	@Test
	void pathsDoNotMatterOnceAProfileIsSwitchedOff() {
		lockedDown(RawWorker.application("ipc.children.worker.sandbox.read=/opt"))
			.withPropertyValues("ipc.children.worker.sandbox.profile=none")
			.run((context) -> assertThat(context).hasNotFailed());
	}

	@Test
	void aChildWithAProfileDoesNotInheritTheEnvironmentOfTheApplication() {
		assertThat(System.getenv()).as("the test needs a variable to miss").containsKey("PWD");
		String script = "export -p > %s/witness; read -r line <&3".formatted(this.folder);
		ApplicationContextRunner runner = RawWorker.shell("unset PWD OLDPWD SHLVL; " + script,
				"ipc.children.worker.sandbox.profile=no-network", "ipc.children.worker.environment.GREETING=hello");
		runner.run((context) -> {
			context.close();
			assertThat(exported()).contains("PATH", "GREETING", "TINY_IPC_FD")
				.allMatch((name) -> name.matches("PATH|HOME|LANG|LC_.*|TZ|TMPDIR|GREETING|TINY_IPC_.*"));
		});
		runner.withPropertyValues("ipc.children.worker.environment-policy=inherit").run((context) -> {
			context.close();
			assertThat(exported()).contains("GREETING").hasSizeGreaterThan(System.getenv().size() - 5);
		});
	}

	/** Read once the application has stopped its child. */
	private List<String> exported() throws IOException {
		return Files.readAllLines(this.folder.resolve("witness"))
			.stream()
			.filter((line) -> line.startsWith("export "))
			.map((line) -> line.substring("export ".length()).split("=")[0])
			.toList();
	}

	private static ApplicationContextRunner lockedDown(ApplicationContextRunner runner) {
		return runner.withPropertyValues("ipc.children.worker.sandbox.profile=locked-down");
	}

	private static CborMessageTemplate template(ApplicationContext context) {
		return context.getBean(CborMessageTemplate.class);
	}

	private static List<IpcChild.Instance> instances(ApplicationContext context) {
		return context.getBean(IpcChild.class).instances();
	}

	private static Protection protection(ApplicationContext context) {
		return instances(context).get(0).protection().orElseThrow();
	}

}
