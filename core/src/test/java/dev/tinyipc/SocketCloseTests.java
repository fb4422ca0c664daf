package dev.tinyipc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

/** The kernel alone would neither wake the reader nor keep the number ours. */
@Timeout(60)
class SocketCloseTests {

	@Test
	void closeWhileReaderIsBlockedWakesIt() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair();
				Blocked reader = Blocked.in("recvmsg", () -> pair.child().receive(ByteBuffer.allocate(1)))) {
			pair.child().close();
			assertClosedHere(reader);
		}
	}

	@Test
	void closeWhileReaderOfSeveralBuffersIsBlockedWakesIt() throws Exception {
		ByteBuffer[] room = { ByteBuffer.allocate(1), ByteBuffer.allocateDirect(1) };
		try (IpcSocketPair pair = IpcSocket.pair();
				Blocked reader = Blocked.in("recvmsg", () -> pair.child().receive(room))) {
			pair.child().close();
			assertClosedHere(reader);
		}
	}

	@Test
	void closeWhileSenderIsBlockedWakesIt() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			SocketTimeoutTests.fill(pair.parent());
			try (Blocked sender = Blocked.in("send", () -> pair.parent().send(Samples.bytes("x")))) {
				pair.parent().close();
				assertClosedHere(sender);
			}
		}
	}

	@Test
	void closeWakesReaderAndSenderAndThoseWhoWaitForThem() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			SocketTimeoutTests.fill(pair.parent());
			try (Blocked sender = Blocked.in("send", () -> pair.parent().send(Samples.bytes("x")));
					Blocked reader = Blocked.in("recvmsg", () -> pair.parent().receive(ByteBuffer.allocate(1)));
					Blocked secondSender = Blocked.waiting(() -> pair.parent().send(Samples.bytes("y")));
					Blocked secondReader = Blocked.waiting(() -> pair.parent().receive(ByteBuffer.allocate(1)))) {
				pair.parent().close();
				assertClosedHere(sender);
				assertClosedHere(reader);
				assertClosedHere(secondSender);
				assertClosedHere(secondReader);
			}
		}
	}

	/** After the kernel's close() a blocked reader still takes the next message. */
	@Test
	void readerThatWasWokenByCloseTakesNoMessageAnyMore() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair();
				Blocked reader = Blocked.in("recvmsg", () -> pair.child().receive(ByteBuffer.allocate(1)))) {
			pair.child().close();
			assertThatExceptionOfType(IpcException.PeerClosed.class)
				.isThrownBy(() -> pair.parent().send(Samples.bytes("x")));
			assertClosedHere(reader);
		}
	}

	/** While a reader is inside, the number may not come to mean anything else. */
	@Test
	void numberIsReleasedOnlyOnceTheReaderHasLeft() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			int fd = pair.child().descriptor().borrow();
			String socket = Samples.target(fd);
			pair.child().close();
			pair.child().close();
			assertThat(Samples.target(fd)).isEqualTo(socket);
			assertThat(pair.parent().receive(ByteBuffer.allocate(1))).as("the peer sees the end already").isNull();
			pair.child().descriptor().giveBack();
			assertThat(Samples.target(fd)).isNotEqualTo(socket);
		}
	}

	@Test
	void socketInUseCannotBeDetached() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair();
				Blocked reader = Blocked.in("recvmsg", () -> pair.child().receive(ByteBuffer.allocate(1)))) {
			assertThatIllegalStateException().isThrownBy(() -> pair.child().detach())
				.withMessageContaining("in use by another thread");
			pair.parent().send(Samples.bytes("x"));
			reader.join();
			OwnedFd.of(pair.child().detach()).close();
		}
	}

	/** One that is about to enter either never uses the number, or is woken. */
	@RepeatedTest(300)
	void closeWhileReaderIsAboutToEnterEndsIt() throws Exception {
		IpcSocketPair pair = IpcSocket.pair();
		CyclicBarrier start = new CyclicBarrier(2);
		Thread reader = new Thread(() -> {
			try {
				start.await();
				assertThat(pair.child().receive(ByteBuffer.allocate(1))).isNull();
			}
			catch (IOException ex) {
				assertThat(ex).hasMessageContaining("closed on this side");
			}
			catch (Exception ex) {
				throw new AssertionError(ex);
			}
		});
		reader.setDaemon(true);
		reader.start();
		start.await();
		pair.child().close();
		reader.join(10_000);
		assertThat(reader.isAlive()).as("blocked for ever").isFalse();
		assertThat(pair.parent().receive(ByteBuffer.allocate(1))).isNull();
		pair.close();
	}

	@Test
	void closeFromManyThreadsClosesOnce() throws Exception {
		for (int round = 0; round < 200; round++) {
			IpcSocketPair pair = IpcSocket.pair();
			CyclicBarrier start = new CyclicBarrier(4);
			List<Thread> threads = new ArrayList<>();
			for (int i = 0; i < 4; i++) {
				threads.add(new Thread(() -> {
					try {
						start.await();
					}
					catch (Exception ex) {
						throw new AssertionError(ex);
					}
					pair.child().close();
				}));
			}
			threads.forEach(Thread::start);
			for (Thread thread : threads) {
				thread.join();
			}
			// Had a number been closed twice, it would be one of these.
			try (OwnedFd.Pipe pipe = OwnedFd.pipe()) {
				pipe.sink().outputStream().write('x');
				assertThat(pipe.source().inputStream().read()).isEqualTo('x');
			}
			pair.parent().close();
		}
	}

	@Test
	void packetsOfManySendersAndReceiversArriveOnceEach() throws Exception {
		int senders = 3;
		int each = 2_000;
		AtomicInteger[] seen = new AtomicInteger[senders * each];
		for (int i = 0; i < seen.length; i++) {
			seen[i] = new AtomicInteger();
		}
		try (IpcSocketPair pair = IpcSocket.pair()) {
			List<Blocked> threads = new ArrayList<>();
			for (int i = 0; i < 3; i++) {
				threads.add(Blocked.in("recvmsg|futex", () -> {
					ByteBuffer room = ByteBuffer.allocateDirect(4);
					while (pair.child().receive(room.clear()) != null) {
						seen[room.getInt(0)].incrementAndGet();
					}
				}));
			}
			List<Thread> sending = new ArrayList<>();
			for (int sender = 0; sender < senders; sender++) {
				int first = sender * each;
				sending.add(new Thread(() -> sendNumbers(pair.parent(), first, each)));
			}
			sending.forEach(Thread::start);
			for (Thread thread : sending) {
				thread.join();
			}
			pair.parent().close();
			for (Blocked thread : threads) {
				thread.join();
				thread.close();
			}
		}
		assertThat(seen).allMatch((count) -> count.get() == 1);
	}

	private static void sendNumbers(IpcSocket socket, int first, int count) {
		try {
			for (int i = first; i < first + count; i++) {
				socket.send(ByteBuffer.allocate(4).putInt(0, i));
			}
		}
		catch (IOException ex) {
			throw new AssertionError(ex);
		}
	}

	private static void assertClosedHere(Blocked blocked) {
		assertThatExceptionOfType(IpcException.class).isThrownBy(blocked::join)
			.withMessageContaining("closed on this side")
			.isNotInstanceOf(IpcException.PeerClosed.class);
	}

}
