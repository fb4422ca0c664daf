package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

/**
 * How a lane ends: what was certainly not read may be sent again, and nothing else.
 */
@Timeout(60)
class MemoryEndTests extends MemoryOpener {

	private static final int RING = 1024 * 1024;

	MemoryEndTests() {
		super(RING);
	}

	private long published() {
		return this.memory.bytes().getLong(MemoryView.TAIL_OF_OPENER);
	}

	private void peerReads(long bytes) {
		this.memory.bytes().putLong(MemoryView.HEAD_OF_OTHER, bytes);
	}

	private void peerSleeps() {
		this.memory.bytes().putInt(MemoryView.OTHER_SLEEPS, LaneMemory.DATA);
	}

	private boolean wasLeftUnread() {
		return this.pair.parent().receiver().hasPeerLeftUnread();
	}

	/** Closes the end while this thread is about to use it. */
	private void closeWhileHeld(SocketSide side, Blocked.Action action) throws Exception {
		side.lock(null);
		try {
			try (Blocked closing = Blocked.any(this.pair.parent()::close)) {
				closing.join();
			}
			action.run();
		}
		finally {
			side.unlock();
		}
	}

	@Test
	void peerThatIsGoneHasCertainlyNotReadWhatIsLeft() throws Exception {
		this.channel.send("request");
		this.pair.child().close();
		assertThat(this.channel.<String>receive(String.class, inTime())).isNull();
		assertThat(wasLeftUnread()).isTrue();
	}

	@Test
	void peerThatIsGoneMayHaveDoneWhatItHasRead() throws Exception {
		this.channel.send("request");
		peerReads(published());
		this.pair.child().close();
		assertThat(this.channel.<String>receive(String.class, inTime())).isNull();
		assertThat(wasLeftUnread()).isFalse();
	}

	@Test
	void peerThatOnlySendsNothingMoreMayStillRead() throws Exception {
		this.channel.send("request");
		this.pair.child().shutdownOutput();
		assertThat(this.channel.<String>receive(String.class, inTime())).isNull();
		assertThat(wasLeftUnread()).isFalse();
	}

	@Test
	void peerMayStillReadWhatWasSentBeforeOurOutputEnded() throws Exception {
		this.channel.send("request");
		this.pair.parent().shutdownOutput();
		this.pair.child().shutdownOutput();
		assertThat(this.channel.<String>receive(String.class, inTime())).isNull();
		assertThat(wasLeftUnread()).isFalse();
	}

	/** Another thread may end the output while one sends. */
	@Test
	void sendWhoseBellIsNotHeardHasNotFailedIfThePeerMayStillRead() throws Exception {
		peerSleeps();
		Errno.check("shutdown", LibC.shutdown(this.pair.parent().fd(), LibC.SHUT_WR));
		this.channel.send("request");
		assertThat(published()).isPositive();
	}

	@Test
	void sendWhoseBellIsNotHeardFailsIfThePeerIsGone() throws Exception {
		peerSleeps();
		this.pair.child().close();
		assertThatExceptionOfType(IpcException.PeerClosed.class).isThrownBy(() -> this.channel.send("request"));
	}

	/** The peer reads what is in the memory before it takes notice of the end. */
	@Test
	void sendDuringWhichTheSocketIsClosedHereFailsOnlyIfNothingIsPublished() throws Exception {
		peerSleeps();
		MemorySender sender = (MemorySender) this.pair.parent().sender();
		FrameBuffer.Slot slot = new FrameBuffer.Slot();
		FrameBuffer frame = slot.take();
		frame.memory().bytes().putLong(0, 3);
		closeWhileHeld(sender, () -> {
			try {
				sender.send(frame, 8 + 3, SocketSender.NO_DESCRIPTORS);
				assertThat(published()).isPositive();
			}
			catch (IpcException ex) {
				assertThat(published()).isZero();
			}
		});
		frame.giveBack();
		slot.close();
	}

	/** The peer sees the end, and that nobody has read the message. */
	@ParameterizedTest
	@ValueSource(ints = { 1, 1000 })
	void messageThatIsTakenAfterItsSocketWasClosedHereIsNotDelivered(int size) throws Exception {
		MemoryReceiver receiver = (MemoryReceiver) this.pair.parent().receiver();
		byte[] frame = ByteBuffer.allocate(16 + size).order(ByteOrder.nativeOrder()).putLong(0).putLong(size).array();
		this.memory.bytes().put(MemoryView.HEADER_SIZE + RING, frame);
		closeWhileHeld(receiver, () -> {
			this.memory.bytes().putLong(MemoryView.TAIL_OF_OTHER, frame.length);
			assertThatExceptionOfType(IpcException.class)
				.isThrownBy(() -> receiver.receive(NativeBuffer.zeroed(8 + size)))
				.withMessageContaining("closed on this side");
		});
	}

	/** A peer that dies while it is awake hears no bell, and is no longer told of any. */
	@Test
	void messagesToAPeerThatHasDiedAwakeFailLongBeforeTheMemoryIsFull() {
		this.pair.child().close();
		assertThatExceptionOfType(IpcException.PeerClosed.class).isThrownBy(() -> {
			while (published() < RING / 2) {
				this.channel.send("one-way", inTime());
			}
		});
	}

	@Test
	void requestThatWasReadMayHaveHadAnEffectEvenIfTheBellOfTheNextMessageIsNotHeard() throws Exception {
		IpcRequester requester = IpcRequester.over(this.channel, "the peer");
		Exchange exchange = requester.begin(inTime());
		exchange.request("ask");
		peerReads(published());
		peerSleeps();
		this.pair.child().close();
		assertThatExceptionOfType(IpcException.PeerClosed.class).isThrownBy(() -> requester.send("one-way", inTime()));
		assertThatExceptionOfType(IpcException.PeerClosed.class).isThrownBy(() -> exchange.reply(String.class));
		assertThat(exchange.isRequestSent()).isTrue();
	}

	@Test
	void messageOnASocketThatWasGivenAwayIsRefused() throws Exception {
		this.channel.send("request");
		int number = this.pair.parent().detach();
		try {
			long before = published();
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> this.channel.send("next"));
			assertThat(published()).isEqualTo(before);
		}
		finally {
			LibC.close(number);
		}
	}

	/** It cannot ring, so somebody looks from time to time. */
	@Test
	void threadThatIsInterruptedWaitsForTheRoomOfAPeerThatCannotRingAnyMore() throws Exception {
		this.pair.child().shutdownOutput();
		try (Blocked sender = Blocked.waiting(() -> {
			this.channel.send(Samples.random(RING + 100), Deadline.NONE);
			assertThat(Thread.interrupted()).isTrue();
		})) {
			sender.thread().interrupt();
			for (int i = 0; i < 20; i++) {
				// Busy, it would never be seen to wait.
				await().until(() -> sender.thread().getState() == Thread.State.TIMED_WAITING);
			}
			peerReads(published());
			sender.join();
		}
	}

}
