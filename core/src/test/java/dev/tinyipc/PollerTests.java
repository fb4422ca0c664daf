package dev.tinyipc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

@Timeout(60)
class PollerTests {

	private IpcPoller poller;

	private IpcSocketPair pair;

	@BeforeEach
	void open() throws Exception {
		this.poller = IpcPoller.open();
		this.pair = IpcSocket.pair();
	}

	@AfterEach
	void close() throws Exception {
		this.poller.close();
		this.pair.close();
	}

	@Test
	void aPollerThatCannotBeOpenedLeavesNothingBehind() throws Exception {
		LeakWatch watch = new LeakWatch();
		Epoll closed = Epoll.create();
		closed.close();
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> IpcPoller.over(closed));
		watch.assertNoneLeft();
	}

	@Test
	void aSocketThatTheWaitingThreadRemovesCanBeAddedAgainAtOnce() throws Exception {
		this.pair.child().send(Samples.bytes("ready at any time"));
		AtomicInteger removed = new AtomicInteger();
		Thread waiting = new Thread(() -> {
			try {
				while (true) {
					for (IpcPoller.Event event : this.poller.await(null)) {
						this.poller.remove(event.socket());
						removed.incrementAndGet();
					}
				}
			}
			catch (IpcException ex) {
				// The poller was closed.
			}
		});
		waiting.start();
		for (int i = 0; i < 20_000; i++) {
			this.poller.add(this.pair.parent(), IpcPoller.Interest.READ);
			while (removed.get() == i) {
				Thread.onSpinWait();
			}
		}
		this.poller.close();
		waiting.join();
	}

	/** It takes many tries until they come in between each other. */
	@Test
	void closingByManyThreadsAtOnceClosesOnce() throws Exception {
		int count = 3;
		CyclicBarrier round = new CyclicBarrier(count);
		AtomicReference<IpcPoller> next = new AtomicReference<>(IpcPoller.open());
		AtomicInteger awake = new AtomicInteger();
		Queue<IpcException> failures = new ConcurrentLinkedQueue<>();
		List<Blocked> closers = new ArrayList<>();
		for (int i = 0; i < count; i++) {
			boolean first = i == 0;
			closers.add(Blocked.any(() -> {
				for (int rounds = 1; rounds <= 3000; rounds++) {
					round.await(20, TimeUnit.SECONDS);
					awake.incrementAndGet();
					for (int spins = 0; awake.get() < count * rounds && spins < 10_000; spins++) {
						Thread.onSpinWait();
					}
					try {
						next.get().close();
					}
					catch (IpcException ex) {
						failures.add(ex);
					}
					round.await(20, TimeUnit.SECONDS);
					if (first) {
						next.set(IpcPoller.open());
					}
				}
			}));
		}
		closers.get(0).thread().join();
		next.get().close();
		for (Blocked closer : closers) {
			closer.join();
		}
		assertThat(failures).isEmpty();
	}

	/** It is ready, as it is shut down, but must not be reported. */
	@Test
	void aSocketThatIsBeingClosedDoesNotEndAWaitWithoutLimit() throws Exception {
		this.poller.add(this.pair.child(), IpcPoller.Interest.READ);
		OwnedFd descriptor = this.pair.child().descriptor();
		descriptor.borrow();
		this.pair.child().close();
		try (Blocked waiting = Blocked.any(() -> assertThat(this.poller.await(null)).isEmpty())) {
			await().during(Duration.ofMillis(100)).until(() -> !waiting.hasEnded());
			descriptor.giveBack();
			this.poller.wakeUp();
			waiting.join();
		}
	}

	@Test
	void theEndOfAPeerIsToldApartFromWhatItSentBefore() throws Exception {
		for (IpcPoller.Interest interest : List.of(IpcPoller.Interest.READ, IpcPoller.Interest.END)) {
			try (IpcSocketPair sockets = IpcSocket.pair(); IpcPoller watching = IpcPoller.open()) {
				watching.add(sockets.child(), interest);
				sockets.parent().send(Samples.bytes("x"));
				assertThat(watching.await(Duration.ZERO)).noneMatch(IpcPoller.Event::ended);
				sockets.parent().shutdownOutput();
				assertThat(watching.await(Duration.ZERO)).singleElement()
					.satisfies((event) -> assertThat(event.readable()).isTrue())
					.satisfies((event) -> assertThat(event.ended()).isTrue());
				Samples.receiveText(sockets.child());
				sockets.parent().close();
				assertThat(watching.await(Duration.ZERO)).singleElement()
					.satisfies((event) -> assertThat(event.ended()).isTrue());
			}
		}
	}

	@Test
	void nothingIsReadyAtFirst() throws Exception {
		assertThat(ready()).isEmpty();
		this.poller.add(this.pair.child(), IpcPoller.Interest.READ);
		assertThat(ready()).isEmpty();
		assertThat(this.poller.await(Duration.ofMillis(20))).isEmpty();
		assertThat(this.poller.await(Duration.ofNanos(1))).isEmpty();
	}

	@Test
	void packetIsToldToTheOneThatWaits() throws Exception {
		this.poller.add(this.pair.child(), IpcPoller.Interest.READ);
		try (Blocked waiting = SystemCall.EPOLL_WAIT
			.enter(() -> assertThat(this.poller.await(null)).containsExactly(readable(this.pair.child())))) {
			this.pair.parent().send(Samples.bytes("x"));
			waiting.join();
		}
	}

	@Test
	void packetThatWasThereBeforeAddingIsToldToo() throws Exception {
		this.pair.parent().send(Samples.bytes("x"));
		this.poller.add(this.pair.child(), IpcPoller.Interest.READ);
		assertThat(this.poller.await(null)).containsExactly(readable(this.pair.child()));
	}

	/** Level-triggered. */
	@Test
	void whatWasNotReadIsToldAgain() throws Exception {
		this.poller.add(this.pair.child(), IpcPoller.Interest.READ);
		this.pair.parent().send(Samples.bytes("a"));
		this.pair.parent().send(Samples.bytes("b"));
		for (int i = 0; i < 3; i++) {
			assertThat(ready()).containsExactly(readable(this.pair.child()));
		}
		Samples.receiveText(this.pair.child());
		assertThat(ready()).containsExactly(readable(this.pair.child()));
		Samples.receiveText(this.pair.child());
		assertThat(ready()).isEmpty();
	}

	@Test
	void eachSocketIsToldWithWhatItIsReadyFor() throws Exception {
		IpcSocket both = this.pair.parent();
		this.poller.add(both, IpcPoller.Interest.READ, IpcPoller.Interest.WRITE);
		this.poller.add(this.pair.child(), IpcPoller.Interest.WRITE);
		assertThat(ready()).containsExactlyInAnyOrder(new IpcPoller.Event(both, false, true, false),
				new IpcPoller.Event(this.pair.child(), false, true, false));
		this.pair.child().send(Samples.bytes("x"));
		assertThat(ready()).contains(new IpcPoller.Event(both, true, true, false));
		SocketTimeoutTests.fill(this.pair.parent());
		assertThat(ready()).contains(new IpcPoller.Event(both, true, false, false));
	}

	@Test
	void roomIsToldOnceSomethingWasReceived() throws Exception {
		SocketTimeoutTests.fill(this.pair.parent());
		this.poller.add(this.pair.parent(), IpcPoller.Interest.WRITE);
		assertThat(ready()).isEmpty();
		try (Blocked waiting = SystemCall.EPOLL_WAIT.enter(() -> assertThat(this.poller.await(null))
			.containsExactly(new IpcPoller.Event(this.pair.parent(), false, true, false)))) {
			SocketTimeoutTests.drain(this.pair.child());
			waiting.join();
		}
		assertThat(this.pair.parent().trySend(Samples.bytes("x"))).isTrue();
	}

	@Test
	void removedSocketIsToldNoMoreAndCanBeAddedAgain() throws Exception {
		this.pair.parent().send(Samples.bytes("x"));
		this.poller.add(this.pair.child(), IpcPoller.Interest.READ);
		this.poller.remove(this.pair.child());
		assertThat(ready()).isEmpty();
		this.poller.remove(this.pair.child());
		this.poller.add(this.pair.child(), IpcPoller.Interest.READ);
		assertThat(ready()).containsExactly(readable(this.pair.child()));
		assertThat(Samples.receiveText(this.pair.child())).as("still the caller's").isEqualTo("x");
	}

	@Test
	void socketThatIsWatchedAlreadyIsRefusedAndStaysWatched() throws Exception {
		this.poller.add(this.pair.child(), IpcPoller.Interest.READ);
		assertThatExceptionOfType(IpcException.class)
			.isThrownBy(() -> this.poller.add(this.pair.child(), IpcPoller.Interest.WRITE))
			.withMessageContaining("EEXIST");
		this.pair.parent().send(Samples.bytes("x"));
		assertThat(ready()).containsExactly(readable(this.pair.child()));
	}

	@Test
	void socketCanBeWatchedByTwoPollers() throws Exception {
		this.poller.add(this.pair.child(), IpcPoller.Interest.READ);
		try (IpcPoller second = IpcPoller.open()) {
			second.add(this.pair.child(), IpcPoller.Interest.READ);
			this.pair.parent().send(Samples.bytes("x"));
			assertThat(second.await(null)).containsExactly(readable(this.pair.child()));
			second.remove(this.pair.child());
			assertThat(ready()).containsExactly(readable(this.pair.child()));
			second.add(this.pair.child(), IpcPoller.Interest.READ);
			this.pair.child().close();
			assertThat(ready()).isEmpty();
			assertThat(second.await(Duration.ZERO)).isEmpty();
		}
	}

	@Test
	void socketThatIsAddedWhileAnotherThreadWaitsIsWatchedAtOnce() throws Exception {
		try (Blocked waiting = SystemCall.EPOLL_WAIT
			.enter(() -> assertThat(this.poller.await(null)).containsExactly(readable(this.pair.child())))) {
			this.poller.add(this.pair.child(), IpcPoller.Interest.READ);
			this.pair.parent().send(Samples.bytes("x"));
			waiting.join();
		}
	}

	/** A removal is not an event, and does not end a wait. */
	@Test
	void socketThatIsRemovedOrClosedWhileAnotherThreadWaitsWakesNobody() throws Exception {
		this.poller.add(this.pair.child(), IpcPoller.Interest.READ);
		this.poller.add(this.pair.parent(), IpcPoller.Interest.READ);
		try (IpcSocketPair other = IpcSocket.pair()) {
			this.poller.add(other.child(), IpcPoller.Interest.READ);
			try (Blocked waiting = SystemCall.EPOLL_WAIT
				.enter(() -> assertThat(this.poller.await(null)).containsExactly(readable(other.child())))) {
				this.poller.remove(this.pair.parent());
				this.pair.child().close();
				other.parent().send(Samples.bytes("x"));
				waiting.join();
			}
		}
	}

	@Test
	void wakeUpEndsTheWaitOfAnotherThread() throws Exception {
		this.poller.add(this.pair.child(), IpcPoller.Interest.READ);
		try (Blocked waiting = SystemCall.EPOLL_WAIT.enter(() -> assertThat(this.poller.await(null)).isEmpty())) {
			this.poller.wakeUp();
			waiting.join();
		}
	}

	@Test
	void wakeUpBeforeWaitingIsRememberedOnce() throws Exception {
		this.poller.wakeUp();
		this.poller.wakeUp();
		assertThat(this.poller.await(null)).isEmpty();
		this.poller.add(this.pair.child(), IpcPoller.Interest.READ);
		this.pair.parent().send(Samples.bytes("x"));
		this.poller.wakeUp();
		assertThat(this.poller.await(null)).as("with the events").containsExactly(readable(this.pair.child()));
	}

	@Test
	void closedSocketCannotBeAddedAndIsRemovedAlready() throws Exception {
		this.pair.child().close();
		assertThatExceptionOfType(IpcException.class)
			.isThrownBy(() -> this.poller.add(this.pair.child(), IpcPoller.Interest.READ))
			.withMessageContaining("closed on this side");
		this.poller.remove(this.pair.child());
	}

	@Test
	void socketThatWasClosedAfterAddingGivesNoEvent() throws Exception {
		this.poller.add(this.pair.child(), IpcPoller.Interest.READ);
		this.pair.parent().send(Samples.bytes("x"));
		this.pair.child().close();
		assertThat(ready()).isEmpty();
		this.poller.remove(this.pair.child());
	}

	/** While another thread is still on its way out of a call. */
	@Test
	void socketThatIsBeingClosedGivesNoEvent() throws Exception {
		this.poller.add(this.pair.child(), IpcPoller.Interest.READ);
		this.pair.child().descriptor().borrow();
		try {
			this.pair.child().close();
			assertThat(ready()).isEmpty();
		}
		finally {
			this.pair.child().descriptor().giveBack();
		}
		assertThat(ready()).isEmpty();
	}

	@Test
	void peerThatClosedIsToldUntilTheSocketIsClosed() throws Exception {
		this.poller.add(this.pair.child(), IpcPoller.Interest.READ);
		this.pair.parent().send(Samples.bytes("last"));
		this.pair.parent().close();
		assertThat(readyToRead(Duration.ZERO)).containsExactly(this.pair.child());
		assertThat(Samples.receiveText(this.pair.child())).isEqualTo("last");
		assertThat(readyToRead(Duration.ZERO)).containsExactly(this.pair.child());
		assertThat(this.pair.child().receive(ByteBuffer.allocate(1))).isNull();
		assertThat(readyToRead(Duration.ZERO)).containsExactly(this.pair.child());
		this.pair.child().close();
		assertThat(ready()).isEmpty();
	}

	@Test
	void peerThatClosedBeforeAddingIsTold() throws Exception {
		this.pair.parent().close();
		this.poller.add(this.pair.child(), IpcPoller.Interest.READ);
		assertThat(readyToRead(Duration.ZERO)).containsExactly(this.pair.child());
	}

	@Test
	void halfClosedPeerIsToldForReading() throws Exception {
		this.poller.add(this.pair.child(), IpcPoller.Interest.READ);
		this.pair.parent().shutdownOutput();
		assertThat(readyToRead(Duration.ZERO)).containsExactly(this.pair.child());
		assertThat(this.pair.child().receive(ByteBuffer.allocate(1))).isNull();
		this.pair.child().send(Samples.bytes("still"));
		assertThat(Samples.receiveText(this.pair.parent())).isEqualTo("still");
	}

	@Test
	void peerThatClosedIsToldForWriting() throws Exception {
		SocketTimeoutTests.fill(this.pair.parent());
		this.poller.add(this.pair.parent(), IpcPoller.Interest.WRITE);
		this.pair.child().close();
		assertThat(ready()).singleElement().matches(IpcPoller.Event::writable);
		assertThatExceptionOfType(IpcException.PeerClosed.class)
			.isThrownBy(() -> this.pair.parent().trySend(Samples.bytes("x")));
	}

	@Test
	void detachedSocketIsToldNoMore() throws Exception {
		this.poller.add(this.pair.child(), IpcPoller.Interest.READ);
		this.pair.parent().send(Samples.bytes("x"));
		try (IpcSocket adopted = IpcSocket.adopt(this.pair.child().detach())) {
			assertThat(ready()).isEmpty();
			this.poller.add(adopted, IpcPoller.Interest.READ);
			assertThat(ready()).containsExactly(readable(adopted));
		}
	}

	/**
	 * The kernel keeps watching an open file as long as anybody has a descriptor of it.
	 */
	@Test
	void socketThatIsSharedGivesNoEventsAfterItWasClosedHere() throws Exception {
		this.poller.add(this.pair.child(), IpcPoller.Interest.READ);
		try (OwnedFd copy = this.pair.child().descriptor().duplicate()) {
			this.pair.child().close();
			this.pair.parent().send(Samples.bytes("for the copy"));
			assertThat(ready()).isEmpty();
			assertThat(copy.isClosed()).isFalse();
		}
	}

	@Test
	void socketThatIsUnderWayToAnotherProcessGivesNoEventsAfterItWasClosedHere() throws Exception {
		try (IpcSocketPair carrier = IpcSocket.pair()) {
			this.poller.add(this.pair.child(), IpcPoller.Interest.READ);
			carrier.parent().send(Samples.bytes("lane"), this.pair.child().descriptor());
			int number = this.pair.child().fd();
			this.pair.child().close();
			this.pair.parent().send(Samples.bytes("for the new owner"));
			assertThat(ready()).isEmpty();
			try (Packet packet = carrier.child().receive(ByteBuffer.allocate(10));
					IpcSocket arrived = IpcSocket.adopt(packet.take(0).detach())) {
				assertThat(arrived.fd()).as("the same number, for another socket").isEqualTo(number);
				assertThat(ready()).isEmpty();
				this.poller.add(arrived, IpcPoller.Interest.READ);
				assertThat(ready()).containsExactly(readable(arrived));
			}
		}
	}

	@Test
	void thousandSocketsAreWatchedAndNoneIsForgotten() throws Exception {
		List<IpcSocketPair> pairs = new ArrayList<>();
		try {
			for (int i = 0; i < 1000; i++) {
				IpcSocketPair each = IpcSocket.pair();
				pairs.add(each);
				this.poller.add(each.child(), IpcPoller.Interest.READ);
			}
			assertThat(ready()).isEmpty();
			for (IpcSocketPair each : pairs) {
				each.parent().send(Samples.bytes("x"));
			}
			Set<IpcSocket> seen = new HashSet<>();
			ByteBuffer room = ByteBuffer.allocate(1);
			while (seen.size() < pairs.size()) {
				List<IpcPoller.Event> events = this.poller.await(null);
				assertThat(events).hasSizeBetween(1, 64);
				for (IpcPoller.Event event : events) {
					assertThat(event.socket().tryReceive(room.clear())).isNotNull();
					assertThat(seen.add(event.socket())).isTrue();
				}
			}
			assertThat(ready()).isEmpty();
			pairs.get(999).parent().send(Samples.bytes("x"));
			assertThat(ready()).containsExactly(readable(pairs.get(999).child()));
		}
		finally {
			pairs.forEach(IpcSocketPair::close);
		}
	}

	/** Those that have always something to tell do not hide the others. */
	@Test
	void busySocketsStarveNobody() throws Exception {
		List<IpcSocketPair> pairs = new ArrayList<>();
		try {
			for (int i = 0; i < 200; i++) {
				IpcSocketPair each = IpcSocket.pair();
				pairs.add(each);
				each.parent().send(Samples.bytes("x"));
				this.poller.add(each.child(), IpcPoller.Interest.READ);
			}
			Set<IpcSocket> seen = new HashSet<>();
			for (int i = 0; i < 10; i++) {
				readyToRead(Duration.ZERO).forEach(seen::add);
			}
			assertThat(seen).hasSize(200);
		}
		finally {
			pairs.forEach(IpcSocketPair::close);
		}
	}

	/** ipc-channel: big data for a set of receivers. */
	@Test
	void largeMessagesOfManySocketsArriveWhole() throws Exception {
		byte[] content = Samples.random(1024 * 1024);
		List<IpcSocketPair> pairs = new ArrayList<>();
		List<Thread> senders = new ArrayList<>();
		try {
			for (int i = 0; i < 4; i++) {
				IpcSocketPair each = IpcSocket.pair();
				pairs.add(each);
				this.poller.add(each.child(), IpcPoller.Interest.READ);
				senders.add(new Thread(() -> sendAndClose(each.parent(), content)));
			}
			senders.forEach(Thread::start);
			int messages = 0;
			int open = pairs.size();
			while (open > 0) {
				for (IpcSocket socket : readyToRead(null)) {
					IpcMessage<byte[]> message = IpcChannel.over(socket).receive(byte[].class);
					if (message != null) {
						Samples.assertSame(message.payload(), content);
						messages++;
					}
					else {
						this.poller.remove(socket);
						open--;
					}
				}
			}
			assertThat(messages).isEqualTo(4 * 3);
		}
		finally {
			for (Thread sender : senders) {
				sender.join();
			}
			pairs.forEach(IpcSocketPair::close);
		}
	}

	private static void sendAndClose(IpcSocket socket, byte[] content) {
		try (socket) {
			for (int i = 0; i < 3; i++) {
				IpcChannel.over(socket).send(content);
			}
		}
		catch (IpcException ex) {
			throw new AssertionError(ex);
		}
	}

	@Test
	void socketsThatComeAndGoWhileAnotherThreadWaitsDisturbNobody() throws Exception {
		this.poller.add(this.pair.child(), IpcPoller.Interest.READ);
		Thread changing = new Thread(() -> {
			try (IpcSocketPair kept = IpcSocket.pair()) {
				for (int i = 0; i < 2000; i++) {
					try (IpcSocketPair each = IpcSocket.pair()) {
						this.poller.add(each.child(), IpcPoller.Interest.READ);
						this.poller.add(kept.child(), IpcPoller.Interest.WRITE);
						each.parent().send(Samples.bytes("x"));
						this.poller.remove(kept.child());
					}
				}
				this.pair.parent().send(Samples.bytes("done"));
			}
			catch (IpcException ex) {
				this.pair.parent().close();
				throw new AssertionError(ex);
			}
		});
		changing.start();
		while (!readyToRead(null).contains(this.pair.child())) {
			assertThat(changing.isAlive() || this.pair.child().pendingSize().isPresent()).isTrue();
		}
		assertThat(Samples.receiveText(this.pair.child())).isEqualTo("done");
		changing.join();
	}

	@Test
	void closingAndRemovingWhileAnotherThreadWaitsTellsNothingWrong() throws Exception {
		try (Blocked waiting = SystemCall.EPOLL_WAIT.enter(this::receiveForEver)) {
			for (int i = 0; i < 3000; i++) {
				try (IpcSocketPair each = IpcSocket.pair()) {
					this.poller.add(each.child(), IpcPoller.Interest.READ);
					each.parent().send(Samples.bytes("x"));
					if (i % 2 == 0) {
						this.poller.remove(each.child());
					}
				}
			}
			this.poller.close();
			assertThatExceptionOfType(IpcException.class).isThrownBy(waiting::join).withMessageContaining("closed");
		}
	}

	private void receiveForEver() throws IpcException {
		while (true) {
			for (IpcPoller.Event event : this.poller.await(null)) {
				try {
					event.socket().tryReceive(ByteBuffer.allocate(10));
				}
				catch (IpcException ex) {
					assertThat(ex).hasMessageContaining("closed").hasMessageNotContaining("EBADF");
				}
			}
		}
	}

	@Test
	void closeWakesTheOneThatWaits() throws Exception {
		this.poller.add(this.pair.child(), IpcPoller.Interest.READ);
		try (Blocked waiting = SystemCall.EPOLL_WAIT.enter(() -> this.poller.await(null))) {
			this.poller.close();
			assertThatExceptionOfType(IpcException.class).isThrownBy(waiting::join)
				.withMessage("The poller was closed");
		}
		this.poller.close();
	}

	@Test
	void closedPollerCanDoNothingAndTheSocketsStayOpen() throws Exception {
		this.poller.add(this.pair.child(), IpcPoller.Interest.READ);
		this.poller.close();
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> this.poller.await(Duration.ZERO));
		assertThatExceptionOfType(IpcException.class)
			.isThrownBy(() -> this.poller.add(this.pair.parent(), IpcPoller.Interest.READ));
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> this.poller.wakeUp());
		this.poller.remove(this.pair.child());
		this.pair.parent().send(Samples.bytes("x"));
		assertThat(Samples.receiveText(this.pair.child())).isEqualTo("x");
	}

	@Test
	void openingAndClosingLeavesNothingBehind() throws Exception {
		LeakWatch watch = new LeakWatch();
		for (int i = 0; i < 100; i++) {
			try (IpcPoller each = IpcPoller.open()) {
				each.add(this.pair.child(), IpcPoller.Interest.READ);
			}
		}
		watch.assertNoneLeft();
	}

	/** EINTR, and the deadline all the same. */
	@Test
	void waitThatIsInterruptedBySignalsGoesOn() throws Exception {
		Process child = new ChildJvm(Waiting.class).start();
		try {
			SystemCall.EPOLL_WAIT.awaitIn(child);
			for (int i = 0; i < 5; i++) {
				String pid = Long.toString(child.pid());
				new ProcessBuilder("sh", "-c", "kill -STOP " + pid + "; kill -CONT " + pid).start().waitFor();
			}
			child.getOutputStream().write('\n');
			child.getOutputStream().flush();
			assertThat(new String(child.getInputStream().readAllBytes())).isEqualTo("true\ntimed out\n");
		}
		finally {
			child.destroyForcibly().waitFor();
		}
	}

	static final class Waiting {

		public static void main(String[] args) throws Exception {
			IpcPoller poller = IpcPoller.open();
			IpcSocketPair pair = IpcSocket.pair();
			poller.add(pair.child(), IpcPoller.Interest.READ);
			Thread teller = new Thread(() -> {
				try {
					System.in.read();
					pair.parent().send(Samples.bytes("x"));
				}
				catch (IOException ex) {
					throw new AssertionError(ex);
				}
			});
			teller.start();
			System.out.println(poller.await(null).get(0).readable());
			Samples.receiveText(pair.child());
			System.out.println(poller.await(Duration.ofMillis(10)).isEmpty() ? "timed out" : "ready");
		}

	}

	private static IpcPoller.Event readable(IpcSocket socket) {
		return new IpcPoller.Event(socket, true, false, false);
	}

	private List<IpcPoller.Event> ready() throws IpcException {
		return this.poller.await(Duration.ZERO);
	}

	private List<IpcSocket> readyToRead(@Nullable Duration timeout) throws IpcException {
		return this.poller.await(timeout)
			.stream()
			.filter(IpcPoller.Event::readable)
			.map(IpcPoller.Event::socket)
			.toList();
	}

}
