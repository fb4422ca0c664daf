package dev.tinyipc.spring.autoconfigure;

import dev.tinyipc.spring.ChildProcess;
import dev.tinyipc.spring.ChildStartException;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.child.IpcChild;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.util.TestPropertyValues;
import org.springframework.boot.test.util.TestPropertyValues.Type;
import org.springframework.context.annotation.Configuration;

import static org.assertj.core.api.Assertions.assertThat;

/** A child's name is the same child in any spelling that Boot takes for the same. */
@Timeout(60)
class ChildNamesTests {

	@Test
	void aVariableIsMeantForADeclaredChildInAnySpelling() {
		inEnvironment("IPC_CHILDREN_IMAGESCALER_INSTANCES=2").withUserConfiguration(ImageScaler.class)
			.run((context) -> {
				assertThat(context.getBean("imageScalerIpcChild", IpcChild.class).instances()).hasSize(2);
				assertThat(context).getBeanNames(IpcChild.class).containsExactly("imageScalerIpcChild");
			});
		inEnvironment("IPC_CHILDREN_IMAGESCALER_INSTANCES=2").withUserConfiguration(ImageScalerWithDash.class)
			.run((context) -> assertThat(context.getBean("image-scalerIpcChild", IpcChild.class).instances())
				.hasSize(2));
		inEnvironment("IPC_CHILDREN_IMAGESCALER_INSTANCES=2").withUserConfiguration(ImageScalerWithUnderscore.class)
			.run((context) -> assertThat(context.getBean("image_scalerIpcChild", IpcChild.class).instances())
				.hasSize(2));
	}

	@Test
	void aVariableIsMeantForAChildOfThePropertiesInAnySpelling() {
		inEnvironment("IPC_CHILDREN_IMAGESCALER_INSTANCES=2")
			.withPropertyValues("ipc.children.image-scaler.command=cat")
			.run((context) -> {
				assertThat(context).getBeanNames(IpcChild.class).containsExactly("image-scalerIpcChild");
				assertThat(context.getBean(IpcChild.class).instances()).hasSize(2);
			});
	}

	@Test
	void aPropertyIsMeantForADeclaredChildInAnySpelling() {
		RawWorker.nothing()
			.withUserConfiguration(ImageScaler.class)
			.withPropertyValues("ipc.children.image-scaler.instances=2")
			.run((context) -> {
				assertThat(context).getBeanNames(IpcChild.class).containsExactly("imageScalerIpcChild");
				assertThat(context.getBean(IpcChild.class).instances()).hasSize(2);
			});
	}

	@Test
	void aChildCanBeDeclaredInTheEnvironmentAlone() {
		inEnvironment("IPC_CHILDREN_WORKER_COMMAND=cat")
			.run((context) -> assertThat(context).getBeanNames(IpcChild.class).containsExactly("workerIpcChild"));
	}

	@Test
	void settingsOfAChildThatNobodyDeclaresAreRefusedAndWhichThereAreIsSaid() {
		inEnvironment("IPC_CHILDREN_IMAGE_SCALER_INSTANCES=2").withUserConfiguration(ImageScaler.class)
			.run((context) -> assertThat(context).getFailure()
				.isInstanceOf(ChildStartException.class)
				.hasMessageContaining("ipc.children.image")
				.hasMessageContaining("neither a command nor a main class is declared")
				.hasMessageContaining("imageScaler"));
	}

	@Test
	void twoSpellingsOfOneNameAreRefused() {
		RawWorker.nothing()
			.withUserConfiguration(ImageScaler.class, ImageScalerWithDash.class)
			.run((context) -> assertThat(context).getFailure()
				.hasMessageContaining("'imageScaler'")
				.hasMessageContaining("'image-scaler'")
				.hasMessageContaining("ImageScalerWithDash"));
		RawWorker.nothing()
			.withPropertyValues("ipc.children.imageScaler.command=cat", "ipc.children.image-scaler.instances=2")
			.run((context) -> assertThat(context).getFailure()
				.hasMessageContaining("'imageScaler'")
				.hasMessageContaining("'image-scaler'"));
	}

	@Test
	void oneNameTwiceOnOneClassIsRefused() {
		RawWorker.nothing()
			.withUserConfiguration(Twice.class)
			.run((context) -> assertThat(context).getFailure()
				.hasMessageContaining("'worker' is declared twice")
				.hasMessageContaining("Twice"));
	}

	private static ApplicationContextRunner inEnvironment(String variable) {
		return RawWorker.nothing()
			.withInitializer((context) -> TestPropertyValues.of(variable)
				.applyTo(context.getEnvironment(), Type.SYSTEM_ENVIRONMENT));
	}

	@Configuration(proxyBeanMethods = false)
	@ChildProcess(name = "imageScaler", command = "cat")
	static class ImageScaler {

	}

	@Configuration(proxyBeanMethods = false)
	@ChildProcess(name = "image-scaler", command = "cat")
	static class ImageScalerWithDash {

	}

	@Configuration(proxyBeanMethods = false)
	@ChildProcess(name = "image_scaler", command = "cat")
	static class ImageScalerWithUnderscore {

	}

	@Configuration(proxyBeanMethods = false)
	@ChildProcess(name = "worker", command = "cat")
	@ChildProcess(name = "worker", command = "sh")
	static class Twice {

	}

}
