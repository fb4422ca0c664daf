package dev.tinyipc.spring.autoconfigure;

import java.util.Collection;
import java.util.List;
import java.util.Map;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.IpcSocketPair;
import dev.tinyipc.Sandbox;
import dev.tinyipc.spring.child.ChildState;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcPeerUnavailableException;
import dev.tinyipc.spring.child.ParentDestination;
import dev.tinyipc.spring.child.Processes;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.actuate.InstanceDetails;
import dev.tinyipc.spring.actuate.IpcEndpoint;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.json.JsonMapper;

import org.springframework.boot.actuate.endpoint.InvalidEndpointRequestException;
import org.springframework.boot.actuate.endpoint.web.EndpointMediaTypes;
import org.springframework.boot.actuate.endpoint.web.ExposableWebEndpoint;
import org.springframework.boot.actuate.endpoint.web.annotation.WebEndpointDiscoverer;
import org.springframework.boot.actuate.endpoint.invoke.convert.ConversionServiceParameterValueMapper;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

@Timeout(120)
class IpcEndpointAutoConfigurationTests {

	private static final String EXPOSED = "management.endpoints.web.exposure.include=ipc";

	private final ApplicationContextRunner runner = RawWorker
		.application(EXPOSED, "ipc.children.cat.command=sh,-c,cat <&3", "ipc.template.default-destination=worker")
		.withConfiguration(AutoConfigurations.of(IpcEndpointAutoConfiguration.class));

	@Test
	void itListsChildrenAndTheirSockets() {
		this.runner.withPropertyValues("ipc.children.worker.instances=2").run((context) -> {
			IpcEndpoint endpoint = context.getBean(IpcEndpoint.class);
			Map<String, IpcEndpoint.Child> children = endpoint.destinations().children();
			assertThat(children).containsOnlyKeys("cat", "worker");
			assertThat(children.get("worker").waitingCallers()).isZero();
			assertThat(children.get("worker").instances()).hasSize(2)
				.extracting(InstanceDetails::pid)
				.doesNotHaveDuplicates()
				.allMatch(Processes::runs);
			assertThat(children.values()).flatExtracting(IpcEndpoint.Child::instances)
				.hasSize(3)
				.allSatisfy((details) -> {
					assertThat(details.state()).isEqualTo(ChildState.RUNNING);
					assertThat(details.socket().pendingSize()).isNull();
					assertThat(details.socket().ended()).isFalse();
				})
				.extracting((details) -> details.socket().descriptor())
				.doesNotHaveDuplicates();
			assertThat(endpoint.destinations().parent()).isNull();
			assertThat(endpoint.child("worker").instances()).hasSize(2);
		});
	}

	@Test
	void itTellsHowTheLastProcessEndedAndWhatItPrintedLast() {
		RawWorker.shell("echo the licence has expired >&2; exit 3", EXPOSED, "ipc.children.worker.restart.policy=never")
			.withConfiguration(AutoConfigurations.of(IpcEndpointAutoConfiguration.class))
			.run((context) -> {
				IpcEndpoint endpoint = context.getBean(IpcEndpoint.class);
				awaitState(endpoint, ChildState.FAILED);
				InstanceDetails details = only(endpoint, "worker");
				assertThat(details.lastExit()).isEqualTo("exit code 3");
				assertThat(details.lastLines()).containsExactly("the licence has expired");
				assertThat(details.probablyOutOfMemory()).isFalse();
			});
	}

	@Test
	void itTellsWhatProtectsFromEachInstance() {
		RawWorker
			.shell("while read -r line; do :; done <&3", EXPOSED, "ipc.children.worker.instances=2",
					"ipc.children.worker.sandbox.profile=locked-down")
			.withConfiguration(AutoConfigurations.of(IpcEndpointAutoConfiguration.class))
			.run((context) -> {
				IpcEndpoint endpoint = context.getBean(IpcEndpoint.class);
				assertThat(endpoint.child("worker").instances()).hasSize(2)
					.extracting(InstanceDetails::protection)
					.allSatisfy((protection) -> {
						assertThat(protection.profile()).isEqualTo(Sandbox.Profile.LOCKED_DOWN);
						assertThat(protection.seccompFilters()).isPositive();
					});
				assertThat(context.getBean(JsonMapper.class).writeValueAsString(endpoint.child("worker"))).contains(
						"\"protection\":{\"profile\":\"LOCKED_DOWN\",\"landlockAbi\":", "\"noNewPrivileges\":true",
						"\"missing\":[]");
				endpoint.act("worker", "stop");
				awaitStates(endpoint, ChildState.STOPPED);
				assertThat(endpoint.child("worker").instances()).extracting(InstanceDetails::protection)
					.containsOnlyNulls();
			});
	}

	@Test
	void itTellsWhichInstancesStandBy() {
		this.runner.withPropertyValues("ipc.children.worker.spare=2")
			.run((context) -> assertThat(context.getBean(IpcEndpoint.class).child("worker").instances())
				.extracting(InstanceDetails::standby)
				.containsExactly(false, true, true));
	}

	@Test
	void aMessageThatNobodyHasReceivedIsSeenAndLeftThere() {
		this.runner.run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			template.convertAndSend("hello");
			IpcEndpoint endpoint = context.getBean(IpcEndpoint.class);
			// 8 bytes of length, one of CBOR's and the text.
			Awaitility.await()
				.until(() -> Integer.valueOf(8 + 1 + 5).equals(only(endpoint, "worker").socket().pendingSize()));
			assertThat(template.receiveAndConvert(String.class)).isEqualTo("hello");
			assertThat(only(endpoint, "worker").socket().pendingSize()).isNull();
		});
	}

	@Test
	void aPeerThatHasClosedItsEndIsSeen() {
		RawWorker.shell("exec 3>&-; sleep 1000", EXPOSED, "ipc.children.worker.shutdown-timeout=100ms")
			.withConfiguration(AutoConfigurations.of(IpcEndpointAutoConfiguration.class))
			.run((context) -> Awaitility.await()
				.until(() -> only(context.getBean(IpcEndpoint.class), "worker").socket().ended()));
	}

	@Test
	void itListsTheSocketOfAParent() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			RawWorker.nothing()
				.withPropertyValues(EXPOSED)
				.withConfiguration(AutoConfigurations.of(IpcEndpointAutoConfiguration.class))
				.withBean(ParentDestination.class, () -> new ParentDestination(IpcChannel.over(pair.child()), null))
				.run((context) -> {
					IpcEndpoint endpoint = context.getBean(IpcEndpoint.class);
					assertThat(endpoint.destinations().children()).isEmpty();
					assertThat(endpoint.destinations().parent().socket().descriptor()).isEqualTo(pair.child().fd());
					IpcChannel.over(pair.parent()).send("hello");
					assertThat(endpoint.destinations().parent().socket().pendingSize()).isEqualTo(8 + 1 + 5);
					pair.child().close();
					assertThat(endpoint.destinations().parent()).isNull();
				});
		}
	}

	@Test
	void aChildIsStoppedAndStarted() {
		this.runner.run((context) -> {
			IpcEndpoint endpoint = context.getBean(IpcEndpoint.class);
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			long before = only(endpoint, "worker").pid();
			endpoint.act("worker", "stop");
			awaitState(endpoint, ChildState.STOPPED);
			assertThat(Processes.runs(before)).isFalse();
			assertThatExceptionOfType(IpcPeerUnavailableException.class)
				.isThrownBy(() -> template.convertSendAndReceive("hello", String.class))
				.withMessageContaining("STOPPED");
			assertThat(only(endpoint, "cat").state()).isEqualTo(ChildState.RUNNING);
			assertThat(endpoint.act("worker", "start").instances()).extracting(InstanceDetails::state)
				.containsExactly(ChildState.RUNNING);
			assertThat(only(endpoint, "worker").pid()).isNotEqualTo(before);
			assertThat(template.convertSendAndReceive("hello", String.class)).isEqualTo("hello");
		});
	}

	@Test
	void aChildIsRestarted() {
		this.runner.run((context) -> {
			IpcEndpoint endpoint = context.getBean(IpcEndpoint.class);
			long before = only(endpoint, "worker").pid();
			endpoint.act("worker", "restart");
			Awaitility.await().until(() -> !Processes.runs(before));
			awaitState(endpoint, ChildState.RUNNING);
			assertThat(only(endpoint, "worker").restarts()).isEqualTo(1);
			assertThat(only(endpoint, "cat").restarts()).isZero();
			assertThat(context.getBean(CborMessageTemplate.class).convertSendAndReceive("hello", String.class))
				.isEqualTo("hello");
		});
	}

	@Test
	void aChildThatFailedIsBroughtBackByAStartAndByARestart() {
		this.runner.withPropertyValues("ipc.children.worker.restart.max-failures=1").run((context) -> {
			IpcEndpoint endpoint = context.getBean(IpcEndpoint.class);
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			for (String action : List.of("start", "restart")) {
				assertThatExceptionOfType(IpcPeerUnavailableException.class)
					.isThrownBy(() -> template.convertSendAndReceive("die", String.class));
				awaitState(endpoint, ChildState.FAILED);
				endpoint.act("worker", action);
				awaitState(endpoint, ChildState.RUNNING);
				assertThat(template.convertSendAndReceive("hello", String.class)).isEqualTo("hello");
			}
		});
	}

	@Test
	void aChildThatDoesNotExistIsNothingAndCannotBeActedOn() {
		this.runner.run((context) -> {
			IpcEndpoint endpoint = context.getBean(IpcEndpoint.class);
			assertThat(endpoint.child("nobody")).isNull();
			assertThatExceptionOfType(InvalidEndpointRequestException.class)
				.isThrownBy(() -> endpoint.act("nobody", "stop"))
				.withMessageContaining("nobody")
				.satisfies((ex) -> assertThat(ex.getReason()).contains("no child of that name"));
		});
	}

	@Test
	void anActionThatDoesNotExistIsRefusedWithThoseThatDo() {
		this.runner.run((context) -> {
			IpcEndpoint endpoint = context.getBean(IpcEndpoint.class);
			assertThatExceptionOfType(InvalidEndpointRequestException.class)
				.isThrownBy(() -> endpoint.act("worker", "explode"))
				.withMessageContaining("explode")
				.satisfies((ex) -> assertThat(ex.getReason()).contains("restart, stop or start"));
			assertThat(only(endpoint, "worker").state()).isEqualTo(ChildState.RUNNING);
		});
	}

	@Test
	void itsOperationsOnTheWebAreThree() {
		this.runner.run((context) -> {
			WebEndpointDiscoverer discoverer = new WebEndpointDiscoverer(context,
					new ConversionServiceParameterValueMapper(), EndpointMediaTypes.DEFAULT, List.of(), List.of(),
					List.of(), List.of(), List.of());
			Collection<ExposableWebEndpoint> endpoints = discoverer.getEndpoints();
			assertThat(endpoints).flatExtracting(ExposableWebEndpoint::getOperations)
				.extracting((operation) -> operation.getRequestPredicate().getHttpMethod() + " "
						+ operation.getRequestPredicate().getPath())
				.containsExactlyInAnyOrder("GET ipc", "GET ipc/{child}", "POST ipc/{child}");
		});
	}

	@Test
	void staysOutUnlessExposed() {
		this.runner.withPropertyValues("management.endpoints.web.exposure.include=health")
			.run((context) -> assertThat(context).hasNotFailed().doesNotHaveBean(IpcEndpoint.class));
		this.runner.withPropertyValues("management.endpoint.ipc.access=NONE")
			.run((context) -> assertThat(context).hasNotFailed().doesNotHaveBean(IpcEndpoint.class));
	}

	@Test
	void staysOutWithoutADestination() {
		RawWorker.nothing()
			.withPropertyValues(EXPOSED)
			.withConfiguration(AutoConfigurations.of(IpcEndpointAutoConfiguration.class))
			.run((context) -> assertThat(context).hasNotFailed().doesNotHaveBean(IpcEndpoint.class));
	}

	private static InstanceDetails only(IpcEndpoint endpoint, String child) {
		List<InstanceDetails> instances = endpoint.child(child).instances();
		assertThat(instances).hasSize(1);
		return instances.get(0);
	}

	private static void awaitStates(IpcEndpoint endpoint, ChildState state) {
		Awaitility.await()
			.until(() -> endpoint.child("worker").instances().stream().allMatch((one) -> one.state() == state));
	}

	private static void awaitState(IpcEndpoint endpoint, ChildState state) {
		Awaitility.await().until(() -> only(endpoint, "worker").state() == state);
	}

}
