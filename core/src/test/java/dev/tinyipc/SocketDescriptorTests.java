package dev.tinyipc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

@Timeout(60)
class SocketDescriptorTests {

	private static final int SO_PASSCRED = 16;

	private static final int SO_PASSSEC = 34;

	private static final int SO_PASSPIDFD = 76;

	@ParameterizedTest
	@ValueSource(ints = { 1, 2, 3, 64, 252, 253 })
	void descriptorsArriveInOrderWithTheirContent(int count) throws Exception {
		OwnedFd[] sent = Samples.memoryFiles(count);
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().send(Samples.bytes("x"), sent);
			try (Packet packet = pair.child().receive(ByteBuffer.allocate(1))) {
				assertThat(packet.descriptors()).hasSize(count);
				for (int i = 0; i < count; i++) {
					assertThat(Samples.content(packet.descriptors().get(i))).isEqualTo("file " + i);
				}
			}
		}
		finally {
			Samples.close(sent);
		}
	}

	@Test
	void oneDescriptorTooManyIsRefusedWithTheLimit() throws Exception {
		OwnedFd file = Samples.memoryFile("x");
		OwnedFd[] tooMany = new OwnedFd[254];
		Arrays.fill(tooMany, file);
		try (IpcSocketPair pair = IpcSocket.pair(); file) {
			assertThatExceptionOfType(IpcException.TooManyDescriptors.class)
				.isThrownBy(() -> pair.parent().send(Samples.bytes("x"), tooMany))
				.withMessageContaining("253")
				.withMessageContaining("254");
			assertThat(pair.child().tryReceive(ByteBuffer.allocate(1))).isNull();
			pair.parent().send(Samples.bytes("y"), Arrays.copyOf(tooMany, 253));
			try (Packet packet = pair.child().receive(ByteBuffer.allocate(1))) {
				assertThat(packet.descriptors()).hasSize(253);
			}
		}
	}

	@Test
	void receivedDescriptorsAreCloseOnExecAndHaveNumbersOfTheirOwn() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("x")) {
			pair.parent().send(Samples.bytes("x"), file, file);
			try (Packet packet = pair.child().receive(ByteBuffer.allocate(1))) {
				assertThat(packet.descriptors()).extracting(OwnedFd::fd)
					.doesNotHaveDuplicates()
					.doesNotContain(file.fd());
				for (OwnedFd received : packet.descriptors()) {
					assertThat(Samples.isCloseOnExec(received.fd())).isTrue();
				}
			}
		}
	}

	@Test
	void sendNeverClosesTheCallersDescriptors() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("mine")) {
			pair.parent().send(Samples.bytes("x"), file);
			pair.child().receive(ByteBuffer.allocate(1)).close();
			assertThat(Samples.content(file)).isEqualTo("mine");
			while (pair.parent().trySend(Samples.bytes("x"), file)) {
				assertThat(file.isClosed()).isFalse();
			}
			assertThat(Samples.content(file)).as("row 18: after EAGAIN").isEqualTo("mine");
			pair.child().close();
			assertThatExceptionOfType(IpcException.PeerClosed.class)
				.isThrownBy(() -> pair.parent().send(Samples.bytes("x"), file));
			assertThat(Samples.content(file)).as("after EPIPE").isEqualTo("mine");
		}
	}

	@Test
	void closingAReceivedDescriptorLeavesTheSendersOpenAndTheOtherWayRound() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			OwnedFd file = Samples.memoryFile("content");
			pair.parent().send(Samples.bytes("x"), file);
			pair.child().receive(ByteBuffer.allocate(1)).close();
			assertThat(Samples.content(file)).isEqualTo("content");
			pair.parent().send(Samples.bytes("x"), file);
			// In flight, it keeps its file open.
			file.close();
			try (Packet packet = pair.child().receive(ByteBuffer.allocate(1))) {
				assertThat(Samples.content(packet.descriptors().get(0))).isEqualTo("content");
			}
		}
	}

	@Test
	void descriptorUnderWayIsReleasedWhenTheReceiverCloses() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			try (OwnedFd.Pipe pipe = OwnedFd.pipe()) {
				pair.parent().send(Samples.bytes("x"), pipe.sink());
				pipe.sink().close();
				pair.child().close();
				pair.parent().close();
				assertThat(pipe.source().inputStream().read()).isEqualTo(-1);
			}
		}
	}

	@Test
	void closedDescriptorInTheListSendsNothingAndTheOthersStayTheCallers() throws Exception {
		OwnedFd closed = Samples.memoryFile("closed");
		closed.close();
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd open = Samples.memoryFile("open")) {
			assertThatExceptionOfType(IpcException.class)
				.isThrownBy(() -> pair.parent().send(Samples.bytes("x"), open, closed, open))
				.withMessageContaining("closed on this side");
			assertThat(pair.child().tryReceive(ByteBuffer.allocate(1))).isNull();
			assertThat(Samples.content(open)).isEqualTo("open");
			// No borrower was forgotten: only then does close release the number.
			int number = open.fd();
			String target = Samples.target(number);
			open.close();
			assertThat(Samples.target(number)).isNotEqualTo(target);
		}
	}

	/** Other code may have closed the number. */
	@Test
	void numberThatIsNotOpenSendsNothing() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd open = Samples.memoryFile("open")) {
			OwnedFd gone = OwnedFd.of(1_000_000);
			assertThatExceptionOfType(IpcException.class)
				.isThrownBy(() -> pair.parent().send(Samples.bytes("x"), open, gone))
				.withMessageContaining("EBADF (Bad file descriptor)");
			assertThat(pair.child().tryReceive(ByteBuffer.allocate(1))).isNull();
		}
	}

	@Test
	void noDescriptorsAreAnEmptyList() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().send(Samples.bytes("x"), new OwnedFd[0]);
			try (Packet packet = pair.child().receive(ByteBuffer.allocate(1))) {
				assertThat(packet.descriptors()).isEmpty();
			}
		}
	}

	/** Rows 3 and 4. A raw sender, because ours refuses to send such a packet. */
	@Test
	void emptyPacketWithADescriptorIsNotTheEnd() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("with nothing")) {
			RawSender.send(pair.parent(), new byte[0], file);
			try (Packet packet = pair.child().receive(ByteBuffer.allocate(1))) {
				assertThat(packet).isNotNull();
				assertThat(packet.length()).isZero();
				assertThat(Samples.content(packet.descriptors().get(0))).isEqualTo("with nothing");
			}
			RawSender.send(pair.parent(), new byte[0], file);
			try (Packet packet = pair.child().tryReceive(ByteBuffer.allocate(1))) {
				assertThat(packet.descriptors()).hasSize(1);
			}
		}
	}

	/**
	 * Rows 11 and 15: what socket options of the receiver add takes no descriptor's room.
	 */
	@Test
	void credentialsAndPidfdsTakeNoRoomFromDescriptorsAndAreNotLeaked() throws Exception {
		OwnedFd[] sent = Samples.memoryFiles(253);
		try (IpcSocketPair pair = IpcSocket.pair()) {
			for (int option : new int[] { SO_PASSCRED, SO_PASSSEC }) {
				SocketOption.set(pair.child().descriptor(), option, "SO_PASS…", 1);
			}
			enablePidfds(pair.child());
			pair.parent().send(Samples.bytes("x"), sent);
			pair.parent().send(Samples.bytes("without"));
			LeakWatch watch = new LeakWatch();
			try (Packet packet = pair.child().receive(ByteBuffer.allocate(1))) {
				assertThat(packet.descriptors()).hasSize(253);
				assertThat(Samples.content(packet.descriptors().get(252))).isEqualTo("file 252");
			}
			ByteBuffer room = ByteBuffer.allocate(10);
			try (Packet packet = pair.child().receive(room)) {
				assertThat(packet.descriptors()).isEmpty();
			}
			watch.assertNoneLeft();
			pair.parent().close();
			assertThat(pair.child().receive(room)).isNull();
		}
		finally {
			Samples.close(sent);
		}
	}

	/** Since Linux 6.5. */
	private static void enablePidfds(IpcSocket socket) throws IpcException {
		try {
			SocketOption.set(socket.descriptor(), SO_PASSPIDFD, "SO_PASSPIDFD", 1);
		}
		catch (IpcException ex) {
			assertThat(ex).hasMessageContaining("ENOPROTOOPT");
		}
	}

	@Test
	void closingAPacketClosesWhatWasNotTaken() throws Exception {
		OwnedFd[] sent = Samples.memoryFiles(3);
		try (IpcSocketPair pair = IpcSocket.pair()) {
			LeakWatch watch = new LeakWatch();
			pair.parent().send(Samples.bytes("x"), sent);
			Packet packet = pair.child().receive(ByteBuffer.allocate(1));
			OwnedFd taken = packet.take(1);
			packet.close();
			packet.close();
			assertThat(Samples.content(taken)).isEqualTo("file 1");
			assertThat(packet.descriptors()).allMatch(OwnedFd::isClosed);
			assertThatIllegalStateException().isThrownBy(() -> packet.take(1));
			assertThatIllegalStateException().isThrownBy(() -> packet.take(0));
			assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> packet.take(3));
			taken.close();
			watch.assertNoneLeft();
		}
		finally {
			Samples.close(sent);
		}
	}

	@Test
	void listOfReceivedDescriptorsCannotBeEmptiedSoThatTheyAreForgotten() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("x")) {
			pair.parent().send(Samples.bytes("x"), file);
			try (Packet packet = pair.child().receive(ByteBuffer.allocate(1))) {
				List<OwnedFd> backup = new ArrayList<>(packet.descriptors());
				try {
					assertThatExceptionOfType(UnsupportedOperationException.class)
						.isThrownBy(() -> packet.descriptors().clear());
				}
				finally {
					OwnedFd.closeAll(backup);
				}
			}
		}
	}

	/** A socket inside a message that is itself in flight, passed on twice. */
	@Test
	void socketsAreSentOverSocketsAlsoWhileTheyAreUnderWayThemselves() throws Exception {
		try (IpcSocketPair first = IpcSocket.pair(); IpcSocketPair second = IpcSocket.pair()) {
			IpcSocketPair lane = IpcSocket.pair();
			lane.parent().send(Samples.bytes("sent before"));
			second.parent().send(Samples.bytes("lane"), lane.child().descriptor());
			lane.child().close();
			first.parent().send(Samples.bytes("second"), second.child().descriptor());
			second.child().close();
			IpcSocket secondChild = receiveSocket(first.child());
			IpcSocket laneChild = receiveSocket(secondChild);
			assertThat(Samples.receiveText(laneChild)).isEqualTo("sent before");
			laneChild.send(Samples.bytes("answer"));
			assertThat(Samples.receiveText(lane.parent())).isEqualTo("answer");
			lane.parent().close();
			assertThat(laneChild.receive(ByteBuffer.allocate(1))).isNull();
			laneChild.close();
			secondChild.close();
		}
	}

	private static IpcSocket receiveSocket(IpcSocket over) throws IOException {
		try (Packet packet = over.receive(ByteBuffer.allocate(10))) {
			return IpcSocket.adopt(packet.take(0).detach());
		}
	}

	/** junixsocket: the offset belongs to the open file, and partial reading moves it. */
	@Test
	void readingAReceivedFileDoesNotMoveTheSendersOffset() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("0123456789")) {
			Lseek.lseek(file.fd(), 4, 0);
			pair.parent().send(Samples.bytes("x"), file);
			try (Packet packet = pair.child().receive(ByteBuffer.allocate(1))) {
				byte[] all = packet.descriptors().get(0).inputStream().readAllBytes();
				assertThat(new String(all, StandardCharsets.US_ASCII)).isEqualTo("0123456789");
			}
			assertThat(Lseek.lseek(file.fd(), 0, Lseek.SEEK_CUR)).isEqualTo(4);
		}
	}

	/** CPython's case: numbers that do not fit a byte. */
	@Test
	void numbersAbove256ArePassedToo() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("high")) {
			OwnedFd high = OwnedFd.of(file.duplicateFrom(1000));
			assertThat(high.fd()).isGreaterThanOrEqualTo(1000);
			try (IpcSocket highSocket = IpcSocket.adopt(highNumber(pair.parent())); high) {
				highSocket.send(Samples.bytes("x"), high);
				try (Packet packet = pair.child().receive(ByteBuffer.allocate(1))) {
					assertThat(Samples.content(packet.descriptors().get(0))).isEqualTo("high");
				}
			}
		}
	}

	private static int highNumber(IpcSocket socket) throws IpcException {
		return socket.descriptor().duplicateFrom(2000);
	}

}
