package dev.tinyipc;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

@Timeout(60)
class PollerTests {

	private static final Duration SOON = Duration.ofMillis(50);

	@Test
	void socketIsToldAsLongAsThereIsSomethingToRead() throws Exception {
		try (IpcPoller poller = IpcPoller.open();
				IpcSocketPair pair = IpcSocket.pair();
				IpcSocketPair quiet = IpcSocket.pair()) {
			poller.add(pair.child(), IpcPoller.Interest.READ);
			poller.add(quiet.child(), IpcPoller.Interest.READ);
			assertThat(poller.await(Duration.ZERO)).isEmpty();
			pair.parent().send(Samples.bytes("one"));
			pair.parent().send(Samples.bytes("two"));
			for (String expected : List.of("one", "two")) {
				assertThat(poller.await(null)).containsExactly(new IpcPoller.Event(pair.child(), true, false));
				assertThat(Samples.receiveText(pair.child())).isEqualTo(expected);
			}
			assertThat(poller.await(SOON)).isEmpty();
			pair.parent().close();
			assertThat(poller.await(null)).extracting(IpcPoller.Event::socket).containsExactly(pair.child());
			assertThat(poller.await(null)).as("the end, again").hasSize(1);
		}
	}

	@Test
	void roomToSendIsToldWhereThatWasAsked() throws Exception {
		try (IpcPoller poller = IpcPoller.open(); IpcSocketPair pair = IpcSocket.pair()) {
			poller.add(pair.parent(), IpcPoller.Interest.READ, IpcPoller.Interest.WRITE);
			assertThat(poller.await(null)).containsExactly(new IpcPoller.Event(pair.parent(), false, true));
			SocketTimeoutTests.fill(pair.parent());
			assertThat(poller.await(SOON)).isEmpty();
			SocketTimeoutTests.drain(pair.child());
			assertThat(poller.await(null)).containsExactly(new IpcPoller.Event(pair.parent(), false, true));
		}
	}

	@Test
	void wakeUpEndsTheWaitOfNowOrOfLater() throws Exception {
		try (IpcPoller poller = IpcPoller.open()) {
			try (Blocked waiting = Blocked.in("epoll_wait", () -> assertThat(poller.await(null)).isEmpty())) {
				poller.wakeUp();
				waiting.join();
			}
			poller.wakeUp();
			poller.wakeUp();
			assertThat(poller.await(null)).isEmpty();
			assertThat(poller.await(Duration.ZERO)).isEmpty();
		}
	}

	@Test
	void closeWakesTheThreadThatWaits() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); IpcPoller poller = IpcPoller.open()) {
			poller.add(pair.child(), IpcPoller.Interest.READ);
			try (Blocked waiting = Blocked.in("epoll_wait", () -> poller.await(null))) {
				poller.close();
				assertThatExceptionOfType(IpcException.class).isThrownBy(waiting::join).withMessageContaining("closed");
			}
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> poller.await(Duration.ZERO));
			assertThatExceptionOfType(IpcException.class)
				.isThrownBy(() -> poller.add(pair.parent(), IpcPoller.Interest.READ));
			assertThatExceptionOfType(IpcException.class).isThrownBy(poller::wakeUp);
			poller.remove(pair.child());
			pair.parent().send(Samples.bytes("open"));
			assertThat(Samples.receiveText(pair.child())).isEqualTo("open");
		}
	}

	@Test
	void socketsAreAddedWhileAnotherThreadWaits() throws Exception {
		try (IpcPoller poller = IpcPoller.open();
				IpcSocketPair pair = IpcSocket.pair();
				Blocked waiting = Blocked.in("epoll_wait",
						() -> assertThat(poller.await(null)).extracting(IpcPoller.Event::socket)
							.containsExactly(pair.child()))) {
			pair.parent().send(Samples.bytes("x"));
			poller.add(pair.child(), IpcPoller.Interest.READ);
			waiting.join();
		}
	}

	@Test
	void removedSocketIsNotToldAnyMoreAndCanBeAddedAgain() throws Exception {
		try (IpcPoller poller = IpcPoller.open(); IpcSocketPair pair = IpcSocket.pair()) {
			poller.remove(pair.child());
			poller.add(pair.child(), IpcPoller.Interest.READ);
			assertThatExceptionOfType(IpcException.class)
				.isThrownBy(() -> poller.add(pair.child(), IpcPoller.Interest.WRITE))
				.withMessageContaining("EEXIST");
			pair.parent().send(Samples.bytes("x"));
			poller.remove(pair.child());
			poller.remove(pair.child());
			assertThat(poller.await(Duration.ZERO)).isEmpty();
			poller.add(pair.child(), IpcPoller.Interest.READ);
			assertThat(poller.await(null)).hasSize(1);
		}
	}

	/**
	 * The kernel goes by the open file, which others may share, and not by the number.
	 */
	@Test
	void closedSocketIsRemovedAlsoIfAnotherProcessSharesIt() throws Exception {
		try (IpcPoller poller = IpcPoller.open();
				IpcSocketPair pair = IpcSocket.pair();
				OwnedFd shared = pair.child().descriptor().duplicate()) {
			poller.add(pair.child(), IpcPoller.Interest.READ);
			int number = pair.child().fd();
			pair.child().close();
			pair.parent().send(Samples.bytes("x"));
			assertThat(poller.await(SOON)).isEmpty();
			try (IpcSocketPair next = IpcSocket.pair()) {
				assertThat(Set.of(next.parent().fd(), next.child().fd())).as("the number is used again")
					.contains(number);
				poller.add((next.parent().fd() == number) ? next.parent() : next.child(), IpcPoller.Interest.READ);
			}
			assertThat(shared.isClosed()).isFalse();
		}
	}

	@Test
	void detachedSocketIsRemoved() throws Exception {
		try (IpcPoller poller = IpcPoller.open(); IpcSocketPair pair = IpcSocket.pair()) {
			poller.add(pair.child(), IpcPoller.Interest.READ);
			try (IpcSocket again = IpcSocket.adopt(pair.child().detach())) {
				pair.parent().send(Samples.bytes("x"));
				assertThat(poller.await(SOON)).isEmpty();
				poller.add(again, IpcPoller.Interest.READ);
				assertThat(poller.await(null)).extracting(IpcPoller.Event::socket).containsExactly(again);
			}
		}
	}

	@Test
	void socketMayBeWatchedBySeveralPollers() throws Exception {
		try (IpcPoller one = IpcPoller.open();
				IpcPoller other = IpcPoller.open();
				IpcSocketPair pair = IpcSocket.pair()) {
			one.add(pair.child(), IpcPoller.Interest.READ);
			other.add(pair.child(), IpcPoller.Interest.READ);
			one.remove(pair.child());
			pair.parent().send(Samples.bytes("x"));
			assertThat(other.await(null)).hasSize(1);
			assertThat(one.await(Duration.ZERO)).isEmpty();
		}
	}

	@Test
	void thousandSocketsAreToldEachAndNoneTwiceAfterItWasRead() throws Exception {
		List<IpcSocketPair> pairs = new ArrayList<>();
		try (IpcPoller poller = IpcPoller.open()) {
			for (int i = 0; i < 1000; i++) {
				pairs.add(IpcSocket.pair());
				poller.add(pairs.get(i).child(), IpcPoller.Interest.READ);
			}
			for (IpcSocketPair pair : pairs) {
				pair.parent().send(Samples.bytes("x"));
			}
			Set<IpcSocket> told = new HashSet<>();
			while (told.size() < 1000) {
				List<IpcPoller.Event> events = poller.await(Duration.ofSeconds(5));
				assertThat(events).isNotEmpty();
				for (IpcPoller.Event event : events) {
					assertThat(told.add(event.socket())).isTrue();
					assertThat(event.socket().tryReceive(ByteBuffer.allocate(1))).isNotNull();
				}
			}
			assertThat(poller.await(Duration.ZERO)).isEmpty();
		}
		finally {
			pairs.forEach(IpcSocketPair::close);
		}
	}

	@Test
	void closingAndRemovingWhileAnotherThreadWaitsTellsNothingWrong() throws Exception {
		try (IpcPoller poller = IpcPoller.open()) {
			try (Blocked waiting = Blocked.in("epoll_wait", () -> {
				while (true) {
					for (IpcPoller.Event event : poller.await(null)) {
						try {
							event.socket().tryReceive(ByteBuffer.allocate(10));
						}
						catch (IpcException ex) {
							assertThat(ex).hasMessageNotContaining("EBADF");
						}
					}
				}
			})) {
				for (int i = 0; i < 3000; i++) {
					IpcSocketPair pair = IpcSocket.pair();
					poller.add(pair.child(), IpcPoller.Interest.READ);
					pair.parent().send(Samples.bytes("x"));
					if (i % 2 == 0) {
						poller.remove(pair.child());
					}
					pair.close();
				}
				poller.close();
				assertThatExceptionOfType(IpcException.class).isThrownBy(waiting::join).withMessageContaining("closed");
			}
		}
	}

}
