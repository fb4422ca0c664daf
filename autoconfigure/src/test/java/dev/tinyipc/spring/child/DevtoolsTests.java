package dev.tinyipc.spring.child;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import javax.tools.ToolProvider;

import dev.tinyipc.spring.FolderJar;
import dev.tinyipc.spring.JavaCommand;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * An application with Spring Boot's devtools, whose classes are compiled while it runs.
 * One of its children is plain Java, the other one an application that has devtools on
 * its class path as well.
 */
@Timeout(180)
class DevtoolsTests {

	private static final String APPLICATION = """
			package app;

			import dev.tinyipc.spring.CborMessageTemplate;
			import dev.tinyipc.spring.ChildProcess;
			import dev.tinyipc.spring.child.IpcChild;
			import org.springframework.boot.ApplicationRunner;
			import org.springframework.boot.SpringApplication;
			import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
			import org.springframework.context.annotation.Bean;
			import org.springframework.context.annotation.Configuration;

			@Configuration
			@EnableAutoConfiguration
			@ChildProcess(name = "plain", main = Plain.class, ready = true)
			@ChildProcess(name = "spring", main = Spring.class, ready = true)
			public class Application {

				public static void main(String[] arguments) {
					SpringApplication.run(Application.class, arguments);
				}

				@Bean
				ApplicationRunner runner(CborMessageTemplate template) {
					return (arguments) -> System.out.println("<" + Thread.currentThread().getName() + "> own: "
							+ Version.text() + ", plain: " + ask(template, "plain") + ", spring: "
							+ ask(template, "spring") + ";");
				}

				private static Answer ask(CborMessageTemplate template, String child) {
					return template.convertSendAndReceive(child, "version", Answer.class);
				}

			}
			""";

	private static final String ANSWER = """
			package app;

			public record Answer(String version, String thread, long pid) {

				static Answer get() {
					return new Answer(Version.text(), Thread.currentThread().getName(), ProcessHandle.current().pid());
				}

				@Override
				public String toString() {
					return version + " by " + pid;
				}

			}
			""";

	private static final String PLAIN = """
			package app;

			import dev.tinyipc.IpcServer;

			public class Plain {

				public static void main(String[] arguments) throws Exception {
					Version.text();
					IpcServer.serve(String.class, (request) -> Answer.get());
				}

			}
			""";

	private static final String SPRING = """
			package app;

			import dev.tinyipc.IpcServer;
			import org.springframework.boot.CommandLineRunner;
			import org.springframework.boot.SpringApplication;
			import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
			import org.springframework.context.annotation.Bean;
			import org.springframework.context.annotation.Configuration;

			@Configuration
			@EnableAutoConfiguration
			public class Spring {

				public static void main(String[] arguments) {
					SpringApplication.run(Spring.class, arguments);
				}

				@Bean
				CommandLineRunner serve() {
					String thread = Thread.currentThread().getName();
					return (arguments) -> {
						System.out.println("the child runs in " + thread);
						IpcServer.serve(String.class, (request) -> Answer.get());
					};
				}

			}
			""";

	private static final Pattern GENERATION = Pattern
		.compile("<(\\w+)> own: (\\w+), plain: (\\w+) by (\\d+), spring: (\\w+) by (\\d+);");

	private static final String STARTED = "Started child process";

	@TempDir
	private Path folder;

	private Path classes;

	private Path libraries;

	private Process application;

	@BeforeEach
	void start() throws Exception {
		this.classes = Files.createDirectory(this.folder.resolve("classes"));
		this.libraries = Files.createDirectory(this.folder.resolve("libraries"));
		String classPath = classPath();
		compile(classPath, "Version", version("\"one\""));
		compile(classPath + File.pathSeparator + this.classes, "Application", APPLICATION, "Answer", ANSWER, "Plain",
				PLAIN, "Spring", SPRING);
		this.application = new ProcessBuilder(
				JavaCommand.of("--enable-native-access=ALL-UNNAMED", "-cp",
						String.join(File.pathSeparator, this.classes.toString(), System.getProperty("devtools.jar"),
								classPath),
						"app.Application", "--spring.main.keep-alive=true", "--spring.main.banner-mode=off",
						"--spring.devtools.restart.poll-interval=200ms", "--spring.devtools.restart.quiet-period=100ms",
						"--ipc.children.plain.restart.policy=never"))
			.redirectErrorStream(true)
			.redirectOutput(this.folder.resolve("output").toFile())
			.start();
	}

	@AfterEach
	void stop() throws InterruptedException {
		List<ProcessHandle> children = this.application.descendants().toList();
		this.application.destroyForcibly().waitFor();
		children.forEach(ProcessHandle::destroyForcibly);
	}

	@Test
	void aChangedClassRestartsTheChildrenOnceAndLeavesNoneOfThemBehind() throws Exception {
		Generation first = generation(1);
		assertThat(first.versions()).containsOnly("one");
		assertThat(first.thread()).isEqualTo("restartedMain");
		assertThat(children()).isEqualTo(first.pids());

		change("\"two\"");
		Generation second = generation(2);
		assertThat(second.versions()).containsOnly("two");
		assertThat(second.pids()).doesNotContainAnyElementsOf(first.pids());
		awaiting().untilAsserted(() -> assertThat(children()).isEqualTo(second.pids()));

		change("\"three\"");
		Generation third = generation(3);
		assertThat(third.versions()).containsOnly("three");
		awaiting().untilAsserted(() -> assertThat(children()).isEqualTo(third.pids()));
		assertThat(generations()).hasSize(3);
		assertThat(output().split(STARTED, -1)).hasSize(1 + 3 * 2);
		assertThat(output()).as("a child restarts nothing by itself")
			.contains("the child runs in main")
			.doesNotContain("the child runs in restartedMain");

		this.application.destroy();
		assertThat(this.application.waitFor(60, TimeUnit.SECONDS)).isTrue();
		assertThat(third.pids()).noneMatch((pid) -> ProcessHandle.of(pid).isPresent());
	}

	@Test
	void aChangeThatBreaksAChildIsMendedByTheNextOne() throws Exception {
		generation(1);
		change("String.valueOf(1 / 0)");
		awaiting().until(() -> output().contains("APPLICATION FAILED TO START"));
		awaiting().untilAsserted(() -> assertThat(children()).isEmpty());
		change("\"mended\"");
		Generation mended = generation(2);
		assertThat(mended.versions()).containsOnly("mended");
		assertThat(children()).isEqualTo(mended.pids());
	}

	private void change(String text) throws IOException {
		compile(this.classes.toString(), "Version", version(text));
	}

	private static String version(String text) {
		return "package app; class Version { static String text() { return " + text + "; } }";
	}

	/** Compiles classes into the folder that the application runs from. */
	private void compile(String classPath, String... namesAndSources) throws IOException {
		Path sources = Files.createTempDirectory(this.folder, "sources");
		List<String> arguments = new ArrayList<>(
				List.of("-nowarn", "-proc:none", "-d", this.classes.toString(), "-cp", classPath));
		for (int i = 0; i < namesAndSources.length; i += 2) {
			Path source = sources.resolve(namesAndSources[i] + ".java");
			arguments.add(Files.writeString(source, namesAndSources[i + 1]).toString());
		}
		assertThat(ToolProvider.getSystemJavaCompiler().run(null, null, null, arguments.toArray(String[]::new)))
			.isZero();
	}

	/** Libraries are jars: devtools loads classes in folders anew. */
	private String classPath() throws IOException {
		List<String> entries = new ArrayList<>();
		for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
			Path path = Path.of(entry);
			if (!Files.isDirectory(path)) {
				entries.add(entry);
			}
			else if (!path.endsWith("test-classes")) {
				entries.add(FolderJar.pack(path, this.libraries.resolve(entries.size() + ".jar")).toString());
			}
		}
		return String.join(File.pathSeparator, entries);
	}

	/** Waits until the application has been started for the given time. */
	private Generation generation(int number) {
		return awaiting().until(this::generations, (generations) -> generations.size() >= number).get(number - 1);
	}

	private ConditionFactory awaiting() {
		return Awaitility.await().atMost(Duration.ofSeconds(60)).conditionEvaluationListener((condition) -> {
			if (!this.application.isAlive()) {
				throw new IllegalStateException(output());
			}
		});
	}

	private List<Generation> generations() {
		return GENERATION.matcher(output()).results().map(Generation::of).toList();
	}

	private String output() {
		try {
			return Files.readString(this.folder.resolve("output"));
		}
		catch (IOException ex) {
			throw new IllegalStateException(ex);
		}
	}

	/** Without the process that ends what an application has left behind. */
	private Set<Long> children() {
		return this.application.children()
			.filter((child) -> child.info().command().orElse("").endsWith("/java"))
			.map(ProcessHandle::pid)
			.collect(Collectors.toSet());
	}

	/** The application between two restarts. */
	private record Generation(String thread, List<String> versions, Set<Long> pids) {

		static Generation of(MatchResult line) {
			return new Generation(line.group(1), List.of(line.group(2), line.group(3), line.group(5)),
					Stream.of(line.group(4), line.group(6)).map(Long::parseLong).collect(Collectors.toSet()));
		}

	}

}
