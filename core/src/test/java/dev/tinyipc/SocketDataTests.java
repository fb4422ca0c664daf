package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

@Timeout(60)
class SocketDataTests {

	/** Around the size up to which a direct buffer is copied all the same. */
	private static final List<Integer> SIZES = List.of(1, 7, 8191, 8192, 8193, 65536, 200_000);

	static Stream<ByteBuffer> everyKindOfBuffer() {
		return SIZES.stream()
			.flatMap((size) -> Stream.of(ByteBuffer.wrap(Samples.random(size)), direct(size, 0, 0),
					heapSlice(size, 5, 3), direct(size, 5, 3), direct(size, 5, 3).slice(),
					direct(size, 5, 3).slice(5, size), ByteBuffer.wrap(Samples.random(size)).asReadOnlyBuffer(),
					direct(size, 2, 9).asReadOnlyBuffer()));
	}

	private static ByteBuffer direct(int size, int before, int after) {
		ByteBuffer buffer = ByteBuffer.allocateDirect(before + size + after);
		return buffer.put(before, Samples.random(size)).position(before).limit(before + size);
	}

	private static ByteBuffer heapSlice(int size, int before, int after) {
		ByteBuffer buffer = ByteBuffer.allocate(before + size + after);
		return buffer.put(before, Samples.random(size)).position(before).limit(before + size);
	}

	@ParameterizedTest
	@MethodSource("everyKindOfBuffer")
	void remainingBytesOfEveryKindOfBufferAreSent(ByteBuffer data) throws Exception {
		int size = data.remaining();
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().send(data);
			assertThat(data.remaining()).isZero();
			ByteBuffer received = ByteBuffer.allocate(size + 1);
			assertThat(pair.child().receive(received).length()).isEqualTo(size);
			assertThat(received.position()).isEqualTo(size);
			Samples.assertSame(Arrays.copyOf(received.array(), size), Samples.random(size));
		}
	}

	@ParameterizedTest
	@MethodSource("everyKindOfBuffer")
	void remainingRoomOfEveryKindOfBufferIsFilledAndNoByteBesides(ByteBuffer room) throws Exception {
		if (room.isReadOnly()) {
			return;
		}
		int size = room.remaining();
		int before = room.position();
		ByteBuffer whole = room.duplicate().clear();
		byte[] expected = new byte[whole.capacity()];
		whole.duplicate().put(expected.clone());
		System.arraycopy(Samples.random(size), 0, expected, before, size);
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().send(ByteBuffer.wrap(Samples.random(size)));
			assertThat(pair.child().receive(room).length()).isEqualTo(size);
			assertThat(room.position()).isEqualTo(before + size);
			assertThat(whole).isEqualTo(ByteBuffer.wrap(expected));
		}
	}

	@Test
	void readOnlyBufferIsNoRoomAndCostsNoPacket() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().send(Samples.bytes("kept"));
			for (ByteBuffer room : List.of(ByteBuffer.allocate(9), ByteBuffer.allocateDirect(9))) {
				assertThatExceptionOfType(ReadOnlyBufferException.class)
					.isThrownBy(() -> pair.child().receive(room.asReadOnlyBuffer()));
				assertThatExceptionOfType(ReadOnlyBufferException.class).isThrownBy(
						() -> pair.child().receive(new ByteBuffer[] { room.duplicate(), room.asReadOnlyBuffer() }));
				assertThatExceptionOfType(ReadOnlyBufferException.class)
					.isThrownBy(() -> pair.child().tryReceive(room.asReadOnlyBuffer()));
			}
			assertThat(Samples.receiveText(pair.child())).isEqualTo("kept");
		}
	}

	/** The peer could not tell it from the end of the stream. */
	@Test
	void emptyPacketIsRefused() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("x")) {
			assertThatIllegalArgumentException().isThrownBy(() -> pair.parent().send(ByteBuffer.allocate(0)))
				.withMessageContaining("at least one byte");
			assertThatIllegalArgumentException().isThrownBy(() -> pair.parent().send(ByteBuffer.allocate(0), file));
			assertThatIllegalArgumentException().isThrownBy(() -> pair.parent().send(new ByteBuffer[0]));
			assertThatIllegalArgumentException().isThrownBy(() -> pair.parent().send(emptyBuffers(3), file));
			assertThatIllegalArgumentException().isThrownBy(() -> pair.parent().trySend(ByteBuffer.allocate(0)));
			assertThat(pair.child().tryReceive(ByteBuffer.allocate(1))).isNull();
		}
	}

	private static ByteBuffer[] emptyBuffers(int count) {
		return Stream.generate(() -> ByteBuffer.allocate(0)).limit(count).toArray(ByteBuffer[]::new);
	}

	/** The kernel would cut the packet without a word. */
	@Test
	void packetThatDoesNotFitIsAnErrorWithBothSizesAndTheNextIsIntact() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("x")) {
			LeakWatch watch = new LeakWatch();
			pair.parent().send(Samples.bytes("1234"), file);
			pair.parent().send(Samples.bytes("next"));
			ByteBuffer room = ByteBuffer.allocate(3);
			assertThatExceptionOfType(IpcException.MessageTooLarge.class).isThrownBy(() -> pair.child().receive(room))
				.withMessageContaining("4 bytes")
				.withMessageContaining("3 bytes")
				.withMessageContaining("1 descriptor");
			assertThat(room.position()).isZero();
			watch.assertNoneLeft();
			assertThat(Samples.receiveText(pair.child())).isEqualTo("next");
		}
	}

	@Test
	void packetThatDoesNotFitSeveralBuffersIsAnError() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().send(Samples.bytes("12345"));
			ByteBuffer[] room = { ByteBuffer.allocate(2), ByteBuffer.allocateDirect(2) };
			assertThatExceptionOfType(IpcException.MessageTooLarge.class).isThrownBy(() -> pair.child().receive(room))
				.withMessageContaining("5 bytes")
				.withMessageContaining("4 bytes");
			pair.parent().send(Samples.bytes("12345"));
			assertThatExceptionOfType(IpcException.MessageTooLarge.class)
				.isThrownBy(() -> pair.child().tryReceive(ByteBuffer.allocate(0)));
		}
	}

	@Test
	void largestPacketGoesThroughAndOneByteMoreNamesSizeLimitAndRemedy() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			int largest = pair.parent().maxPacketSize();
			pair.parent().send(ByteBuffer.wrap(Samples.random(largest)));
			ByteBuffer received = ByteBuffer.allocate(largest);
			assertThat(pair.child().receive(received).length()).isEqualTo(largest);
			Samples.assertSame(received.array(), Samples.random(largest));
			ByteBuffer tooLarge = ByteBuffer.allocateDirect(largest + 1);
			assertThatExceptionOfType(IpcException.MessageTooLarge.class).isThrownBy(() -> pair.parent().send(tooLarge))
				.withMessageStartingWith("send failed: EMSGSIZE (Message too long)")
				.withMessageContaining((largest + 1) + " bytes")
				.withMessageContaining("takes " + largest)
				.withMessageContaining("IpcChannel");
			assertThat(tooLarge.position()).isZero();
			pair.parent().send(Samples.bytes("usable"));
			assertThat(Samples.receiveText(pair.child())).isEqualTo("usable");
		}
	}

	/** The kernel doubles the value and limits it without a word. */
	@Test
	void sendBufferSizeIsWhatTheKernelGave() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().setSendBufferSize(Integer.MAX_VALUE);
			int largest = pair.parent().maxPacketSize();
			int given = SocketOption.get(pair.parent().descriptor(), LibC.SO_SNDBUF, "SO_SNDBUF");
			assertThat(largest).isLessThan(Integer.MAX_VALUE - 32).isEqualTo(given - 32);
			pair.parent().setSendBufferSize(4096);
			assertThat(pair.parent().maxPacketSize()).isLessThan(largest).isEqualTo(8192 - 32);
			pair.parent().send(ByteBuffer.allocate(8160));
			assertThatExceptionOfType(IpcException.MessageTooLarge.class)
				.isThrownBy(() -> pair.parent().send(ByteBuffer.allocate(8161)));
		}
	}

	/**
	 * The kernel takes 1,024 vectors; one packet stays one packet with more buffers, too.
	 */
	@ParameterizedTest
	@ValueSource(ints = { 1, 2, 8, 9, 64, 1023, 1024, 1025, 5000 })
	void manyBuffersAreOnePacket(int count) throws Exception {
		ByteBuffer[] parts = new ByteBuffer[count];
		ByteBuffer expected = ByteBuffer.allocate(count * 4);
		for (int i = 0; i < count; i++) {
			parts[i] = ((i % 2) == 0) ? ByteBuffer.allocate(6) : ByteBuffer.allocateDirect(6);
			parts[i].putInt(1, i).position(1).limit(5);
			expected.putInt(i);
		}
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().send(parts);
			assertThat(parts).allSatisfy((part) -> assertThat(part.remaining()).isZero());
			ByteBuffer received = ByteBuffer.allocate(count * 4 + 1);
			assertThat(pair.child().receive(received).length()).isEqualTo(count * 4);
			assertThat(received.flip()).isEqualTo(expected.flip());
		}
	}

	@Test
	void largeAndSmallBuffersOfBothKindsAreGatheredAndScatteredInOrder() throws Exception {
		ByteBuffer[] parts = { heapSlice(10_000, 1, 1), direct(20_000, 4, 4), ByteBuffer.allocate(0), direct(3, 0, 0),
				heapSlice(30_000, 0, 0), direct(8192, 1, 0) };
		byte[] expected = new byte[68_195];
		ByteBuffer all = ByteBuffer.wrap(expected);
		for (ByteBuffer part : parts) {
			all.put(part.duplicate());
		}
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().send(parts);
			ByteBuffer[] room = { direct(1, 7, 7), ByteBuffer.allocate(9_000), direct(25_000, 3, 0),
					ByteBuffer.allocate(0), heapSlice(30_000, 2, 2), direct(9_000, 0, 0), ByteBuffer.allocate(10) };
			int[] before = Arrays.stream(room).mapToInt(ByteBuffer::position).toArray();
			assertThat(pair.child().receive(room).length()).isEqualTo(expected.length);
			ByteBuffer received = ByteBuffer.allocate(expected.length);
			for (int i = 0; i < room.length; i++) {
				received.put(room[i].duplicate().limit(room[i].position()).position(before[i]));
			}
			Samples.assertSame(received.array(), expected);
			assertThat(room[6].position()).isZero();
		}
	}

	@Test
	void packetIsScatteredOverAsManyBuffersAsTheKernelTakesAndNoMore() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().send(ByteBuffer.wrap(Samples.random(1024)));
			assertThatIllegalArgumentException().isThrownBy(() -> pair.child().receive(rooms(1025)))
				.withMessageContaining("1024");
			ByteBuffer[] rooms = rooms(1024);
			assertThat(pair.child().receive(rooms).length()).isEqualTo(1024);
			byte[] received = new byte[1024];
			for (int i = 0; i < 1024; i++) {
				received[i] = rooms[i].get(0);
			}
			Samples.assertSame(received, Samples.random(1024));
		}
	}

	private static ByteBuffer[] rooms(int count) {
		return Stream.generate(() -> ByteBuffer.allocateDirect(1)).limit(count).toArray(ByteBuffer[]::new);
	}

	/** 12 bytes, of which the first 4 are a header. */
	@Test
	void headerAndBodyAreSplitByTheReceiver() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().send(ByteBuffer.allocate(12).putInt(0, 42).putLong(4, 4711));
			ByteBuffer header = ByteBuffer.allocate(4);
			ByteBuffer body = ByteBuffer.allocate(8);
			assertThat(pair.child().receive(new ByteBuffer[] { header, body }).length()).isEqualTo(12);
			assertThat(header.getInt(0)).isEqualTo(42);
			assertThat(body.getLong(0)).isEqualTo(4711);
		}
	}

	@Test
	void packetsAreNeitherJoinedNorSplit() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().send(Samples.bytes("one"));
			pair.parent().send(Samples.bytes("three"));
			pair.child().send(Samples.bytes("back"));
			assertThat(Samples.receiveText(pair.child())).isEqualTo("one");
			assertThat(Samples.receiveText(pair.child())).isEqualTo("three");
			assertThat(Samples.receiveText(pair.parent())).isEqualTo("back");
		}
	}

	@Test
	void moreThanAnIntCountsIsTooLargeAndNoArithmeticError() throws Exception {
		ByteBuffer large = ByteBuffer.allocate(64 * 1024 * 1024);
		ByteBuffer[] parts = Stream.generate(large::duplicate).limit(33).toArray(ByteBuffer[]::new);
		try (IpcSocketPair pair = IpcSocket.pair()) {
			assertThatExceptionOfType(IpcException.MessageTooLarge.class).isThrownBy(() -> pair.parent().send(parts));
		}
	}

	/** A peek with room for control data would duplicate descriptors. */
	@Test
	void pendingSizeIsThatOfTheNextPacketAndTakesNothing() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("x")) {
			assertThat(pair.child().pendingSize()).isEmpty();
			pair.parent().send(ByteBuffer.allocate(100_000), file);
			LeakWatch watch = new LeakWatch();
			assertThat(pair.child().pendingSize()).hasValue(100_000);
			assertThat(pair.child().pendingSize()).hasValue(100_000);
			watch.assertNoneLeft();
			try (Packet packet = pair.child().receive(ByteBuffer.allocate(100_000))) {
				assertThat(packet.descriptors()).hasSize(1);
			}
			pair.parent().close();
			assertThat(pair.child().pendingSize()).hasValue(0);
		}
	}

}
