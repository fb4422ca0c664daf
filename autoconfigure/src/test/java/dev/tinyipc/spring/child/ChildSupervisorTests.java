package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

import static org.assertj.core.api.Assertions.assertThat;

@Timeout(60)
@ExtendWith(OutputCaptureExtension.class)
class ChildSupervisorTests {

	@Test
	void whateverATaskThrowsIsLoggedAndTheNextOnesRun(CapturedOutput output) throws Exception {
		ChildSupervisor supervisor = new ChildSupervisor();
		supervisor.execute(() -> {
			throw new OutOfMemoryError("on purpose");
		});
		supervisor.schedule(Duration.ofMillis(1), () -> {
			throw new IllegalStateException("on purpose, too");
		});
		CompletableFuture<Boolean> next = new CompletableFuture<>();
		supervisor.schedule(Duration.ofMillis(10), () -> next.complete(true));
		assertThat(next.get(30, TimeUnit.SECONDS)).isTrue();
		assertThat(output).contains("Failed to supervise a child process", "OutOfMemoryError: on purpose",
				"IllegalStateException: on purpose, too");
	}

}
