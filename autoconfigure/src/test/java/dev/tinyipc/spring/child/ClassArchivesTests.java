package dev.tinyipc.spring.child;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import java.util.zip.CRC32;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.FolderJar;
import dev.tinyipc.spring.IpcMessagingException;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.TestWorker;
import dev.tinyipc.spring.TestWorker.Reply;
import dev.tinyipc.spring.TestWorker.Request;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

import static org.assertj.core.api.Assertions.assertThat;

/** JVM children and their archives of loaded classes. */
@Timeout(180)
@ExtendWith(OutputCaptureExtension.class)
class ClassArchivesTests {

	private static final String CLASS_PATH = "java.class.path";

	private static final String JAVA_HOME = "java.home";

	/** How {@code -Xlog:class+load} tells that a class is from the archive. */
	private static final String ARCHIVED = "dev.tinyipc.IpcSocket source: shared objects file (top)";

	private final String classPath = System.getProperty(CLASS_PATH);

	@TempDir
	private Path folder;

	private final String javaHome = System.getProperty(JAVA_HOME);

	@AfterEach
	void restoreProperties() {
		System.setProperty(JAVA_HOME, this.javaHome);
		System.setProperty(CLASS_PATH, this.classPath);
	}

	@Test
	void theFirstRunMakesAnArchiveAndTheNextOnesUseIt(CapturedOutput output) throws Exception {
		packClassPath();
		assertThat(loadedClasses("first")).doesNotContain(ARCHIVED).contains("dev.tinyipc.IpcSocket");
		List<Path> archives = archives();
		assertThat(archives).singleElement().asString().endsWith(".jsa");
		byte[] content = Files.readAllBytes(archives.get(0));
		for (String run : List.of("second", "third")) {
			assertThat(loadedClasses(run)).contains(ARCHIVED);
			assertThat(archives()).isEqualTo(archives);
			assertThat(Files.readAllBytes(archives.get(0))).isEqualTo(content);
		}
		assertThat(output).doesNotContain("[warning]").doesNotContain("[error]");
	}

	@Test
	void aLockedDownChildUsesAnArchiveButWritesNone() throws Exception {
		String lockedDown = "ipc.children.worker.sandbox.profile=locked-down";
		packClassPath();
		run(lockedDown);
		assertThat(this.folder.resolve("archives")).isEmptyDirectory();
		run();
		assertThat(archives()).singleElement();
		byte[] content = Files.readAllBytes(archives().get(0));
		assertThat(loadedClasses("locked-down", lockedDown,
				"ipc.children.worker.sandbox.write=" + this.folder.resolve("logs")))
			.contains(ARCHIVED);
		assertThat(archives()).singleElement();
		assertThat(Files.readAllBytes(archives().get(0))).isEqualTo(content);
	}

	@Test
	void theFolderIsTheUsersOwn() throws Exception {
		packClassPath();
		run();
		assertThat(Files.getPosixFilePermissions(this.folder.resolve("archives"))).map(Enum::name)
			.containsExactlyInAnyOrder("OWNER_READ", "OWNER_WRITE", "OWNER_EXECUTE");
	}

	@Test
	void severalInstancesThatStartTogetherMakeOneArchive() throws Exception {
		packClassPath();
		run("ipc.children.worker.instances=3");
		assertThat(archives()).singleElement().asString().endsWith(".jsa");
		assertThat(loadedClasses("after")).contains(ARCHIVED);
	}

	@Test
	void anArchiveThatIsBrokenIsHarmless() throws Exception {
		packClassPath();
		run();
		Files.writeString(archives().get(0), "this is no archive");
		run();
	}

	@Test
	void aClassPathWithAFolderMeansNoArchive() throws Exception {
		assertThat(Stream.of(this.classPath.split(File.pathSeparator)))
			.anyMatch((entry) -> new File(entry).isDirectory());
		run();
		assertThat(archives()).isEmpty();
	}

	@Test
	void aFolderThatCannotBeUsedIsToldInOneLineAndTheChildStartsWithout(CapturedOutput output) throws Exception {
		packClassPath();
		Files.createFile(this.folder.resolve("archives"));
		run("ipc.children.worker.instances=2");
		assertThat(output).containsOnlyOnce("Children start without class-data sharing").doesNotContain("\tat ");
	}

	@ParameterizedTest
	@ValueSource(strings = { "jvm-arguments", "environment.JAVA_TOOL_OPTIONS", "environment.JDK_JAVA_OPTIONS",
			"environment._JAVA_OPTIONS" })
	void anAgentMeansNoArchiveWhereverItIsNamed(String place) throws Exception {
		packClassPath();
		Path witness = this.folder.resolve("witness");
		run("ipc.children.worker." + place + "=-javaagent:" + agent() + '=' + witness);
		assertThat(witness).exists();
		assertThat(archives()).isEmpty();
	}

	@ParameterizedTest
	@ValueSource(strings = { "-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=localhost:0", "-Xshare:off",
			"-Xbootclasspath/a:/nothing.jar", "-XX:AOTCache=/no/such/cache", "-XX:AOTCacheOutput=/no/such/cache",
			"-XX:SharedArchiveFile=/no/such/archive", "--patch-module=java.base=/nothing", "-Xlog:disable -Xshare:off",
			"-Djava.system.class.loader=java.net.URLClassLoader" })
	void anOptionThatConflictsMeansNoArchive(String options) throws Exception {
		packClassPath();
		assertThat(offer(JvmOptions.of(List.of(), Map.of("JAVA_TOOL_OPTIONS", options))))
			.isSameAs(ClassArchives.Offer.NONE);
	}

	@Test
	void aChildWithADebuggerStarts() throws Exception {
		packClassPath();
		run("ipc.children.worker.jvm-arguments[0]=-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=localhost:0");
		assertThat(archives()).isEmpty();
	}

	@Test
	void aStartThatFailsWithAnArchiveIsRepeatedWithout(CapturedOutput output) throws Exception {
		packClassPath();
		Path java = Files.createDirectories(this.folder.resolve("home/bin")).resolve("java");
		Files.writeString(java, """
				#!/bin/sh
				case "$*" in *Archive*) exit 1;; esac
				exec "%s/bin/java" "$@"
				""".formatted(this.javaHome));
		Files.setPosixFilePermissions(java, PosixFilePermissions.fromString("rwx------"));
		System.setProperty(JAVA_HOME, this.folder.resolve("home").toString());
		application().run((context) -> {
			Awaitility.await()
				.ignoreExceptionsInstanceOf(IpcMessagingException.class)
				.untilAsserted(() -> assertThat(JavaChildren.ask(context, "echo", "hello")).isEqualTo("hello"));
			assertThat(JavaChildren.ask(context, "flag", "UseSerialGC")).isEqualTo("true");
		});
		assertThat(output).containsOnlyOnce("child process 'worker' is started without a class archive from now on");
	}

	@Test
	void aJarWithOtherContentButTheSameSizeAndTimeHasAnotherArchive() throws Exception {
		Path jar = this.folder.resolve("a.jar");
		writeJar(jar, "one");
		ClassPath classPath = new ClassPath(List.of(jar));
		byte[] before = new JarContents().digest(classPath).orElseThrow();
		FileTime time = Files.getLastModifiedTime(jar);
		long size = Files.size(jar);
		JarContents contents = new JarContents();
		assertThat(contents.digest(classPath)).contains(before);
		writeJar(jar, "two");
		Files.setLastModifiedTime(jar, time);
		assertThat(jar).hasSize(size);
		assertThat(contents.digest(classPath).orElseThrow()).isNotEqualTo(before);
		writeJar(jar, "one");
		assertThat(contents.digest(classPath)).contains(before);
	}

	@Test
	void aJarThatTheManifestNamesBelongsToTheContent() throws Exception {
		Path jar = this.folder.resolve("a.jar");
		Path other = this.folder.resolve("b c.jar");
		Manifest manifest = new Manifest();
		manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
		manifest.getMainAttributes().put(Attributes.Name.CLASS_PATH, "nothing.jar b%20c.jar");
		try (OutputStream file = Files.newOutputStream(jar);
				JarOutputStream target = new JarOutputStream(file, manifest)) {
			target.finish();
		}
		writeJar(other, "one");
		JarContents contents = new JarContents();
		byte[] before = contents.digest(new ClassPath(List.of(jar))).orElseThrow();
		writeJar(other, "two");
		assertThat(contents.digest(new ClassPath(List.of(jar))).orElseThrow()).isNotEqualTo(before);
		Files.delete(other);
		Files.createDirectory(other);
		assertThat(contents.digest(new ClassPath(List.of(jar)))).isEmpty();
	}

	private static void writeJar(Path jar, String content) throws IOException {
		try (OutputStream file = Files.newOutputStream(jar); JarOutputStream target = new JarOutputStream(file)) {
			JarEntry entry = new JarEntry("content");
			entry.setMethod(JarEntry.STORED);
			entry.setTime(0);
			byte[] bytes = content.getBytes();
			CRC32 checksum = new CRC32();
			checksum.update(bytes);
			entry.setSize(bytes.length);
			entry.setCrc(checksum.getValue());
			target.putNextEntry(entry);
			target.write(bytes);
		}
	}

	private ClassArchives.Offer offer(JvmOptions options) {
		return new ClassArchives(this.folder.resolve("archives")).offer(ClassPath.ofThisApplication(),
				TestWorker.class.getName(), options, false);
	}

	/** An agent that leaves a file. */
	private Path agent() throws IOException {
		Path jar = this.folder.resolve("agent.jar");
		Manifest manifest = new Manifest();
		manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
		manifest.getMainAttributes().putValue("Premain-Class", WitnessAgent.class.getName());
		try (OutputStream file = Files.newOutputStream(jar);
				JarOutputStream target = new JarOutputStream(file, manifest)) {
			String name = WitnessAgent.class.getName().replace('.', '/') + ".class";
			target.putNextEntry(new JarEntry(name));
			target.write(Objects.requireNonNull(WitnessAgent.class.getClassLoader().getResourceAsStream(name))
				.readAllBytes());
		}
		return jar;
	}

	/** As an agent of a monitoring product. */
	static final class WitnessAgent {

		private WitnessAgent() {
		}

		public static void premain(String witness) throws IOException {
			Files.writeString(Path.of(witness), "seen");
		}

	}

	@Test
	void thereIsNoneIfThePropertySaysSo() throws Exception {
		packClassPath();
		run("ipc.class-sharing.enabled=false");
		assertThat(archives()).isEmpty();
	}

	/** Lets a child start, answer and end, and that well. */
	private void run(String... properties) {
		application().withPropertyValues(properties).run((context) -> {
			IpcChild child = context.getBean(IpcChild.class);
			for (int i = 0; i < child.instances().size(); i++) {
				assertThat(context.getBean(CborMessageTemplate.class)
					.convertSendAndReceive(new Request("echo", "hello"), Reply.class)
					.text()).isEqualTo("hello");
			}
			context.close();
			assertThat(child.instances())
				.allSatisfy((instance) -> assertThat(instance.lastExit().orElseThrow()).hasToString("exit code 0"));
		});
	}

	private String loadedClasses(String run, String... properties) throws IOException {
		Path file = Files.createDirectories(this.folder.resolve("logs")).resolve(run);
		String[] all = Arrays.copyOf(properties, properties.length + 1);
		all[properties.length] = "ipc.children.worker.jvm-arguments=-Xlog:class+load:file=" + file;
		run(all);
		return Files.readString(file);
	}

	private ApplicationContextRunner application() {
		return RawWorker.nothing()
			.withPropertyValues("ipc.children.worker.main=" + TestWorker.class.getName(), "ipc.template.timeout=60s",
					"ipc.class-sharing.directory=" + this.folder.resolve("archives"),
					"ipc.children.worker.shutdown-timeout=60s");
	}

	private List<Path> archives() throws IOException {
		Path archives = this.folder.resolve("archives");
		if (!Files.isDirectory(archives)) {
			return List.of();
		}
		try (Stream<Path> files = Files.list(archives)) {
			return files.toList();
		}
	}

	/** Makes a jar of each folder on the class path, for the children only. */
	private void packClassPath() throws IOException {
		List<String> entries = new ArrayList<>();
		for (String entry : this.classPath.split(File.pathSeparator)) {
			Path path = Path.of(entry);
			if (!Files.isDirectory(path)) {
				entries.add(entry);
				continue;
			}
			Path jar = this.folder.resolve(entries.size() + ".jar");
			entries.add(FolderJar.pack(path, jar).toString());
		}
		System.setProperty(CLASS_PATH, String.join(File.pathSeparator, entries));
	}

}
