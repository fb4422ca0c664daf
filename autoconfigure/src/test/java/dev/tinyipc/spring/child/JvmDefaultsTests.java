package dev.tinyipc.spring.child;

import java.nio.file.Files;
import java.nio.file.Path;

import ch.qos.logback.classic.Level;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

/** What a JVM child is told by default, and what takes precedence over it. */
@Timeout(180)
class JvmDefaultsTests {

	@TempDir
	private Path folder;

	@AfterEach
	void forgetProperties() {
		System.getProperties()
			.stringPropertyNames()
			.stream()
			.filter((name) -> name.startsWith("jna.x"))
			.forEach(System::clearProperty);
	}

	@Test
	void aChildHasTheSerialCollectorAndASmallHeap() {
		JavaChildren.application().run((context) -> {
			assertThat(JavaChildren.ask(context, "flag", "UseSerialGC")).isEqualTo("true");
			assertThat(JavaChildren.ask(context, "flag", "MaxHeapSize")).isEqualTo(megabytes(128));
		});
	}

	@ParameterizedTest
	@ValueSource(strings = { "jvm-arguments", "environment.JAVA_TOOL_OPTIONS", "environment.JDK_JAVA_OPTIONS",
			"environment._JAVA_OPTIONS" })
	void anotherCollectorAndAnotherHeapTakePrecedenceWhereverTheyAreNamed(String place) {
		JavaChildren.application(said(place, "-XX:+UseParallelGC -Xms256m")).run((context) -> {
			assertThat(JavaChildren.ask(context, "flag", "UseSerialGC")).isEqualTo("false");
			assertThat(JavaChildren.ask(context, "flag", "UseParallelGC")).isEqualTo("true");
			assertThat(JavaChildren.ask(context, "flag", "InitialHeapSize")).isEqualTo(megabytes(256));
		});
	}

	@ParameterizedTest
	@ValueSource(strings = { "-Xms256m", "-XX:InitialHeapSize=256m", "-XX:MinHeapSize=256m", "-XX:MaxHeapSize=256m",
			"-XX:MaxRAM=1g", "-XX:MaxRAMPercentage=20", "-XX:InitialRAMPercentage=1", "-XX:+UseG1GC -Xmx256m",
			"-XX:+UseZGC -XX:SoftMaxHeapSize=200m", "-XX:NewSize=200m" })
	void aHeapOfAnotherSizeTakesPrecedenceHoweverItIsNamed(String options) {
		JavaChildren.application(said("environment.JAVA_TOOL_OPTIONS", options))
			.run((context) -> assertThat(JavaChildren.ask(context, "flag", "MaxHeapSize"))
				.isNotEqualTo(megabytes(128)));
	}

	@Test
	void optionsInAFileTakePrecedenceOverAllDefaults() throws Exception {
		Path file = Files.writeString(this.folder.resolve("options"), "-XX:+UseParallelGC -Xms256m");
		JavaChildren.application("ipc.children.worker.jvm-arguments=@" + file)
			.run((context) -> assertThat(JavaChildren.ask(context, "flag", "UseParallelGC")).isEqualTo("true"));
	}

	@Test
	void anOptionInQuotesIsOne() {
		JavaChildren.application("ipc.children.worker.environment.JAVA_TOOL_OPTIONS=-Dtext='a -Xmx1g b'")
			.run((context) -> {
				assertThat(JavaChildren.ask(context, "property", "text")).isEqualTo("a -Xmx1g b");
				assertThat(JavaChildren.ask(context, "flag", "MaxHeapSize")).isEqualTo(megabytes(128));
			});
	}

	@Test
	void propertiesOfJnaAreHandedOnUnlessTheChildHasItsOwn() {
		System.setProperty("jna.x.handed", "a value");
		System.setProperty("jna.x.own", "the parent's");
		JavaChildren.application("ipc.children.worker.jvm-arguments=-Djna.x.own=the child's").run((context) -> {
			assertThat(JavaChildren.ask(context, "property", "jna.x.handed")).isEqualTo("a value");
			assertThat(JavaChildren.ask(context, "property", "jna.x.own")).isEqualTo("the child's");
		});
	}

	@Test
	void aRelativePathOfJnaMeansTheSameInAnotherDirectory() {
		System.setProperty("jna.library.path", "lib:/usr/lib");
		try {
			JavaChildren.application("ipc.children.worker.directory=" + this.folder)
				.run((context) -> assertThat(JavaChildren.ask(context, "property", "jna.library.path"))
					.isEqualTo(Path.of("lib").toAbsolutePath() + ":/usr/lib"));
		}
		finally {
			System.clearProperty("jna.library.path");
		}
	}

	@Test
	void whatAChildPrintsIsReadInTheEncodingThatItIsWrittenIn() {
		try (LogOf log = new LogOf("ipc.child.worker")) {
			JavaChildren
				.application("ipc.children.worker.environment.LANG=C", "ipc.children.worker.environment.LC_ALL=C")
				.run((context) -> {
					JavaChildren.ask(context, "print", "Grüße, 世界");
					Awaitility.await().until(() -> !log.of(Level.INFO).isEmpty() && !log.of(Level.WARN).isEmpty());
					assertThat(log.of(Level.INFO)).contains("Grüße, 世界");
					assertThat(log.of(Level.WARN)).contains("Grüße, 世界");
				});
		}
	}

	@Test
	void anotherEncodingTakesPrecedence() {
		String property = (Runtime.version().feature() < 19) ? "sun.stdout.encoding" : "stdout.encoding";
		JavaChildren.application("ipc.children.worker.jvm-arguments=-D" + property + "=ISO-8859-1")
			.run((context) -> assertThat(JavaChildren.ask(context, "property", property)).isEqualTo("ISO-8859-1"));
	}

	private static String said(String place, String options) {
		return "ipc.children.worker." + place + '='
				+ (place.equals("jvm-arguments") ? options.replace(' ', ',') : options);
	}

	private static String megabytes(long count) {
		return Long.toString(count * 1024 * 1024);
	}

}
