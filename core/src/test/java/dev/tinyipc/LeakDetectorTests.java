package dev.tinyipc;

import java.io.IOException;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** It is switched on for all tests. */
@Timeout(60)
class LeakDetectorTests {

	private static final Logger logger = (Logger) LoggerFactory.getLogger(OwnedFd.class);

	private final ListAppender<ILoggingEvent> log = new ListAppender<>();

	@BeforeEach
	void listen() {
		this.log.start();
		logger.addAppender(this.log);
	}

	@AfterEach
	void stopListening() {
		logger.detachAppender(this.log);
	}

	@Test
	void forgottenDescriptorIsReportedWithThePlaceOfItsCreationAndStaysOpen() throws Exception {
		int number = forget();
		await().until(() -> {
			System.gc();
			return this.log.list.stream().anyMatch((event) -> event.getMessage().contains("was never closed"));
		});
		ILoggingEvent event = this.log.list.get(0);
		assertThat(event.getLevel()).isEqualTo(Level.WARN);
		assertThat(event.getFormattedMessage()).isEqualTo("descriptor " + number + " was never closed");
		assertThat(event.getThrowableProxy().getStackTraceElementProxyArray())
			.anyMatch((element) -> element.toString().contains("LeakDetectorTests.forget("));
		OwnedFd.adopt(number).close();
	}

	private static int forget() throws IOException {
		return Samples.memoryFile("forgotten").fd();
	}

	@Test
	void closedAndDetachedDescriptorsAreNotReported() throws Exception {
		int detached = closeAndDetach();
		forgetAnother();
		await().until(() -> {
			System.gc();
			return !this.log.list.isEmpty();
		});
		assertThat(this.log.list).singleElement()
			.satisfies((event) -> assertThat(event.getThrowableProxy().getStackTraceElementProxyArray())
				.anyMatch((element) -> element.toString().contains("forgetAnother")));
		OwnedFd.adopt(detached).close();
		OwnedFd.adopt(this.forgotten).close();
	}

	private int forgotten;

	private void forgetAnother() throws IOException {
		this.forgotten = Samples.memoryFile("forgotten").fd();
	}

	private static int closeAndDetach() throws IOException {
		Samples.memoryFile("closed").close();
		try (IpcSocketPair pair = IpcSocket.pair()) {
			assertThat(pair.parent().fd()).isPositive();
		}
		return Samples.memoryFile("detached").detach();
	}

}
