package dev.tinyipc;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.awaitility.Awaitility.await;

/** Messages through memory are what they are over a socket. */
@Timeout(120)
class MemoryLaneTests {

	private static final int RING = LaneMemory.MIN_RING_SIZE;

	private static Deadline soon() {
		return Deadline.in(Duration.ofMillis(50));
	}

	private static Deadline inTime() {
		return Deadline.in(Duration.ofSeconds(60));
	}

	/** Sends until there is no room, and returns how many messages that were. */
	private static int fill(IpcChannel channel) throws IpcException {
		int sent = 0;
		while (true) {
			try {
				channel.send(Samples.random(200), soon());
				sent++;
			}
			catch (IpcException.Timeout ex) {
				return sent;
			}
		}
	}

	@ParameterizedTest
	@ValueSource(ints = { 0, 1, 7, 100, RING / 2 - 30, RING / 2, RING - 17, RING, RING + 1, 100_000, 5_000_000 })
	void messageOfAnySizeIsWholeAlsoIfItIsLongerThanTheRing(int size) throws Exception {
		try (MemoryLane lane = MemoryLane.open(RING)) {
			for (int round = 0; round < 2; round++) {
				Future<Long> sent = FrameSizeTests
					.inBackground(() -> lane.openersChannel().send(Samples.random(size), inTime()));
				Samples.assertSame(lane.othersChannel().receive(byte[].class, inTime()).payload(),
						Samples.random(size));
				Future<Long> answered = FrameSizeTests
					.inBackground(() -> lane.othersChannel().send(Samples.random(size), inTime()));
				Samples.assertSame(lane.openersChannel().receive(byte[].class, inTime()).payload(),
						Samples.random(size));
				assertThat(sent.get(20, TimeUnit.SECONDS)).isEqualTo(answered.get(20, TimeUnit.SECONDS));
			}
		}
	}

	/** A message of 17 bytes begins at each place of the ring once. */
	@Test
	void messageIsWholeWhereverInTheRingItBegins() throws Exception {
		try (MemoryLane lane = MemoryLane.open(RING)) {
			for (int i = 0; i < 2 * RING; i++) {
				lane.openersChannel().send(i % 20);
				assertThat(lane.othersChannel().<Integer>receive(Integer.class).payload()).isEqualTo(i % 20);
			}
			for (int i = 0; i < 3000; i++) {
				byte[] payload = Samples.random(i % 1000 + 1);
				lane.othersChannel().send(payload);
				Samples.assertSame(lane.openersChannel().<byte[]>receive(byte[].class).payload(), payload);
			}
		}
	}

	@Test
	void messagesThatWaitAreReceivedInTheirOrder() throws Exception {
		try (MemoryLane lane = MemoryLane.open(RING)) {
			for (int i = 0; i < 200; i++) {
				lane.openersChannel().send(i);
			}
			for (int i = 0; i < 200; i++) {
				assertThat(lane.other().pendingSize().orElse(0)).isGreaterThan(8);
				assertThat(lane.othersChannel().<Integer>receive(Integer.class).payload()).isEqualTo(i);
			}
			assertThat(lane.other().pendingSize()).isEmpty();
		}
	}

	@ParameterizedTest
	@ValueSource(ints = { 0, 50 })
	void endsThatSleepOrStayAwakeAnswerEachOther(int micros) throws Exception {
		try (MemoryLane lane = MemoryLane.open(RING)) {
			lane.opener().setSpinTime(Duration.ofNanos(micros * 1000));
			lane.other().setSpinTime(Duration.ofNanos(micros * 1000));
			int rounds = 20_000;
			Future<Object> echo = FrameSizeTests.inBackground(() -> {
				for (int i = 0; i < rounds; i++) {
					lane.othersChannel()
						.send(lane.othersChannel().receive(Integer.class, inTime()).payload(), inTime());
				}
				return null;
			});
			for (int i = 0; i < rounds; i++) {
				lane.openersChannel().send(i, inTime());
				assertThat(lane.openersChannel().receive(Integer.class, inTime()).payload()).isEqualTo(i);
			}
			echo.get(20, TimeUnit.SECONDS);
		}
	}

	/** A bell that was missed would let both ends wait until their time is up. */
	@Test
	void noBellIsMissedHoweverLongTheEndsTake() throws Exception {
		long end = System.nanoTime() + Duration.ofSeconds(Integer.getInteger("tinyipc.stress.seconds", 3)).toNanos();
		try (MemoryLane lane = MemoryLane.open(RING); IpcPoller poller = IpcPoller.open()) {
			lane.opener().setSpinTime(Duration.ofNanos(20_000));
			Future<Object> echo = FrameSizeTests.inBackground(() -> {
				Random random = new Random(1);
				while (true) {
					boolean watched = random.nextInt(4) == 0;
					if (watched) {
						poller.add(lane.other(), IpcPoller.Interest.READ);
						assertThat(poller.await(Duration.ofSeconds(20))).isNotEmpty();
						poller.remove(lane.other());
					}
					IpcMessage<byte[]> message = lane.othersChannel().receive(byte[].class, inTime());
					if (message == null) {
						return null;
					}
					pause(random);
					lane.othersChannel().send(message.payload(), inTime());
				}
			});
			Random random = new Random(2);
			while (System.nanoTime() - end < 0) {
				byte[] payload = Samples.random(random.nextInt(random.nextInt(10) == 0 ? 3 * RING : 100));
				lane.openersChannel().send(payload, inTime());
				pause(random);
				Samples.assertSame(lane.openersChannel().receive(byte[].class, inTime()).payload(), payload);
			}
			lane.opener().close();
			echo.get(20, TimeUnit.SECONDS);
		}
	}

	private static void pause(Random random) {
		long nanos = random.nextInt(3) * random.nextInt(30_000);
		if (random.nextBoolean()) {
			LockSupport.parkNanos(nanos);
		}
		for (long end = System.nanoTime() + nanos; System.nanoTime() - end < 0;) {
			Thread.onSpinWait();
		}
	}

	/** Each end has a thread that waits for room, and one that waits for a message. */
	@Test
	void bothDirectionsAreFullAtTheSameTime() throws Exception {
		try (MemoryLane lane = MemoryLane.open(RING)) {
			int count = 300;
			List<Future<Object>> threads = new ArrayList<>();
			for (IpcChannel channel : List.of(lane.openersChannel(), lane.othersChannel())) {
				threads.add(FrameSizeTests.inBackground(() -> {
					for (int i = 0; i < count; i++) {
						channel.send(Samples.random(i * 37), inTime());
					}
					return null;
				}));
				threads.add(FrameSizeTests.inBackground(() -> {
					for (int i = 0; i < count; i++) {
						Samples.assertSame(channel.receive(byte[].class, inTime()).payload(), Samples.random(i * 37));
					}
					return null;
				}));
			}
			for (Future<Object> thread : threads) {
				thread.get(60, TimeUnit.SECONDS);
			}
		}
	}

	@Test
	void descriptorsComeWithTheirMessages() throws Exception {
		try (MemoryLane lane = MemoryLane.open(RING)) {
			for (int i = 0; i < 100; i++) {
				OwnedFd[] files = new OwnedFd[i % 4];
				for (int j = 0; j < files.length; j++) {
					files[j] = Samples.memoryFile(i + " " + j);
				}
				lane.openersChannel().send(i, files);
				Samples.close(files);
				if (i % 10 == 9) {
					receiveTen(lane, i - 9);
				}
			}
		}
	}

	private static void receiveTen(MemoryLane lane, int first) throws Exception {
		for (int i = first; i < first + 10; i++) {
			try (IpcMessage<Integer> message = lane.othersChannel().receive(Integer.class)) {
				assertThat(message.payload()).isEqualTo(i);
				assertThat(message.descriptors()).hasSize(i % 4);
				for (int j = 0; j < i % 4; j++) {
					assertThat(Samples.content(message.descriptors().get(j))).isEqualTo(i + " " + j);
				}
			}
		}
	}

	@Test
	void descriptorsArriveWhileAnotherThreadOfTheirEndWaitsForRoom() throws Exception {
		try (MemoryLane lane = MemoryLane.open(RING); OwnedFd file = Samples.memoryFile("x")) {
			try (Blocked sender = Blocked.in("poll",
					() -> lane.openersChannel().send(Samples.random(10 * RING), inTime()))) {
				for (int i = 0; i < 50; i++) {
					lane.othersChannel().send(i, file);
					try (IpcMessage<Integer> message = lane.openersChannel().receive(Integer.class, inTime())) {
						assertThat(Samples.content(message.descriptors().get(0))).isEqualTo("x");
					}
				}
				Samples.assertSame(lane.othersChannel().receive(byte[].class, inTime()).payload(),
						Samples.random(10 * RING));
				sender.join();
			}
		}
	}

	@Test
	void descriptorsThatNobodyTakesAreClosedWithTheLane() throws Exception {
		LeakWatch watch = new LeakWatch();
		try (MemoryLane lane = MemoryLane.open(RING); OwnedFd file = Samples.memoryFile("x")) {
			for (int i = 0; i < 10; i++) {
				lane.openersChannel().send(i, file);
			}
			lane.othersChannel().receive(Integer.class).close();
		}
		watch.assertNoneLeft();
	}

	/** Whoever reads must be able to empty the socket at any time. */
	@Test
	void senderWaitsIfTooManyMessagesWithDescriptorsWereNotRead() throws Exception {
		try (MemoryLane lane = MemoryLane.open(16 * RING); OwnedFd file = Samples.memoryFile("x")) {
			for (int round = 0; round < 3; round++) {
				int sent = 0;
				while (trySend(lane.openersChannel(), sent, file)) {
					sent++;
				}
				assertThat(sent).isEqualTo(DoorBell.MAX_WAITING);
				lane.openersChannel().send("without");
				for (int i = 0; i < sent; i++) {
					try (IpcMessage<Integer> message = lane.othersChannel().receive(Integer.class)) {
						assertThat(message.payload()).isEqualTo(i);
						assertThat(message.descriptors()).hasSize(1);
					}
					assertThat(trySend(lane.openersChannel(), i, file)).isTrue();
				}
				assertThat(lane.othersChannel().<String>receive(String.class).payload()).isEqualTo("without");
				for (int i = 0; i < sent; i++) {
					lane.othersChannel().receive(Integer.class).close();
				}
			}
		}
	}

	private static boolean trySend(IpcChannel channel, Object payload, OwnedFd... descriptors) throws IpcException {
		try {
			channel.send(payload, soon(), descriptors);
			return true;
		}
		catch (IpcException.Timeout ex) {
			return false;
		}
	}

	@Test
	void tooManyDescriptorsAreRefusedAndNothingIsSent() throws Exception {
		OwnedFd[] files = new OwnedFd[MsgHdr.MAX_DESCRIPTORS + 1];
		try (MemoryLane lane = MemoryLane.open(RING)) {
			for (int i = 0; i < files.length; i++) {
				files[i] = Samples.memoryFile("x");
			}
			assertThatExceptionOfType(IpcException.TooManyDescriptors.class)
				.isThrownBy(() -> lane.openersChannel().send("x", files));
			lane.openersChannel().send("next");
			assertThat(lane.othersChannel().<String>receive(String.class).payload()).isEqualTo("next");
		}
		finally {
			Samples.close(files);
		}
	}

	@Test
	void receiveThatTimesOutLosesNothing() throws Exception {
		try (MemoryLane lane = MemoryLane.open(RING)) {
			assertThatExceptionOfType(IpcException.Timeout.class)
				.isThrownBy(() -> lane.othersChannel().receive(String.class, soon()));
			lane.openersChannel().send("late");
			assertThat(lane.othersChannel().<String>receive(String.class).payload()).isEqualTo("late");
		}
	}

	@Test
	void sendThatFindsNoRoomInTimeSendsNothing() throws Exception {
		try (MemoryLane lane = MemoryLane.open(RING)) {
			int sent = fill(lane.openersChannel());
			assertThat(sent).isGreaterThan(10);
			for (int i = 0; i < sent; i++) {
				Samples.assertSame(lane.othersChannel().<byte[]>receive(byte[].class).payload(), Samples.random(200));
			}
			assertThat(lane.other().pendingSize()).isEmpty();
			lane.openersChannel().send("next");
			assertThat(lane.othersChannel().<String>receive(String.class).payload()).isEqualTo("next");
		}
	}

	@Test
	void messageOfWhichOnlyAPartFoundRoomInTimeBreaksTheLane() throws Exception {
		try (MemoryLane lane = MemoryLane.open(RING)) {
			assertThatExceptionOfType(IpcException.class)
				.isThrownBy(() -> lane.openersChannel().send(Samples.random(10 * RING), soon()));
			assertThat(lane.opener().isBroken()).isTrue();
			assertThatExceptionOfType(IpcException.class)
				.isThrownBy(() -> lane.othersChannel().receive(byte[].class, inTime()))
				.withMessageContaining("middle of a message");
		}
	}

	@Test
	void interruptEndsAWaitForAMessageAndOneForRoom() throws Exception {
		try (MemoryLane lane = MemoryLane.open(RING)) {
			try (Blocked receiver = Blocked
				.waiting(() -> lane.othersChannel().receive(String.class, Deadline.NONE.interruptible()))) {
				receiver.thread().interrupt();
				assertThatExceptionOfType(IpcException.Interrupted.class).isThrownBy(receiver::join);
			}
			try (Blocked sender = Blocked
				.waiting(() -> lane.openersChannel().send(Samples.random(10 * RING), Deadline.NONE.interruptible()))) {
				sender.thread().interrupt();
				assertThatExceptionOfType(IpcException.Interrupted.class).isThrownBy(sender::join);
			}
		}
	}

	@Test
	void whatThePeerSentBeforeItClosedIsReceivedFirst() throws Exception {
		try (MemoryLane lane = MemoryLane.open(RING)) {
			for (int i = 0; i < 3; i++) {
				lane.openersChannel().send(i);
			}
			lane.opener().close();
			for (int i = 0; i < 3; i++) {
				assertThat(lane.other().receiver().hasEnded()).isFalse();
				assertThat(lane.othersChannel().<Integer>receive(Integer.class).payload()).isEqualTo(i);
			}
			assertThat(lane.othersChannel().<Integer>receive(Integer.class)).isNull();
			assertThat(lane.other().receiver().hasEnded()).isTrue();
			assertThat(lane.other().pendingSize()).hasValue(0);
		}
	}

	@Test
	void peerThatClosesWakesWhoeverWaits() throws Exception {
		try (MemoryLane lane = MemoryLane.open(RING)) {
			assertThat(fill(lane.othersChannel())).isPositive();
			try (Blocked receiver = Blocked.in("poll",
					() -> assertThat(lane.othersChannel().<String>receive(String.class)).isNull());
					Blocked sender = Blocked.waiting(() -> lane.othersChannel().send(Samples.random(200)))) {
				lane.opener().close();
				receiver.join();
				assertThatExceptionOfType(IpcException.PeerClosed.class).isThrownBy(sender::join);
			}
		}
	}

	@Test
	void closingAnEndWakesWhoeverWaitsThere() throws Exception {
		try (MemoryLane lane = MemoryLane.open(RING);
				Blocked receiver = Blocked.in("poll", () -> lane.othersChannel().receive(String.class));
				Blocked sender = Blocked.waiting(() -> lane.othersChannel().send(Samples.random(10 * RING)))) {
			lane.other().close();
			assertThatExceptionOfType(IpcException.class).isThrownBy(receiver::join);
			assertThatExceptionOfType(IpcException.class).isThrownBy(sender::join);
		}
	}

	@Test
	void peerThatIsGoneIsToldFromOneThatHasNotReadYet() throws Exception {
		for (boolean read : new boolean[] { true, false }) {
			try (MemoryLane lane = MemoryLane.open(RING)) {
				lane.openersChannel().send("request");
				if (read) {
					lane.othersChannel().receive(String.class).close();
				}
				lane.other().close();
				assertThat(lane.openersChannel().<String>receive(String.class)).isNull();
				assertThat(lane.opener().receiver().hasPeerLeftUnread()).isEqualTo(!read);
			}
		}
	}

	@Test
	void messageToAPeerThatIsGoneFailsOnceThatIsKnown() throws Exception {
		try (MemoryLane lane = MemoryLane.open(RING)) {
			try (Blocked receiver = Blocked.in("poll", () -> lane.othersChannel().receive(String.class))) {
				lane.other().close();
				assertThatExceptionOfType(IpcException.class).isThrownBy(receiver::join);
			}
			await().untilAsserted(() -> assertThatExceptionOfType(IpcException.PeerClosed.class)
				.isThrownBy(() -> lane.openersChannel().send("lost", soon())));
		}
	}

	@Test
	void outputThatHasEndedDoesNotKeepAnswersFromComing() throws Exception {
		try (MemoryLane lane = MemoryLane.open(RING)) {
			lane.openersChannel().send("last request");
			lane.opener().shutdownOutput();
			assertThat(lane.othersChannel().<String>receive(String.class).payload()).isEqualTo("last request");
			assertThat(lane.othersChannel().<String>receive(String.class)).isNull();
			Future<Long> sent = FrameSizeTests
				.inBackground(() -> lane.othersChannel().send(Samples.random(10 * RING), inTime()));
			Samples.assertSame(lane.openersChannel().receive(byte[].class, inTime()).payload(),
					Samples.random(10 * RING));
			sent.get(20, TimeUnit.SECONDS);
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> lane.openersChannel().send("more"))
				.withMessageContaining("shut down on this side");
		}
	}

	@Test
	void memoryIsUnmappedOnceBothEndsAreClosed() throws Exception {
		try (MemoryLane lane = MemoryLane.open(RING)) {
			lane.openersChannel().send("x");
			assertThat(MemoryLane.isMapped()).isTrue();
		}
		assertThat(MemoryLane.isMapped()).isFalse();
	}

	@Test
	void memoryIsUnmappedOnlyWhenWhoeverUsesItHasLeft() throws Exception {
		try (MemoryLane lane = MemoryLane.open(RING)) {
			try (Blocked receiver = Blocked.in("poll", () -> lane.othersChannel().receive(String.class))) {
				lane.other().close(); // first: not the end of the peer
				lane.opener().close();
				assertThatExceptionOfType(IpcException.class).isThrownBy(receiver::join);
			}
			await().until(() -> !MemoryLane.isMapped());
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> lane.openersChannel().send("x"));
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> lane.othersChannel().receive(String.class));
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> lane.other().pendingSize());
		}
	}

	@Test
	void singlePacketsAreRefused() throws Exception {
		try (MemoryLane lane = MemoryLane.open(RING)) {
			assertThat(lane.opener().isShared()).isTrue();
			assertThatIllegalStateException().isThrownBy(() -> lane.opener().send(Samples.bytes("x")))
				.withMessageContaining("send and receive them over its channel");
			assertThatIllegalStateException().isThrownBy(() -> lane.other().receive(Samples.bytes("x")));
		}
	}

}
