package dev.tinyipc;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** Virtual threads ask, and others answer, with a single carrier for all of them. */
@Timeout(120)
@EnabledForJreRange(min = JRE.JAVA_21)
class VirtualLanesTests {

	private static final int LANES = 64;

	private static final int CALLERS = 10_000;

	@Test
	void thousandsOfVirtualThreadsShareTheLanesOfVirtualThreads() throws Exception {
		assertThat(new ChildJvm(Main.class).option("-Djdk.virtualThreadScheduler.parallelism=1")
			.option("-Djdk.virtualThreadScheduler.maxPoolSize=1")
			.option("-Djdk.virtualThreadScheduler.minRunnable=1")
			.run()).endsWith("done\n");
	}

	@Test
	void childServesItsParentInVirtualThreads() throws Exception {
		try (Conversation conversation = Conversation.with(new ChildJvm(Child.class))) {
			assertThat(conversation.requester().awaitHello(Conversation.inTime()).lanes()).isEqualTo(LANES);
			IpcRequester lane = conversation.requester().openLane(Conversation.inTime());
			assertThat(conversation.call("", "first")).isEqualTo(true);
			assertThat(Conversation.call(lane, "", "lane")).isEqualTo(true);
			Exchange waiting = conversation.ask("wait", "");
			assertThat(waiting.cancel()).isTrue();
			assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> waiting.reply(Object.class))
				.withMessageContaining("Cancelled");
			conversation.socket().close();
			assertThat(conversation.child().waitFor()).isZero();
			lane.channel().socket().close();
		}
	}

	static final class Child {

		public static void main(String[] arguments) throws Exception {
			IpcServer.builder()
				.handler(String.class, (request) -> Thread.class.getMethod("isVirtual").invoke(Thread.currentThread()))
				.handler("wait", String.class, (request) -> {
					new CountDownLatch(1).await();
					return null;
				})
				.threads(LANES, virtualThreads())
				.serve();
		}

	}

	static final class Main {

		public static void main(String[] arguments) throws Exception {
			CyclicBarrier together = new CyclicBarrier(LANES);
			IpcServerBuilder handlers = IpcServer.builder().handler(Integer.class, (request) -> {
				Thread.sleep(1);
				return request.payload();
			}).handler("meet", Integer.class, (request) -> {
				together.await(60, TimeUnit.SECONDS);
				return request.payload();
			}).handler("large", Integer.class, (request) -> "x".repeat(request.payload()));
			try (Conversation conversation = Conversation.with(handlers.threads(LANES, virtualThreads()))) {
				BlockingQueue<IpcRequester> lanes = new ArrayBlockingQueue<>(LANES);
				lanes.add(conversation.requester());
				while (lanes.size() < LANES) {
					lanes.add(conversation.requester().openLane(Conversation.inTime()));
				}
				call(lanes, CALLERS, "");
				call(lanes, LANES, "meet");
				call(lanes, 500, "large");
				lanes.forEach((lane) -> lane.channel().socket().close());
			}
			System.out.println("done");
		}

		private static void call(BlockingQueue<IpcRequester> lanes, int callers, String method) throws Exception {
			Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
			List<Thread> threads = new ArrayList<>();
			ThreadFactory factory = virtualThreads();
			for (int i = 0; i < callers; i++) {
				int number = i;
				threads.add(factory.newThread(() -> {
					try {
						IpcRequester lane = lanes.take();
						Object reply = Conversation.call(lane, method,
								method.equals("large") ? Integer.valueOf(1_000_000) : Integer.valueOf(number));
						lanes.add(lane);
						assertThat(method.equals("large") ? ((String) reply).length() - 1_000_000 + number : reply)
							.isEqualTo(number);
					}
					catch (Throwable ex) {
						failures.add(ex);
					}
				}));
			}
			threads.forEach(Thread::start);
			for (Thread thread : threads) {
				thread.join();
			}
			assertThat(failures).isEmpty();
		}

	}

	/** {@code Thread.ofVirtual().factory()}, which is not there before Java 21. */
	private static ThreadFactory virtualThreads() throws ReflectiveOperationException {
		Object builder = Thread.class.getMethod("ofVirtual").invoke(null);
		return (ThreadFactory) Class.forName("java.lang.Thread$Builder").getMethod("factory").invoke(builder);
	}

}
