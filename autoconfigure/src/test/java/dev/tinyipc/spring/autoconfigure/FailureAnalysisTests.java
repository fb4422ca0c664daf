package dev.tinyipc.spring.autoconfigure;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import dev.tinyipc.spring.JavaCommand;
import dev.tinyipc.spring.TestWorker;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;

import static org.assertj.core.api.Assertions.assertThat;

/** Each failure is brought about in an application with a JVM of its own. */
@Timeout(120)
class FailureAnalysisTests {

	@Test
	void aMissingProgramIsNamedWithTheRemedy() throws Exception {
		assertThat(startupOutput("--ipc.children.worker.command=no-such-program")).containsSubsequence(
				"APPLICATION FAILED TO START", "Description:",
				"Child process 'worker' could not be started: Cannot run program \"no-such-program\": ENOENT (No such"
						+ " file or directory)",
				"Action:", "ipc.children.worker.command");
	}

	@Test
	void aMissingClassIsNamedWithTheRemedy() throws Exception {
		assertThat(startupOutput("--ipc.children.worker.main=com.example.Missing")).containsSubsequence(
				"APPLICATION FAILED TO START", "Description:",
				"Child process 'worker' could not be started: its main class com.example.Missing is not on the class"
						+ " path",
				"Action:", ".main");
	}

	@Test
	void settingsOfNoChildAreNamedWithTheRemedy() throws Exception {
		assertThat(startupOutput("--ipc.children.wroker.instances=2")).containsSubsequence(
				"APPLICATION FAILED TO START", "Description:",
				"Child process 'wroker' could not be started: neither a command nor a main class is declared",
				"Action:", "@ChildProcess");
	}

	@Test
	void anotherSystemThanLinuxIsNamedWithTheRemedy() throws Exception {
		assertThat(startupOutput("-Dos.name=Mac OS X")).containsSubsequence("APPLICATION FAILED TO START",
				"Description:", "This is Mac OS X on ", "Action:", "Run on Linux");
	}

	@Test
	void aJnaThatCannotUnpackIsNamedWithTheRemedy(@TempDir Path folder) throws Exception {
		Path file = Files.createFile(folder.resolve("no-folder"));
		assertThat(startupOutput("-Djna.tmpdir=" + file)).containsSubsequence("APPLICATION FAILED TO START",
				"Description:", "JNA could not load its native library", "Action:", "-Djna.tmpdir=");
	}

	/** Options before the class are the JVM's, the others the application's. */
	private static String startupOutput(String option) throws IOException, InterruptedException {
		List<String> command = JavaCommand.of();
		if (option.startsWith("-D")) {
			command.add(option);
		}
		command.addAll(List.of("-cp", System.getProperty("java.class.path"), Application.class.getName()));
		if (option.startsWith("--")) {
			command.add(option);
		}
		else {
			command.add("--ipc.children.worker.main=" + TestWorker.class.getName());
		}
		Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
		String output = new String(process.getInputStream().readAllBytes());
		assertThat(process.waitFor()).as(output).isEqualTo(1);
		assertThat(output).doesNotContain("\tat ");
		return output;
	}

	@ImportAutoConfiguration({ JacksonAutoConfiguration.class, IpcAutoConfiguration.class })
	static class Application {

		public static void main(String[] arguments) {
			SpringApplication.run(Application.class, arguments);
		}

	}

}
