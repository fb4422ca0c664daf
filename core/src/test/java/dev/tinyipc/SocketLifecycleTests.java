package dev.tinyipc;

import java.nio.ByteBuffer;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

@Timeout(60)
class SocketLifecycleTests {

	@Test
	void allThatThePeerSentBeforeItClosedArrivesAndThenTheEnd() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("still open")) {
			pair.parent().send(Samples.bytes("one"));
			pair.parent().send(Samples.bytes("two"), file);
			pair.parent().close();
			assertThat(Samples.receiveText(pair.child())).isEqualTo("one");
			try (Packet packet = pair.child().receive(ByteBuffer.allocate(3))) {
				assertThat(Samples.content(packet.descriptors().get(0))).isEqualTo("still open");
			}
			assertEnd(pair.child());
		}
	}

	/** The kernel reports ECONNRESET once, before what the peer had sent. */
	@Test
	void nothingThatArrivedIsLostWhenThePeerClosedWithDataUnread() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.child().send(Samples.bytes("never read"));
			pair.parent().send(Samples.bytes("one"));
			pair.parent().send(Samples.bytes("two"));
			pair.parent().close();
			assertThat(Samples.receiveText(pair.child())).isEqualTo("one");
			assertThat(Samples.receiveText(pair.child())).isEqualTo("two");
			assertEnd(pair.child());
		}
	}

	@Test
	void triesGoOnAfterTheResetToo() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.child().send(Samples.bytes("never read"));
			pair.parent().send(Samples.bytes("one"));
			pair.parent().close();
			assertThat(pair.child().tryReceive(ByteBuffer.allocate(10)).length()).isEqualTo(3);
			assertThatExceptionOfType(IpcException.PeerClosed.class)
				.isThrownBy(() -> pair.child().tryReceive(ByteBuffer.allocate(10)));
		}
	}

	@Test
	void resetWithNothingBehindItIsTheEnd() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.child().send(Samples.bytes("never read"));
			pair.parent().close();
			assertEnd(pair.child());
		}
	}

	/** SIGPIPE would end this JVM, or not, depending on its handlers. */
	@Test
	void sendToAClosedPeerSaysSoEveryTime() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().close();
			for (int i = 0; i < 3; i++) {
				assertPeerClosed(() -> pair.child().send(Samples.bytes("x")));
				assertPeerClosed(() -> pair.child().trySend(Samples.bytes("x")));
			}
		}
	}

	/** ECONNRESET first, and then EPIPE, are the same to the caller. */
	@Test
	void sendToAPeerThatClosedWithDataUnreadSaysTheSame() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.child().send(Samples.bytes("never read"));
			pair.parent().send(Samples.bytes("arrived"));
			pair.parent().close();
			for (int i = 0; i < 3; i++) {
				assertPeerClosed(() -> pair.child().send(Samples.bytes("x")));
			}
			assertThat(Samples.receiveText(pair.child())).isEqualTo("arrived");
			assertEnd(pair.child());
		}
	}

	@Test
	void halfCloseEndsOneDirectionAndLeavesTheOther() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().send(Samples.bytes("request"));
			pair.parent().shutdownOutput();
			assertPeerClosedOrSaysWhy(pair.parent());
			assertThat(Samples.receiveText(pair.child())).isEqualTo("request");
			assertEnd(pair.child());
			pair.child().send(Samples.bytes("reply"));
			pair.child().close();
			assertThat(Samples.receiveText(pair.parent())).isEqualTo("reply");
			assertEnd(pair.parent());
		}
	}

	private static void assertPeerClosedOrSaysWhy(IpcSocket socket) {
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> socket.send(Samples.bytes("x")));
	}

	@Test
	void blockedReceiverSeesTheEndWhenThePeerCloses() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair();
				Blocked receiver = Blocked.in("recvmsg", () -> assertEnd(pair.child()))) {
			pair.parent().close();
			receiver.join();
		}
	}

	@Test
	void blockedSenderLearnsThatThePeerClosed() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			SocketTimeoutTests.fill(pair.parent());
			try (Blocked sender = Blocked.in("send", () -> pair.parent().send(Samples.bytes("x")))) {
				pair.child().close();
				assertThatExceptionOfType(IpcException.PeerClosed.class).isThrownBy(sender::join);
			}
		}
	}

	@Test
	void endIsNotSeenWhileSomebodyElseHoldsThePeersEnd() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd copy = pair.child().descriptor().duplicate()) {
			pair.child().close();
			assertThat(pair.parent().tryReceive(ByteBuffer.allocate(1))).isNull();
			copy.close();
			assertEnd(pair.parent());
		}
	}

	private static void assertEnd(IpcSocket socket) throws IpcException {
		assertThat(socket.receive(ByteBuffer.allocate(100))).isNull();
		assertThat(socket.receive(new ByteBuffer[] { ByteBuffer.allocate(100) })).as("again").isNull();
		assertPeerClosed(() -> socket.tryReceive(ByteBuffer.allocate(100)));
	}

	private static void assertPeerClosed(ThrowingCallable call) {
		assertThatExceptionOfType(IpcException.PeerClosed.class).isThrownBy(call)
			.withMessageContaining("the peer closed");
	}

}
