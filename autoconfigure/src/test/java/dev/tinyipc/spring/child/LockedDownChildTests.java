package dev.tinyipc.spring.child;

import java.nio.file.Files;
import java.nio.file.Path;

import dev.tinyipc.spring.RawWorker;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.boot.test.context.runner.ApplicationContextRunner;

import static org.assertj.core.api.Assertions.assertThat;

/** Children that are locked down by a property, and given no path. */
@Timeout(180)
class LockedDownChildTests {

	@TempDir
	private Path folder;

	@Test
	void aClassInAJvmOfItsOwnAnswers() {
		application().run((context) -> assertThat(JavaChildren.ask(context, "property", "java.home"))
			.isEqualTo(System.getProperty("java.home")));
	}

	@Test
	void aJvmThatCannotSeeItsLimitsIsToldThem() {
		application().run((context) -> {
			assertThat(JavaChildren.ask(context, "flag", "ActiveProcessorCount"))
				.isEqualTo(Integer.toString(Runtime.getRuntime().availableProcessors()));
			assertThat(Long.parseLong(JavaChildren.ask(context, "flag", "MaxRAM"))).isPositive();
		});
		application("ipc.children.worker.jvm-arguments=-XX:ActiveProcessorCount=1,-XX:MaxRAM=1g").run((context) -> {
			assertThat(JavaChildren.ask(context, "flag", "ActiveProcessorCount")).isEqualTo("1");
			assertThat(JavaChildren.ask(context, "flag", "MaxRAM")).isEqualTo(Long.toString(1 << 30));
		});
	}

	@Test
	void aJvmThatCannotLookUpItsUserIsToldWhoItIs() {
		application().run((context) -> {
			assertThat(JavaChildren.ask(context, "property", "user.name")).isEqualTo(System.getProperty("user.name"));
			assertThat(JavaChildren.ask(context, "property", "user.home")).isEqualTo(System.getProperty("user.home"));
		});
	}

	@Test
	void aStartThatIsDeniedAFileSaysWhichOneAndWhichPropertyGivesIt() throws Exception {
		Path file = Files.writeString(this.folder.resolve("settings"), "");
		RawWorker
			.shell(". " + file, "ipc.children.worker.ready=true", "ipc.children.worker.restart.policy=never",
					"ipc.children.worker.sandbox.profile=locked-down")
			.run((context) -> assertThat(context).getFailure()
				.rootCause()
				.hasMessageContaining("It probably needs to read " + file
						+ ": if it should, set ipc.children.worker.sandbox.read=" + file));
	}

	private static ApplicationContextRunner application(String... properties) {
		return JavaChildren.application("ipc.children.worker.sandbox.profile=locked-down")
			.withPropertyValues(properties);
	}

}
