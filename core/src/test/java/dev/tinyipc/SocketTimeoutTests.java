package dev.tinyipc;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

@Timeout(60)
class SocketTimeoutTests {

	private static final int F_SETFL = 4;

	private static final int O_NONBLOCK = 0x800;

	static List<Duration> shortTimeouts() {
		return List.of(Duration.ofNanos(1), Duration.ofNanos(999), Duration.ofNanos(1001), Duration.ofNanos(999_999),
				Duration.ofMillis(1), Duration.ofMillis(30));
	}

	/** Less than the kernel can express must not become "for ever". */
	@ParameterizedTest
	@MethodSource("shortTimeouts")
	void receiveEndsWithATimeoutHoweverShortAndTheSocketStaysUsable(Duration timeout) throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.child().setReceiveTimeout(timeout);
			long start = System.nanoTime();
			assertThatExceptionOfType(IpcException.Timeout.class)
				.isThrownBy(() -> pair.child().receive(ByteBuffer.allocate(1)))
				.withMessageContaining(timeout.toString());
			assertThat(System.nanoTime() - start).as("nanoseconds waited").isGreaterThanOrEqualTo(timeout.toNanos());
			assertThatExceptionOfType(IpcException.Timeout.class)
				.isThrownBy(() -> pair.child().receive(new ByteBuffer[] { ByteBuffer.allocate(1) }));
			pair.parent().send(Samples.bytes("late"));
			assertThat(Samples.receiveText(pair.child())).isEqualTo("late");
		}
	}

	@ParameterizedTest
	@MethodSource("shortTimeouts")
	void sendToAFullQueueEndsWithATimeoutAndNothingWasSent(Duration timeout) throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			int sent = fill(pair.parent());
			pair.parent().setSendTimeout(timeout);
			ByteBuffer data = Samples.bytes("too much");
			assertThatExceptionOfType(IpcException.Timeout.class).isThrownBy(() -> pair.parent().send(data))
				.withMessageContaining(timeout.toString());
			assertThat(data.position()).isZero();
			assertThatExceptionOfType(IpcException.Timeout.class)
				.isThrownBy(() -> pair.parent().send(new ByteBuffer[] { data }));
			assertThat(drain(pair.child())).isEqualTo(sent);
			pair.parent().send(data);
			assertThat(Samples.receiveText(pair.child())).isEqualTo("too much");
		}
	}

	/** How many packets fit is up to the kernel. */
	@Test
	void triesNeverWait() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			assertThat(pair.child().tryReceive(ByteBuffer.allocate(1))).isNull();
			int sent = fill(pair.parent());
			assertThat(sent).isGreaterThan(10);
			ByteBuffer data = Samples.bytes("no room");
			assertThat(pair.parent().trySend(data)).isFalse();
			assertThat(data.position()).isZero();
			assertThat(drain(pair.child())).isEqualTo(sent);
			assertThat(pair.parent().trySend(data)).isTrue();
			assertThat(data.remaining()).isZero();
			assertThat(Samples.text(received(pair.child()))).isEqualTo("no room");
			pair.parent().close();
			assertThatExceptionOfType(IpcException.PeerClosed.class)
				.isThrownBy(() -> pair.child().tryReceive(ByteBuffer.allocate(1)));
			assertThatExceptionOfType(IpcException.PeerClosed.class)
				.isThrownBy(() -> pair.child().trySend(Samples.bytes("x")));
		}
	}

	@Test
	void triesDoNotWaitForACallOfAnotherThreadEither() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair();
				Blocked receiver = Blocked.in("recvmsg", () -> pair.child().receive(ByteBuffer.allocate(9)))) {
			assertThat(pair.child().tryReceive(ByteBuffer.allocate(1))).isNull();
			assertThat(pair.child().trySend(Samples.bytes("other direction"))).isTrue();
			pair.parent().send(Samples.bytes("x"));
			receiver.join();
		}
	}

	@Test
	void timeoutCanBeTakenBack() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.child().setReceiveTimeout(Duration.ofMillis(1));
			assertThatExceptionOfType(IpcException.Timeout.class)
				.isThrownBy(() -> pair.child().receive(ByteBuffer.allocate(1)));
			pair.child().setReceiveTimeout(null);
			try (Blocked receiver = Blocked.in("recvmsg", () -> pair.child().receive(ByteBuffer.allocate(9)))) {
				pair.parent().send(Samples.bytes("x"));
				receiver.join();
			}
		}
	}

	/**
	 * "For ever" in nanoseconds, and other lengths that overflow when something is added.
	 */
	@ParameterizedTest
	@MethodSource("endlessTimeouts")
	void endlessTimeoutWaits(Duration timeout) throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.child().setReceiveTimeout(timeout);
			try (Blocked receiver = Blocked.in("recvmsg", () -> pair.child().receive(ByteBuffer.allocate(9)))) {
				pair.parent().send(Samples.bytes("x"));
				receiver.join();
			}
		}
	}

	static List<Duration> endlessTimeouts() {
		return List.of(Duration.ofDays(36_500), Duration.ofNanos(Long.MAX_VALUE - 1000),
				Duration.ofNanos(Long.MAX_VALUE), Duration.ofSeconds(Long.MAX_VALUE, 999_999_999));
	}

	@Test
	void timeoutThatIsNotMoreThanZeroIsRefused() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			for (Duration timeout : List.of(Duration.ZERO, Duration.ofNanos(-1), Duration.ofSeconds(Long.MIN_VALUE))) {
				assertThatIllegalArgumentException().isThrownBy(() -> pair.parent().setSendTimeout(timeout));
				assertThatIllegalArgumentException().isThrownBy(() -> pair.parent().setReceiveTimeout(timeout));
			}
		}
	}

	/** An interrupt wakes no call, and is not lost. */
	@Test
	void interruptIsKeptForAfterTheCall() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.child().setReceiveTimeout(Duration.ofSeconds(30));
			try (Blocked receiver = Blocked.in("recvmsg", () -> {
				Samples.receiveText(pair.child());
				assertThat(Thread.currentThread().isInterrupted()).isTrue();
			}); Blocked next = Blocked.waiting(() -> {
				Samples.receiveText(pair.child());
				assertThat(Thread.interrupted()).isTrue();
			})) {
				receiver.thread().interrupt();
				next.thread().interrupt();
				pair.parent().send(Samples.bytes("one"));
				pair.parent().send(Samples.bytes("two"));
				receiver.join();
				next.join();
			}
		}
	}

	@Test
	void waitingForAnotherThreadsCallCountsAsWaiting() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair();
				Blocked receiver = Blocked.in("recvmsg", () -> pair.child().receive(ByteBuffer.allocate(9)))) {
			pair.child().setReceiveTimeout(Duration.ofMillis(20));
			assertThatExceptionOfType(IpcException.Timeout.class)
				.isThrownBy(() -> pair.child().receive(ByteBuffer.allocate(1)));
			pair.parent().send(Samples.bytes("x"));
			receiver.join();
		}
	}

	/**
	 * O_NONBLOCK belongs to everybody who shares the socket, and is not ours to clear.
	 */
	@Test
	void nonBlockingSocketWaitsAllTheSameAndStaysNonBlocking() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			LibC.fcntl(pair.child().fd(), F_SETFL, LibC.O_RDWR | O_NONBLOCK);
			try (Blocked receiver = Blocked.in("poll", () -> pair.child().receive(ByteBuffer.allocate(9)))) {
				pair.parent().send(Samples.bytes("x"));
				receiver.join();
			}
			fill(pair.child());
			try (Blocked sender = Blocked.in("poll", () -> pair.child().send(Samples.bytes("x")))) {
				drain(pair.parent());
				sender.join();
			}
			assertThat(LibC.fcntl(pair.child().fd(), LibC.F_GETFL, 0) & O_NONBLOCK).isNotZero();
		}
	}

	@Test
	void nonBlockingSocketKeepsItsTimeout() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			LibC.fcntl(pair.child().fd(), F_SETFL, LibC.O_RDWR | O_NONBLOCK);
			pair.child().setReceiveTimeout(Duration.ofMillis(50));
			long start = System.nanoTime();
			assertThatExceptionOfType(IpcException.Timeout.class)
				.isThrownBy(() -> pair.child().receive(ByteBuffer.allocate(1)));
			assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(50));
		}
	}

	/** A previous owner of the socket may have left a timeout in the kernel. */
	@Test
	void adoptedSocketHasNoTimeoutOfItsFormerOwners() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.child().setReceiveTimeout(Duration.ofMillis(1));
			try (IpcSocket adopted = IpcSocket.adopt(pair.child().detach());
					Blocked receiver = Blocked.in("recvmsg|poll", () -> adopted.receive(ByteBuffer.allocate(9)))) {
				pair.parent().send(Samples.bytes("x"));
				receiver.join();
			}
		}
	}

	static int fill(IpcSocket socket) throws IpcException {
		int sent = 0;
		while (socket.trySend(ByteBuffer.allocate(1))) {
			sent++;
		}
		return sent;
	}

	static int drain(IpcSocket socket) throws IpcException {
		List<Packet> packets = new ArrayList<>();
		Packet packet;
		while ((packet = socket.tryReceive(ByteBuffer.allocate(1))) != null) {
			packets.add(packet);
		}
		return packets.size();
	}

	private static ByteBuffer received(IpcSocket socket) throws IpcException {
		ByteBuffer buffer = ByteBuffer.allocate(100);
		socket.receive(buffer);
		return buffer;
	}

}
