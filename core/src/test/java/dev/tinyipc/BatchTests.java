package dev.tinyipc;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

@Timeout(60)
class BatchTests {

	/** One, a full system call, one more, and more than the queue holds. */
	@ParameterizedTest
	@ValueSource(ints = { 1, 64, 65, 1000 })
	void packetsOfABatchArriveEachAndInOrder(int count) throws Exception {
		for (boolean direct : new boolean[] { false, true }) {
			try (IpcSocketPair pair = IpcSocket.pair()) {
				ByteBuffer[] packets = numbered(count, direct);
				Thread sender = sending(pair.parent(), packets);
				List<Integer> received = new ArrayList<>();
				ByteBuffer[] room = buffers(64, direct, 8);
				while (received.size() < count) {
					assertThat(pair.child().receiveBatch(room, (packet, index) -> {
						assertThat(packet.length()).isEqualTo(4);
						assertThat(room[index].position()).isEqualTo(4);
						received.add(room[index].getInt(0));
					})).isTrue();
					Arrays.asList(room).forEach(ByteBuffer::clear);
				}
				sender.join();
				assertThat(received).isEqualTo(IntStream.range(0, count).boxed().toList());
				assertThat(packets).noneMatch(ByteBuffer::hasRemaining);
			}
		}
	}

	/** Those above 8 KiB are not copied. */
	@Test
	void largePacketsArriveWholeFromAndIntoAnyKindOfBuffer() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			byte[] content = Samples.random(20_000);
			ByteBuffer[] packets = { ByteBuffer.wrap(content), direct(content), ByteBuffer.wrap(content, 10, 15_000),
					direct(content).position(1).slice() };
			Thread sender = sending(pair.parent(), packets);
			ByteBuffer[] room = { direct(new byte[20_000]), ByteBuffer.allocate(20_000),
					ByteBuffer.allocate(20_005).position(5), direct(new byte[20_005]).position(5) };
			List<Integer> lengths = new ArrayList<>();
			while (lengths.size() < packets.length) {
				int first = lengths.size();
				pair.child()
					.receiveBatch(Arrays.copyOfRange(room, first, room.length),
							(packet, index) -> lengths.add(packet.length()));
			}
			sender.join();
			assertThat(lengths).containsExactly(20_000, 20_000, 15_000, 19_999);
			assertContent(room[0], 0, content, 0, 20_000);
			assertContent(room[1], 0, content, 0, 20_000);
			assertContent(room[2], 5, content, 10, 15_000);
			assertContent(room[3], 5, content, 1, 19_999);
		}
	}

	@Test
	void batchReceivesAlsoWhatWasSentOneByOneAndTheOtherWayRound() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().send(Samples.bytes("a"));
			pair.parent().sendBatch(Samples.bytes("b"), Samples.bytes("c"));
			assertThat(Samples.receiveText(pair.child())).isEqualTo("a");
			assertThat(receiveAll(pair.child())).containsExactly("b", "c");
		}
	}

	@Test
	void receiveTakesWhatIsThereAndWaitsForNoMore() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair();
				Blocked receiver = SystemCall.RECVMMSG
					.enter(() -> assertThat(receiveAll(pair.child())).containsExactly("only one"))) {
			pair.parent().send(Samples.bytes("only one"));
			receiver.join();
		}
	}

	@Test
	void atMost64PacketsAreReceivedAtOnceAndTheOthersStay() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().sendBatch(numbered(100, false));
			int[] seen = { 0, 0 };
			for (int call = 0; call < 2; call++) {
				int current = call;
				pair.child().receiveBatch(buffers(200, false, 4), (packet, index) -> seen[current]++);
			}
			assertThat(seen).containsExactly(64, 36);
		}
	}

	@Test
	void descriptorsReachTheHandlerAndThoseItDoesNotTakeAreClosed() throws Exception {
		OwnedFd[] files = Samples.memoryFiles(3);
		try (IpcSocketPair pair = IpcSocket.pair()) {
			LeakWatch watch = new LeakWatch();
			pair.parent().send(Samples.bytes("none"));
			pair.parent().send(Samples.bytes("two"), files[0], files[1]);
			pair.parent().send(Samples.bytes("one"), files[2]);
			List<OwnedFd> taken = new ArrayList<>();
			List<Integer> counts = new ArrayList<>();
			pair.child().receiveBatch(buffers(3, false, 4), (packet, index) -> {
				counts.add(packet.descriptors().size());
				if (index == 1) {
					taken.add(packet.take(1));
				}
			});
			assertThat(counts).containsExactly(0, 2, 1);
			assertThat(Samples.content(taken.get(0))).isEqualTo("file 1");
			taken.get(0).close();
			watch.assertNoneLeft();
		}
		finally {
			Samples.close(files);
		}
	}

	@ParameterizedTest
	@ValueSource(ints = { 0, 1, 2 })
	void handlerThatThrowsLeaksNothing(int failing) throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("x")) {
			LeakWatch watch = new LeakWatch();
			for (int i = 0; i < 3; i++) {
				pair.parent().send(Samples.bytes("x"), file, file);
			}
			List<Integer> seen = new ArrayList<>();
			assertThatIllegalStateException()
				.isThrownBy(() -> pair.child().receiveBatch(buffers(3, false, 4), (packet, index) -> {
					seen.add(index);
					if (index == failing) {
						throw new IllegalStateException("handler");
					}
				}))
				.withMessage("handler");
			assertThat(seen).hasSize(failing + 1);
			watch.assertNoneLeft();
			pair.parent().send(Samples.bytes("next"));
			assertThat(receiveAll(pair.child())).containsExactly("next");
		}
	}

	@Test
	void packetThatDoesNotFitIsLostAloneAndSaidAfterTheOthersWereHandedOut() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("x")) {
			LeakWatch watch = new LeakWatch();
			pair.parent().send(Samples.bytes("one"), file);
			pair.parent().send(Samples.bytes("too large"), file);
			pair.parent().send(Samples.bytes("far too large"), file);
			pair.parent().send(Samples.bytes("four"), file);
			List<Integer> seen = new ArrayList<>();
			ByteBuffer[] room = buffers(10, false, 4);
			assertThatExceptionOfType(IpcException.MessageTooLarge.class)
				.isThrownBy(() -> pair.child().receiveBatch(room, (packet, index) -> seen.add(index)))
				.withMessageContaining("9 bytes")
				.withMessageContaining("4 bytes of room");
			assertThat(seen).containsExactly(0, 3);
			assertThat(Samples.text(room[0])).isEqualTo("one");
			assertThat(Samples.text(room[3])).isEqualTo("four");
			assertThat(room[1].position()).isZero();
			watch.assertNoneLeft();
		}
	}

	@Test
	void packetThatIsTooLargeToBeSentStopsTheBatchThere() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			int tooLarge = pair.parent().maxPacketSize() + 1;
			ByteBuffer[] packets = { Samples.bytes("one"), Samples.bytes("two"), ByteBuffer.allocate(tooLarge),
					Samples.bytes("four") };
			assertThatExceptionOfType(IpcException.MessageTooLarge.class)
				.isThrownBy(() -> pair.parent().sendBatch(packets))
				.withMessageContaining(tooLarge + " bytes");
			assertThat(packets).extracting(ByteBuffer::hasRemaining).containsExactly(false, false, true, true);
			assertThat(receiveAll(pair.child())).containsExactly("one", "two");
			assertThat(pair.child().pendingSize()).isEmpty();
		}
	}

	@Test
	void emptyPacketIsRefusedBeforeAnyIsSent() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			assertThatIllegalArgumentException()
				.isThrownBy(() -> pair.parent().sendBatch(Samples.bytes("x"), ByteBuffer.allocate(0)))
				.withMessageContaining("at least one byte");
			assertThat(pair.child().pendingSize()).isEmpty();
		}
	}

	/** A buffer that was sent has nothing remaining, which is not a packet. */
	@Test
	void bufferThatIsInTheArrayManyTimesIsSentAsOften() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			ByteBuffer[] packets = new ByteBuffer[100];
			Arrays.fill(packets, Samples.bytes("same"));
			pair.parent().sendBatch(packets);
			pair.parent().close();
			List<String> received = new ArrayList<>();
			ByteBuffer[] room = buffers(64, false, 4);
			while (pair.child().receiveBatch(room, (packet, index) -> received.add(Samples.text(room[index])))) {
				Arrays.asList(room).forEach(ByteBuffer::clear);
			}
			assertThat(received).hasSize(100).containsOnly("same");
		}
	}

	@Test
	void emptyArraySendsNothingAndReceivesNothing() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().sendBatch();
			assertThat(pair.child().pendingSize()).isEmpty();
			pair.parent().send(Samples.bytes("x"));
			assertThatIllegalArgumentException()
				.isThrownBy(() -> pair.child().receiveBatch(new ByteBuffer[0], (packet, index) -> {
				}))
				.withMessageContaining("no buffer");
			assertThat(Samples.receiveText(pair.child())).isEqualTo("x");
		}
	}

	@Test
	void allThatWasSentArrivesBeforeTheEndWhichComesAgain() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().sendBatch(Samples.bytes("a"), Samples.bytes("b"));
			pair.parent().close();
			assertThat(receiveAll(pair.child())).containsExactly("a", "b");
			for (int i = 0; i < 2; i++) {
				assertThat(pair.child().receiveBatch(buffers(9, false, 9), (packet, index) -> {
					throw new AssertionError(packet);
				})).isFalse();
			}
		}
	}

	@Test
	void resetLosesNothingThatArrived() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.child().send(Samples.bytes("unread"));
			pair.parent().sendBatch(Samples.bytes("a"), Samples.bytes("b"));
			pair.parent().close();
			assertThat(receiveAll(pair.child())).containsExactly("a", "b");
			assertThat(receiveAll(pair.child())).isEmpty();
		}
	}

	/** Rows 3 and 4: what a peer that is not this library can do. */
	@Test
	void emptyPacketAmongOthersLosesNeitherPacketsNorDescriptors() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("x")) {
			LeakWatch watch = new LeakWatch();
			pair.parent().send(Samples.bytes("a"), file);
			RawSender.send(pair.parent(), new byte[0]);
			pair.parent().send(Samples.bytes("b"), file);
			pair.parent().close();
			List<String> received = new ArrayList<>();
			ByteBuffer[] room = buffers(3, false, 3);
			boolean more = pair.child().receiveBatch(room, (packet, index) -> received.add(Samples.text(room[index])));
			assertThat(more).isTrue();
			watch.assertNoneLeft();
			assertThat(received).containsExactly("a", "b");
		}
	}

	@Test
	void positionsTellWhatWasSentBeforeTheTimeout() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().setSendTimeout(Duration.ofMillis(50));
			ByteBuffer[] packets = numbered(1000, false);
			assertThatExceptionOfType(IpcException.Timeout.class).isThrownBy(() -> pair.parent().sendBatch(packets));
			int sent = (int) Arrays.stream(packets).filter((packet) -> !packet.hasRemaining()).count();
			assertThat(sent).isBetween(1, 999);
			assertThat(packets[sent - 1].hasRemaining()).isFalse();
			assertThat(packets[sent].position()).isZero();
			pair.parent().shutdownOutput();
			assertThat(count(pair.child())).isEqualTo(sent);
		}
	}

	/** The kernel would wait the whole time for each packet. */
	@Test
	void slowPeerCannotStretchTheTimeoutOfABatchPacketByPacket() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			SocketTimeoutTests.fill(pair.parent());
			pair.parent().setSendTimeout(Duration.ofMillis(50));
			int[] taken = { 0 };
			Thread peer = new Thread(() -> takeSlowly(pair.child(), taken));
			peer.start();
			assertThatExceptionOfType(IpcException.Timeout.class)
				.isThrownBy(() -> pair.parent().sendBatch(numbered(1000, false)));
			pair.close();
			peer.join();
			assertThat(taken[0]).isLessThan(SocketSide.BATCH_SIZE / 2);
		}
	}

	/** Often enough that the kernel never waits for a whole slice. */
	private static void takeSlowly(IpcSocket socket, int[] taken) {
		try {
			while (socket.receive(ByteBuffer.allocate(4)) != null) {
				taken[0]++;
				Thread.sleep(SocketSide.SLICE.toMillis() / 2);
			}
		}
		catch (IpcException | InterruptedException ex) {
			// closed
		}
	}

	@Test
	void receiveEndsWithATimeout() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.child().setReceiveTimeout(Duration.ofMillis(20));
			assertThatExceptionOfType(IpcException.Timeout.class).isThrownBy(() -> receiveAll(pair.child()));
			pair.parent().send(Samples.bytes("late"));
			assertThat(receiveAll(pair.child())).containsExactly("late");
		}
	}

	/** Rows 24 and 26. */
	@Test
	void closingEndsABatchOnEitherSide() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			try (Blocked sender = SystemCall.SENDMMSG.enter(() -> pair.parent().sendBatch(numbered(1000, false)));
					Blocked receiver = SystemCall.RECVMMSG.enter(() -> receiveAll(pair.parent()))) {
				pair.parent().close();
				for (Blocked call : List.of(sender, receiver)) {
					assertThatExceptionOfType(IpcException.class).isThrownBy(call::join)
						.withMessageContaining("closed on this side");
				}
			}
			assertThatExceptionOfType(IpcException.PeerClosed.class)
				.isThrownBy(() -> pair.child().sendBatch(Samples.bytes("a")));
		}
	}

	@Test
	void peerThatClosesEndsABatchThatWaitsForRoom() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair();
				Blocked sender = SystemCall.SENDMMSG.enter(() -> pair.parent().sendBatch(numbered(1000, false)))) {
			pair.child().close();
			assertThatExceptionOfType(IpcException.PeerClosed.class).isThrownBy(sender::join);
		}
	}

	private static List<String> receiveAll(IpcSocket socket) throws IpcException {
		List<String> texts = new ArrayList<>();
		ByteBuffer[] room = buffers(10, false, 100);
		boolean more = socket.receiveBatch(room, (packet, index) -> texts.add(Samples.text(room[index])));
		assertThat(more).isEqualTo(!texts.isEmpty());
		return texts;
	}

	private static int count(IpcSocket socket) throws IpcException {
		int[] count = { 0 };
		while (socket.receiveBatch(buffers(64, false, 4), (packet, index) -> count[0]++)) {
			assertThat(count[0]).isPositive();
		}
		return count[0];
	}

	private static Thread sending(IpcSocket socket, ByteBuffer[] packets) {
		Thread thread = new Thread(() -> {
			try {
				socket.sendBatch(packets);
			}
			catch (IpcException ex) {
				socket.close();
			}
		});
		thread.start();
		return thread;
	}

	private static ByteBuffer[] numbered(int count, boolean direct) {
		return array(count, (index) -> buffer(direct, 4).putInt(0, index));
	}

	private static ByteBuffer[] buffers(int count, boolean direct, int size) {
		return array(count, (index) -> buffer(direct, size));
	}

	private static ByteBuffer[] array(int count, IntFunction<ByteBuffer> element) {
		return IntStream.range(0, count).mapToObj(element).toArray(ByteBuffer[]::new);
	}

	private static ByteBuffer buffer(boolean direct, int size) {
		return direct ? ByteBuffer.allocateDirect(size) : ByteBuffer.allocate(size);
	}

	private static ByteBuffer direct(byte[] content) {
		return ByteBuffer.allocateDirect(content.length).put(content).flip();
	}

	private static void assertContent(ByteBuffer received, int from, byte[] expected, int offset, int length) {
		assertThat(received.position()).isEqualTo(from + length);
		byte[] bytes = new byte[length];
		received.get(from, bytes);
		Samples.assertSame(bytes, Arrays.copyOfRange(expected, offset, offset + length));
	}

}
