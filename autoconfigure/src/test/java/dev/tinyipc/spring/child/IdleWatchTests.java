package dev.tinyipc.spring.child;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

import dev.tinyipc.IpcPoller;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.IpcSocketPair;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;

@Timeout(60)
class IdleWatchTests {

	private final IdleWatch watch = new IdleWatch();

	@AfterEach
	void close() {
		this.watch.close();
	}

	@Test
	void laterWatchTakesThePlaceOfTheEarlierOne() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			CompletableFuture<String> told = new CompletableFuture<>();
			this.watch.watch(pair.parent(), IpcPoller.Interest.END, (event) -> told.complete("earlier"));
			this.watch.watch(pair.parent(), IpcPoller.Interest.READ, (event) -> told.complete("later"));
			this.watch.watch(pair.parent(), IpcPoller.Interest.READ, (event) -> told.complete("last"));
			pair.child().send(ByteBuffer.wrap(new byte[] { 1 }));
			assertThat(told.get(30, TimeUnit.SECONDS)).isEqualTo("last");
		}
	}

	@Test
	void actionThatFailsDoesNotEndTheWatchOfOthers() throws Exception {
		try (IpcSocketPair first = IpcSocket.pair(); IpcSocketPair second = IpcSocket.pair()) {
			this.watch.watch(first.parent(), IpcPoller.Interest.END, (event) -> {
				throw new StackOverflowError("on purpose");
			});
			CompletableFuture<Boolean> ended = new CompletableFuture<>();
			this.watch.watch(second.parent(), IpcPoller.Interest.END, (event) -> ended.complete(event.ended()));
			first.child().close();
			second.child().close();
			assertThat(ended.get(30, TimeUnit.SECONDS)).isTrue();
		}
	}

	@Test
	void watchThatIsClosedStaysClosed() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			this.watch.close();
			long before = OpenDescriptors.count();
			this.watch.watch(pair.parent(), IpcPoller.Interest.READ, (event) -> {
			});
			Awaitility.await().untilAsserted(() -> assertThat(OpenDescriptors.count()).isLessThanOrEqualTo(before));
		}
	}

}
