package dev.tinyipc;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

/** A child that serves several requests at a time, each on a socket of its own. */
@Timeout(120)
class ServerLanesTests {

	static final class Child {

		public static void main(String[] arguments) throws Exception {
			int threads = Integer.parseInt(arguments[0]);
			CyclicBarrier together = new CyclicBarrier(threads);
			IpcServer.builder()
				.handler(Object.class,
						(request) -> (request.payload() != null) ? request.payload()
								: "null with " + request.descriptors().size())
				.handler("meet", Integer.class, (request) -> {
					together.await(60, TimeUnit.SECONDS);
					return request.payload();
				})
				.handler("sleep", Integer.class, (request) -> {
					Thread.sleep(50);
					return request.payload();
				})
				.handler("wait", Integer.class, (request, context) -> {
					new CountDownLatch(1).await();
					return null;
				})
				.handler("fail", Integer.class, (request) -> {
					throw new StackOverflowError("on purpose");
				})
				.handler("descriptors", Integer.class, (request) -> count("fd"))
				.handler("threads", Integer.class, (request) -> count("task"))
				.handler("workers", Integer.class,
						(request) -> Thread.getAllStackTraces()
							.keySet()
							.stream()
							.filter((thread) -> thread.getName().matches("ipc-server-\\d+"))
							.count())
				.threads(threads)
				.serve();
		}

		private static long count(String what) throws Exception {
			try (Stream<Path> files = Files.list(Path.of("/proc/self", what))) {
				return files.count();
			}
		}

	}

	private static Conversation child(int threads) throws Exception {
		Conversation conversation = Conversation.with(new ChildJvm(Child.class, Integer.toString(threads)));
		assertThat(conversation.requester().awaitHello(Conversation.inTime()).lanes()).isEqualTo(threads);
		return conversation;
	}

	/** All lanes, the first socket included. */
	private static List<IpcRequester> lanes(Conversation conversation, int count) throws IpcException {
		List<IpcRequester> lanes = new ArrayList<>(List.of(conversation.requester()));
		while (lanes.size() < count) {
			lanes.add(conversation.requester().openLane(Conversation.inTime()));
		}
		return lanes;
	}

	private static void close(List<IpcRequester> lanes) {
		lanes.forEach((lane) -> lane.channel().socket().close());
	}

	@Test
	void exchangesOnAllLanesOverlap() throws Exception {
		try (Conversation conversation = child(8)) {
			List<IpcRequester> lanes = lanes(conversation, 8);
			for (int round = 0; round < 3; round++) {
				List<Exchange> exchanges = new ArrayList<>();
				for (IpcRequester lane : lanes) {
					exchanges.add(Conversation.ask(lane, "meet", exchanges.size()));
				}
				for (int i = 0; i < exchanges.size(); i++) {
					assertThat(exchanges.get(i).reply(Integer.class).payload()).isEqualTo(i);
				}
			}
			close(lanes);
		}
	}

	@Test
	void laneBeyondTheThreadsIsRefusedAndTheSocketStaysInStep() throws Exception {
		try (Conversation conversation = child(3)) {
			List<IpcRequester> lanes = lanes(conversation, 3);
			LeakWatch watch = new LeakWatch();
			for (IpcRequester lane : lanes) {
				assertThatExceptionOfType(IpcException.Remote.class)
					.isThrownBy(() -> lane.openLane(Conversation.inTime()))
					.withMessageContaining("There are 3 lanes already");
				assertThat(Conversation.call(lane, "", "next")).isEqualTo("next");
			}
			watch.assertNoneLeft();
			close(lanes);
		}
	}

	@Test
	void laneThatWasClosedMakesRoomForAnotherAtOnce() throws Exception {
		try (Conversation conversation = child(2)) {
			for (int i = 0; i < 200; i++) {
				IpcRequester lane = conversation.requester().openLane(Conversation.inTime());
				lane.channel().socket().close();
			}
		}
	}

	@Test
	void lanesThatComeAndGoLeaveNothingBehind() throws Exception {
		try (Conversation conversation = child(4)) {
			openAndClose(conversation, 50); // what is created once
			long descriptors = number(conversation, "descriptors");
			openAndClose(conversation, 1000);
			await()
				.untilAsserted(() -> assertThat(number(conversation, "descriptors")).isLessThanOrEqualTo(descriptors));
			// One for each lane, and those that are just leaving a lane that was closed.
			assertThat(number(conversation, "workers")).isLessThan(20);
		}
	}

	private static void openAndClose(Conversation conversation, int count) throws IpcException {
		for (int i = 0; i < count; i++) {
			IpcRequester lane = conversation.requester().openLane(Conversation.inTime());
			if (i % 3 == 0) {
				assertThat(Conversation.call(lane, "", i)).isEqualTo(i);
			}
			if (i % 3 == 1) {
				Conversation.ask(lane, "", "whose reply nobody takes");
			}
			lane.channel().socket().close();
		}
	}

	private static long number(Conversation conversation, String method) throws IpcException {
		return ((Number) conversation.call(method, 0)).longValue();
	}

	@Test
	void lanesThatAreIdleNeedNoThreads() throws Exception {
		try (Conversation conversation = child(60)) {
			long before = number(conversation, "threads");
			List<IpcRequester> lanes = lanes(conversation, 60);
			assertThat(number(conversation, "threads")).isLessThan(before + 10);
			assertThat(number(conversation, "workers")).isZero();
			close(lanes);
		}
	}

	@Test
	void endOfTheFirstSocketEndsTheProcessAlsoWhileALaneIsBusy() throws Exception {
		try (Conversation conversation = child(3)) {
			List<IpcRequester> lanes = lanes(conversation, 3);
			Exchange waiting = Conversation.ask(lanes.get(1), "wait", 1);
			conversation.socket().close();
			assertThat(conversation.child().waitFor()).isZero();
			assertThatExceptionOfType(IpcException.PeerClosed.class).isThrownBy(() -> waiting.reply(Object.class));
			close(lanes);
		}
	}

	@Test
	void endOfALaneCostsItsExchangeOnly() throws Exception {
		try (Conversation conversation = child(3)) {
			List<IpcRequester> lanes = lanes(conversation, 3);
			Conversation.ask(lanes.get(1), "wait", 1);
			lanes.get(1).channel().socket().close();
			await().untilAsserted(() -> lanes.add(conversation.requester().openLane(Conversation.inTime())));
			assertThat(Conversation.call(lanes.get(2), "", "other")).isEqualTo("other");
			assertThat(Conversation.call(lanes.get(3), "", "new")).isEqualTo("new");
			assertThat(conversation.call("", "first")).isEqualTo("first");
			close(lanes);
		}
	}

	@Test
	void requestOnALaneIsCancelledAndOneOnTheFirstSocketToo() throws Exception {
		try (Conversation conversation = child(2)) {
			List<IpcRequester> lanes = lanes(conversation, 2);
			List<Exchange> waiting = new ArrayList<>();
			for (IpcRequester lane : lanes) {
				waiting.add(Conversation.ask(lane, "wait", 1));
			}
			for (Exchange exchange : waiting) {
				assertThat(exchange.cancel()).isTrue();
				assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> exchange.reply(Object.class))
					.withMessageContaining("Cancelled");
			}
			close(lanes);
		}
	}

	/** Nobody answers then, and the peer must not wait for it. */
	@Test
	void errorInAHandlerClosesItsLaneAndNoOther() throws Exception {
		try (Conversation conversation = child(3)) {
			List<IpcRequester> lanes = lanes(conversation, 3);
			IpcRequester lane = lanes.get(1);
			assertThat(Conversation.call(lane, "", "before")).isEqualTo("before");
			// The second is there before the first has ended.
			lane.send("one way", Conversation.inTime());
			Exchange failing = Conversation.ask(lane, "fail", 1);
			assertThatExceptionOfType(IpcException.PeerClosed.class).isThrownBy(() -> failing.reply(Object.class));
			assertThat(Conversation.call(lanes.get(2), "", "other")).isEqualTo("other");
			assertThat(conversation.call("", "first")).isEqualTo("first");
			close(lanes);
		}
	}

	@Test
	void brokenFrameOnALaneClosesItAndNoOther() throws Exception {
		try (Conversation conversation = child(2)) {
			List<IpcRequester> lanes = lanes(conversation, 2);
			RawSender.send(lanes.get(1).channel().socket(), new byte[3]);
			assertThat(lanes.get(1).channel().<Object>receive(Object.class)).isNull();
			assertThat(conversation.call("", "first")).isEqualTo("first");
			close(lanes);
		}
	}

	@Test
	void moreCallersThanLanesAreAllAnswered() throws Exception {
		int callers = 32;
		try (Conversation conversation = child(8)) {
			List<IpcRequester> lanes = lanes(conversation, 8);
			BlockingQueue<IpcRequester> idle = new LinkedBlockingQueue<>(lanes);
			AtomicInteger last = new AtomicInteger();
			List<Future<Integer>> counts = new ArrayList<>();
			for (int i = 0; i < callers; i++) {
				counts.add(FrameSizeTests.inBackground(() -> {
					int answered = 0;
					for (int number = last.getAndIncrement(); number < 400; number = last.getAndIncrement()) {
						IpcRequester lane = idle.take();
						assertThat(Conversation.call(lane, "sleep", number)).isEqualTo(number);
						idle.add(lane);
						answered++;
					}
					return answered;
				}));
			}
			int answered = 0;
			for (Future<Integer> count : counts) {
				answered += count.get(100, TimeUnit.SECONDS);
			}
			assertThat(answered).isEqualTo(400);
			close(lanes);
		}
	}

	/** As to any child that has said nothing of lanes. */
	@Test
	void childWithOneThreadTakesTheRequestForALaneForOneLikeAnyOther() throws Exception {
		try (Conversation conversation = child(1); IpcSocketPair pair = IpcSocket.pair()) {
			Exchange exchange = conversation.ask("", null, pair.child().descriptor());
			assertThat(exchange.reply(String.class).payload()).isEqualTo("null with 1");
			IpcChannel channel = conversation.requester().channel();
			channel.send(null, pair.child().descriptor());
			assertThat(channel.<String>receive(String.class).payload()).isEqualTo("null with 1");
		}
	}

	@Test
	void nullWithAnythingButOneSocketIsARequestLikeAnyOther() throws Exception {
		try (Conversation conversation = child(2);
				IpcSocketPair pair = IpcSocket.pair();
				OwnedFd file = Samples.memoryFile("x")) {
			IpcChannel channel = conversation.requester().channel();
			for (OwnedFd[] descriptors : new OwnedFd[][] { {}, { file },
					{ pair.child().descriptor(), pair.child().descriptor() } }) {
				channel.send(null, descriptors);
				assertThat(channel.<String>receive(String.class).payload())
					.isEqualTo("null with " + descriptors.length);
			}
		}
	}

}
