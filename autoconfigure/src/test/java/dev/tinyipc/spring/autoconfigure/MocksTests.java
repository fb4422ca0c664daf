package dev.tinyipc.spring.autoconfigure;

import dev.tinyipc.spring.CborMessageOperations;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.ChildProcess;
import dev.tinyipc.spring.IpcPeerUnavailableException;
import dev.tinyipc.spring.child.IpcChild;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.mockito.Mockito;

import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.stereotype.Component;
import org.springframework.test.context.bean.override.mockito.MockitoBean;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** What tests of an application do with its templates and children. */
class MocksTests {

	@Nested
	@SpringBootTest(classes = Application.class)
	class AMockOfTheTemplate {

		@MockitoBean
		private CborMessageTemplate template;

		@Autowired
		private Caller caller;

		@Test
		void isWhatTheApplicationGets() {
			Mockito.when(this.template.receiveAndConvert(String.class)).thenReturn("mocked");
			assertThat(this.caller.template.receiveAndConvert(String.class)).isEqualTo("mocked");
			assertThat(this.caller.operations).isSameAs(this.caller.template);
		}

	}

	@Nested
	@SpringBootTest(classes = OperationsApplication.class)
	class AMockOfTheOperations {

		@MockitoBean
		private CborMessageOperations operations;

		@Autowired
		private OperationsCaller caller;

		@Test
		void isWhatTheApplicationGets() {
			Mockito.when(this.operations.receiveAndConvert(String.class)).thenReturn("mocked");
			assertThat(this.caller.operations.receiveAndConvert(String.class)).isEqualTo("mocked");
		}

	}

	@Nested
	@SpringBootTest(classes = Application.class)
	class AMockOfAChildsTemplate {

		@MockitoBean
		@Qualifier("left")
		private CborMessageTemplate left;

		@Autowired
		private Caller caller;

		@Test
		void isWhatTheApplicationGetsByTheQualifier() {
			Mockito.when(this.left.receiveAndConvert(String.class)).thenReturn("mocked");
			assertThat(this.caller.left.receiveAndConvert(String.class)).isEqualTo("mocked");
			assertThat(Mockito.mockingDetails(this.caller.template).isMock()).isFalse();
		}

	}

	@Nested
	@SpringBootTest(classes = Application.class)
	class MocksOfBoth {

		@MockitoBean
		private CborMessageTemplate template;

		@MockitoBean
		@Qualifier("left")
		private CborMessageTemplate left;

		@Autowired
		private Caller caller;

		@Test
		void areEachWhereTheyBelong() {
			assertThat(this.caller.template).isSameAs(this.template);
			assertThat(this.caller.left).isSameAs(this.left);
		}

	}

	@Nested
	@SpringBootTest(classes = WithoutAutoConfiguration.class)
	class ASliceOfTheApplication {

		@MockitoBean
		private CborMessageOperations operations;

		@Autowired
		private OperationsCaller caller;

		@Autowired
		private ApplicationContext context;

		@Test
		void hasNoChildren() {
			assertThat(this.caller.operations).isSameAs(this.operations);
			assertThat(this.context.getBeansOfType(IpcChild.class)).isEmpty();
		}

	}

	@Nested
	@SpringBootTest(classes = Application.class, properties = "ipc.enabled=false")
	class TheSwitch {

		@Autowired
		private Caller caller;

		@Autowired
		private ApplicationContext context;

		@Test
		void leavesTemplatesThatSaySo() {
			assertThat(this.context.getBeansOfType(IpcChild.class).values()).hasSize(2)
				.allSatisfy((child) -> assertThat(child.instances()).singleElement().hasToString("STOPPED"));
			assertThatExceptionOfType(IpcPeerUnavailableException.class)
				.isThrownBy(() -> this.caller.left.convertSendAndReceive("hello", String.class))
				.withMessageContaining("ipc.enabled");
			assertThatExceptionOfType(IpcPeerUnavailableException.class)
				.isThrownBy(() -> this.caller.template.convertAndSend("right", "hello"))
				.withMessageContaining("ipc.enabled");
		}

	}

	@Configuration(proxyBeanMethods = false)
	@ChildProcess(name = "left", command = "cat")
	@ChildProcess(name = "right", command = "cat")
	@ImportAutoConfiguration({ JacksonAutoConfiguration.class, IpcAutoConfiguration.class })
	@Import(Caller.class)
	static class Application {

	}

	@Configuration(proxyBeanMethods = false)
	@ImportAutoConfiguration({ JacksonAutoConfiguration.class, IpcAutoConfiguration.class })
	@Import(WithoutAutoConfiguration.class)
	static class OperationsApplication {

	}

	@Configuration(proxyBeanMethods = false)
	@ChildProcess(name = "left", command = "cat")
	@ChildProcess(name = "right", command = "cat")
	@Import(OperationsCaller.class)
	static class WithoutAutoConfiguration {

	}

	@Component
	static class Caller {

		private final CborMessageTemplate template;

		private final CborMessageOperations operations;

		private final CborMessageTemplate left;

		Caller(CborMessageTemplate template, CborMessageOperations operations,
				@Qualifier("left") CborMessageTemplate left) {
			this.template = template;
			this.operations = operations;
			this.left = left;
		}

	}

	@Component
	static class OperationsCaller {

		private final CborMessageOperations operations;

		OperationsCaller(CborMessageOperations operations) {
			this.operations = operations;
		}

	}

}
