package dev.tinyipc.demo;

import java.net.http.HttpResponse;

import org.junit.jupiter.api.Test;

import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.TestPropertySource;

import static org.assertj.core.api.Assertions.assertThat;

@DemoTest
@DirtiesContext
@TestPropertySource(properties = "ipc.template.timeout=1ms")
class SlowWorkerTests {

	@Test
	void whenTheAnswerTakesTooLongTheServiceIsUnavailable(@Autowired DemoClient client) {
		HttpResponse<byte[]> response = client.upload(Pictures.photo());
		assertThat(response.statusCode()).isEqualTo(503);
		assertThat(response.headers().firstValue("Content-Type")).hasValue("application/problem+json");
	}

}
