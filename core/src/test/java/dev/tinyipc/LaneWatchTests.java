package dev.tinyipc;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

/** A lane on which something has arrived is served or closed, whatever happens. */
@Timeout(60)
class LaneWatchTests {

	private final BlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();

	private IpcSocketPair pair;

	private IpcChannel client;

	@BeforeEach
	void connect() throws IpcException {
		this.pair = Conversation.pair();
		this.client = IpcChannel.over(this.pair.child());
	}

	@AfterEach
	void disconnect() {
		this.pair.close();
	}

	private static Handlers handlers() {
		Handlers.Builder handlers = new Handlers.Builder();
		handlers.<String>add(Handlers.DEFAULT, String.class, false, (request, context, elements) -> {
			if (request.payload().equals("fail")) {
				throw new StackOverflowError("on purpose");
			}
			return request.payload();
		});
		return handlers.build();
	}

	private LaneWatch watch(Executor workers) throws IpcException {
		LaneWatch watch = new LaneWatch(workers);
		new ServedPeer(handlers(), watch, 1, false, null).open(IpcChannel.over(this.pair.parent()));
		return watch;
	}

	private Runnable task() throws InterruptedException {
		Runnable task = this.tasks.poll(30, TimeUnit.SECONDS);
		assertThat(task).isNotNull();
		return task;
	}

	/** As after a cancel that was taken for the next request, and is gone. */
	@Test
	void laneOnWhichNothingIsLeftToBeReadBecomesIdleAgain() throws Exception {
		try (LaneWatch watch = watch(this.tasks::add)) {
			for (int i = 0; i < 3; i++) {
				this.client.send("is taken by somebody else");
				Runnable task = task();
				IpcChannel.over(this.pair.parent()).receive(String.class).close();
				task.run();
				this.client.send("next");
				task().run();
				assertThat(this.client.<String>receive(String.class).payload()).isEqualTo("next");
			}
			assertThat(this.tasks).isEmpty();
		}
	}

	@Test
	void laneForWhichThereIsNoThreadIsClosed() throws Exception {
		for (Throwable failure : new Throwable[] { new RejectedExecutionException("on purpose"),
				new OutOfMemoryError("on purpose: unable to create native thread") }) {
			disconnect();
			connect();
			try (LaneWatch watch = watch((task) -> {
				if (failure instanceof Error error) {
					throw error;
				}
				throw (RuntimeException) failure;
			})) {
				this.client.send("request");
				await().until(() -> this.pair.parent().isClosed());
			}
		}
	}

	@Test
	void laneWhoseHandlerFailsWithAnErrorIsClosedAlsoIfItWasNotTheFirstRequest() throws Exception {
		try (LaneWatch watch = watch(this.tasks::add)) {
			this.client.send("first");
			this.client.send("fail");
			task().run();
			assertThat(this.pair.parent().isClosed()).isTrue();
			assertThat(this.client.<String>receive(String.class).payload()).isEqualTo("first");
			assertThat(this.client.<String>receive(String.class)).isNull();
		}
	}

	@Test
	void laneThatIsClosedWithTheServerWhileItsWorkerIsToBeginLeavesNothing() throws Exception {
		LaneWatch watch = watch(this.tasks::add);
		this.client.send("request");
		Runnable task = task();
		watch.close();
		task.run();
		assertThat(this.pair.parent().isClosed()).isTrue();
		try (IpcSocketPair late = Conversation.pair()) {
			ServedLane lane = new ServedLane(IpcChannel.over(late.parent()), handlers(), null);
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> watch.serve(lane))
				.withMessageContaining("The server was closed");
		}
	}

}
