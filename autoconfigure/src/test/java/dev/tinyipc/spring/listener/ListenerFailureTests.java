package dev.tinyipc.spring.listener;

import java.io.Reader;
import java.util.List;

import dev.tinyipc.IpcExchange;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.spring.ChildCalls;
import dev.tinyipc.spring.IpcListener;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.autoconfigure.IpcListenerAutoConfiguration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.annotation.Bean;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.messaging.Message;
import org.springframework.messaging.handler.annotation.Headers;
import org.springframework.messaging.handler.annotation.Payload;
import org.springframework.validation.annotation.Validated;

import static org.assertj.core.api.Assertions.assertThat;

/** Listeners with which an application does not start, and what it says then. */
@Timeout(60)
@ExtendWith(OutputCaptureExtension.class)
class ListenerFailureTests {

	private final ApplicationContextRunner application = RawWorker.application()
		.withConfiguration(AutoConfigurations.of(IpcListenerAutoConfiguration.class));

	private void assertFails(Class<?> listener, String... says) {
		this.application.withUserConfiguration(listener).run((context) -> {
			assertThat(context).hasFailed();
			assertThat(NestedExceptionUtils.getMostSpecificCause(context.getStartupFailure()))
				.hasMessageContainingAll(says);
		});
	}

	static class UnknownChild {

		@IpcListener("werker")
		void take(String text) {
		}

	}

	@Test
	void thereIsNoSuchChild() {
		assertFails(UnknownChild.class, "UnknownChild.take(String)", "'werker'", "There are: worker");
	}

	static class OfNobody {

		@IpcListener({})
		void take(String text) {
		}

	}

	@Test
	void thereIsNoDestination() {
		assertFails(OfNobody.class, "OfNobody.take(String)", "names no destination");
	}

	static class OfParent {

		@IpcListener("parent")
		void take(String text) {
		}

	}

	@Test
	void thereIsNoParent() {
		assertFails(OfParent.class, "OfParent.take(String)", "was not started as a child", "ipc.listener.auto-startup");
	}

	/** The component scan of a parent finds what is in a package below its own. */
	@Test
	void aListenerOfAChildIsFoundInItsParent() {
		assertFails(OfParent.class, "OfParent.take(String)", "one of its children (worker)", "does not scan");
	}

	@Test
	void listenersOfAParentThatIsNotThereAreLeftAloneIfTheyAreNotToBeStarted() {
		this.application.withUserConfiguration(OfParent.class)
			.withPropertyValues("ipc.listener.auto-startup=false")
			.run((context) -> assertThat(context.getBean(IpcListenerEndpointRegistry.class).getListenerContainers())
				.isEmpty());
	}

	static class First {

		@IpcListener("worker")
		void take(String text) {
		}

	}

	static class Second {

		@IpcListener(value = "Worker", method = "take")
		void takeAsWell(String text) {
		}

	}

	static class Both {

		@Bean
		First first() {
			return new First();
		}

		@Bean
		Second second() {
			return new Second();
		}

	}

	@Test
	void twoListenersServeOneMethod() {
		assertFails(Both.class, "two listeners for the method 'take'", "First.take(String) (bean 'first')",
				"Second.takeAsWell(String) (bean 'second')");
	}

	static class TwoWithoutMethod {

		@IpcListener(value = "worker", method = IpcListener.NO_METHOD)
		void one(String text) {
		}

		@IpcListener(value = "worker", method = IpcListener.NO_METHOD)
		void other(String text) {
		}

	}

	@Test
	void twoListenersServeRequestsWithoutAMethod() {
		assertFails(TwoWithoutMethod.class, "two listeners for requests without a method");
	}

	static class WithCalls extends First {

		@Bean
		ChildCalls calls() {
			return new ChildCalls("worker", (calls) -> calls.handler("take", String.class, (request) -> null));
		}

	}

	@Test
	void listenerServesWhatChildCallsServe() {
		assertFails(WithCalls.class, "two handlers for the method 'take'");
	}

	static class TwoPayloads {

		@IpcListener("worker")
		void take(String text, @Payload Integer number) {
		}

	}

	@Test
	void twoParametersWouldBeThePayload() {
		assertFails(TwoPayloads.class, "parameter 'number' of TwoPayloads.take(String, Integer)", "parameter 'text'",
				"one record");
	}

	static class OtherMessage {

		@IpcListener("worker")
		void take(Message<Integer> message, String text) {
		}

	}

	@Test
	void messageAndPayloadAreOfDifferentTypes() {
		assertFails(OtherMessage.class, "parameter 'text' of OtherMessage.take(Message, String)");
	}

	static class NoData {

		@IpcListener("worker")
		void take(Reader text) {
		}

	}

	@Test
	void parameterCannotBeRead() {
		assertFails(NoData.class, "parameter 'text' of NoData.take(Reader)", "OwnedFd");
	}

	static class TwoLists {

		@IpcListener("worker")
		void take(List<OwnedFd> some, List<OwnedFd> others) {
		}

	}

	@Test
	void twoListsOfDescriptors() {
		assertFails(TwoLists.class, "parameter 'others'", "only one List<OwnedFd>");
	}

	static class HeadersOfAnotherType {

		@IpcListener("worker")
		void take(@Headers List<String> headers) {
		}

	}

	@Test
	void headersAreNoMap() {
		assertFails(HeadersOfAnotherType.class, "parameter 'headers'", "Map<String, Object>");
	}

	@IpcListener("worker")
	static class NoContract implements Runnable {

		@Override
		public void run() {
		}

	}

	@Test
	void classHasNoContract() {
		assertFails(NoContract.class, NoContract.class.getName(), "@IpcExchange");
	}

	@IpcExchange
	interface Contract {

		void take(String text);

	}

	@IpcListener(value = "worker", method = "other")
	static class NamedContract implements Contract {

		@Override
		public void take(String text) {
		}

	}

	@Test
	void classNamesAMethod() {
		assertFails(NamedContract.class, NamedContract.class.getName(), "names a method");
	}

	static class TwoConcurrencies {

		@IpcListener(value = "worker", concurrency = "2")
		void two() {
		}

		@IpcListener(value = "worker", concurrency = "${three:3}")
		void three() {
		}

	}

	@Test
	void listenersOfADestinationDisagreeOnTheirConcurrency() {
		assertFails(TwoConcurrencies.class, "2 by TwoConcurrencies.two()", "3 by TwoConcurrencies.three()");
	}

	static class NoConcurrency {

		@IpcListener(value = "worker", concurrency = "many")
		void take() {
		}

	}

	@Test
	void concurrencyIsNoNumber() {
		assertFails(NoConcurrency.class, "NoConcurrency.take()", "'many'");
		this.application.withPropertyValues("ipc.listener.concurrency=0")
			.run((context) -> assertThat(context).getFailure()
				.rootCause()
				.hasMessageContaining("ipc.listener.concurrency"));
	}

	static class NotValidated {

		@IpcListener("worker")
		void take(@Validated String text) {
		}

	}

	@Test
	void payloadThatNobodyValidatesIsAWarning(CapturedOutput output) {
		this.application.withUserConfiguration(NotValidated.class).run((context) -> {
			assertThat(context).hasNotFailed();
			assertThat(output).contains("parameter 'text' of NotValidated.take(String) is not validated");
		});
	}

}
