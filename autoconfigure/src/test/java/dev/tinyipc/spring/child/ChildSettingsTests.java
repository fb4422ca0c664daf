package dev.tinyipc.spring.child;

import java.nio.file.Files;
import java.nio.file.Path;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.ChildProcess;
import dev.tinyipc.spring.ChildStartException;
import dev.tinyipc.spring.IpcPeerUnavailableException;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.TestWorker;
import dev.tinyipc.spring.TestWorker.Reply;
import dev.tinyipc.spring.TestWorker.Request;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** What {@code ipc.children.<name>.*} can say, and what it must not. */
@Timeout(60)
class ChildSettingsTests {

	@TempDir
	private Path folder;

	@ParameterizedTest
	@CsvSource(delimiter = '|',
			textBlock = """
					instances               | 0    | There must be at least one.
					instances               | -1   | There must be at least one.
					spare                   | -1   | It must not be negative; zero is none.
					start-timeout           | 0s   | It must be more than zero.
					exchange-timeout        | 0s   | It must be more than zero.
					exchange-timeout        | -1s  | It must be more than zero.
					exchange-timeout        | 40000d | It must be at most 100 years.
					shutdown-timeout        | 0s   | It must be more than zero.
					max-exchanges           | -1   | It must not be negative; zero is no limit.
					max-memory              | -1MB | It must not be negative; zero is no limit.
					spin-time               | -1ms | It must be between zero and 10 ms; zero never to poll.
					spin-time               | 11ms | It must be between zero and 10 ms; zero never to poll.
					ring-size               | 2KB  | It must be a power of two from 4KB to 64MB.
					ring-size               | 3MB  | It must be a power of two from 4KB to 64MB.
					ring-size               | 128MB | It must be a power of two from 4KB to 64MB.
					nice                    | -1   | It must be between 0, for the priority of the application, and 19.
					nice                    | 20   | It must be between 0, for the priority of the application, and 19.
					limits.memory           | 0MB  | It must be more than zero; omit it for no limit.
					limits.memory           | -1MB | It must be more than zero; omit it for no limit.
					limits.cpu-time         | 0s   | It must be more than zero.
					limits.open-files       | 3    | It must be at least 4: the child has its input, output, error and socket open.
					limits.processes        | 0    | It must be more than zero; omit it for no limit.
					limits.file-size        | -1B  | It must not be negative; omit it for no limit.
					sandbox.read            | /x   | It restricts nothing unless 'sandbox.profile' is 'locked-down'
					sandbox.write           | /x   | It restricts nothing unless 'sandbox.profile' is 'locked-down'
					sandbox.execute         | /x   | It restricts nothing unless 'sandbox.profile' is 'locked-down'
					sandbox.audit           | true | Without a profile, nothing is refused
					output-file             | /x   | It must be set if, and only if, 'output' is 'file'.
					restart.initial-delay   | 0s   | It must be more than zero.
					restart.stable-after    | 0s   | It must be more than zero.
					restart.failure-window  | -1s  | It must be more than zero.
					restart.max-delay       | 99ms | It must not be shorter than the initial delay.
					restart.max-failures    | 0    | set the policy to 'never'
					""")
	void aValueThatMakesNoSenseIsRefusedWithItsKeyAndTheReason(String key, String value, String reason) {
		RawWorker.application("ipc.children.worker." + key + '=' + value)
			.run((context) -> assertThat(context).getFailure()
				.rootCause()
				.isInstanceOf(InvalidConfigurationPropertyValueException.class)
				.hasMessageContaining("ipc.children.worker." + key)
				.hasMessageContaining(reason));
	}

	@Test
	void anOutputFileThatIsMissingIsRefusedWithItsKeyAndTheReason() {
		RawWorker.application("ipc.children.worker.output=file")
			.run((context) -> assertThat(context).getFailure()
				.rootCause()
				.isInstanceOf(InvalidConfigurationPropertyValueException.class)
				.hasMessageContaining("ipc.children.worker.output-file")
				.hasMessageContaining("It must be set if, and only if, 'output' is 'file'"));
	}

	@ParameterizedTest
	@CsvSource({ "instances,many", "output,nowhere", "restart.policy,sometimes", "exchange-timeout,soon",
			"max-memory,much", "enabled,perhaps", "sandbox.profile,prison", "environment-policy,dirty",
			"limits.memory,little", "limits.cpu-time,short", "limits.open-files,few", "nice,very" })
	void aValueOfAnotherKindIsRefusedWithItsKey(String key, String value) {
		RawWorker.application("ipc.children.worker." + key + '=' + value)
			.run((context) -> assertThat(context).getFailure()
				.hasStackTraceContaining("ipc.children.worker." + key)
				.hasStackTraceContaining(value));
	}

	@Test
	void aChildThatIsNothingToRunIsRefused() {
		RawWorker.nothing()
			.withPropertyValues("ipc.children.worker.idempotent=true")
			.run((context) -> assertThat(context).getFailure()
				.isInstanceOf(ChildStartException.class)
				.hasMessageContaining("'worker'")
				.hasMessageContaining("neither a command nor a main class is declared"));
	}

	@Test
	void aChildThatIsTwoThingsToRunIsRefused() {
		RawWorker.application("ipc.children.worker.main=" + TestWorker.class.getName())
			.run((context) -> assertThat(context).getFailure()
				.rootCause()
				.isInstanceOf(ChildStartException.class)
				.hasMessageContaining("both a command and a main class are declared"));
	}

	@Test
	void aDirectoryThatDoesNotExistIsNamed() {
		RawWorker.application("ipc.children.worker.directory=/no/such/folder")
			.run((context) -> assertThat(context).getFailure()
				.isInstanceOf(Exception.class)
				.hasStackTraceContaining("Child process 'worker' could not be started")
				.hasStackTraceContaining("/no/such/folder")
				.hasStackTraceContaining("there is no such directory"));
	}

	@Test
	void commandEnvironmentAndDirectoryAreTheChilds() {
		RawWorker.shell("echo \"$0 $1 $GREETING $PATH\" > witness; pwd >> witness; cat <&3",
				"ipc.children.worker.command[3]=zero", "ipc.children.worker.command[4]=${one}", "one=1 1",
				"ipc.children.worker.environment.GREETING=good morning", "ipc.children.worker.directory=" + this.folder)
			.run((context) -> {
				context.close();
				assertThat(Files.readString(this.folder.resolve("witness")))
					.isEqualTo("zero 1 1 good morning " + System.getenv("PATH") + '\n' + this.folder + '\n');
			});
	}

	@Test
	void mainJvmArgumentsAndEnvironmentAreTheChilds() {
		main()
			.withPropertyValues("ipc.children.worker.jvm-arguments=-Dgreeting=${greeting},-Xmx64m",
					"greeting=good morning", "ipc.children.worker.environment.GREETING=good evening")
			.run((context) -> {
				CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
				assertThat(template.convertSendAndReceive(new Request("property", "greeting"), Reply.class).text())
					.isEqualTo("good morning");
				assertThat(template.convertSendAndReceive(new Request("environment", "GREETING"), Reply.class).text())
					.isEqualTo("good evening");
			});
	}

	@Test
	void aOneWayChildIsNotInvitedToSayHello() {
		RawWorker
			.shell("echo \"hello $TINY_IPC_HELLO.\" > witness; cat <&3", "ipc.children.worker.one-way=true",
					"ipc.children.worker.directory=" + this.folder)
			.run((context) -> {
				context.close();
				assertThat(this.folder.resolve("witness")).hasContent("hello .");
			});
	}

	@Test
	void theSpinTimeIsTheChildsToo() {
		main().run((context) -> assertThat(spinTime(context)).isEqualTo("50"));
		main().withPropertyValues("ipc.children.worker.instances=" + Runtime.getRuntime().availableProcessors())
			.run((context) -> assertThat(spinTime(context)).isEqualTo("50"));
		main().withPropertyValues("ipc.children.worker.spin-time=0")
			.run((context) -> assertThat(spinTime(context)).isEqualTo("null"));
	}

	@Test
	void whoDoesNotUseOurLibraryPollsOnlyIfThereIsAProcessorForIt(@TempDir Path folder) {
		Path told = folder.resolve("told");
		RawWorker
			.python("import os\nopen('" + told
					+ "', 'a').write(os.environ.get('TINY_IPC_SPIN_MICROS', 'nothing') + ' ')\n",
					"ipc.children.worker.instances=" + Runtime.getRuntime().availableProcessors())
			.run((context) -> {
				context.getBean(CborMessageTemplate.class).convertSendAndReceive("hello", String.class);
				assertThat(told).content().matches("(nothing )+");
			});
	}

	private static String spinTime(ApplicationContext context) {
		return context.getBean(CborMessageTemplate.class)
			.convertSendAndReceive(new Request("environment", "TINY_IPC_SPIN_MICROS"), Reply.class)
			.text();
	}

	@Test
	void aChildThatIsNotEnabledIsNotStartedAndWhoCallsItIsToldWhy() {
		RawWorker.application("ipc.children.worker.enabled=false").run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			IpcChild child = context.getBean(IpcChild.class);
			assertThat(child.instances()).singleElement().hasToString("STOPPED");
			assertThatExceptionOfType(IpcPeerUnavailableException.class)
				.isThrownBy(() -> template.convertSendAndReceive("hello", String.class))
				.withMessageContaining("ipc.children.worker.enabled");
			assertThatExceptionOfType(IpcPeerUnavailableException.class)
				.isThrownBy(() -> template.convertAndSend("hello"))
				.withMessageContaining("ipc.children.worker.enabled");
			child.startInstances();
			assertThat(template.convertSendAndReceive("hello", String.class)).isEqualTo("hello");
		});
	}

	@Test
	void aDeclarationOfNoInstanceIsRefused() {
		RawWorker.nothing()
			.withUserConfiguration(NoInstance.class)
			.run((context) -> assertThat(context).getFailure().hasStackTraceContaining("needs at least one instance"));
	}

	private static ApplicationContextRunner main() {
		return RawWorker.nothing().withPropertyValues("ipc.children.worker.main=" + TestWorker.class.getName());
	}

	@ChildProcess(name = "worker", command = "cat", instances = 0)
	static class NoInstance {

	}

}
