package dev.tinyipc.spring.child;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.TestWorker;
import dev.tinyipc.spring.TestWorker.Reply;
import dev.tinyipc.spring.TestWorker.Request;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

import static org.assertj.core.api.Assertions.assertThat;

/** JVM children and their archives of loaded classes. */
@Timeout(180)
@ExtendWith(OutputCaptureExtension.class)
class ClassArchivesTests {

	private static final String CLASS_PATH = "java.class.path";

	/** How {@code -Xlog:class+load} tells that a class is from the archive. */
	private static final String ARCHIVED = "dev.tinyipc.IpcSocket source: shared objects file (top)";

	private final String classPath = System.getProperty(CLASS_PATH);

	@TempDir
	private Path folder;

	@AfterEach
	void restoreClassPath() {
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
	void anArchiveThatIsBrokenHarmsNobody() throws Exception {
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
	void aFolderThatCannotBeUsedIsToldAndTheChildStartsWithout(CapturedOutput output) throws Exception {
		packClassPath();
		Files.createFile(this.folder.resolve("archives"));
		run();
		assertThat(output).contains("Children start without class-data sharing");
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

	private String loadedClasses(String run) throws IOException {
		Path file = this.folder.resolve(run);
		run("ipc.children.worker.jvm-arguments=-Xlog:class+load:file=" + file);
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
			pack(path, jar);
			entries.add(jar.toString());
		}
		System.setProperty(CLASS_PATH, String.join(File.pathSeparator, entries));
	}

	private static void pack(Path folder, Path jar) throws IOException {
		try (OutputStream file = Files.newOutputStream(jar);
				JarOutputStream target = new JarOutputStream(file);
				Stream<Path> paths = Files.walk(folder)) {
			for (Path path : paths.filter(Files::isRegularFile).toList()) {
				target.putNextEntry(new JarEntry(folder.relativize(path).toString()));
				Files.copy(path, target);
			}
		}
	}

}
