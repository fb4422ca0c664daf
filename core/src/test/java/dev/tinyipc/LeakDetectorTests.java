package dev.tinyipc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;

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
@Timeout(660)
class LeakDetectorTests {

	private static final Logger logger = (Logger) LoggerFactory.getLogger(LeakDetector.class);

	private final ListAppender<ILoggingEvent> log = new ListAppender<>();

	@BeforeEach
	void listen() {
		this.log.start();
		this.log.list = new CopyOnWriteArrayList<>();
		logger.addAppender(this.log);
	}

	@AfterEach
	void stopListening() {
		logger.detachAppender(this.log);
	}

	@Test
	void forgottenDescriptorIsReportedWithThePlaceOfItsCreationAndStaysOpen() throws Exception {
		int number = forget();
		ILoggingEvent event = reportOf("forget");
		assertThat(event.getLevel()).isEqualTo(Level.WARN);
		assertThat(event.getFormattedMessage()).isEqualTo("descriptor " + number + " was never closed");
		OwnedFd.adopt(number).close();
	}

	private static int forget() throws IOException {
		return Samples.memoryFile("forgotten").fd();
	}

	@Test
	void closedAndDetachedDescriptorsAreNotReported() throws Exception {
		int detached = closeAndDetach();
		forgetAnother();
		reportOf("forgetAnother");
		assertThat(this.log.list).noneMatch((event) -> isFrom("closeAndDetach", event));
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

	@Test
	void forgottenMessageWithAViewIsReportedAndItsMemoryIsGivenBack() throws Exception {
		forgetViewOfEndedConversation();
		afterCollection(() -> (BlockConversation.mapped() == 0) ? Optional.of(true) : Optional.empty());
	}

	private void forgetViewOfEndedConversation() throws IpcException {
		try (BlockConversation conversation = BlockConversation
			.with(IpcServer.builder().handler(Integer.class, (request) -> new byte[BlockConversation.MIB]))) {
			forgetView(conversation);
			assertThat(reportOf("forgetView").getFormattedMessage())
				.isEqualTo("A message with a view of shared blocks was never closed");
		}
	}

	private static void forgetView(BlockConversation conversation) throws IpcException {
		Conversation.ask(conversation.requester(), "", 1).reply(ByteBuffer.class);
	}

	/** Other tests may have forgotten some, too. */
	private ILoggingEvent reportOf(String method) {
		return afterCollection(() -> this.log.list.stream().filter((event) -> isFrom(method, event)).findFirst());
	}

	private static <T> T afterCollection(Callable<Optional<T>> what) {
		// On a loaded machine, a collection of the heap of all tests takes seconds.
		return await().atMost(Duration.ofMinutes(5)).pollInterval(Duration.ofSeconds(1)).until(() -> {
			System.gc();
			return what.call();
		}, Optional::isPresent).orElseThrow();
	}

	private static boolean isFrom(String method, ILoggingEvent event) {
		return Arrays.stream(event.getThrowableProxy().getStackTraceElementProxyArray())
			.anyMatch((element) -> element.toString().contains("LeakDetectorTests." + method + '('));
	}

}
