package dev.tinyipc;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** A child asks its parent, also while it works on what the parent has asked. */
@Timeout(120)
class CallTests {

	/** A child and the server that its parent has for its calls. */
	private static final class Family implements AutoCloseable {

		private final Conversation conversation;

		private final IpcServer server;

		Family(IpcServerBuilder handlers) throws Exception {
			this.conversation = Conversation.with(new ChildJvm(Child.class));
			this.server = handlers.build();
			this.conversation.requester().awaitHello(Conversation.inTime());
			IpcSocket calls = this.conversation.requester().takeCallSocket().orElseThrow();
			this.server.serve(IpcChannel.over(calls));
		}

		@Override
		public void close() throws Exception {
			this.conversation.close();
			this.server.close();
		}

	}

	static final class Child {

		public static void main(String[] arguments) throws IpcException {
			IpcServer.builder().handler("sum", Integer.class, (request, context) -> {
				// Each level asks the parent, which asks the next level.
				int number = request.payload();
				return (number == 0) ? 0 : number + context.parent().call("sum", number - 1, Integer.class);
			})
				.handler("ask", String.class,
						(request, context) -> context.parent().call(request.payload(), "of the child", String.class))
				.handler("total", Integer.class, (request, context) -> {
					// Of a stream, of which only some is wanted.
					try (Stream<IpcMessage<Integer>> numbers = context.parent()
						.stream("count", request.payload(), Integer.class)) {
						return numbers.limit(10).mapToInt(IpcMessage::payload).sum();
					}
				})
				.handler("wait", String.class, (request, context) -> {
					try {
						return context.parent().call("wait", "", String.class);
					}
					catch (IpcException.Interrupted ex) {
						return "interrupted";
					}
				})
				.stream("late", String.class, (request, context, elements) -> {
					elements.send("first");
					while (!context.deadline().hasPassed()) {
						Thread.onSpinWait();
					}
					elements.send(context.parent().call("font", "", String.class));
				})
				.threads(16)
				.serve();
		}

	}

	@Test
	void parentStreamsItsReplyAndIsToldToStop() throws Exception {
		CountDownLatch stopped = new CountDownLatch(1);
		try (Family family = new Family(
				IpcServer.builder().stream("count", Integer.class, (request, context, elements) -> {
					try {
						for (int i = 0; i < request.payload(); i++) {
							elements.send(i);
						}
					}
					finally {
						stopped.countDown();
					}
				}))) {
			assertThat(family.conversation.call("total", 5)).isEqualTo(10);
			assertThat(family.conversation.call("total", Integer.MAX_VALUE)).isEqualTo(45);
			assertThat(stopped.await(60, TimeUnit.SECONDS)).isTrue();
			assertThat(family.conversation.call("sum", 0)).isEqualTo(0);
		}
	}

	@Test
	void recursionGoesToTheParentAndBackAsOftenAsThereAreLanes() throws Exception {
		BlockingQueue<IpcRequester> idle = new LinkedBlockingQueue<>();
		IpcServerBuilder handlers = IpcServer.builder().handler("sum", Integer.class, (request) -> {
			IpcRequester lane = idle.take();
			Object sum = Conversation.call(lane, "sum", request.payload());
			idle.add(lane);
			return sum;
		});
		try (Family family = new Family(handlers)) {
			IpcRequester first = family.conversation.requester();
			assertThat(first.hello().orElseThrow().lanes()).isEqualTo(16);
			for (int i = 1; i < 16; i++) {
				idle.add(first.openLane(Conversation.inTime()));
			}
			for (int i = 0; i < 3; i++) {
				assertThat(Conversation.call(first, "sum", 15)).isEqualTo(120);
			}
			for (IpcRequester lane : idle) {
				lane.channel().socket().close();
			}
		}
	}

	@Test
	void parentWithoutTheMethodAnswersWithTheMethodsThatItHas() throws Exception {
		IpcServerBuilder handlers = IpcServer.builder()
			.handler("font", String.class, (request) -> request.payload())
			.handler("colour", String.class, (request) -> request.payload());
		try (Family family = new Family(handlers)) {
			assertThat(family.conversation.call("ask", "font")).isEqualTo("of the child");
			assertThatExceptionOfType(IpcException.Remote.class)
				.isThrownBy(() -> family.conversation.call("ask", "fonts"))
				.withMessageContaining("There is no method 'fonts'. There are: colour, font");
			assertThat(family.conversation.call("ask", "colour")).isEqualTo("of the child");
		}
	}

	/** The deadline of a streamed reply is that of its first element. */
	@Test
	void handlerThatStreamsMayCallAfterItsDeadline() throws Exception {
		IpcServerBuilder handlers = IpcServer.builder().handler("font", String.class, (request) -> "font");
		try (Family family = new Family(handlers)) {
			family.conversation.call("ask", "font"); // loads what is needed
			Exchange exchange = family.conversation.requester()
				.begin(Deadline.in(Duration.ofSeconds(2)))
				.method("late");
			exchange.request("");
			assertThat(Conversation.rest(exchange)).containsExactly("first", "font");
		}
	}

	@Test
	void parentThatServesNoCallsIsNamedInTheError() throws Exception {
		try (Conversation conversation = Conversation.with(new ChildJvm(Child.class))) {
			conversation.requester().awaitHello(Conversation.inTime());
			conversation.requester().takeCallSocket().orElseThrow().close();
			for (int i = 0; i < 2; i++) {
				assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> conversation.call("ask", "font"))
					.satisfies((error) -> assertThat(error.type()).endsWith("PeerClosed"));
			}
			assertThat(conversation.call("sum", 0)).isEqualTo(0);
		}
	}

	@Test
	void cancelOfTheOuterRequestCancelsTheCallThatItWaitsFor() throws Exception {
		CountDownLatch begun = new CountDownLatch(1);
		BlockingQueue<Boolean> cancelled = new LinkedBlockingQueue<>();
		IpcServerBuilder handlers = IpcServer.builder().handler("wait", String.class, (request, context) -> {
			begun.countDown();
			try {
				new CountDownLatch(1).await();
			}
			catch (InterruptedException ex) {
				cancelled.add(context.isCancelled());
			}
			return "";
		}).handler("font", String.class, (request) -> "font");
		try (Family family = new Family(handlers)) {
			Exchange outer = family.conversation.ask("wait", "");
			assertThat(begun.await(60, TimeUnit.SECONDS)).isTrue();
			assertThat(outer.cancel()).isTrue();
			assertThat(outer.reply(String.class).payload()).isEqualTo("interrupted");
			assertThat(cancelled.poll(60, TimeUnit.SECONDS)).isTrue();
			for (int i = 0; i < 3; i++) {
				assertThat(family.conversation.call("ask", "font")).isEqualTo("font");
			}
		}
	}

	@Test
	void manyCallsAtOnceGoOverSocketsOfTheirOwn() throws Exception {
		int callers = 20;
		CyclicBarrier together = new CyclicBarrier(callers);
		IpcServer server = IpcServer.builder().handler("meet", Integer.class, (request) -> {
			together.await(60, TimeUnit.SECONDS);
			return request.payload();
		}).build();
		try (IpcSocketPair pair = IpcSocket.pair(); server) {
			server.serve(IpcChannel.over(pair.parent()));
			IpcParent parent = IpcParent.over(IpcChannel.over(pair.child()));
			List<Future<Integer>> replies = new ArrayList<>();
			for (int i = 0; i < callers; i++) {
				int number = i;
				replies.add(FrameSizeTests.inBackground(() -> parent.call("meet", number, Integer.class)));
			}
			for (int i = 0; i < callers; i++) {
				assertThat(replies.get(i).get(60, TimeUnit.SECONDS)).isEqualTo(i);
			}
			parent.close();
		}
	}

	@Test
	void callsWaitForEachOtherOnceTheParentServesNoMoreSockets() throws Exception {
		Set<Integer> served = ConcurrentHashMap.newKeySet();
		try (IpcSocketPair pair = IpcSocket.pair()) {
			// Serves no lanes at all.
			Future<?> serving = FrameSizeTests.inBackground(() -> {
				Handlers.Builder handlers = new Handlers.Builder();
				handlers.<Integer>add("add", Integer.class, false,
						(request, context, elements) -> served.add(request.payload()));
				LaneWatch watch = new LaneWatch(Runnable::run);
				try (watch) {
					new ServedPeer(handlers.build(), watch, 1, false, null).first(IpcChannel.over(pair.parent())).run();
				}
				return null;
			});
			IpcParent parent = IpcParent.over(IpcChannel.over(pair.child()));
			List<Future<Boolean>> replies = new ArrayList<>();
			for (int i = 0; i < 50; i++) {
				int number = i;
				replies.add(FrameSizeTests.inBackground(() -> parent.call("add", number, Boolean.class)));
			}
			for (Future<Boolean> reply : replies) {
				assertThat(reply.get(60, TimeUnit.SECONDS)).isTrue();
			}
			assertThat(served).hasSize(50);
			pair.child().close();
			serving.get(60, TimeUnit.SECONDS);
		}
	}

	/** Those that wait for a socket must not wait for one that cannot come. */
	@Test
	void allCallersLearnThatTheParentIsGone() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			IpcParent parent = IpcParent.over(IpcChannel.over(pair.child()));
			List<Blocked> callers = new ArrayList<>();
			for (int i = 0; i < 5; i++) {
				callers.add(Blocked
					.any(() -> parent.until(Deadline.in(Duration.ofHours(1))).call("anything", null, String.class)));
			}
			pair.parent().receive(ByteBuffer.allocate(100)).close(); // one opens a lane
			pair.parent().close();
			for (Blocked caller : callers) {
				assertThatExceptionOfType(IpcException.PeerClosed.class).isThrownBy(caller::join);
			}
			assertThatExceptionOfType(IpcException.PeerClosed.class)
				.isThrownBy(() -> parent.call("anything", null, String.class))
				.withMessageContaining("serves no calls");
		}
	}

	@Test
	void callThatIsTooLateToGetASocketSaysWhatItWaitedFor() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			RequesterPool pool = new RequesterPool(IpcChannel.over(pair.child()));
			Future<IpcRequester> first = FrameSizeTests.inBackground(() -> pool.take(Conversation.inTime()));
			IpcChannel answering = IpcChannel.over(pair.parent());
			answering.receive(Object.class).close();
			answering.sendError(new IllegalStateException("no more lanes"));
			IpcRequester taken = first.get(60, TimeUnit.SECONDS);
			assertThatExceptionOfType(IpcException.Timeout.class)
				.isThrownBy(() -> pool.take(Deadline.in(Duration.ofMillis(20))))
				.withMessageContaining("all 1 sockets to the parent process were busy");
			pool.giveBack(taken);
			assertThat(pool.take(Conversation.inTime())).isSameAs(taken);
		}
	}

	/** The agreement to a lane that nobody waits for is bare, and has its place. */
	@Test
	void lateAgreementsToLanesReachNobody() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			IpcRequester requester = IpcRequester.greeted(IpcChannel.over(pair.child()), "the parent",
					Conversation.HELLO);
			LeakWatch watch = new LeakWatch();
			Exchange numbered = Conversation.ask(requester, "", "first");
			for (int i = 0; i < 2; i++) {
				assertThatExceptionOfType(IpcException.Timeout.class)
					.isThrownBy(() -> requester.openLane(Deadline.in(Duration.ofMillis(10))));
			}
			IpcChannel answering = IpcChannel.over(pair.parent());
			answering.outbox().sendNumbered(OptionalLong.of(numbered.number()), "reply");
			answering.send(null);
			answering.send(null);
			Exchange last = Conversation.ask(requester, "", "last");
			answering.outbox().sendNumbered(OptionalLong.of(last.number()), "reply to the last");
			assertThat(last.reply(String.class).payload()).isEqualTo("reply to the last");
			assertThat(requester.fault()).isNull();
			for (int i = 0; i < 4; i++) {
				answering.receive(Object.class).close();
			}
			watch.assertNoneLeft();
		}
	}

}
