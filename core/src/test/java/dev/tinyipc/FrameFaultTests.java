package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** A peer that does not keep to the wire format, or dies on the way. */
@Timeout(60)
class FrameFaultTests {

	/** All of these are refused before anything is allocated. */
	static Stream<Long> hostileLengths() {
		return Stream.of(64L * IpcChannel.DEFAULT_MAX_MESSAGE_SIZE, Integer.MAX_VALUE - 8L, (long) Integer.MAX_VALUE,
				Integer.MAX_VALUE + 1L, 1L << 32, (1L << 32) + 4, Long.MAX_VALUE, Long.MIN_VALUE, -1L, -8L);
	}

	@ParameterizedTest
	@MethodSource("hostileLengths")
	void announcementFarOverTheLimitIsRefusedAndEndsTheSocket(long length) throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("x")) {
			LeakWatch watch = new LeakWatch();
			RawSender.send(pair.parent(), packet(length, 1, 2, 3, 4), file);
			assertThatExceptionOfType(IpcException.MessageTooLarge.class)
				.isThrownBy(() -> IpcChannel.over(pair.child()).receive(Object.class))
				.withMessageContaining(Long.toUnsignedString(length))
				.withMessageContaining(Integer.toString(IpcChannel.DEFAULT_MAX_MESSAGE_SIZE));
			watch.assertNoneLeft();
			assertUnusable(pair);
		}
	}

	@ParameterizedTest
	@ValueSource(longs = { 0, 1, 3 })
	void announcementBelowWhatCameIsRefusedAndEndsTheSocket(long length) throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("x")) {
			LeakWatch watch = new LeakWatch();
			RawSender.send(pair.parent(), packet(length, 1, 2, 3, 4), file);
			assertThatExceptionOfType(IpcException.class)
				.isThrownBy(() -> IpcChannel.over(pair.child()).receive(Object.class))
				.withMessageContaining(length + " bytes was announced")
				.withMessageContaining("its first packet has 4");
			watch.assertNoneLeft();
			assertUnusable(pair);
		}
	}

	@ParameterizedTest
	@ValueSource(ints = { 1, 7, 8 })
	void packetWithoutRoomForHeaderAndContentIsRefusedAndEndsTheSocket(int size) throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("x")) {
			LeakWatch watch = new LeakWatch();
			RawSender.send(pair.parent(), new byte[size], file);
			assertThatExceptionOfType(IpcException.class)
				.isThrownBy(() -> IpcChannel.over(pair.child()).receive(Object.class))
				.withMessageContaining("A packet of " + size + " bytes");
			watch.assertNoneLeft();
			assertUnusable(pair);
		}
	}

	/** The kernel delivers the descriptor of an empty packet. */
	@Test
	void emptyPacketWithADescriptorIsNoMessageAndItsDescriptorIsClosed() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("x")) {
			LeakWatch watch = new LeakWatch();
			RawSender.send(pair.parent(), new byte[0], file);
			assertThatExceptionOfType(IpcException.class)
				.isThrownBy(() -> IpcChannel.over(pair.child()).receive(Object.class));
			watch.assertNoneLeft();
			assertUnusable(pair);
		}
	}

	@Test
	void continuationThatIsLongerThanAnnouncedIsRefusedAndEndsTheSocket() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("x")) {
			LeakWatch watch = new LeakWatch();
			RawSender.send(pair.parent(), packet(10, 1, 2, 3, 4), file);
			RawSender.send(pair.parent(), new byte[7]);
			assertThatExceptionOfType(IpcException.class)
				.isThrownBy(() -> IpcChannel.over(pair.child()).receive(Object.class));
			watch.assertNoneLeft();
			assertUnusable(pair);
		}
	}

	@Test
	void descriptorsInAContinuationAreRefusedAndClosedAndEndTheSocket() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("x")) {
			LeakWatch watch = new LeakWatch();
			RawSender.send(pair.parent(), packet(8, 1, 2, 3, 4), file);
			RawSender.send(pair.parent(), new byte[4], file, file);
			assertThatExceptionOfType(IpcException.class)
				.isThrownBy(() -> IpcChannel.over(pair.child()).receive(Object.class))
				.withMessageContaining("Descriptors arrived in the middle of a message");
			watch.assertNoneLeft();
			assertUnusable(pair);
		}
	}

	/** An endless row of them would keep a receiver without a timeout for ever. */
	@Test
	void emptyContinuationIsTakenForTheEnd() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			RawSender.send(pair.parent(), packet(8, 1, 2, 3, 4));
			RawSender.send(pair.parent(), new byte[0]);
			assertThatExceptionOfType(IpcException.PeerClosed.class)
				.isThrownBy(() -> IpcChannel.over(pair.child()).receive(Object.class));
			assertUnusable(pair);
		}
	}

	/** Its rest, raw, may look like a message. */
	@Test
	void firstPacketThatIsLargerThanOursEverAreDoesNotMakeItsRestAMessage() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().setSendBufferSize(2 * 1024 * 1024);
			RawSender.send(pair.parent(), packet(600_004, new int[600_000]));
			RawSender.send(pair.parent(), packet(4, 0x63, 'b', 'a', 'd'));
			assertThatExceptionOfType(IpcException.MessageTooLarge.class)
				.isThrownBy(() -> IpcChannel.over(pair.child()).receive(Object.class));
			assertUnusable(pair);
		}
	}

	/** Any split is allowed, not only ours. */
	@Test
	void frameMayComeInPartsOfAnySize() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			RawSender.send(pair.parent(), packet(4, 0x63));
			RawSender.send(pair.parent(), new byte[] { 'a' });
			RawSender.send(pair.parent(), new byte[] { 'b', 'c' });
			assertThat(IpcChannel.over(pair.child()).receive(String.class).payload()).isEqualTo("abc");
		}
	}

	@Test
	void lengthIsInNativeByteOrder() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			assertThat(IpcChannel.over(pair.parent()).send("abc")).isEqualTo(12);
			ByteBuffer packet = ByteBuffer.allocate(20).order(ByteOrder.nativeOrder());
			assertThat(pair.child().receive(packet).length()).isEqualTo(12);
			assertThat(packet.getLong(0)).isEqualTo(4);
			assertThat(packet.slice(8, 4)).isEqualTo(ByteBuffer.wrap(new byte[] { 0x63, 'a', 'b', 'c' }));
		}
	}

	@ParameterizedTest
	@ValueSource(ints = { 12, 65_536, 131_072, 196_608 })
	void peerThatDiesInTheMiddleIsNotTakenForAnOrderlyEnd(int sent) throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("x")) {
			LeakWatch watch = new LeakWatch();
			Future<?> peer = FrameSizeTests.inBackground(() -> {
				int there = Math.min(sent, 65_536);
				RawSender.send(pair.parent(), packet(200_000, new int[there - 8]), file);
				for (; there < sent; there += 65_536) {
					RawSender.send(pair.parent(), new byte[65_536]);
				}
				pair.parent().close();
				return null;
			});
			assertThatExceptionOfType(IpcException.PeerClosed.class)
				.isThrownBy(() -> IpcChannel.over(pair.child()).receive(Object.class))
				.withMessageContaining("after " + sent + " of 200008 bytes");
			peer.get(20, TimeUnit.SECONDS);
			watch.assertNoneLeft();
			assertUnusable(pair);
		}
	}

	@Test
	void senderWhosePeerDiesInTheMiddleLearnsItAndCannotGoOn() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair();
				Blocked sender = Blocked.in("send", () -> IpcChannel.over(pair.parent()).send(new byte[10_000_000]))) {
			pair.child().close();
			assertThatExceptionOfType(IpcException.PeerClosed.class).isThrownBy(sender::join);
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> IpcChannel.over(pair.parent()).send("x"))
				.withMessageContaining("the peer closed");
		}
	}

	@Test
	void closeWhileAFrameIsBeingSentEndsIt() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair();
				Blocked sender = Blocked.in("send", () -> IpcChannel.over(pair.parent()).send(new byte[10_000_000]))) {
			pair.parent().close();
			assertThatExceptionOfType(IpcException.class).isThrownBy(sender::join)
				.withMessageContaining("closed on this side");
			assertThatExceptionOfType(IpcException.PeerClosed.class)
				.isThrownBy(() -> IpcChannel.over(pair.child()).receive(byte[].class));
		}
	}

	@Test
	void timeoutInTheMiddleOfReceivingEndsTheSocketAndClosesTheDescriptors() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("x")) {
			LeakWatch watch = new LeakWatch();
			RawSender.send(pair.parent(), packet(8, 1, 2, 3, 4), file);
			pair.child().setReceiveTimeout(Duration.ofMillis(20));
			assertHalfAMessage(() -> IpcChannel.over(pair.child()).receive(Object.class));
			watch.assertNoneLeft();
			assertUnusable(pair);
		}
	}

	@Test
	void timeoutBeforeAMessageBeginsLeavesTheSocketUsable() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.child().setReceiveTimeout(Duration.ofMillis(5));
			assertThatExceptionOfType(IpcException.Timeout.class)
				.isThrownBy(() -> IpcChannel.over(pair.child()).receive(Object.class));
			IpcChannel.over(pair.parent()).send("late");
			assertThat(IpcChannel.over(pair.child()).receive(String.class).payload()).isEqualTo("late");
		}
	}

	@Test
	void timeoutInTheMiddleOfSendingEndsTheSocket() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().setSendTimeout(Duration.ofMillis(20));
			assertThatExceptionOfType(IpcException.Timeout.class)
				.isThrownBy(() -> IpcChannel.over(pair.parent()).send(new byte[10_000_000]));
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> IpcChannel.over(pair.parent()).send("x"))
				.withMessageContaining("is unusable")
				.withMessageContaining("no room for a packet");
			assertThatExceptionOfType(IpcException.PeerClosed.class)
				.isThrownBy(() -> IpcChannel.over(pair.child()).receive(byte[].class));
		}
	}

	/** Nor is it told that the peer closed. */
	@Test
	void whoReceivesWhileASenderEndsTheSocketLearnsWhy() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair();
				Blocked receiver = Blocked.in("recvmsg", () -> pair.parent().receive(ByteBuffer.allocate(1)));
				Blocked next = Blocked.waiting(() -> pair.parent().receive(ByteBuffer.allocate(1)))) {
			pair.parent().setSendTimeout(Duration.ofMillis(20));
			assertThatExceptionOfType(IpcException.Timeout.class)
				.isThrownBy(() -> IpcChannel.over(pair.parent()).send(new byte[10_000_000]));
			for (Blocked call : List.of(receiver, next)) {
				assertThatExceptionOfType(IpcException.class).isThrownBy(call::join)
					.withMessageContaining("is unusable")
					.withMessageContaining("no room for a packet")
					.isNotInstanceOf(IpcException.PeerClosed.class);
			}
		}
	}

	@Test
	void whoSendsWhileAReceiverEndsTheSocketLearnsWhy() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			SocketTimeoutTests.fill(pair.parent());
			try (Blocked sender = Blocked.in("send", () -> pair.parent().send(Samples.bytes("x")))) {
				RawSender.send(pair.child(), packet(8, 1));
				pair.parent().setReceiveTimeout(Duration.ofMillis(20));
				assertHalfAMessage(() -> IpcChannel.over(pair.parent()).receive(Object.class));
				assertThatExceptionOfType(IpcException.class).isThrownBy(sender::join)
					.withMessageContaining("is unusable")
					.withMessageContaining("Part of a message had arrived")
					.isNotInstanceOf(IpcException.PeerClosed.class);
			}
		}
	}

	@Test
	void timeoutBeforeAMessageBeginsToBeSentLeavesTheSocketUsable() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			int queued = SocketTimeoutTests.fill(pair.parent());
			pair.parent().setSendTimeout(Duration.ofMillis(5));
			assertThatExceptionOfType(IpcException.Timeout.class)
				.isThrownBy(() -> IpcChannel.over(pair.parent()).send(new byte[10_000_000]));
			assertThat(SocketTimeoutTests.drain(pair.child())).isEqualTo(queued);
			IpcChannel.over(pair.parent()).send("usable");
			assertThat(IpcChannel.over(pair.child()).receive(String.class).payload()).isEqualTo("usable");
		}
	}

	/** A timeout is for the message, not for each of its packets. */
	@Test
	void slowPeerCannotStretchTheTimeoutPacketByPacket() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.child().setReceiveTimeout(Duration.ofMillis(300));
			RawSender.send(pair.parent(), packet(1_000_000, 1));
			Thread dripping = new Thread(() -> drip(pair.parent()));
			dripping.setDaemon(true);
			dripping.start();
			assertHalfAMessage(() -> IpcChannel.over(pair.child()).receive(Object.class));
			dripping.join(20_000);
		}
	}

	/** After a timeout the caller could go on. */
	private static void assertHalfAMessage(ThrowingCallable call) {
		assertThatExceptionOfType(IpcException.class).isThrownBy(call)
			.withMessageContaining("Part of a message had arrived")
			.withMessageContaining("no packet arrived within")
			.isNotInstanceOf(IpcException.Timeout.class);
	}

	/** Far more often than the timeout, until the socket ends. */
	private static void drip(IpcSocket socket) {
		try {
			while (true) {
				RawSender.send(socket, new byte[1]);
				Thread.sleep(10);
			}
		}
		catch (IpcException | InterruptedException ex) {
			// the receiver gave up
		}
	}

	private static byte[] packet(long length, int... content) {
		ByteBuffer packet = ByteBuffer.allocate(8 + content.length).order(ByteOrder.nativeOrder()).putLong(length);
		for (int value : content) {
			packet.put((byte) value);
		}
		return packet.array();
	}

	/** In both directions, for good, and the peer sees the end. */
	private static void assertUnusable(IpcSocketPair pair) {
		for (int i = 0; i < 2; i++) {
			assertThatExceptionOfType(IpcException.class)
				.isThrownBy(() -> IpcChannel.over(pair.child()).receive(Object.class))
				.withMessageContaining("is unusable");
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> pair.child().send(Samples.bytes("x")))
				.withMessageContaining("is unusable");
			assertThatExceptionOfType(IpcException.class)
				.isThrownBy(() -> pair.child().tryReceive(ByteBuffer.allocate(1)))
				.withMessageContaining("is unusable");
		}
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> pair.parent().send(Samples.bytes("x")));
	}

}
