package dev.tinyipc.spring.autoconfigure;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.IpcSocketPair;
import dev.tinyipc.spring.CborMessageOperations;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.ChildProcess;
import dev.tinyipc.spring.child.IpcChild;
import dev.tinyipc.spring.IpcDestination;
import dev.tinyipc.spring.IpcObserver;
import dev.tinyipc.spring.IpcSocketFactory;
import dev.tinyipc.spring.TestWorker;
import dev.tinyipc.spring.TestWorker.Reply;
import dev.tinyipc.spring.TestWorker.Request;
import dev.tinyipc.spring.UnknownDestinationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.dataformat.cbor.CBORMapper;

import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.stereotype.Component;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

class IpcAutoConfigurationTests {

	private final ApplicationContextRunner runner = new ApplicationContextRunner()
		.withConfiguration(AutoConfigurations.of(JacksonAutoConfiguration.class, IpcAutoConfiguration.class));

	@Test
	void anOrdinaryComponentExchangesWithAChildThroughTheAutowiredTemplate() {
		this.runner.withUserConfiguration(OneWorker.class, Greeter.class).run((context) -> {
			assertThat(context).hasNotFailed();
			assertThat(context.getBean(Greeter.class).greet("world")).isEqualTo("hello world");
		});
	}

	@Test
	void withoutChildrenThereIsATemplateThatSaysSo() {
		this.runner.run((context) -> {
			assertThat(context).hasSingleBean(IpcSocketFactory.class).hasSingleBean(CborMessageTemplate.class);
			assertThatExceptionOfType(UnknownDestinationException.class)
				.isThrownBy(() -> context.getBean(CborMessageTemplate.class).convertAndSend("anything"))
				.withMessageContaining("@ChildProcess")
				.withMessageContaining("ipc.children.<name>.command");
		});
	}

	@Test
	void everyChildHasATemplateOfItsOwnAndTheDefaultOneStaysTheOnlyCandidate() {
		this.runner.withUserConfiguration(TwoWorkers.class, Chooser.class).run((context) -> {
			Chooser chooser = context.getBean(Chooser.class);
			Request request = new Request("echo", "who");
			long left = chooser.left.convertSendAndReceive(request, Reply.class).pid();
			long right = chooser.right.convertSendAndReceive(request, Reply.class).pid();
			assertThat(left).isEqualTo(pid(context, "left"));
			assertThat(right).isEqualTo(pid(context, "right"));
			assertThat(chooser.template.convertSendAndReceive("left", request, Reply.class).pid()).isEqualTo(left);
			assertThatExceptionOfType(UnknownDestinationException.class)
				.isThrownBy(() -> chooser.template.convertSendAndReceive(request, Reply.class))
				.withMessageContaining("left, right");
			assertThatExceptionOfType(UnknownDestinationException.class)
				.isThrownBy(() -> chooser.template.convertSendAndReceive("middle", request, Reply.class))
				.withMessageContaining("'middle'")
				.withMessageContaining("left, right");
		});
	}

	@Test
	void thePropertyNamesTheDefaultDestination() {
		this.runner.withUserConfiguration(TwoWorkers.class)
			.withPropertyValues("ipc.template.default-destination=right")
			.run((context) -> assertThat(context.getBean(CborMessageTemplate.class)
				.convertSendAndReceive(new Request("echo", "who"), Reply.class)
				.pid()).isEqualTo(pid(context, "right")));
	}

	@Test
	void aChildCanBeDeclaredInPropertiesAlone() {
		this.runner
			.withPropertyValues("ipc.children.worker.main=" + TestWorker.class.getName(),
					"ipc.children.worker.environment.COLOUR=blue")
			.run((context) -> assertThat(context.getBean(CborMessageTemplate.class)
				.convertSendAndReceive("worker", new Request("environment", "COLOUR"), Reply.class)
				.text()).isEqualTo("blue"));
	}

	@Test
	void propertiesTakePrecedenceOverTheAnnotation() {
		this.runner.withUserConfiguration(NoSuchProgram.class)
			.withPropertyValues("ipc.children.worker.main=" + TestWorker.class.getName())
			.run((context) -> assertThat(context.getBean(CborMessageTemplate.class)
				.convertSendAndReceive(new Request("echo", "replaced"), Reply.class)
				.text()).isEqualTo("replaced"));
	}

	@Test
	void placeholdersResolve() {
		this.runner.withUserConfiguration(Placeholders.class)
			.withPropertyValues("greeting=hello there")
			.run((context) -> {
				CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
				Request request = new Request("property", "greeting");
				assertThat(template.convertSendAndReceive("command", request, Reply.class).text())
					.isEqualTo("hello there");
				assertThat(template.convertSendAndReceive("main", request, Reply.class).text())
					.isEqualTo("hello there");
			});
	}

	@Test
	void aTemplateOfTheUsersReplacesTheDefaultOneAndTheChildrensTemplatesStay() {
		this.runner.withUserConfiguration(OneWorker.class, OwnTemplate.class).run((context) -> {
			assertThat(context.getBean(CborMessageOperations.class)).isSameAs(context.getBean("mine"));
			assertThat(context).doesNotHaveBean("cborMessageTemplate").hasBean("workerCborMessageTemplate");
		});
	}

	@Test
	void aSocketFactoryOfTheUsersMakesTheSocketsOfTheChildren() {
		this.runner.withUserConfiguration(OneWorker.class, OwnSocketFactory.class).run((context) -> {
			assertThat(context).hasSingleBean(IpcSocketFactory.class);
			assertThat(context.getBean(OwnSocketFactory.class).made).isEqualTo(1);
		});
	}

	@Test
	void staysOutWithoutCborOnTheClassPath() {
		this.runner.withClassLoader(new FilteredClassLoader(CBORMapper.class))
			.run((context) -> assertThat(context).doesNotHaveBean(CborMessageOperations.class));
	}

	@Test
	void aValueThatMakesNoSenseIsRefusedWithItsKeyAndTheReason() {
		this.runner.withPropertyValues("ipc.template.timeout=0s")
			.run((context) -> assertThat(context.getStartupFailure()).rootCause()
				.hasMessageContaining("ipc.template.timeout")
				.hasMessageContaining("more than zero"));
	}

	@ParameterizedTest
	@ValueSource(strings = { "1B", "2147483639B" })
	void aMessageSizeThatIsAcceptedIsAcceptedByEveryCall(String size) {
		this.runner.withUserConfiguration(OneWorker.class)
			.withPropertyValues("ipc.template.max-message-size=" + size)
			.run((context) -> context.getBean(CborMessageTemplate.class).convertAndSend(7));
	}

	@ParameterizedTest
	@ValueSource(strings = { "-1B", "0B", "2147483640B", "2GB", "3GB" })
	void aMessageSizeThatNoCallAcceptsIsRefused(String size) {
		this.runner.withPropertyValues("ipc.template.max-message-size=" + size)
			.run((context) -> assertThat(context.getStartupFailure()).rootCause()
				.hasMessageContaining("ipc.template.max-message-size")
				.hasMessageContaining("1 to 2147483639 bytes"));
	}

	@Test
	void aNameThatIsDeclaredTwiceOrMeansTheParentIsRefused() {
		this.runner.withUserConfiguration(OneWorker.class, NoSuchProgram.class)
			.run((context) -> assertThat(context.getStartupFailure()).hasMessageContaining("'worker' is declared twice")
				.hasMessageContaining("OneWorker")
				.hasMessageContaining("NoSuchProgram"));
		this.runner.withPropertyValues("ipc.children.parent.command=cat")
			.run((context) -> assertThat(context.getStartupFailure())
				.hasMessageContaining("cannot be named 'parent' (ipc.children.parent)"));
	}

	private static long pid(ApplicationContext context, String child) {
		return context.getBean(child + "IpcChild", IpcChild.class).instances().get(0).pid().orElseThrow();
	}

	@Configuration(proxyBeanMethods = false)
	@ChildProcess(name = "worker", main = TestWorker.class)
	static class OneWorker {

	}

	@Configuration(proxyBeanMethods = false)
	@ChildProcess(name = "left", main = TestWorker.class)
	@ChildProcess(name = "right", main = TestWorker.class)
	static class TwoWorkers {

	}

	@Configuration(proxyBeanMethods = false)
	@ChildProcess(name = "worker", command = "no-such-program")
	static class NoSuchProgram {

	}

	@Component
	@ChildProcess(name = "command",
			command = { "${java.home}/bin/java", "-Dgreeting=${greeting}", "-cp", "${java.class.path}",
					"dev.tinyipc.spring.TestWorker" })
	@ChildProcess(name = "main", main = TestWorker.class, jvmArguments = "-Dgreeting=${greeting}")
	static class Placeholders {

	}

	@Component
	static class Greeter {

		private final CborMessageTemplate template;

		Greeter(CborMessageTemplate template) {
			this.template = template;
		}

		String greet(String whom) {
			return this.template.convertSendAndReceive(new Request("echo", "hello " + whom), Reply.class).text();
		}

	}

	@Component
	static class Chooser {

		private final CborMessageTemplate template;

		private final CborMessageTemplate left;

		private final CborMessageTemplate right;

		Chooser(CborMessageTemplate template, @Qualifier("left") CborMessageTemplate left,
				@Qualifier("right") CborMessageTemplate right) {
			this.template = template;
			this.left = left;
			this.right = right;
		}

	}

	@Configuration(proxyBeanMethods = false)
	static class OwnTemplate {

		@Bean
		CborMessageTemplate mine(ObjectProvider<IpcDestination> destinations) {
			CborMessageTemplate template = new CborMessageTemplate(destinations.stream().toList(), IpcObserver.NONE);
			template.setDefaultDestination("worker");
			return template;
		}

	}

	@Configuration(proxyBeanMethods = false)
	static class OwnSocketFactory implements IpcSocketFactory {

		private int made;

		@Override
		public IpcSocketPair createSocketPair() throws IpcException {
			this.made++;
			return IpcSocket.pair();
		}

	}

}
