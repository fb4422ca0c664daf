package dev.tinyipc.spring.child;

import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.TestWorker;

import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

import static org.assertj.core.api.Assertions.assertThat;

/** Who puts a secret where every user of the machine can read it is told. */
@Timeout(60)
@ExtendWith(OutputCaptureExtension.class)
class CommandLineSecretsTests {

	@ParameterizedTest
	@CsvSource({ "-Ddb.password=hunter2,-Ddb.password",
			"-Djavax.net.ssl.keyStorePassword=x,-Djavax.net.ssl.keyStorePassword", "-DapiKey=x,-DapiKey",
			"-Dapi.key=x,-Dapi.key", "-Dkey=x,-Dkey", "--client-secret=x,--client-secret",
			"--auth_token=a=b,--auth_token", "DB_PASSWORD=x,DB_PASSWORD", "-Dcredentials=x,-Dcredentials",
			"-Dspring.datasource.passwd=x,-Dspring.datasource.passwd", "--apikey=x,--apikey",
			"--url=postgres://ada:hunter2@db/x,a URL with a password" })
	void anArgumentThatLooksLikeASecretIsNamedWithoutIt(String argument, String name) {
		assertThat(CommandLineSecrets.in(List.of("worker", argument))).containsExactly(name);
	}

	@Test
	void aSecretMayFollowItsOption() {
		assertThat(CommandLineSecrets.in(List.of("worker", "--password", "hunter2", "-v")))
			.containsExactly("--password");
		assertThat(CommandLineSecrets.in(List.of("worker", "--password", "--verbose"))).isEmpty();
	}

	@ParameterizedTest
	@ValueSource(strings = { "-Xmx256m", "-Djavax.net.ssl.keyStore=/etc/store", "-Dtokenizer=bert", "-Dmonkey=x",
			"--key=/etc/tls/key.pem", "-Dpassword.file=x", "-Duse.token=true", "-Dpassword=", "--key=./key.pem",
			"https://example.com/a@b", "worker.py", "-Dkeys=x" })
	void otherArgumentsAreNone(String argument) {
		assertThat(CommandLineSecrets.in(List.of("worker", argument))).isEmpty();
	}

	@Test
	void aLongArgumentTakesNoLongTime() {
		String word = "a".repeat(100_000);
		List<String> arguments = List.of(word, "-" + word, word + '=' + word, "key.".repeat(25_000),
				"a://".repeat(25_000));
		assertThat(CommandLineSecrets.in(arguments)).isEmpty();
	}

	@Test
	void jvmArgumentsWithASecretAreWarnedAboutOnceWithoutIt(CapturedOutput output) {
		RawWorker.nothing()
			.withPropertyValues("ipc.children.worker.main=" + TestWorker.class.getName(),
					"ipc.children.worker.jvm-arguments=-Xmx64m,-Ddb.password=hunter2",
					"ipc.children.worker.instances=2")
			.run((context) -> assertThat(output.getAll().lines().filter((line) -> line.contains("secrets")))
				.singleElement()
				.asString()
				.contains("WARN", "The jvm-arguments of child process 'worker'", "-Ddb.password",
						"ipc.children.worker.environment")
				.doesNotContain("hunter2"));
		assertThat(output).doesNotContain("hunter2");
	}

	@Test
	void argumentsOfAProgramWithASecretAreWarnedAbout(CapturedOutput output) {
		RawWorker.application("ipc.children.worker.command[2]=--token=hunter2")
			.run((context) -> assertThat(output).containsOnlyOnce("The arguments of child process 'worker'")
				.contains("--token")
				.doesNotContain("hunter2"));
	}

}
