package dev.tinyipc.spring.child;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import ch.qos.logback.classic.Level;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

/** How a JVM child is started in an unusual place. */
@Timeout(180)
class JavaStartTests {

	private static final String CLASS_PATH = "java.class.path";

	private static final String JAVA_HOME = "java.home";

	private static final String DEBUGGER = "-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=0";

	private static final String TEMPORARY = "java.io.tmpdir";

	private final Map<String, String> properties = Stream.of(CLASS_PATH, JAVA_HOME)
		.collect(Collectors.toMap((name) -> name, System::getProperty));

	@TempDir
	private Path folder;

	private List<Path> leftByOthers = List.of();

	@BeforeEach
	void lookAround() throws IOException {
		this.leftByOthers = allArgumentFiles();
	}

	@AfterEach
	void restoreProperties() {
		this.properties.forEach(System::setProperty);
	}

	@Test
	void aRelativeClassPathIsFoundFromAnotherDirectory() {
		Path here = Path.of("").toAbsolutePath();
		System.setProperty(CLASS_PATH,
				Stream.of(this.properties.get(CLASS_PATH).split(":"))
					.map((entry) -> here.relativize(Path.of(entry)).toString())
					.collect(Collectors.joining(":")));
		JavaChildren.application("ipc.children.worker.directory=" + this.folder)
			.run((context) -> assertThat(JavaChildren.ask(context, "property", "user.dir"))
				.isEqualTo(this.folder.toString()));
	}

	@Test
	void aClassPathThatIsTooLongForAnArgumentGoesByAFileThatOnlyTheUserCanReadAndThatIsRemoved() throws Exception {
		String odd = this.folder + "/a \"quoted\" \\\\ back\\slash #1 'name'";
		Files.createDirectories(Path.of(odd));
		Files.writeString(Path.of(odd, "found"), "");
		String classPath = IntStream.range(0, 2000)
			.mapToObj((i) -> "/there/is/nothing/here/but/a/long/name/of/a/library/that/many/applications/have/" + i)
			.collect(Collectors.joining(":", odd + ":", ":" + this.properties.get(CLASS_PATH).replaceFirst(":$", "")));
		assertThat(classPath).hasSizeGreaterThan(160_000);
		System.setProperty(CLASS_PATH, classPath);
		assertThat(argumentFiles()).isEmpty();
		JavaChildren.application().run((context) -> {
			assertThat(JavaChildren.ask(context, "property", CLASS_PATH)).isEqualTo(classPath);
			assertThat(argumentFiles())
				.allSatisfy((file) -> assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
					.isEqualTo("rw-------"));
			context.close();
			assertThat(argumentFiles()).isEmpty();
		});
	}

	@Test
	void theFileIsRemovedIfThereIsNoStart() throws Exception {
		System.setProperty(CLASS_PATH, this.properties.get(CLASS_PATH) + ":" + "/x".repeat(40_000));
		JavaChildren.application("ipc.children.worker.directory=/no/such/folder")
			.run((context) -> assertThat(context).hasFailed());
		assertThat(argumentFiles()).isEmpty();
	}

	/** Without those that a JVM has left there that was killed. */
	private List<Path> argumentFiles() throws IOException {
		return allArgumentFiles().stream().filter((file) -> !this.leftByOthers.contains(file)).toList();
	}

	private static List<Path> allArgumentFiles() throws IOException {
		try (Stream<Path> files = Files.list(Path.of(System.getProperty(TEMPORARY)))) {
			return files.filter((file) -> file.toString().endsWith(".arguments")).toList();
		}
	}

	@Test
	void aStartThatFailsWithOurCollectorOrHeapIsRepeatedWithout() throws Exception {
		useJavaThatFailsWith("-XX:+UseSerialGC");
		try (LogOf log = new LogOf(JavaCommand.class.getName())) {
			JavaChildren.application("ipc.children.worker.restart.policy=always").run((context) -> {
				Awaitility.await()
					.untilAsserted(() -> assertThat(JavaChildren.ask(context, "flag", "MaxHeapSize"))
						.isNotEqualTo(Long.toString(128 * 1024 * 1024)));
				assertThat(log.of(Level.WARN)).singleElement()
					.asString()
					.contains("'worker'", "without the default collector and heap size");
			});
		}
	}

	/** A java that knows of an incompatibility that we do not. */
	private void useJavaThatFailsWith(String argument) throws IOException {
		Path java = Files.createDirectories(this.folder.resolve("bin")).resolve("java");
		Files.writeString(java, """
				#!/bin/sh
				for argument; do
				  case "$argument" in %s*) echo "Error occurred during initialization of VM"; exit 1;; esac
				done
				exec "%s/bin/java" "$@"
				""".formatted(argument, this.properties.get(JAVA_HOME)));
		Files.setPosixFilePermissions(java, PosixFilePermissions.fromString("rwx------"));
		System.setProperty(JAVA_HOME, this.folder.toString());
	}

	@Test
	void theAddressOfTheApplicationsDebuggerIsNotInherited() throws Exception {
		ProcessBuilder application = new ProcessBuilder(this.properties.get(JAVA_HOME) + "/bin/java", "-cp",
				this.properties.get(CLASS_PATH), "dev.tinyipc.spring.autoconfigure.AheadOfTimeApplication");
		application.environment()
			.put("JAVA_TOOL_OPTIONS",
					"-Dquoted='b c' -agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:"
							+ freePort());
		Process process = application.redirectErrorStream(true).start();
		String output = new String(process.getInputStream().readAllBytes());
		assertThat(process.waitFor()).as(output).isZero();
		assertThat(output).contains("the reply is: ahead of time")
			.containsOnlyOnce("'worker' does not inherit the debugger option in [JAVA_TOOL_OPTIONS]")
			.contains("-Dquoted='b c' \n");
	}

	private static int freePort() throws IOException {
		try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
			return socket.getLocalPort();
		}
	}

	@Test
	void aDebuggerOfTheChildsOwnStays() {
		JavaChildren.application("ipc.children.worker.environment.JAVA_TOOL_OPTIONS=" + DEBUGGER)
			.run((context) -> assertThat(JavaChildren.ask(context, "environment", "JAVA_TOOL_OPTIONS"))
				.isEqualTo(DEBUGGER));
	}

	@ParameterizedTest
	@ValueSource(strings = { "-agentlib:jdwp=transport=dt_socket,server=y", "-agentlib:jdwp=server=y,address=0",
			"-agentlib:jdwp=server=y,address=*:0", "-Xrunjdwp:server=y,address=", "-Dx=-agentlib:jdwp=address=1" })
	void aDebuggerThatTakesAnyPortIsInherited(String option) {
		Map<String, String> environment = new HashMap<>(Map.of("JDK_JAVA_OPTIONS", option));
		assertThat(InheritedDebugger.removeFrom(environment, Map.of())).isEmpty();
		assertThat(environment).containsExactly(Map.entry("JDK_JAVA_OPTIONS", option));
	}

	@ParameterizedTest
	@ValueSource(strings = { "-agentlib:jdwp=transport=dt_socket,server=y,address=5005",
			"-Xrunjdwp:server=y,address=*:1", "-agentlib:jdwp=transport=dt_socket,address=ide:5005",
			"'-agentlib:jdwp=server=y,address=[::1]:5005'" })
	void aDebuggerWithAnAddressIsNot(String option) {
		Map<String, String> environment = new HashMap<>(Map.of("_JAVA_OPTIONS", "-Da=\"b c\" " + option + " -Dd='$1'"));
		assertThat(InheritedDebugger.removeFrom(environment, Map.of())).containsExactly("_JAVA_OPTIONS");
		assertThat(environment).containsExactly(Map.entry("_JAVA_OPTIONS", "-Da=\"b c\"  -Dd='$1'"));
	}

	@Test
	void aNativeImageIsToldThatItHasNoJava() {
		System.clearProperty(JAVA_HOME);
		JavaChildren.application()
			.run((context) -> assertThat(context).getFailure()
				.rootCause()
				.hasMessageContaining("Child process 'worker' could not be started")
				.hasMessageContaining("a native image has none: declare a command"));
	}

	@Test
	void anInvitedChildIsToldHowLargeAMessageMayBe() {
		JavaChildren.application("ipc.template.max-message-size=64MB").run((context) -> {
			assertThat(JavaChildren.ask(context, "environment", "TINY_IPC_HELLO")).isEqualTo("1");
			assertThat(JavaChildren.ask(context, "environment", "TINY_IPC_MAX_MESSAGE_SIZE"))
				.isEqualTo(Integer.toString(64 * 1024 * 1024));
		});
	}

}
