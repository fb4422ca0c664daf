package dev.tinyipc;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
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

	/** Calls rely on a timeout of the kernel, which a poller must not find. */
	@Test
	void deadlinesHoldWhileAndAfterAPollerWatchesALaneThatWasASocketBefore() throws Exception {
		IpcSocketPair pair = IpcSocket.pair();
		IpcChannel.over(pair.parent()).send("over the socket");
		IpcChannel.over(pair.child()).receive(String.class);
		try (MemoryLane changed = MemoryLane.over(pair, LaneMemory.MIN_RING_SIZE)) {
			assertThatCallsEndInTime(changed.othersChannel());
			this.poller.add(changed.other(), IpcPoller.Interest.READ);
			assertThat(DeadlineTests.kernelTimeout(changed.other().fd(), LibC.SO_RCVTIMEO)).isZero();
			assertThatCallsEndInTime(changed.othersChannel());
			this.poller.remove(changed.other());
			assertThat(DeadlineTests.kernelTimeout(changed.other().fd(), LibC.SO_RCVTIMEO)).isZero();
			assertThatCallsEndInTime(changed.othersChannel());
		}
	}

	private static void assertThatCallsEndInTime(IpcChannel channel) {
		assertThatEndsInTime(() -> channel.receive(String.class, Deadline.in(Duration.ofMillis(50))));
		assertThatEndsInTime(() -> {
			while (true) {
				channel.send("until there is no room", Deadline.in(Duration.ofMillis(50)));
			}
		});
	}

	private static void assertThatEndsInTime(ThrowingCallable calls) {
		assertThat(FrameSizeTests.inBackground(() -> {
			assertThatExceptionOfType(IpcException.Timeout.class).isThrownBy(calls);
			return null;
		})).succeedsWithin(Duration.ofSeconds(20));
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

	/** That thread attends to the socket, for whatever comes. */
	@Test
	void messageIsSeenAlsoIfAThreadThatWaitsForRoomTakesItsBell() throws Exception {
		this.poller.add(this.lane.other(), IpcPoller.Interest.READ);
		byte[] large = Samples.random(100_000);
		try (Blocked sender = Blocked.in("poll", () -> this.lane.othersChannel().send(large))) {
			for (int i = 0; i < 50; i++) {
				try (Blocked waiting = Blocked.in("epoll_wait",
						() -> assertThat(this.poller.await(null)).containsExactly(readable()))) {
					this.lane.openersChannel().send("message " + i);
					waiting.join();
				}
				assertThat(receive()).isEqualTo("message " + i);
			}
			Samples.assertSame(this.lane.openersChannel().<byte[]>receive(byte[].class).payload(), large);
			sender.join();
		}
	}

	@Test
	void messageIsSeenAlsoIfAnotherThreadHasWaitedForOneMeanwhile() throws Exception {
		this.poller.add(this.lane.other(), IpcPoller.Interest.READ);
		try (Blocked waiting = Blocked.in("epoll_wait",
				() -> assertThat(this.poller.await(null)).containsExactly(readable()))) {
			assertThatExceptionOfType(IpcException.Timeout.class)
				.isThrownBy(() -> this.lane.othersChannel().receive(String.class, Deadline.in(Duration.ofMillis(50))));
			this.lane.openersChannel().send("x");
			waiting.join();
		}
		assertThat(receive()).isEqualTo("x");
	}

	@Test
	void messageIsSeenAlsoIfItIsTheFirstThroughMemory() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			this.poller.add(pair.child(), IpcPoller.Interest.READ);
			try (Blocked waiting = Blocked.in("epoll_wait", () -> assertThat(this.poller.await(null))
				.containsExactly(new IpcPoller.Event(pair.child(), true, false, false)))) {
				pair.child().share(MemoryLane.share(pair.parent(), LaneMemory.MIN_RING_SIZE));
				IpcChannel.over(pair.parent()).send("x");
				waiting.join();
			}
			assertThat(IpcChannel.over(pair.child()).<String>receive(String.class).payload()).isEqualTo("x");
		}
	}

	@Test
	void eachOfTwoPollersSeesTheSameMessage() throws Exception {
		try (IpcPoller second = IpcPoller.open()) {
			this.poller.add(this.lane.other(), IpcPoller.Interest.READ);
			second.add(this.lane.other(), IpcPoller.Interest.READ);
			for (int i = 0; i < 20; i++) {
				try (Blocked one = Blocked.in("epoll_wait",
						() -> assertThat(this.poller.await(null)).containsExactly(readable()));
						Blocked other = Blocked.in("epoll_wait",
								() -> assertThat(second.await(null)).containsExactly(readable()))) {
					this.lane.openersChannel().send("message " + i);
					one.join();
					other.join();
				}
				assertThat(receive()).isEqualTo("message " + i);
			}
		}
	}

	@Test
	void noLaneHasToWaitUntilAllOthersHaveNothingMore() throws Exception {
		List<MemoryLane> lanes = new ArrayList<>();
		Set<IpcSocket> seen = new HashSet<>();
		try {
			for (int i = 0; i < 100; i++) {
				MemoryLane lane = MemoryLane.open(LaneMemory.MIN_RING_SIZE);
				lanes.add(lane);
				lane.openersChannel().send("x");
				this.poller.add(lane.other(), IpcPoller.Interest.READ);
			}
			for (int i = 0; i < 3; i++) {
				this.poller.await(null).forEach((event) -> seen.add(event.socket()));
			}
			assertThat(seen).hasSize(100);
		}
		finally {
			lanes.forEach(MemoryLane::close);
		}
	}

}
