package dev.tinyipc.spring.autoconfigure;

import java.time.Duration;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;

import dev.tinyipc.Sandbox;
import dev.tinyipc.spring.child.ChildState;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.ChildProcess;
import dev.tinyipc.spring.child.IpcChild;
import dev.tinyipc.spring.IpcPeerUnavailableException;
import dev.tinyipc.spring.child.Processes;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.actuate.InstanceDetails;
import dev.tinyipc.spring.actuate.IpcHealthIndicator;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.Timeout;

import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.health.autoconfigure.contributor.HealthContributorAutoConfiguration;
import org.springframework.boot.health.autoconfigure.registry.HealthContributorRegistryAutoConfiguration;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.health.registry.HealthContributorRegistry;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

@Timeout(120)
class IpcHealthAutoConfigurationTests {

	private static final AutoConfigurations HEALTH = AutoConfigurations.of(IpcHealthAutoConfiguration.class,
			HealthContributorAutoConfiguration.class, HealthContributorRegistryAutoConfiguration.class);

	private final ApplicationContextRunner runner = RawWorker.application().withConfiguration(HEALTH);

	@Test
	void itIsUpWithTheDetailsOfEachInstance() {
		this.runner.withPropertyValues("ipc.children.worker.instances=2", "ipc.children.cat.command=sh,-c,cat <&3")
			.run((context) -> {
				assertThat(health(context).getStatus()).isEqualTo(Status.UP);
				assertThat(health(context).getDetails()).containsOnlyKeys("worker", "cat");
				List<IpcChild.Instance> instances = context.getBeanProvider(IpcChild.class)
					.stream()
					.filter((child) -> child.name().equals("worker"))
					.findFirst()
					.orElseThrow()
					.instances();
				List<InstanceDetails> details = details(context);
				assertThat(details).hasSize(2);
				for (int i = 0; i < 2; i++) {
					assertThat(details.get(i).state()).isEqualTo(ChildState.RUNNING);
					assertThat(details.get(i).pid()).isEqualTo(instances.get(i).pid().orElseThrow());
					assertThat(details.get(i).uptime()).isPositive();
					assertThat(details.get(i).restarts()).isZero();
					assertThat(details.get(i).lastExit()).isNull();
				}
			});
	}

	@Test
	void itsDetailsSayWhatProtectsFromAChild() {
		this.runner.withPropertyValues("ipc.children.worker.sandbox.profile=no-network")
			.run((context) -> assertThat(details(context)).singleElement()
				.extracting(InstanceDetails::protection)
				.satisfies((protection) -> {
					assertThat(protection.profile()).isEqualTo(Sandbox.Profile.NO_NETWORK);
					assertThat(protection.noNewPrivileges()).isTrue();
				}));
	}

	@Test
	void itKnowsTheChildrenOfAnnotations() {
		new ApplicationContextRunner().withConfiguration(AutoConfigurations.of(IpcAutoConfiguration.class))
			.withConfiguration(HEALTH)
			.withUserConfiguration(Annotated.class)
			.run((context) -> assertThat(context.getBean(IpcHealthIndicator.class).health().getDetails())
				.containsOnlyKeys("cat"));
	}

	@ChildProcess(name = "cat", command = { "sh", "-c", "cat <&3" })
	static class Annotated {

	}

	@Test
	void aRestartIsCountedAndAnExitCodeToldApartFromASignal() {
		this.runner.withPropertyValues("ipc.children.worker.restart.initial-delay=10ms").run((context) -> {
			assertThatExceptionOfType(IpcPeerUnavailableException.class).isThrownBy(
					() -> context.getBean(CborMessageTemplate.class).convertSendAndReceive("die", String.class));
			await(context, (details) -> details.restarts() == 1);
			assertThat(details(context)).singleElement()
				.extracting(InstanceDetails::lastExit, InstanceDetails::state)
				.containsExactly("exit code 7", ChildState.RUNNING);
			try (Processes.Killer killer = new Processes.Killer()) {
				killer.send("KILL", details(context).get(0).pid());
			}
			await(context, (details) -> details.restarts() == 2);
			assertThat(details(context)).singleElement()
				.extracting(InstanceDetails::lastExit, InstanceDetails::state)
				.containsExactly("signal 9 (SIGKILL)", ChildState.RUNNING);
			assertThat(health(context).getStatus()).isEqualTo(Status.UP);
		});
	}

	@Test
	void whatAChildPrintsIsNotShown() {
		RawWorker.shell("echo a secret; exit 3", "ipc.children.worker.restart.policy=never")
			.withConfiguration(HEALTH)
			.run((context) -> {
				await(context, (details) -> details.state() == ChildState.FAILED);
				assertThat(details(context).get(0).lastExit()).isEqualTo("exit code 3");
				assertThat(details(context).get(0).lastLines()).isNull();
			});
	}

	@Test
	void itIsDownWhileAnInstanceHasFailedAndUpOnceThatIsBroughtBack() {
		this.runner.withPropertyValues("ipc.children.worker.instances=2", "ipc.children.worker.restart.policy=never")
			.run((context) -> {
				assertThatExceptionOfType(IpcPeerUnavailableException.class).isThrownBy(
						() -> context.getBean(CborMessageTemplate.class).convertSendAndReceive("die", String.class));
				Awaitility.await().until(() -> health(context).getStatus().equals(Status.DOWN));
				assertThat(details(context)).extracting(InstanceDetails::state)
					.containsExactlyInAnyOrder(ChildState.FAILED, ChildState.RUNNING);
				assertThat(details(context)).filteredOn((details) -> details.state() == ChildState.FAILED)
					.singleElement()
					.satisfies((details) -> {
						assertThat(details.pid()).isNull();
						assertThat(details.uptime()).isNull();
						assertThat(details.socket()).isNull();
						assertThat(details.lastExit()).isEqualTo("exit code 7");
					});
				context.getBean(IpcChild.class).startInstances();
				assertThat(health(context).getStatus()).isEqualTo(Status.UP);
			});
	}

	@Test
	void itIsDownWhileTheOnlyInstanceIsToBeStartedAgain() {
		RawWorker
			.shell("exit 3", "ipc.children.worker.restart.initial-delay=1h", "ipc.children.worker.restart.max-delay=1h")
			.withConfiguration(HEALTH)
			.run((context) -> {
				await(context, (details) -> details.state() == ChildState.BACKOFF && details.lastExit() != null);
				assertThat(health(context).getStatus()).isEqualTo(Status.DOWN);
			});
	}

	@Test
	void itIsOutOfServiceWhileTheOnlyInstancesAreNotReadyYet(@TempDir Path folder) {
		String prelude = "import os, struct, time\nwhile not os.path.exists('%s'): time.sleep(0.01)\n"
			.formatted(folder.resolve("gate")) + "os.write(3, struct.pack('=Q', 6) + bytes.fromhex('da4950534aa0'))\n";
		RawWorker
			.python(prelude, "ipc.children.worker.ready=true", "ipc.children.worker.await-ready=false",
					"ipc.children.cat.command=sh,-c,cat <&3")
			.withConfiguration(HEALTH)
			.run((context) -> {
				assertThat(health(context).getStatus()).isEqualTo(Status.OUT_OF_SERVICE);
				assertThat(details(context)).singleElement().satisfies((details) -> {
					assertThat(details.state()).isEqualTo(ChildState.STARTING);
					assertThat(details.pid()).isNotNull();
				});
				Files.createFile(folder.resolve("gate"));
				assertThat(context.getBean(CborMessageTemplate.class)
					.convertSendAndReceive("worker", "hello", String.class)).isEqualTo("hello");
				assertThat(health(context).getStatus()).isEqualTo(Status.UP);
			});
	}

	@Test
	void aChildThatSomebodyStoppedIsNotIll() {
		this.runner.run((context) -> {
			context.getBean(IpcChild.class).stopInstances().get();
			assertThat(health(context).getStatus()).isEqualTo(Status.UP);
			assertThat(details(context)).extracting(InstanceDetails::state).containsExactly(ChildState.STOPPED);
		});
		this.runner.withPropertyValues("ipc.children.worker.enabled=false")
			.run((context) -> assertThat(health(context).getStatus()).isEqualTo(Status.UP));
	}

	@Test
	void aChildThatIsBeingStoppedIsNotIll(@TempDir Path folder) {
		this.runner.withPropertyValues("ipc.children.worker.shutdown-timeout=1m").run((context) -> {
			Path sign = folder.resolve("sign");
			context.getBean(CborMessageTemplate.class).convertAndSend("wait-for " + sign);
			CompletableFuture<?> stopped = context.getBean(IpcChild.class).stopInstances();
			await(context, (instance) -> instance.state() == ChildState.STOPPING);
			assertThat(health(context).getStatus()).isEqualTo(Status.UP);
			Files.createFile(sign);
			stopped.get();
		});
	}

	@Test
	void itsNameInTheRegistryIsIpc() {
		this.runner.run((context) -> assertThat(context.getBean(HealthContributorRegistry.class).getContributor("ipc"))
			.isInstanceOf(IpcHealthIndicator.class));
	}

	@Test
	void aPropertySwitchesItOff() {
		this.runner.withPropertyValues("management.health.ipc.enabled=false")
			.run((context) -> assertThat(context).hasNotFailed().doesNotHaveBean(IpcHealthIndicator.class));
	}

	@Test
	void anIndicatorOfTheUsersWins() {
		IpcHealthIndicator mine = new IpcHealthIndicator(List.of());
		this.runner.withBean("ipcHealthIndicator", IpcHealthIndicator.class, () -> mine)
			.run((context) -> assertThat(context.getBean(IpcHealthIndicator.class)).isSameAs(mine));
	}

	@Test
	void staysOutWithoutAChild() {
		RawWorker.nothing()
			.withConfiguration(HEALTH)
			.run((context) -> assertThat(context).hasNotFailed().doesNotHaveBean(IpcHealthIndicator.class));
	}

	private static void await(ApplicationContext context, Predicate<InstanceDetails> condition) {
		Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> details(context).stream().allMatch(condition));
	}

	private static Health health(ApplicationContext context) {
		return context.getBean(IpcHealthIndicator.class).health();
	}

	@SuppressWarnings("unchecked")
	private static List<InstanceDetails> details(ApplicationContext context) {
		return (List<InstanceDetails>) health(context).getDetails().get("worker");
	}

}
