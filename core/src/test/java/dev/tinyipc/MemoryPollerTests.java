package dev.tinyipc;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** A poller sees messages in memory as it sees packets on a socket. */
@Timeout(60)
class MemoryPollerTests {

	private MemoryLane lane;

	private IpcPoller poller;

	@BeforeEach
	void open() throws IpcException {
		this.lane = MemoryLane.open(LaneMemory.MIN_RING_SIZE);
		this.poller = IpcPoller.open();
	}

	@AfterEach
	void close() throws IpcException {
		this.poller.close();
		this.lane.close();
	}

	private IpcPoller.Event readable() {
		return new IpcPoller.Event(this.lane.other(), true, false, false);
	}

	private List<IpcPoller.Event> ready() throws IpcException {
		return this.poller.await(Duration.ZERO);
	}

	private String receive() throws IpcException {
		return this.lane.othersChannel().<String>receive(String.class).payload();
	}

	@Test
	void messageThatIsThereAlreadyMakesTheSocketReadableUntilItIsReceived() throws Exception {
		this.lane.openersChannel().send("first");
		this.lane.openersChannel().send("second");
		this.poller.add(this.lane.other(), IpcPoller.Interest.READ);
		assertThat(this.poller.await(null)).containsExactly(readable());
		assertThat(receive()).isEqualTo("first");
		for (int i = 0; i < 3; i++) {
			assertThat(this.poller.await(null)).containsExactly(readable());
		}
		assertThat(receive()).isEqualTo("second");
		assertThat(ready()).isEmpty();
	}

	@Test
	void messageThatComesEndsTheWait() throws Exception {
		this.poller.add(this.lane.other(), IpcPoller.Interest.READ);
		for (int i = 0; i < 1000; i++) {
			Future<Object> waiting = FrameSizeTests.inBackground(() -> this.poller.await(null));
			this.lane.openersChannel().send("message " + i);
			assertThat(waiting.get(20, TimeUnit.SECONDS)).isEqualTo(List.of(readable()));
			assertThat(receive()).isEqualTo("message " + i);
			assertThat(ready()).isEmpty();
		}
	}

	@Test
	void socketThatIsAddedWhileAThreadWaitsEndsTheWaitIfAMessageIsThere() throws Exception {
		try (Blocked waiting = Blocked.in("epoll_wait",
				() -> assertThat(this.poller.await(null)).containsExactly(readable()))) {
			this.lane.openersChannel().send("x");
			this.poller.add(this.lane.other(), IpcPoller.Interest.READ);
			waiting.join();
		}
	}

	@Test
	void endOfThePeerIsSeenWithAndWithoutAMessageBeforeIt() throws Exception {
		this.poller.add(this.lane.other(), IpcPoller.Interest.READ);
		this.lane.openersChannel().send("last");
		this.lane.opener().close();
		assertThat(this.poller.await(null)).hasSize(1).allMatch((event) -> event.readable() && event.ended());
		assertThat(receive()).isEqualTo("last");
		assertThat(this.poller.await(null)).hasSize(1).allMatch((event) -> event.readable() && event.ended());
		assertThat(this.lane.othersChannel().<String>receive(String.class)).isNull();
	}

	@Test
	void whoWatchesForTheEndOnlyIsNotToldOfMessages() throws Exception {
		this.poller.add(this.lane.other(), IpcPoller.Interest.END);
		this.lane.openersChannel().send("x");
		assertThat(ready()).isEmpty();
		this.lane.opener().close();
		assertThat(this.poller.await(null)).hasSize(1).allMatch(IpcPoller.Event::ended);
	}

	@Test
	void wakeUpEndsTheWaitAlsoWithMemoryLanes() throws Exception {
		this.poller.add(this.lane.other(), IpcPoller.Interest.READ);
		try (Blocked waiting = Blocked.in("epoll_wait", () -> assertThat(this.poller.await(null)).isEmpty())) {
			this.poller.wakeUp();
			waiting.join();
		}
	}

	@Test
	void socketThatIsRemovedOrClosedIsNotReady() throws Exception {
		this.lane.openersChannel().send("x");
		this.poller.add(this.lane.other(), IpcPoller.Interest.READ);
		this.poller.remove(this.lane.other());
		assertThat(ready()).isEmpty();
		this.poller.add(this.lane.other(), IpcPoller.Interest.READ);
		this.lane.close();
		assertThat(ready()).isEmpty();
	}

	@Test
	void peerThatBreaksTheLaneMakesItReadable() throws Exception {
		this.poller.add(this.lane.other(), IpcPoller.Interest.READ);
		RawSender.send(this.lane.opener(), new byte[] { 7 });
		assertThat(this.poller.await(null)).hasSize(1).allMatch(IpcPoller.Event::readable);
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> this.lane.othersChannel().receive(String.class))
			.withMessageContaining("the peer is broken");
	}

}
