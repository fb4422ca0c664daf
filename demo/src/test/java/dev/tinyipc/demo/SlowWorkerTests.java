package dev.tinyipc.demo;

import java.net.http.HttpResponse;

import org.junit.jupiter.api.Test;

import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.TestPropertySource;

import static org.assertj.core.api.Assertions.assertThat;

@DemoTest
@DirtiesContext
@TestPropertySource(properties = "ipc.template.timeout=1ms")
class SlowWorkerTests {

	@Test
	void whenTheAnswerTakesTooLongTheServiceIsUnavailable(@LocalServerPort int port) {
		HttpResponse<byte[]> response = new DemoClient(port).upload(Pictures.photo());
		assertThat(response.statusCode()).isEqualTo(503);
		assertThat(response.headers().firstValue("Content-Type")).hasValue("application/problem+json");
	}

}
