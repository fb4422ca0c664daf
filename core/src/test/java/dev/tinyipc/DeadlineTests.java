package dev.tinyipc;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

@Timeout(60)
class DeadlineTests {

	private static final Duration SHORT = Duration.ofMillis(30);

	private static final Duration LONG = Duration.ofSeconds(40);

	private IpcSocketPair pair;

	private IpcChannel parent;

	private IpcChannel child;

	@BeforeEach
	void makePair() throws Exception {
		this.pair = IpcSocket.pair();
		this.parent = IpcChannel.over(this.pair.parent());
		this.child = IpcChannel.over(this.pair.child());
	}

	@AfterEach
	void closePair() {
		this.pair.close();
	}

	@Test
	void aDeadlinePassesAfterItsTimeAndNoneNever() {
		Deadline deadline = Deadline.in(SHORT);
		assertThat(deadline.remainingNanos()).isLessThanOrEqualTo(SHORT.toNanos());
		await().until(deadline::hasPassed);
		assertThat(deadline.remainingNanos()).isZero();
		assertThat(Deadline.NONE.hasPassed()).isFalse();
		assertThat(Deadline.NONE.remainingNanos()).isEqualTo(Long.MAX_VALUE);
		assertThat(Deadline.in(Duration.ZERO).hasPassed()).isTrue();
		assertThat(Deadline.in(Duration.ofSeconds(Long.MIN_VALUE)).hasPassed()).isTrue();
		assertThat(Deadline.in(Duration.ofSeconds(Long.MAX_VALUE)).hasPassed()).isFalse();
	}

	@Test
	void anInterruptibleDeadlinePassesAtTheSameTime() {
		Deadline deadline = Deadline.in(LONG);
		Deadline interruptible = deadline.interruptible();
		assertThat(interruptible.end()).isEqualTo(deadline.end());
		assertThat(interruptible.interruptible()).isSameAs(interruptible);
	}

	/** Shorter and longer than what is waited for in the kernel. */
	static List<Duration> timeouts() {
		return List.of(Duration.ZERO, Duration.ofNanos(1), Duration.ofMillis(1), SHORT, Duration.ofMillis(90));
	}

	@ParameterizedTest
	@MethodSource("timeouts")
	void aReceiveEndsWithItsDeadlineAndNotBefore(Duration timeout) throws Exception {
		for (boolean interruptible : new boolean[] { false, true }) {
			Deadline deadline = Deadline.in(timeout);
			assertThatExceptionOfType(IpcException.Timeout.class)
				.isThrownBy(() -> this.child.receive(String.class, interruptible ? deadline.interruptible() : deadline))
				.withMessageContaining(timeout.toString());
			assertThat(deadline.hasPassed()).isTrue();
		}
		this.parent.send("late");
		assertThat(this.child.receive(String.class, Deadline.in(LONG)).payload()).isEqualTo("late");
	}

	@ParameterizedTest
	@MethodSource("timeouts")
	void aSendEndsWithItsDeadlineAndNotBefore(Duration timeout) throws Exception {
		int queued = SocketTimeoutTests.fill(this.pair.parent());
		for (boolean interruptible : new boolean[] { false, true }) {
			Deadline deadline = Deadline.in(timeout);
			assertThatExceptionOfType(IpcException.Timeout.class)
				.isThrownBy(() -> this.parent.send("x", interruptible ? deadline.interruptible() : deadline))
				.withMessageContaining(timeout.toString());
			assertThat(deadline.hasPassed()).isTrue();
		}
		assertThat(SocketTimeoutTests.drain(this.pair.child())).isEqualTo(queued);
		this.parent.send("room", Deadline.in(LONG));
		assertThat(this.child.receive(String.class).payload()).isEqualTo("room");
	}

	@Test
	void whatIsThereIsReceivedWithoutTime() throws Exception {
		this.parent.send("there", Deadline.in(Duration.ZERO));
		assertThat(this.child.receive(String.class, Deadline.in(Duration.ZERO)).payload()).isEqualTo("there");
	}

	@Test
	void theTimeoutOfTheSocketIsNotThatOfACallWithADeadline() throws Exception {
		this.pair.parent().setReceiveTimeout(Duration.ofNanos(1));
		this.pair.parent().setSendTimeout(Duration.ofNanos(1));
		SocketTimeoutTests.fill(this.pair.parent());
		try (Blocked receiver = Blocked.in("recvmsg", () -> this.parent.receive(String.class, Deadline.in(LONG)));
				Blocked sender = Blocked.in("send", () -> this.parent.send("x", Deadline.in(LONG)))) {
			while (this.pair.child().receive(ByteBuffer.allocate(100)).length() == 1) {
				assertThat(receiver.hasEnded()).isFalse();
			}
			sender.join();
			this.child.send("x");
			receiver.join();
		}
	}

	/** A timeout that is set during a call, or for another one, does not change it. */
	@Test
	void theTimeoutIsThatOfTheMomentAtWhichACallBegins() throws Exception {
		try (Blocked receiver = Blocked.in("recvmsg", () -> this.pair.child().receive(ByteBuffer.allocate(9)));
				Blocked next = Blocked.waiting(() -> this.pair.child().receive(ByteBuffer.allocate(9)))) {
			this.pair.child().setReceiveTimeout(Duration.ofNanos(1));
			assertThatExceptionOfType(IpcException.Timeout.class)
				.isThrownBy(() -> this.pair.child().receive(ByteBuffer.allocate(9)));
			this.pair.parent().send(Samples.bytes("one"));
			receiver.join();
			this.pair.parent().send(Samples.bytes("two"));
			next.join();
		}
	}

	@Test
	void theWaitForTheLockAndTheCallShareOneDeadline() throws Exception {
		Deadline deadline = Deadline.in(Duration.ofMillis(200));
		SocketReceiver receiver = this.pair.child().receiver();
		assertThat(receiver.tryLock()).isTrue();
		try (Blocked waiting = Blocked.waiting(() -> this.child.receive(String.class, deadline))) {
			await().until(deadline::hasPassed);
			assertThatExceptionOfType(IpcException.Timeout.class).isThrownBy(waiting::join)
				.withMessageContaining("PT0.2S");
		}
		finally {
			receiver.unlock();
		}
	}

	/** Otherwise, calls of whoever gets the socket would time out. */
	@Test
	void aSocketThatIsHandedOnHasNoTimeoutInTheKernel() throws Exception {
		IpcSocket socket = this.pair.child();
		socket.setReceiveTimeout(SHORT);
		assertThatExceptionOfType(IpcException.Timeout.class).isThrownBy(() -> socket.receive(ByteBuffer.allocate(1)));
		socket.send(Samples.bytes("x"));
		assertThat(kernelTimeouts(socket.fd())).doesNotContain(0L);
		OwnedFd descriptor = socket.descriptor();
		assertThat(kernelTimeouts(descriptor.fd())).containsOnly(0L);
		assertThatExceptionOfType(IpcException.Timeout.class).isThrownBy(() -> socket.receive(ByteBuffer.allocate(1)));
		try (OwnedFd detached = OwnedFd.of(socket.detach())) {
			assertThat(kernelTimeouts(detached.fd())).containsOnly(0L);
		}
	}

	private static List<Long> kernelTimeouts(int fd) throws IpcException {
		return List.of(kernelTimeout(fd, LibC.SO_RCVTIMEO), kernelTimeout(fd, LibC.SO_SNDTIMEO));
	}

	/** In microseconds. */
	static long kernelTimeout(int fd, int option) throws IpcException {
		NativeBuffer value = NativeBuffer.zeroed(24);
		value.bytes().putInt(16, 16);
		Errno.check("getsockopt", LibC.getsockopt(fd, LibC.SOL_SOCKET, option, value.address(), value.address() + 16));
		Reference.reachabilityFence(value);
		return value.bytes().getLong(0) * 1_000_000 + value.bytes().getLong(8);
	}

	@Test
	void anInterruptEndsTheWaitForAPacketAndTheSocketStaysUsable() throws Exception {
		assertInterrupted(Blocked.in("recvmsg|futex", () -> failWhenNotInterrupted(
				() -> this.child.receive(String.class, Deadline.in(LONG).interruptible()))));
		assertInterrupted(Blocked.in("futex",
				() -> failWhenNotInterrupted(() -> this.child.receive(String.class, Deadline.NONE.interruptible()))));
		this.parent.send("next");
		assertThat(this.child.receive(String.class, Deadline.in(LONG).interruptible()).payload()).isEqualTo("next");
	}

	@Test
	void anInterruptEndsTheWaitForRoomAndTheSocketStaysUsable() throws Exception {
		int queued = SocketTimeoutTests.fill(this.pair.parent());
		assertInterrupted(Blocked.in("send|futex",
				() -> failWhenNotInterrupted(() -> this.parent.send("x", Deadline.in(LONG).interruptible()))));
		assertInterrupted(Blocked.in("futex",
				() -> failWhenNotInterrupted(() -> this.parent.send("x", Deadline.NONE.interruptible()))));
		assertThat(SocketTimeoutTests.drain(this.pair.child())).isEqualTo(queued);
		this.parent.send("next");
		assertThat(this.child.receive(String.class).payload()).isEqualTo("next");
	}

	@Test
	void anInterruptEndsTheWaitForTheLock() throws Exception {
		SocketReceiver receiver = this.pair.child().receiver();
		assertThat(receiver.tryLock()).isTrue();
		try {
			for (Deadline deadline : List.of(Deadline.in(LONG), Deadline.NONE)) {
				assertInterrupted(Blocked.waiting(() -> failWhenNotInterrupted(
						() -> this.child.receive(String.class, deadline.interruptible()))));
			}
		}
		finally {
			receiver.unlock();
		}
	}

	@Test
	void whoIsInterruptedBeforeTheCallDoesNotWaitButGetsWhatIsThere() throws Exception {
		this.parent.send("there");
		AtomicReference<@Nullable String> received = new AtomicReference<>();
		Blocked call = Blocked.any(() -> {
			Thread.currentThread().interrupt();
			received.set(this.child.receive(String.class, Deadline.NONE.interruptible()).payload());
			failWhenNotInterrupted(() -> this.child.receive(String.class, Deadline.NONE.interruptible()));
		});
		assertThatExceptionOfType(IpcException.Interrupted.class).isThrownBy(call::join);
		assertThat(received).hasValue("there");
	}

	@Test
	void anInterruptInTheMiddleOfAMessageEndsTheSocket() throws Exception {
		RawSender.send(this.pair.parent(), ByteBuffer.allocate(9).order(ByteOrder.nativeOrder()).putLong(0, 9).array());
		assertInterrupted(Blocked.in("recvmsg|futex", () -> failWhenNotInterrupted(
				() -> this.child.receive(String.class, Deadline.in(LONG).interruptible()))));
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> this.child.receive(String.class))
			.withMessageContaining("is unusable")
			.isNotInstanceOf(IpcException.Interrupted.class);
	}

	@Test
	void aPacketEndsAnInterruptibleWait() throws Exception {
		try (Blocked receiver = Blocked.in("futex",
				() -> assertThat(this.child.receive(String.class, Deadline.NONE.interruptible()).payload())
					.isEqualTo("x"))) {
			this.parent.send("x");
			receiver.join();
		}
	}

	@Test
	void aCloseEndsAnInterruptibleWait() throws Exception {
		try (Blocked receiver = Blocked.in("futex",
				() -> this.child.receive(String.class, Deadline.NONE.interruptible()))) {
			this.pair.child().close();
			assertThatExceptionOfType(IpcException.class).isThrownBy(receiver::join)
				.withMessageContaining("closed on this side");
		}
	}

	private static void failWhenNotInterrupted(Blocked.Action call) throws Exception {
		try {
			call.run();
		}
		catch (IpcException.Interrupted ex) {
			assertThat(Thread.currentThread().isInterrupted()).as("stays interrupted").isTrue();
			throw ex;
		}
		throw new AssertionError("The call was not interrupted");
	}

	private static void assertInterrupted(Blocked blocked) throws Exception {
		try (blocked) {
			blocked.thread().interrupt();
			assertThatExceptionOfType(IpcException.Interrupted.class).isThrownBy(blocked::join)
				.withMessageContaining("interrupted while it waited");
		}
	}

}
