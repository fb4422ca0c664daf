package dev.tinyipc;

import java.nio.ByteBuffer;
import java.time.Duration;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

class SocketPairTests {

	@Test
	void bothEndsAreSequencedPacketSockets() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			for (IpcSocket end : new IpcSocket[] { pair.parent(), pair.child() }) {
				assertThat(SocketOption.get(end.descriptor(), LibC.SO_DOMAIN, "SO_DOMAIN")).isEqualTo(LibC.AF_UNIX);
				assertThat(SocketOption.get(end.descriptor(), LibC.SO_TYPE, "SO_TYPE")).isEqualTo(LibC.SOCK_SEQPACKET);
			}
		}
	}

	/** Neither end may reach a program that another thread is just starting. */
	@Test
	void bothEndsAreCloseOnExec() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			assertThat(pair.parent().isCloseOnExec()).isTrue();
			assertThat(pair.child().isCloseOnExec()).isTrue();
			assertThat(Samples.isCloseOnExec(pair.parent().fd())).isTrue();
			assertThat(Samples.isCloseOnExec(pair.child().fd())).isTrue();
		}
	}

	@Test
	void closeOnExecGoesOffAndOnAgain() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.child().setCloseOnExec(false);
			assertThat(pair.child().isCloseOnExec()).isFalse();
			assertThat(Samples.isCloseOnExec(pair.child().fd())).isFalse();
			assertThat(pair.parent().isCloseOnExec()).isTrue();
			pair.child().setCloseOnExec(true);
			assertThat(Samples.isCloseOnExec(pair.child().fd())).isTrue();
		}
	}

	@Test
	void closingThePairClosesBothEnds() throws Exception {
		IpcSocketPair pair = IpcSocket.pair();
		int parent = pair.parent().fd();
		String socket = Samples.target(parent);
		assertThat(socket).startsWith("socket:");
		pair.close();
		pair.close();
		assertThat(pair.parent().isClosed()).isTrue();
		assertThat(pair.child().isClosed()).isTrue();
		assertThat(Samples.target(parent)).isNotEqualTo(socket);
	}

	@Test
	void detachedNumberStaysOpenAndCanBeAdoptedAgain() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			int number = pair.child().detach();
			assertThat(pair.child().isClosed()).isTrue();
			pair.child().close();
			assertThat(Samples.target(number)).startsWith("socket:");
			assertThatIllegalStateException().isThrownBy(() -> pair.child().detach());
			assertThatIllegalStateException().isThrownBy(() -> pair.child().fd());
			try (IpcSocket adopted = IpcSocket.adopt(number)) {
				assertThat(adopted.fd()).isEqualTo(number);
				pair.parent().send(Samples.bytes("still there"));
				assertThat(Samples.receiveText(adopted)).isEqualTo("still there");
			}
		}
	}

	@Test
	void adoptionTakesOwnership() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			IpcSocket.adopt(pair.child().detach()).close();
			assertThat(pair.parent().receive(ByteBuffer.allocate(1))).isNull();
		}
	}

	@Test
	void numberThatIsNotOpenIsNotAdopted() {
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> IpcSocket.adopt(1_000_000))
			.withMessageContaining("EBADF (Bad file descriptor)");
	}

	@Test
	void negativeNumberIsNotAdoptedAndSaysWhy() {
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> IpcSocket.adopt(-1))
			.withMessageContaining("EBADF");
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> OwnedFd.adopt(-1))
			.withMessageContaining("EBADF");
	}

	@Test
	void whatIsNoSocketIsNotAdoptedAndStaysTheCallers() throws Exception {
		try (OwnedFd file = Samples.memoryFile("content")) {
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> IpcSocket.adopt(file.fd()))
				.withMessageContaining("ENOTSOCK");
			assertThat(Samples.content(file)).isEqualTo("content");
		}
	}

	@Test
	void socketOfAnotherTypeIsNotAdoptedAndStaysTheCallers() throws Exception {
		NativeBuffer ends = NativeBuffer.allocate(8);
		int stream = 1;
		LibC.socketpair(LibC.AF_UNIX, stream | LibC.SOCK_CLOEXEC, 0, ends.address());
		try (OwnedFd one = OwnedFd.adopt(ends.bytes().getInt(0));
				OwnedFd other = OwnedFd.adopt(ends.bytes().getInt(4))) {
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> IpcSocket.adopt(one.fd()))
				.withMessageContaining("type 1")
				.withMessageContaining("SOCK_SEQPACKET");
			assertThat(Samples.target(one.fd())).startsWith("socket:");
			assertThat(other.isClosed()).isFalse();
		}
	}

	@Test
	void everyCallOnAClosedSocketSaysSo() throws Exception {
		IpcSocketPair pair = IpcSocket.pair();
		IpcSocket socket = pair.parent();
		pair.close();
		assertClosed(() -> socket.send(Samples.bytes("x")));
		assertClosed(() -> socket.send(new ByteBuffer[] { Samples.bytes("x") }));
		assertClosed(() -> socket.trySend(Samples.bytes("x")));
		assertClosed(() -> socket.receive(ByteBuffer.allocate(1)));
		assertClosed(() -> socket.receive(new ByteBuffer[] { ByteBuffer.allocate(1) }));
		assertClosed(() -> socket.tryReceive(ByteBuffer.allocate(1)));
		assertClosed(() -> socket.setReceiveTimeout(Duration.ofMillis(1)));
		assertClosed(() -> socket.setSendTimeout(Duration.ofMillis(1)));
		assertClosed(() -> socket.setCloseOnExec(true));
		assertClosed(socket::isCloseOnExec);
		assertClosed(socket::shutdownOutput);
		assertClosed(socket::maxPacketSize);
		assertClosed(() -> IpcChannel.over(socket).send("x"));
		assertClosed(() -> IpcChannel.over(socket).receive(String.class));
	}

	private static void assertClosed(ThrowingCallable call) {
		assertThatExceptionOfType(IpcException.class).isThrownBy(call)
			.withMessageContaining("closed on this side")
			.isNotInstanceOf(IpcException.PeerClosed.class);
	}

}
