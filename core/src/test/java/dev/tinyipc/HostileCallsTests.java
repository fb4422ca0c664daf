package dev.tinyipc;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

/** A child that does with the socket for its calls whatever it likes. */
@Timeout(60)
class HostileCallsTests {

	private static final int MAX_LANES = 64;

	private IpcServer server;

	private IpcSocketPair hostile;

	/** Another child of the same parent. */
	private IpcSocketPair other;

	@BeforeEach
	void serve() throws IpcException {
		this.server = IpcServer.builder()
			.handler(String.class, (request) -> request.payload())
			.handler("large", Integer.class, (request) -> "x".repeat(request.payload()))
			.build();
		this.hostile = Conversation.pair();
		this.other = Conversation.pair();
		this.server.serve(IpcChannel.over(this.hostile.parent()).withMaxMessageSize(100_000));
		this.server.serve(IpcChannel.over(this.other.parent()));
	}

	@AfterEach
	void close() {
		this.hostile.close();
		this.other.close();
		this.server.close();
	}

	private void assertOtherIsServed() throws IpcException {
		IpcRequester requester = IpcRequester.greeted(IpcChannel.over(this.other.child()), "the parent",
				Conversation.HELLO);
		assertThat(Conversation.call(requester, "", "other")).isEqualTo("other");
	}

	private static long workers() {
		return Thread.getAllStackTraces()
			.keySet()
			.stream()
			.filter((thread) -> thread.getName().matches("ipc-server-\\d+"))
			.count();
	}

	private static long descriptors() throws Exception {
		try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
			return files.count();
		}
	}

	@Test
	void halfAFrameHoldsUpNobodyElse() throws Exception {
		RawSender.sendPart(this.hostile.child(), new byte[] { 100, 0, 0, 0, 0, 0, 0, 0, 1 });
		for (int i = 0; i < 10; i++) {
			assertOtherIsServed();
		}
		this.hostile.child().close();
		await().until(() -> this.hostile.parent().isClosed());
	}

	@Test
	void frameThatIsNoneClosesTheSocketAndNoOther() throws Exception {
		RawSender.send(this.hostile.child(), new byte[3]);
		await().until(() -> this.hostile.parent().isClosed());
		assertOtherIsServed();
	}

	@Test
	void floodOfRequestsWhoseAnswersNobodyReadsTakesOneThread() throws Exception {
		IpcChannel channel = IpcChannel.over(this.hostile.child());
		Blocked flood = Blocked.in("send", () -> {
			while (true) {
				channel.send("x".repeat(1000));
			}
		});
		assertOtherIsServed();
		assertThat(workers()).isLessThanOrEqualTo(4);
		this.hostile.child().close();
		assertThatExceptionOfType(IpcException.class).isThrownBy(flood::join);
		await().until(() -> this.hostile.parent().isClosed());
	}

	@Test
	void thousandLanesAreNotServed() throws Exception {
		IpcRequester requester = IpcRequester.greeted(IpcChannel.over(this.hostile.child()), "the parent",
				Conversation.HELLO);
		List<IpcRequester> lanes = new ArrayList<>();
		long before = descriptors();
		int refused = 0;
		for (int i = 0; i < 1000; i++) {
			try {
				lanes.add(requester.openLane(Conversation.inTime()));
			}
			catch (IpcException.Remote ex) {
				refused++;
			}
		}
		assertThat(lanes).hasSize(MAX_LANES - 1);
		assertThat(refused).isEqualTo(1000 - MAX_LANES + 1);
		assertThat(descriptors()).isLessThan(before + 2 * MAX_LANES + 20);
		assertThat(workers()).isLessThanOrEqualTo(4);
		for (IpcRequester lane : lanes) {
			assertThat(Conversation.call(lane, "", "x")).isEqualTo("x");
		}
		assertOtherIsServed();
		lanes.forEach((lane) -> lane.channel().socket().close());
	}

	/** Requests for lanes one after the other, and no look at the answers. */
	@Test
	void floodOfLanesLeavesNothingOpen() throws Exception {
		LeakWatch watch = new LeakWatch();
		IpcChannel channel = IpcChannel.over(this.hostile.child());
		FrameSizeTests.inBackground(() -> {
			IpcMessage<Object> answer;
			do {
				try {
					answer = channel.receive(Object.class);
				}
				catch (IpcException.Remote ex) {
					answer = new IpcMessage<>("", new Packet(0, List.of()));
				}
			}
			while (answer != null);
			return null;
		});
		for (int i = 0; i < 1000; i++) {
			try (IpcSocketPair pair = Conversation.pair()) {
				channel.send(null, pair.child().descriptor());
			}
		}
		assertOtherIsServed();
		watch.assertNoneLeft();
	}

	@Test
	void requestOverTheLimitIsAnsweredAndTheNextIsServed() throws Exception {
		IpcChannel channel = IpcChannel.over(this.hostile.child());
		channel.send("x".repeat(200_000));
		assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> channel.receive(Object.class))
			.withMessageContaining("at most 100000");
		channel.send("next");
		assertThat(channel.receive(Object.class).payload()).isEqualTo("next");
	}

}
