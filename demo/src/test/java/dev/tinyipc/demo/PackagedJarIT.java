package dev.tinyipc.demo;

import java.io.File;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarFile;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

/** The executable jar, started by {@code java -jar}. */
@Timeout(180)
class PackagedJarIT {

	private static final File JAR = new File(System.getProperty("demo.jar"));

	private static final Pattern STARTED = Pattern.compile("Tomcat started on port (\\d+)");

	@TempDir
	private Path directory;

	private Path temporary;

	private Path output;

	private Process application;

	private DemoClient client;

	private List<Long> workers = List.of();

	private void start(boolean aheadOfTime) throws IOException {
		this.output = this.directory.resolve("output");
		this.temporary = Files.createDirectory(this.directory.resolve("tmp"));
		this.application = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
				"-Djava.io.tmpdir=" + this.temporary, "-Dspring.aot.enabled=" + aheadOfTime, "-jar", JAR.getPath(),
				"--server.port=0", "--ipc.class-sharing.directory=" + JAR.toPath().resolveSibling("class-archives"))
			.redirectErrorStream(true)
			.redirectOutput(this.output.toFile())
			.start();
		this.client = new DemoClient(port());
		this.workers = this.client.workerPids();
		assertThat(this.workers).hasSize(2);
	}

	private int port() {
		Matcher started = STARTED.matcher("");
		Awaitility.await().atMost(Duration.ofSeconds(90)).until(() -> {
			assertThat(this.application.isAlive()).as(() -> output()).isTrue();
			return started.reset(output()).find();
		});
		return Integer.parseInt(started.group(1));
	}

	private String output() {
		try {
			return Files.readString(this.output);
		}
		catch (IOException ex) {
			throw new IllegalStateException(ex);
		}
	}

	@AfterEach
	void stop() throws InterruptedException {
		if (this.application != null) {
			this.application.destroyForcibly().waitFor();
			awaitTheEndOfTheWorkers();
		}
	}

	private void awaitTheEndOfTheWorkers() {
		Awaitility.await()
			.atMost(Duration.ofSeconds(30))
			.untilAsserted(() -> assertThat(this.workers).allMatch(ProcessFiles::hasEnded));
	}

	@ParameterizedTest(name = "processed ahead of time: {0}")
	@ValueSource(booleans = { false, true })
	void makesThumbnailsWithLockedDownWorkersAndEndsWithThemOnSigterm(boolean aheadOfTime) throws Exception {
		start(aheadOfTime);
		assertThat(output().contains("Starting AOT-processed DemoApplication")).isEqualTo(aheadOfTime);
		assertThumbnail();
		assertThat(new String(this.client.upload(this.client.get("samples/exploit.png").body()).body()))
			.contains("10 of 10 attempts were refused");
		this.application.destroy();
		assertThat(this.application.waitFor(60, TimeUnit.SECONDS)).isTrue();
		assertThat(this.workers).allMatch(ProcessFiles::hasEnded);
		assertThat(this.temporary).isEmptyDirectory();
		assertThat(output()).contains("Stopped child process 'thumbnailer' 0", "Stopped child process 'thumbnailer' 1")
			.doesNotContain("WARN", "Exception");
	}

	@Test
	void theWorkersEndWhenTheApplicationIsKilled() throws Exception {
		start(false);
		assertThumbnail();
		this.application.destroyForcibly().waitFor();
		awaitTheEndOfTheWorkers();
	}

	@Test
	void nativeAccessIsAllowedInItsManifest() throws IOException {
		try (JarFile jar = new JarFile(JAR)) {
			assertThat(jar.getManifest().getMainAttributes().getValue("Enable-Native-Access")).isEqualTo("ALL-UNNAMED");
		}
	}

	private void assertThumbnail() {
		HttpResponse<byte[]> response = this.client.upload(Pictures.photo());
		assertThat(response.statusCode()).as(() -> output()).isEqualTo(200);
		assertThat(Pictures.decode(response.body()).getWidth()).isEqualTo(256);
	}

}
