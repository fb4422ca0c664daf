package dev.tinyipc;

import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

/** A caller that no longer waits says so, and the handler may stop. */
@Timeout(120)
class CancelTests {

	/** What the handlers saw, each once it had begun, and once it had ended. */
	private final BlockingQueue<String> events = new LinkedBlockingQueue<>();

	private final Semaphore permits = new Semaphore(0);

	private final CountDownLatch forever = new CountDownLatch(1);

	private IpcServerBuilder handlers() {
		return IpcServer.builder().handler(String.class, (request) -> {
			this.events.add("begun " + request.payload());
			this.permits.acquire();
			return "ended, interrupted: " + Thread.interrupted();
		}).handler("wait", String.class, (request, context) -> {
			this.events.add("begun");
			try {
				this.forever.await();
			}
			catch (InterruptedException ex) {
				this.events.add("interrupted, cancelled: " + context.isCancelled());
				context.checkCancelled();
			}
			return "not cancelled";
		}).handler("ignore", String.class, (request, context) -> {
			this.events.add("begun");
			while (!context.isCancelled()) {
				Thread.onSpinWait();
			}
			return "ignored"; // and leaves the thread interrupted
		}).handler("interrupted", String.class, (request) -> Thread.interrupted());
	}

	private String event() throws InterruptedException {
		return this.events.poll(60, TimeUnit.SECONDS);
	}

	@Test
	void handlerIsInterruptedAndTheSocketIsInStepAfterwards() throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			Exchange exchange = conversation.ask("wait", "");
			assertThat(event()).isEqualTo("begun");
			assertThat(exchange.cancel()).isTrue();
			assertThat(event()).isEqualTo("interrupted, cancelled: true");
			assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> exchange.reply(String.class))
				.satisfies((error) -> assertThat(error.type()).isEqualTo("Cancelled"));
			assertThat(exchange.cancel()).isFalse();
			assertThat(conversation.requester().look()).isEqualTo(IpcRequester.State.IN_STEP);
			assertThat(conversation.call("interrupted", "")).isEqualTo(false);
		}
	}

	/** Unlike one that was just given up, whose late answer somebody should know of. */
	@Test
	void answerToWhatWasCancelledIsDroppedWithoutAWarning() throws Exception {
		Logger logger = (Logger) LoggerFactory.getLogger(IpcRequester.class);
		ListAppender<ILoggingEvent> log = new ListAppender<>();
		log.start();
		logger.addAppender(log);
		try (Conversation conversation = Conversation.with(handlers())) {
			for (int i = 0; i < 3; i++) {
				assertThat(conversation.ask("wait", "").cancel()).isTrue();
				assertThat(conversation.call("interrupted", "")).isEqualTo(false);
			}
			assertThat(log.list).isEmpty();
			conversation.ask("interrupted", "");
			assertThat(conversation.call("interrupted", "")).isEqualTo(false);
			assertThat(log.list).hasSize(1);
		}
		finally {
			logger.detachAppender(log);
		}
	}

	@Test
	void cancelRightBehindTheRequestIsSeenOnceTheHandlerTakesLong() throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			for (int i = 0; i < 20; i++) {
				assertThat(conversation.ask("wait", "").cancel()).isTrue();
				assertThat(event()).isEqualTo("begun");
				assertThat(event()).isEqualTo("interrupted, cancelled: true");
			}
			assertThat(conversation.call("interrupted", "")).isEqualTo(false);
		}
	}

	@Test
	void handlerThatIgnoresTheCancelAnswersAndItsThreadIsNoLongerInterrupted() throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			for (int i = 0; i < 20; i++) {
				Exchange exchange = conversation.ask("ignore", "");
				assertThat(exchange.cancel()).isTrue();
				assertThat(exchange.reply(String.class).payload()).isEqualTo("ignored");
				assertThat(conversation.call("interrupted", "")).isEqualTo(false);
			}
		}
	}

	@Test
	void cancelThatComesAfterTheReplyIsIgnoredAlsoBeforeTheNextRequest() throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			IpcChannel channel = conversation.requester().channel();
			this.permits.release(2);
			channel.send("first");
			assertThat(channel.receive(String.class).payload()).isEqualTo("ended, interrupted: false");
			channel.outbox().sendCancel(Conversation.inTime());
			channel.outbox().sendCancel(Conversation.inTime());
			channel.send("second");
			assertThat(channel.receive(String.class).payload()).isEqualTo("ended, interrupted: false");
			assertThat(this.events).containsExactly("begun first", "begun second");
		}
	}

	@Test
	void cancelThatIsQueuedBetweenTwoRequestsStopsOnlyTheFirst() throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			IpcChannel channel = conversation.requester().channel();
			channel.send("first");
			channel.outbox().sendCancel(Conversation.inTime());
			channel.send("second");
			assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> channel.receive(String.class))
				.withMessageContaining("Cancelled");
			this.permits.release();
			assertThat(channel.receive(String.class).payload()).isEqualTo("ended, interrupted: false");
		}
	}

	/** A cancel has no number, and would stop what was sent last. */
	@Test
	void exchangeBehindWhichAMessageWasSentIsNotCancelledAnyMore() throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			Exchange exchange = conversation.ask("", "first");
			conversation.requester().send("one way", Conversation.inTime());
			assertThat(exchange.cancel()).isFalse();
			this.permits.release(2);
			assertThat(exchange.reply(String.class).payload()).isEqualTo("ended, interrupted: false");
			assertThat(conversation.requester().<String>receive(String.class, Conversation.inTime()).payload())
				.isEqualTo("ended, interrupted: false");
		}
	}

	@Test
	void messageSentOneWayBehindARunningRequestIsServedAfterIt() throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			Exchange exchange = conversation.ask("", "first");
			conversation.requester().send("one way", Conversation.inTime());
			assertThat(event()).isEqualTo("begun first");
			this.permits.release();
			exchange.reply(String.class).close();
			assertThat(event()).isEqualTo("begun one way");
			this.permits.release();
		}
	}

	@Test
	void exchangeIsNotCancelledWithoutTheHelloThatAllowsIt() throws Exception {
		try (Conversation conversation = Conversation.bare(handlers())) {
			Exchange exchange = conversation.ask("", "first");
			assertThat(exchange.cancel()).isFalse();
			this.permits.release();
			assertThat(exchange.reply(String.class).payload()).isEqualTo("ended, interrupted: false");
		}
	}

	@Test
	void nothingIsCancelledBeforeTheRequest() throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			assertThat(conversation.requester().begin(Conversation.inTime()).cancel()).isFalse();
			assertThat(conversation.call("interrupted", "")).isEqualTo(false);
		}
	}

	@Test
	void requestWhoseDeadlineHasPassedIsNotHandled() throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			IpcChannel channel = conversation.requester().channel();
			channel.send((target, at) -> Envelope.write(target, at, 1, null, Map.of(Envelope.DEADLINE, "0"),
					Envelope.NO_DEADLINE), "late", null);
			assertThatExceptionOfType(IpcException.Remote.class)
				.isThrownBy(() -> channel.receiveWanted(String.class, null, Opening.telling((id) -> {
					assertThat(id).isEqualTo(OptionalLong.of(1));
				})))
				.withMessageContaining("deadline")
				.satisfies((error) -> assertThat(error.type()).isEqualTo("DeadlineExceeded"));
			assertThat(this.events).isEmpty();
		}
	}

	@ParameterizedTest
	@ValueSource(strings = { "soon", "-1", "-5", "", "1e3" })
	void deadlineThatIsNoNumberIsIgnored(String millis) throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			this.permits.release();
			IpcChannel channel = conversation.requester().channel();
			channel.send((target, at) -> Envelope.write(target, at, 1, null, Map.of(Envelope.DEADLINE, millis),
					Envelope.NO_DEADLINE), "ask", null);
			assertThat(channel.<String>receiveWanted(String.class, null, Opening.telling((id) -> {
			})).payload()).startsWith("ended");
		}
	}

	@Test
	void closingALaneCancelsWhatIsWorkedOn() throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			IpcRequester lane = conversation.requester().openLane(Conversation.inTime());
			Conversation.ask(lane, "wait", "");
			assertThat(event()).isEqualTo("begun");
			lane.channel().socket().close();
			assertThat(event()).isEqualTo("interrupted, cancelled: true");
			assertThat(conversation.call("interrupted", "")).isEqualTo(false);
		}
	}

	@Test
	void closingTheServerCancelsWhatIsWorkedOn() throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			Exchange exchange = conversation.ask("wait", "");
			assertThat(event()).isEqualTo("begun");
			conversation.server().close();
			assertThat(event()).isEqualTo("interrupted, cancelled: true");
			assertThatExceptionOfType(IpcException.PeerClosed.class).isThrownBy(() -> exchange.reply(String.class));
		}
	}

	/** The reply and the cancel cross each other at every possible moment. */
	@Test
	void cancelsThatCrossTheirRepliesHarmNobody() throws Exception {
		IpcServerBuilder builder = IpcServer.builder().handler(Integer.class, (request) -> {
			Thread.sleep(15 + request.payload() % 10); // about when it is first looked
														// for
			return request.payload();
		}).handler("next", Integer.class, (request) -> {
			assertThat(Thread.currentThread().isInterrupted()).isFalse();
			return request.payload();
		});
		try (Conversation conversation = Conversation.with(builder)) {
			for (int i = 0; i < 200; i++) {
				Exchange exchange = conversation.requester().begin(Conversation.inTime());
				exchange.request(i);
				Thread.sleep(20);
				exchange.cancel();
				assertThat(conversation.call("next", i)).isEqualTo(i);
			}
			// None of them waits in the socket of an idle lane.
			await().atMost(Duration.ofSeconds(20))
				.untilAsserted(() -> assertThat(workers()).noneMatch((worker) -> isAtWork(worker)));
			assertThat(conversation.call("next", 0)).isEqualTo(0);
		}
	}

	private static Stream<Thread> workers() {
		return Thread.getAllStackTraces()
			.keySet()
			.stream()
			.filter((thread) -> thread.getName().matches("ipc-server-\\d+"));
	}

	private static boolean isAtWork(Thread worker) {
		return Stream.of(worker.getStackTrace())
			.anyMatch((frame) -> frame.getClassName().equals(ServedLane.class.getName()));
	}

	@Test
	void thousandExchangesOfOneProcessAreCancelled() throws Exception {
		int lanes = 16;
		try (Conversation conversation = Conversation.with(handlers().threads(lanes + 1))) {
			Thread[] callers = new Thread[lanes];
			LinkedBlockingQueue<Throwable> failures = new LinkedBlockingQueue<>();
			for (int i = 0; i < lanes; i++) {
				IpcRequester lane = conversation.requester().openLane(Conversation.inTime());
				callers[i] = new Thread(() -> {
					try {
						for (int n = 0; n < 1000 / lanes; n++) {
							Exchange exchange = Conversation.ask(lane, "wait", "");
							assertThat(exchange.cancel()).isTrue();
							assertThatExceptionOfType(IpcException.Remote.class)
								.isThrownBy(() -> exchange.reply(String.class))
								.withMessageContaining("Cancelled");
						}
						assertThat(Conversation.call(lane, "interrupted", "")).isEqualTo(false);
						lane.channel().socket().close();
					}
					catch (Throwable ex) {
						failures.add(ex);
					}
				});
				callers[i].start();
			}
			for (Thread caller : callers) {
				caller.join();
			}
			assertThat(failures).isEmpty();
		}
	}

	/** A tag may be written in eight bytes, and others may be around it. */
	@Test
	void cancelIsUnderstoodHoweverItIsWritten() throws Exception {
		try (Conversation conversation = Conversation.with(handlers())) {
			for (String cancel : new String[] { "da49505349f6", "db0000000049505349f6", "d9d9f7da49505349f6" }) {
				Exchange exchange = conversation.ask("wait", "");
				RawSender.sendFrame(conversation.socket(), HexFormat.of().parseHex(cancel));
				assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> exchange.reply(String.class))
					.withMessageContaining("Cancelled");
			}
		}
	}

}
