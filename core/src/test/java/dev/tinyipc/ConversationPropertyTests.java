package dev.tinyipc;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

/**
 * Whatever callers do one after the other, each gets its own answers, and the sockets
 * stay in step.
 */
@Timeout(120)
class ConversationPropertyTests {

	private static final int CALLERS = 4;

	private static final int STEPS = 150;

	private static final int LIMIT = 100_000;

	private static IpcServerBuilder handlers() {
		return IpcServer.builder()
			.handler(Integer.class, (request) -> request.payload())
			.handler("bytes", byte[].class, (request) -> request.payload().length)
			.handler("stream", Integer.class, (request) -> IntStream.range(0, request.payload()))
			.handler("endless", Integer.class, (request) -> Stream.iterate(request.payload(), (last) -> last + 1))
			.handler("wait", Integer.class, (request) -> {
				new CountDownLatch(1).await();
				return null;
			})
			.handler("sleep", Integer.class, (request) -> {
				Thread.sleep(request.payload());
				return request.payload();
			})
			.handler("fail", Integer.class, (request) -> {
				throw new IllegalStateException("failed for " + request.payload());
			});
	}

	@ParameterizedTest
	@ValueSource(longs = { 1, 2, 3 })
	void answersNeverGoToAnybodyElse(long seed) throws Exception {
		try (IpcServer server = handlers().build()) {
			List<Future<?>> callers = new ArrayList<>();
			for (int i = 0; i < CALLERS; i++) {
				IpcSocketPair pair = IpcSocket.pair();
				server.serve(IpcChannel.over(pair.child()).withMaxMessageSize(LIMIT));
				Random random = new Random(seed * CALLERS + i);
				callers.add(FrameSizeTests.inBackground(() -> {
					try (pair) {
						new Caller(pair.parent(), random).run();
					}
					return null;
				}));
			}
			for (Future<?> caller : callers) {
				caller.get(100, TimeUnit.SECONDS);
			}
		}
	}

	private static final class Caller {

		private final Random random;

		private final IpcRequester first;

		private IpcRequester lane;

		Caller(IpcSocket socket, Random random) throws IpcException {
			this.random = random;
			this.first = IpcRequester.greeted(IpcChannel.over(socket), "the peer", Conversation.HELLO);
			this.lane = this.first.openLane(Conversation.inTime());
		}

		void run() throws Exception {
			for (int i = 0; i < STEPS; i++) {
				step(this.random.nextBoolean() ? this.first : this.lane);
			}
			for (IpcRequester requester : List.of(this.first, this.lane)) {
				await().atMost(Duration.ofSeconds(30)).until(() -> requester.look() == IpcRequester.State.IN_STEP);
				assertThat(requester.owed()).isZero();
				assertThat(requester.fault()).isNull();
			}
			this.lane.channel().socket().close();
		}

		private void step(IpcRequester requester) throws Exception {
			int number = this.random.nextInt(200);
			switch (this.random.nextInt(11)) {
				case 0 -> assertThat(Conversation.call(requester, "", number)).isEqualTo(number);
				case 1 -> assertThat(Conversation.rest(Conversation.ask(requester, "stream", number)))
					.isEqualTo(new ArrayList<Object>(IntStream.range(0, number).boxed().toList()));
				case 2 -> {
					Exchange exchange = Conversation.ask(requester, "endless", number);
					take(exchange, number, this.random.nextInt(20));
					assertThat(exchange.cancel()).isTrue();
				}
				case 3 -> take(Conversation.ask(requester, "stream", 50), 0, this.random.nextInt(20));
				case 4 -> assertThat(Conversation.ask(requester, "wait", number).cancel()).isTrue();
				case 5 -> assertThatExceptionOfType(IpcException.Remote.class)
					.isThrownBy(() -> Conversation.call(requester, "fail", number))
					.withMessageContaining("failed for " + number);
				case 6 -> assertThatExceptionOfType(IpcException.Remote.class)
					.isThrownBy(() -> Conversation.call(requester, "bytes", new byte[LIMIT + number]))
					.withMessageContaining("at most " + LIMIT);
				case 7 -> requester.send(number, Conversation.inTime());
				case 8 -> {
					this.lane.channel().socket().close();
					this.lane = this.first.openLane(Conversation.inTime());
				}
				case 9 -> giveUpSoon(requester, number);
				default -> {
					Exchange exchange = Conversation.ask(requester, "sleep", number / 8);
					TimeUnit.MICROSECONDS.sleep(this.random.nextInt(25_000));
					exchange.cancel();
				}
			}
		}

		private static void take(Exchange exchange, int first, int count) throws IpcException {
			for (int i = 0; i < count; i++) {
				try (IpcMessage<Integer> element = exchange.next(Integer.class, Conversation.inTime())) {
					assertThat(element.payload()).isEqualTo(first + i);
				}
			}
		}

		private static void giveUpSoon(IpcRequester requester, int number) throws IpcException {
			Exchange exchange = requester.begin(Deadline.in(Duration.ofMillis(3)));
			try {
				exchange.method("sleep").request(number % 6);
				assertThat(exchange.reply(Integer.class).payload()).isEqualTo(number % 6);
			}
			catch (IpcException.Timeout | IpcException.Remote ex) {
				// The deadline has passed, and one of both has noticed first.
			}
		}

	}

}
