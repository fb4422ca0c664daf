package dev.tinyipc.spring.child;

import java.nio.file.Files;
import java.nio.file.Path;

import dev.tinyipc.spring.autoconfigure.IpcAutoConfiguration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

import static org.assertj.core.api.Assertions.assertThat;

@Timeout(60)
class IpcChildTests {

	private final ApplicationContextRunner runner = new ApplicationContextRunner()
		.withConfiguration(AutoConfigurations.of(JacksonAutoConfiguration.class, IpcAutoConfiguration.class));

	@Test
	void aChildThatReadsItsSocketEndsByItselfWhenTheApplicationStops(@TempDir Path folder) {
		this.runner
			.withPropertyValues("ipc.children.cat.command=sh,-c,cat <&3; echo ended by itself > witness",
					"ipc.children.cat.directory=" + folder)
			.run((context) -> {
				ProcessHandle process = process(context.getBean(IpcChild.class));
				context.close();
				assertThat(process.isAlive()).isFalse();
				assertThat(Files.readString(folder.resolve("witness"))).isEqualToIgnoringNewLines("ended by itself");
			});
	}

	@Test
	void aChildThatIgnoresItsSocketAndTermIsKilled() {
		this.runner
			.withPropertyValues("ipc.children.stubborn.command=sh,-c,trap '' TERM; while :; do sleep 1; done",
					"ipc.children.stubborn.shutdown-timeout=1s")
			.run((context) -> {
				ProcessHandle process = process(context.getBean(IpcChild.class));
				context.close();
				assertThat(process.isAlive()).isFalse();
			});
	}

	@Test
	void contextsThatComeAndGoLeaveNoDescriptorAndNoProcess() {
		Runnable comeAndGo = () -> this.runner.withPropertyValues("ipc.children.cat.command=sh,-c,cat <&3")
			.run((context) -> assertThat(context.getBean(IpcChild.class).instances().get(0).pid()).isPresent());
		comeAndGo.run();
		long before = OpenDescriptors.count();
		for (int i = 0; i < 10; i++) {
			comeAndGo.run();
		}
		// A leak has one for each context. Some are closed a moment after the end.
		Awaitility.await().untilAsserted(() -> assertThat(OpenDescriptors.count()).isLessThan(before + 10));
	}

	private static ProcessHandle process(IpcChild child) {
		return ProcessHandle.of(child.instances().get(0).pid().orElseThrow()).orElseThrow();
	}

}
