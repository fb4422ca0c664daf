package dev.tinyipc;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** A server that lets no more requests in, and finishes those that it has. */
@Timeout(60)
class RequestGateTests {

	private final RequestGate gate = new RequestGate();

	private final CountDownLatch begun = new CountDownLatch(1);

	private final BlockingQueue<String> answers = new LinkedBlockingQueue<>();

	private Conversation conversation() throws IpcException {
		return Conversation.with(IpcServer.builder()
			.handler("echo", String.class, IpcMessage::payload)
			.handler("wait", String.class, (request) -> next())
			.stream("rows", String.class, (request, context, rows) -> {
				for (String row = next(); !row.equals("end"); row = next()) {
					rows.send(row);
				}
			})
			.gate(this.gate));
	}

	private String next() throws InterruptedException {
		this.begun.countDown();
		return this.answers.take();
	}

	private static void assertRefused(IpcRequester requester) {
		assertThatExceptionOfType(IpcException.Remote.class)
			.isThrownBy(() -> Conversation.call(requester, "echo", "refused"))
			.satisfies((failure) -> assertThat(failure.type()).isEqualTo("Unavailable"));
	}

	@Test
	void closedGateHasWhatWasBegunAnsweredAndRefusesTheRest() throws Exception {
		try (Conversation conversation = conversation()) {
			IpcRequester lane = conversation.requester().openLane(Conversation.inTime());
			Exchange waiting = conversation.ask("wait", "");
			this.begun.await();
			CompletableFuture<?> closed = this.gate.close();
			assertThat(this.gate.isOpen()).isFalse();
			assertRefused(lane);
			assertThat(closed).isNotDone();
			this.answers.add("answered");
			assertThat(waiting.reply(String.class).payload()).isEqualTo("answered");
			closed.get(30, TimeUnit.SECONDS);
			assertRefused(conversation.requester());
			this.gate.open();
			assertThat(conversation.call("echo", "again")).isEqualTo("again");
			lane.channel().socket().close();
		}
	}

	@Test
	void streamIsOverOnceItsEndWasSent() throws Exception {
		try (Conversation conversation = conversation()) {
			Exchange rows = conversation.ask("rows", "");
			this.begun.await();
			CompletableFuture<?> closed = this.gate.close();
			this.answers.add("a row");
			try (IpcMessage<String> row = rows.next(String.class, Conversation.inTime())) {
				assertThat(row.payload()).isEqualTo("a row");
			}
			assertThat(closed).isNotDone();
			this.answers.add("end");
			assertThat(Conversation.rest(rows)).isEmpty();
			closed.get(30, TimeUnit.SECONDS);
		}
	}

	@Test
	void whoeverWaitsForAGateIsToldWhenItIsOpenedAgain() throws Exception {
		try (Conversation conversation = conversation()) {
			Exchange waiting = conversation.ask("wait", "");
			this.begun.await();
			CompletableFuture<?> closed = this.gate.close();
			this.gate.open();
			assertThat(closed).isDone();
			this.answers.add("answered");
			assertThat(waiting.reply(String.class).payload()).isEqualTo("answered");
			assertThat(this.gate.close()).succeedsWithin(30, TimeUnit.SECONDS);
		}
	}

	@Test
	void idleGateIsClosedAtOnce() {
		assertThat(this.gate.close()).isDone();
		assertThat(this.gate.close()).isDone();
	}

}
