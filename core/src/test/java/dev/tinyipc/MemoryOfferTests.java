package dev.tinyipc;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.awaitility.Awaitility.await;

/** How two processes agree that messages go through memory. */
@Timeout(120)
class MemoryOfferTests {

	private static final int RING = LaneMemory.MIN_RING_SIZE;

	static final class Child {

		public static void main(String[] arguments) throws Exception {
			IpcServer.builder()
				.handler(Object.class,
						(request) -> (request.payload() != null) ? request.payload()
								: "null with " + request.descriptors().size())
				.handler("thread", Object.class, (request) -> Thread.currentThread().getName())
				.handler("exit", Integer.class, (request) -> {
					Runtime.getRuntime().halt(request.payload());
					return null;
				})
				.threads(Integer.parseInt(arguments[0]))
				.serve();
		}

	}

	private static Conversation child(int threads) throws Exception {
		Conversation conversation = Conversation.with(new ChildJvm(Child.class, Integer.toString(threads)));
		assertThat(conversation.requester().awaitHello(Conversation.inTime()).memory()).isTrue();
		return conversation;
	}

	@Test
	void childWithOneThreadServesItsFirstLaneThroughMemoryInTheSameThread() throws Exception {
		try (Conversation conversation = child(1)) {
			assertThat(conversation.call("thread", 0)).isEqualTo("main");
			conversation.requester().share(RING, Conversation.inTime());
			assertThat(conversation.socket().isShared()).isTrue();
			for (int i = 0; i < 1000; i++) {
				assertThat(conversation.call("", i)).isEqualTo(i);
			}
			byte[] large = Samples.random(3_000_000);
			Samples.assertSame((byte[]) conversation.call("", large), large);
			assertThat(conversation.call("thread", 0)).isEqualTo("main");
			conversation.socket().close();
			assertThat(conversation.child().waitFor()).isZero();
		}
	}

	@Test
	void laneThatIsOpenedOverOneThroughMemoryGoesThroughMemory() throws Exception {
		try (Conversation conversation = child(3)) {
			IpcRequester before = conversation.requester().openLane(Conversation.inTime());
			conversation.requester().share(RING, Conversation.inTime());
			IpcRequester after = conversation.requester().openLane(Conversation.inTime());
			assertThat(before.channel().socket().isShared()).isFalse();
			assertThat(after.channel().socket().isShared()).isTrue();
			for (IpcRequester lane : new IpcRequester[] { before, after, conversation.requester() }) {
				assertThat(Conversation.call(lane, "", "x")).isEqualTo("x");
			}
			before.channel().socket().close();
			after.channel().socket().close();
		}
	}

	@Test
	void processThatEndsFailsTheExchangeThatItWorkedOn() throws Exception {
		try (Conversation conversation = child(1)) {
			conversation.requester().share(RING, Conversation.inTime());
			Exchange exchange = conversation.ask("exit", 3);
			assertThatExceptionOfType(IpcException.PeerClosed.class).isThrownBy(() -> exchange.reply(Object.class));
			assertThat(exchange.isRequestSent()).isTrue();
			assertThat(conversation.child().waitFor()).isEqualTo(3);
		}
	}

	@Test
	void processThatIsKilledWhileItSleepsHasNotGotTheNextRequest() throws Exception {
		try (Conversation conversation = child(1)) {
			conversation.requester().share(RING, Conversation.inTime());
			assertThat(conversation.call("", 1)).isEqualTo(1);
			conversation.child().destroyForcibly();
			assertThat(conversation.child().waitFor(30, TimeUnit.SECONDS)).isTrue();
			Exchange exchange = conversation.requester().begin(Conversation.inTime());
			assertThatExceptionOfType(IpcException.PeerClosed.class).isThrownBy(() -> {
				exchange.request(2);
				exchange.reply(Object.class);
			});
			assertThat(exchange.isRequestSent()).isFalse();
		}
	}

	@Test
	void memoryThatIsNotAsItMustBeIsRefusedAndTheSocketStaysInStep() throws Exception {
		try (Conversation conversation = child(2); SharedMemory file = SharedMemory.create(MemoryLane.NAME)) {
			LaneMemory memory = LaneMemory.create(file, RING);
			file.channel().position(16).write(Samples.bytes("\0\1\0\0\0\0\0\0"));
			memory.discard();
			LeakWatch watch = new LeakWatch();
			try (IpcSocketPair pair = IpcSocket.pair()) {
				OwnedFd socket = pair.child().descriptor();
				for (OwnedFd[] offer : new OwnedFd[][] { { file.descriptor() }, { socket, file.descriptor() } }) {
					IpcChannel channel = conversation.requester().channel();
					channel.send(null, offer);
					assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> channel.receive(Object.class))
						.withMessageContaining("The memory of a lane is refused");
				}
			}
			assertThat(conversation.call("", "next")).isEqualTo("next");
			watch.assertNoneLeft();
		}
	}

	@Test
	void memoryForALaneThatHasSomeIsRefused() throws Exception {
		try (Conversation conversation = child(1); SharedMemory file = SharedMemory.create(MemoryLane.NAME)) {
			conversation.requester().share(RING, Conversation.inTime());
			assertThatIllegalStateException()
				.isThrownBy(() -> conversation.requester().share(RING, Conversation.inTime()));
			LaneMemory.create(file, RING).discard();
			IpcChannel channel = conversation.requester().channel();
			channel.send(null, file.descriptor());
			assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> channel.receive(Object.class))
				.withMessageContaining("through memory already");
		}
	}

	/** It need not know that there are memory lanes. */
	@Test
	void nullWithSomeOtherMemoryIsARequestLikeAnyOther() throws Exception {
		try (Conversation conversation = child(2);
				IpcSocketPair pair = IpcSocket.pair();
				OwnedFd file = Samples.memoryFile("x")) {
			IpcChannel channel = conversation.requester().channel();
			for (OwnedFd[] descriptors : new OwnedFd[][] { { file }, { file, file },
					{ pair.child().descriptor(), file } }) {
				channel.send(null, descriptors);
				assertThat(channel.<String>receive(String.class).payload())
					.isEqualTo("null with " + descriptors.length);
			}
		}
	}

	@Test
	void peerThatHasNotSaidMemoryIsNotOfferedAny() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			IpcRequester requester = IpcRequester.greeted(IpcChannel.over(pair.parent()), "the peer", Opening.HELLO);
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> requester.share(RING, Conversation.inTime()))
				.withMessageContaining("the peer shares no memory");
			assertThat(pair.child().pendingSize()).isEmpty();
		}
	}

	@Test
	void ringOfAnImpossibleSizeIsNotOffered() throws Exception {
		try (Conversation conversation = child(1)) {
			for (int size : new int[] { 0, RING - 1, 3 * RING, -1, 2 * LaneMemory.MAX_RING_SIZE }) {
				assertThatIllegalArgumentException()
					.isThrownBy(() -> conversation.requester().share(size, Conversation.inTime()));
			}
			assertThat(conversation.call("", "x")).isEqualTo("x");
		}
	}

	/** Nobody knows then which way the peer will send. */
	@Test
	void offerThatIsNotAnsweredInTimeMakesTheSocketUnusable() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			IpcRequester requester = IpcRequester.greeted(IpcChannel.over(pair.parent()), "the peer",
					Conversation.HELLO);
			// One whose time is over before it is sent changes nothing.
			while (requester.isUsable()) {
				assertThatExceptionOfType(IpcException.Timeout.class)
					.isThrownBy(() -> requester.share(RING, Deadline.in(Duration.ofMillis(50))));
			}
			await().until(() -> !MemoryLane.isMapped());
		}
	}

}
