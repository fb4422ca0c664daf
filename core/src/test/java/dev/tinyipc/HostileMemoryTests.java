package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Random;
import java.util.function.Consumer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** A peer that writes whatever it likes into the memory loses the lane, and no more. */
@Timeout(120)
class HostileMemoryTests extends MemoryOpener {

	private static final int RING = LaneMemory.MIN_RING_SIZE;

	private static final int TAIL_OF_OTHER = MemoryView.TAIL_OF_OTHER, HEAD_OF_OTHER = MemoryView.HEAD_OF_OTHER;

	private static final int SECOND_RING = MemoryView.HEADER_SIZE + RING;

	private static final NativeBuffer RING_PACKET = NativeBuffer.zeroed(1);

	HostileMemoryTests() {
		super(RING);
	}

	private IpcException receive() {
		try {
			IpcMessage<Object> message = this.channel.receive(Object.class, inTime());
			throw new AssertionError("received " + message);
		}
		catch (IpcException ex) {
			return ex;
		}
	}

	/** Puts bytes into the ring, and says that they are there. */
	private void publish(byte[] bytes) throws IpcException {
		this.memory.bytes().put(SECOND_RING, bytes);
		this.memory.bytes().putLong(TAIL_OF_OTHER, bytes.length);
		RawSender.send(this.pair.child(), new byte[] { DoorBell.RING });
	}

	private static byte[] frame(long descriptors, long length, int body) {
		return ByteBuffer.allocate(16 + body)
			.order(ByteOrder.nativeOrder())
			.putLong(descriptors)
			.putLong(length)
			.array();
	}

	private void assertBroken() throws IpcException {
		assertThat(this.pair.parent().isBroken()).isTrue();
		assertThat(this.pair.child().pendingSize()).hasValue(0);
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> this.channel.send("x"))
			.withMessageContaining("unusable");
	}

	@ParameterizedTest
	@ValueSource(longs = { RING + 1, Long.MAX_VALUE, -1, Long.MIN_VALUE })
	void positionThatCannotBeEndsTheLaneOfAReader(long position) throws Exception {
		this.memory.bytes().putLong(TAIL_OF_OTHER, position);
		assertThat(receive()).hasMessageContaining("position in a memory lane went from 0 to " + position);
		assertBroken();
	}

	@ParameterizedTest
	@ValueSource(longs = { 1_000_000, Long.MAX_VALUE, -1, Long.MIN_VALUE })
	void positionThatCannotBeEndsTheLaneOfAWriter(long position) throws Exception {
		this.memory.bytes().putLong(HEAD_OF_OTHER, position);
		assertThatExceptionOfType(IpcException.class)
			.isThrownBy(() -> this.channel.send(Samples.random(2 * RING), inTime()))
			.withMessageContaining("position in a memory lane went from 0 to " + position);
		assertBroken();
	}

	@Test
	void positionThatGoesBackEndsTheLane() throws Exception {
		publish(frame(0, 100_000, 984));
		try (Blocked reader = Blocked.in("poll", () -> this.channel.receive(Object.class, inTime()))) {
			this.memory.bytes().putLong(TAIL_OF_OTHER, 999);
			RawSender.send(this.pair.child(), new byte[] { DoorBell.RING });
			assertThatExceptionOfType(IpcException.class).isThrownBy(reader::join)
				.withMessageContaining("went from 1000 to 999");
		}
		assertBroken();
	}

	@ParameterizedTest
	@ValueSource(longs = { 0, -1, Long.MIN_VALUE })
	void lengthThatIsNoneEndsTheLane(long length) throws Exception {
		publish(frame(0, length, 100));
		assertThat(receive()).hasMessageContaining("does not speak this protocol");
		assertBroken();
	}

	@Test
	void lengthFarAboveTheLimitEndsTheLaneBeforeAnythingIsAllocated() throws Exception {
		publish(frame(0, Long.MAX_VALUE, 100));
		assertThat(receive()).isInstanceOf(IpcException.MessageTooLarge.class);
		assertBroken();
	}

	@Test
	void messageWithoutABodyEndsTheLaneAlsoIfNothingFollows() throws Exception {
		publish(frame(0, 0, 0));
		assertThat(receive()).hasMessageContaining("does not speak this protocol");
		assertBroken();
	}

	@Test
	void messageThatIsPublishedByteByByteIsWhole() throws Exception {
		byte[] frame = ByteBuffer.wrap(frame(0, 4, 4)).position(16).put(new byte[] { 0x63, 'a', 'b', 'c' }).array();
		this.memory.bytes().put(SECOND_RING, frame);
		try (Blocked reader = Blocked.in("poll",
				() -> assertThat(this.channel.receive(String.class, inTime()).payload()).isEqualTo("abc"))) {
			for (int i = 1; i <= frame.length; i++) {
				this.memory.bytes().putLong(TAIL_OF_OTHER, i);
				RawSender.send(this.pair.child(), new byte[] { DoorBell.RING });
			}
			reader.join();
		}
	}

	/** Whoever watches the lane would otherwise look at it again and again. */
	@Test
	void pollerDoesNotReportTheStartOfAMessageThatDoesNotGoOn() throws Exception {
		byte[] frame = frame(0, 1, 1);
		this.memory.bytes().put(SECOND_RING, frame);
		try (IpcPoller poller = IpcPoller.open()) {
			poller.add(this.pair.parent(), IpcPoller.Interest.READ);
			for (int i = 1; i < frame.length; i++) {
				this.memory.bytes().putLong(TAIL_OF_OTHER, i);
				RawSender.send(this.pair.child(), new byte[] { DoorBell.RING });
				assertThat(poller.await(Duration.ZERO)).as(i + " bytes").isEmpty();
			}
			this.memory.bytes().putLong(TAIL_OF_OTHER, frame.length);
			assertThat(poller.await(Duration.ZERO)).hasSize(1).allMatch(IpcPoller.Event::readable);
		}
	}

	@ParameterizedTest
	@ValueSource(longs = { 16, RING + 1, Long.MAX_VALUE, -1, Long.MIN_VALUE })
	void pollerReportsWhatAReceiveWouldRefuse(long position) throws Exception {
		this.memory.bytes().putLong(TAIL_OF_OTHER, position);
		try (IpcPoller poller = IpcPoller.open()) {
			poller.add(this.pair.parent(), IpcPoller.Interest.READ);
			assertThat(poller.await(Duration.ZERO)).hasSize(1).allMatch(IpcPoller.Event::readable);
		}
		receive();
		assertBroken();
	}

	@ParameterizedTest
	@ValueSource(longs = { 1, 253, 254, 1L << 32, -1 })
	void descriptorsThatDidNotComeEndTheLane(long count) throws Exception {
		publish(frame(count, 1, 1));
		assertThat(receive()).hasMessageContaining("descriptors, but 0 came");
		assertBroken();
	}

	@Test
	void otherNumberOfDescriptorsThanAnnouncedEndsTheLaneAndTheyAreClosed() throws Exception {
		LeakWatch watch = new LeakWatch();
		try (OwnedFd file = Samples.memoryFile("x")) {
			RawSender.send(this.pair.child(), new byte[] { DoorBell.DESCRIPTORS }, file, file);
			publish(frame(1, 1, 1));
			assertThat(receive()).hasMessageContaining("1 descriptors, but 2 came");
		}
		assertBroken();
		watch.assertNoneLeft();
	}

	@Test
	void packetsThatAreNoBellsEndTheLane() throws Exception {
		close();
		LeakWatch watch = new LeakWatch();
		try (OwnedFd file = Samples.memoryFile("x")) {
			for (byte[] packet : new byte[][] { { 2 }, { 0, 0 }, new byte[100] }) {
				assertEndsTheLane((socket) -> send(socket, packet));
			}
			assertEndsTheLane((socket) -> send(socket, new byte[] { DoorBell.RING }, file));
			assertEndsTheLane((socket) -> {
				for (int i = 0; i < 260; i++) {
					send(socket, new byte[] { DoorBell.DESCRIPTORS }, file);
				}
			});
		}
		watch.assertNoneLeft();
	}

	/** A socket that is not emptied would wake whoever watches it again and again. */
	@Test
	void descriptorsWithoutAMessageDoNotKeepAPollerBusy() throws Exception {
		try (OwnedFd file = Samples.memoryFile("x"); IpcPoller poller = IpcPoller.open()) {
			poller.add(this.pair.parent(), IpcPoller.Interest.READ);
			for (int i = 0; i < 200; i++) {
				RawSender.send(this.pair.child(), new byte[] { DoorBell.DESCRIPTORS }, file);
			}
			assertThat(poller.await(Duration.ZERO)).isEmpty();
			assertThat(Poll.isReady(this.pair.parent().fd(), LibC.POLLIN)).isFalse();
		}
	}

	private void assertEndsTheLane(Consumer<IpcSocket> peer) throws Exception {
		open();
		IpcSocket child = this.pair.child();
		Blocked sender = Blocked.any(() -> peer.accept(child)); // the socket may be full
																// for a while
		assertThat(receive()).hasMessageContaining("the peer is broken");
		assertThat(this.pair.parent().isBroken()).isTrue();
		sender.join();
		close();
	}

	private static void send(IpcSocket socket, byte[] packet, OwnedFd... descriptors) {
		try {
			RawSender.send(socket, packet, descriptors);
		}
		catch (IpcException ex) {
			assertThat(ex).hasMessageContaining("EPIPE"); // the lane has ended
		}
	}

	/** Rings as fast as it can, whether or not anybody sleeps. */
	private Blocked ringing() {
		return Blocked.any(() -> {
			while (!this.pair.parent().isClosed()) {
				LibC.send(this.pair.child().fd(), RING_PACKET.address(), 1, LibC.MSG_DONTWAIT | LibC.MSG_NOSIGNAL);
			}
		});
	}

	@Test
	void bellsForNothingDoNotKeepAReaderBeyondItsDeadline() throws Exception {
		try (Blocked ringing = ringing()) {
			assertThatExceptionOfType(IpcException.Timeout.class)
				.isThrownBy(() -> this.channel.receive(Object.class, Deadline.in(Duration.ofMillis(20))));
			assertThat(this.pair.parent().pendingSize()).isEmpty();
			this.pair.parent().close();
			ringing.join();
		}
	}

	@Test
	void bellsForNothingWithoutAnEndBreakTheLaneOfAReader() throws Exception {
		try (Blocked ringing = ringing()) {
			assertThatExceptionOfType(IpcException.class)
				.isThrownBy(() -> this.channel.receive(Object.class, Deadline.NONE))
				.withMessageContaining("nothing was new in the memory");
			assertBroken();
			this.pair.parent().close();
			ringing.join();
		}
	}

	@Test
	void bellsForNothingWithoutAnEndDoNotKeepAPollerBusy() throws Exception {
		try (IpcPoller poller = IpcPoller.open(); Blocked ringing = ringing()) {
			poller.add(this.pair.parent(), IpcPoller.Interest.READ);
			assertThat(poller.await(null)).hasSize(1).allMatch(IpcPoller.Event::readable);
			assertBroken();
			this.pair.parent().close();
			ringing.join();
		}
	}

	/** As many as a socket holds may be left over from waits that were over before. */
	@Test
	void bellsThatAreLeftOverAreHarmless() throws Exception {
		for (int round = 0; round < 300; round++) {
			long sent;
			do {
				sent = LibC.send(this.pair.child().fd(), RING_PACKET.address(), 1,
						LibC.MSG_DONTWAIT | LibC.MSG_NOSIGNAL);
			}
			while (sent > 0);
			byte[] frame = ByteBuffer.wrap(frame(0, 1, 1)).put(16, (byte) (round % 20)).array();
			for (int i = 0; i < frame.length; i++) {
				this.memory.bytes().put(SECOND_RING + (round * frame.length + i) % RING, frame[i]);
			}
			this.memory.bytes().putLong(TAIL_OF_OTHER, (round + 1L) * frame.length);
			assertThat(this.channel.receive(Integer.class, inTime()).payload()).isEqualTo(round % 20);
			assertThat(this.pair.parent().pendingSize()).isEmpty();
		}
	}

	/** Another thread attends to the socket, which has a bell after the other. */
	@Test
	void descriptorsThatDoNotComeAreNotWaitedForHoweverOftenThePeerRings() throws Exception {
		while (this.memory.bytes().getLong(MemoryView.TAIL_OF_OPENER) < RING / 2) {
			this.channel.send("x");
		}
		try (Blocked sender = Blocked.in("poll", () -> this.channel.send(Samples.random(RING), Deadline.NONE));
				Blocked ringing = ringing()) {
			this.memory.bytes().put(SECOND_RING, frame(1, 1, 1));
			this.memory.bytes().putLong(TAIL_OF_OTHER, 17);
			receive();
			assertThat(this.pair.parent().isBroken()).isTrue();
			assertThatExceptionOfType(IpcException.class).isThrownBy(sender::join);
			this.pair.parent().close();
			ringing.join();
		}
	}

	/** Whatever comes of it: an error, or a message that makes no sense. */
	@Test
	void memoryThatChangesAllTheTimeNeverHangsOrCrashes() throws Exception {
		Random random = new Random(11);
		long end = System.nanoTime() + Duration.ofSeconds(Integer.getInteger("tinyipc.stress.seconds", 2)).toNanos();
		while (System.nanoTime() - end < 0) {
			close();
			open();
			long until = System.nanoTime() + Duration.ofMillis(3).toNanos();
			long seed = random.nextLong();
			try (Blocked scribbler = Blocked.any(() -> scribble(new Random(seed), until))) {
				while (System.nanoTime() - until < 0 && !this.pair.parent().isBroken()) {
					exchange();
				}
				scribbler.join();
			}
		}
	}

	private void exchange() {
		Deadline deadline = Deadline.in(Duration.ofMillis(2));
		try {
			this.channel.send("x", deadline);
			this.channel.receive(Object.class, deadline).close();
		}
		catch (IpcException | JacksonException ex) {
			assertThat(ex.getMessage()).isNotEmpty();
		}
	}

	private void scribble(Random random, long until) {
		ByteBuffer bytes = this.memory.bytes();
		while (System.nanoTime() - until < 0) {
			switch (random.nextInt(4)) {
				case 0 -> bytes.putLong(128 * random.nextInt(8), random.nextInt(3 * RING));
				case 1 -> bytes.putLong(TAIL_OF_OTHER, bytes.getLong(TAIL_OF_OTHER) + random.nextInt(100));
				case 2 -> bytes.putLong(random.nextInt(bytes.capacity() - 8), random.nextLong());
				case 3 -> bytes.putLong(SECOND_RING + 8 * random.nextInt(RING / 8), random.nextInt(50));
				default -> throw new AssertionError();
			}
		}
	}

}
