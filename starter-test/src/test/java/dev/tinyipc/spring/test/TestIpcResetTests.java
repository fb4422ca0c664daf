package dev.tinyipc.spring.test;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcReplyLostException;
import dev.tinyipc.spring.child.ChildState;
import dev.tinyipc.spring.child.IpcChild;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;

import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** What one test does to a child is over before the next one begins. */
@SpringBootTest(properties = "ipc.children.greeter.restart.max-failures=1")
@AutoConfigureTestIpc
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@Timeout(60)
class TestIpcResetTests {

	@Autowired
	private CborMessageTemplate template;

	@Autowired
	private IpcFaults faults;

	@Autowired
	private IpcChild child;

	@Test
	@Order(1)
	void aChildFailsForGoodAndAFaultMeetsNoRequest() {
		this.faults.die("greeter");
		assertThatExceptionOfType(IpcReplyLostException.class)
			.isThrownBy(() -> this.template.convertSendAndReceive("hello", String.class));
		Awaitility.await().until(() -> this.child.instances().get(0).state() == ChildState.FAILED);
		this.faults.die("greeter");
	}

	@Test
	@Order(2)
	void theChildRunsAgainAndTheFaultIsForgotten() {
		assertThat(this.template.convertSendAndReceive("hello", String.class)).isEqualTo("hello");
	}

	@TestConfiguration
	static class Children {

		@Bean
		TestIpcChild greeter() {
			return TestIpcChild.of("greeter", (server) -> server.handler(String.class, (request) -> request.payload()));
		}

	}

}
