package dev.tinyipc.spring.test;

import dev.tinyipc.spring.CborMessageTemplate;
import org.junit.jupiter.api.Test;

import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;

import static org.assertj.core.api.Assertions.assertThat;

@SpringBootTest
@AutoConfigureTestIpc
class GreetingTests {

	@Autowired
	private CborMessageTemplate template;

	@Autowired
	private IpcFaults faults;

	@Test
	void aGreetingSurvivesItsWorker() {
		this.faults.die("greeter");
		String greeting = this.template.idempotent().method("greet").convertSendAndReceive("Ada", String.class);
		assertThat(greeting).isEqualTo("Hello Ada");
	}

	@TestConfiguration
	static class Children {

		@Bean
		TestIpcChild greeter() {
			return TestIpcChild.of("greeter",
					(server) -> server.handler("greet", String.class, (request) -> "Hello " + request.payload()));
		}

	}

}
