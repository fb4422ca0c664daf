package dev.tinyipc.spring.autoconfigure;

import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcProcess;
import dev.tinyipc.IpcProcessBuilder;
import dev.tinyipc.spring.JavaCommand;
import dev.tinyipc.spring.TestWorker;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.boot.SpringApplicationAotProcessor;

import static org.assertj.core.api.Assertions.assertThat;

/** Processes, compiles and runs an application as Boot's build plugins do. */
@Timeout(120)
class AheadOfTimeTests {

	private static final String CLASS_PATH = System.getProperty("java.class.path");

	private static final String CONFIGURED = "--ipc.children.configured.main=" + TestWorker.class.getName();

	@TempDir
	private static Path folder;

	private static Path classes;

	@BeforeAll
	static void process() throws Exception {
		classes = process(folder, CONFIGURED);
	}

	@Test
	void childrenTheirTemplatesTypedClientsAndListenersSurviveAheadOfTimeProcessing() throws Exception {
		assertThat(run(folder, application(CONFIGURED)))
			.contains("the reply is: ahead of time; there is a Greeting of destination 'worker'; listeners of [worker]")
			.contains("Started child process 'worker'", "Started child process 'configured'",
					"child process 'other' has the profile no-network");
	}

	@Test
	void anApplicationThatIsItselfAChildStillHasAParent() throws Exception {
		IpcProcess process = new IpcProcessBuilder(
				application("--tell-parent", "--ipc.children.configured.enabled=false"))
			.redirectErrorStream(true)
			.redirectOutput(Redirect.to(folder.resolve("child").toFile()))
			.start();
		try (process; IpcMessage<String> message = IpcChannel.over(process.socket()).receive(String.class)) {
			assertThat(message).as(() -> output("child")).isNotNull();
			assertThat(message.payload()).isEqualTo("hello");
			assertThat(process.waitFor()).as(() -> output("child")).isZero();
		}
	}

	private static String output(String file) {
		try {
			return Files.readString(folder.resolve(file));
		}
		catch (IOException ex) {
			throw new IllegalStateException(ex);
		}
	}

	@Test
	void aChildThatTheBuildDidNotKnowIsNotSilentlyLeftOut() throws Exception {
		Process process = new ProcessBuilder(
				application(CONFIGURED, "--ipc.children.worker.enabled=false", "--ipc.children.late.command=cat"))
			.redirectErrorStream(true)
			.start();
		assertThat(new String(process.getInputStream().readAllBytes()))
			.contains("Child process 'late' could not be started")
			.contains("ipc.children.late for the build")
			.doesNotContain("Started child process");
		assertThat(process.waitFor()).isEqualTo(1);
	}

	private static List<String> application(String... arguments) {
		List<String> command = JavaCommand.of("-Dspring.aot.enabled=true", "--enable-native-access=ALL-UNNAMED", "-cp",
				classes + File.pathSeparator + CLASS_PATH, AheadOfTimeApplication.class.getName());
		Collections.addAll(command, arguments);
		return command;
	}

	/** Returns where the classes are that were generated. */
	static Path process(Path folder, String... arguments) throws IOException, InterruptedException {
		Path sources = folder.resolve("sources");
		Path classes = folder.resolve("classes");
		List<String> processor = JavaCommand.of("-cp", CLASS_PATH, SpringApplicationAotProcessor.class.getName(),
				AheadOfTimeApplication.class.getName(), sources.toString(), classes.toString(), classes.toString(),
				"dev.tinyipc", "test");
		Collections.addAll(processor, arguments);
		run(folder, processor);
		List<String> compiler = new ArrayList<>(List.of(JavaCommand.program("javac"), "-J-XX:TieredStopAtLevel=1",
				"-nowarn", "-d", classes.toString(), "-cp", CLASS_PATH));
		try (Stream<Path> files = Files.walk(sources)) {
			files.map(Path::toString).filter((file) -> file.endsWith(".java")).forEach(compiler::add);
		}
		run(folder, compiler);
		return classes;
	}

	/** Runs a program to its end, and returns what it wrote. */
	static String run(Path folder, List<String> command) throws IOException, InterruptedException {
		Process process = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
		String output = new String(process.getInputStream().readAllBytes());
		assertThat(process.waitFor()).as(output).isZero();
		return output;
	}

}
