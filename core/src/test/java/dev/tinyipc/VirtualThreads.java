package dev.tinyipc;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * What {@link VirtualThreadTests} runs in a JVM of its own that has one carrier: as long
 * as a thread holds it, no other virtual thread gets anywhere.
 */
final class VirtualThreads {

	private static final int MANY = 200;

	private static final Duration TIMEOUT = Duration.ofMillis(50);

	private static final Map<String, Blocked.Action> SCENARIOS = Map.ofEntries(entry("block", VirtualThreads::block),
			entry("receive", VirtualThreads::receive), entry("receive a batch", VirtualThreads::receiveBatch),
			entry("messages", VirtualThreads::messages), entry("send", VirtualThreads::send),
			entry("send a batch", VirtualThreads::sendBatch), entry("timeout", VirtualThreads::timeout),
			entry("close", VirtualThreads::close), entry("interrupt", VirtualThreads::interrupt),
			entry("interrupt a deadline", VirtualThreads::interruptADeadline), entry("poller", VirtualThreads::poller),
			entry("close a poller", VirtualThreads::closeAPoller), entry("read a pipe", VirtualThreads::readAPipe),
			entry("write to a pipe", VirtualThreads::writeToAPipe),
			entry("read the same pipe", VirtualThreads::readTheSamePipe),
			entry("wait for the lock", VirtualThreads::waitForTheLock));

	/** What went wrong in a virtual thread. */
	private static final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();

	private VirtualThreads() {
	}

	public static void main(String[] args) throws Exception {
		for (String scenario : args) {
			SCENARIOS.get(scenario).run();
			assertThat(failures).as(scenario).isEmpty();
		}
		System.out.println("done: " + String.join(", ", args));
		System.exit(0);
	}

	private static Thread start(Blocked.Action action) {
		Runnable task = () -> {
			try {
				action.run();
			}
			catch (Throwable ex) {
				failures.add(ex);
			}
		};
		try {
			Method start = Thread.class.getMethod("startVirtualThread", Runnable.class); // Java
																							// 21
			return (Thread) start.invoke(null, task);
		}
		catch (ReflectiveOperationException ex) {
			throw new AssertionError(ex);
		}
	}

	/** None that holds the carrier waits, and those that it keeps out do not either. */
	private static void awaitWaiting(List<Thread> threads) {
		await().atMost(Duration.ofSeconds(15)).untilAsserted(() -> {
			assertThat(failures).isEmpty();
			assertThat(threads).extracting(Thread::getState).containsOnly(Thread.State.WAITING);
		});
	}

	private static void join(List<Thread> threads) throws InterruptedException {
		for (Thread thread : threads) {
			thread.join(15_000);
			assertThat(thread.isAlive()).isFalse();
		}
	}

	private static void block() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			NativeBuffer room = NativeBuffer.allocate(1);
			Queue<String> order = new ConcurrentLinkedQueue<>();
			Thread holding = start(() -> {
				order.add("blocks");
				LibC.recv(pair.child().fd(), room.address(), 1, 0);
				order.add("received");
			});
			await().until(() -> order.contains("blocks"));
			Thread other = start(() -> order.add("the other"));
			await().during(Duration.ofMillis(200)).until(() -> !order.contains("the other"));
			pair.parent().send(Samples.bytes("x"));
			join(List.of(holding, other));
			assertThat(order).containsExactly("blocks", "received", "the other");
		}
	}

	private static void receive() throws Exception {
		List<IpcSocketPair> pairs = new ArrayList<>();
		List<Thread> threads = new ArrayList<>();
		for (int i = 0; i < MANY; i++) {
			IpcSocketPair pair = IpcSocket.pair();
			String text = "packet " + i;
			pairs.add(pair);
			threads.add(start(() -> assertThat(Samples.receiveText(pair.child())).isEqualTo(text)));
		}
		awaitWaiting(threads);
		for (int i = MANY - 1; i >= 0; i--) {
			pairs.get(i).parent().send(Samples.bytes("packet " + i));
			threads.get(i).join(15_000);
		}
		join(threads);
	}

	private static void receiveBatch() throws Exception {
		IpcSocketPair pair = IpcSocket.pair();
		List<Thread> threads = List
			.of(start(() -> pair.child().receiveBatch(new ByteBuffer[] { ByteBuffer.allocate(1) }, (packet, index) -> {
			})));
		awaitWaiting(threads);
		pair.parent().sendBatch(Samples.bytes("x"));
		join(threads);
	}

	/** Larger than the queue, so that both sides wait many times. */
	private static void messages() throws Exception {
		byte[] content = Samples.random(3_000_000);
		List<Thread> threads = new ArrayList<>();
		for (int i = 0; i < 10; i++) {
			IpcSocketPair pair = IpcSocket.pair();
			threads.add(start(() -> IpcChannel.over(pair.parent()).send(content)));
			threads.add(start(() -> {
				IpcMessage<byte[]> message = IpcChannel.over(pair.child()).receive(byte[].class);
				Samples.assertSame(message.payload(), content);
			}));
		}
		join(threads);
	}

	private static void send() throws Exception {
		List<IpcSocketPair> pairs = new ArrayList<>();
		List<Thread> threads = new ArrayList<>();
		for (int i = 0; i < MANY; i++) {
			IpcSocketPair pair = IpcSocket.pair();
			SocketTimeoutTests.fill(pair.parent());
			pairs.add(pair);
			threads.add(start(() -> pair.parent().send(Samples.bytes("x"))));
		}
		awaitWaiting(threads);
		for (IpcSocketPair pair : pairs) {
			SocketTimeoutTests.drain(pair.child());
		}
		join(threads);
	}

	private static void sendBatch() throws Exception {
		IpcSocketPair pair = IpcSocket.pair();
		ByteBuffer[] packets = new ByteBuffer[1000];
		for (int i = 0; i < packets.length; i++) {
			packets[i] = Samples.bytes("x");
		}
		List<Thread> threads = List.of(start(() -> pair.parent().sendBatch(packets)));
		awaitWaiting(threads);
		int received = 0;
		while (received < packets.length) {
			received += SocketTimeoutTests.drain(pair.child());
		}
		join(threads);
	}

	private static void timeout() throws Exception {
		List<Thread> threads = new ArrayList<>();
		Queue<String> outcomes = new ConcurrentLinkedQueue<>();
		for (int i = 0; i < 20; i++) {
			IpcSocketPair pair = IpcSocket.pair();
			SocketTimeoutTests.fill(pair.parent());
			pair.parent().setSendTimeout(TIMEOUT);
			pair.parent().setReceiveTimeout(TIMEOUT);
			threads.add(start(() -> outcomes.add(outcome(() -> pair.parent().send(Samples.bytes("x"))))));
			threads.add(start(() -> outcomes.add(outcome(() -> Samples.receiveText(pair.parent())))));
		}
		join(threads);
		assertThat(outcomes).hasSize(40).containsOnly("timed out");
	}

	private static String outcome(Blocked.Action action) throws Exception {
		long start = System.nanoTime();
		try {
			action.run();
			return "done";
		}
		catch (IpcException.Timeout ex) {
			assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(TIMEOUT.toNanos());
			return "timed out";
		}
	}

	private static void close() throws Exception {
		List<IpcSocketPair> pairs = new ArrayList<>();
		List<Thread> threads = new ArrayList<>();
		Queue<String> messages = new ConcurrentLinkedQueue<>();
		for (int i = 0; i < 50; i++) {
			IpcSocketPair pair = IpcSocket.pair();
			SocketTimeoutTests.fill(pair.parent());
			pairs.add(pair);
			threads.add(start(() -> messages.add(failure(() -> pair.parent().receive(ByteBuffer.allocate(1))))));
			threads.add(start(() -> messages.add(failure(() -> pair.parent().send(Samples.bytes("x"))))));
		}
		awaitWaiting(threads);
		pairs.forEach((pair) -> pair.parent().close());
		join(threads);
		assertThat(messages).hasSize(100).allMatch((message) -> message.contains("closed on this side"));
	}

	private static String failure(Blocked.Action action) throws Exception {
		try {
			action.run();
			return "no failure";
		}
		catch (IOException ex) {
			return ex.getMessage();
		}
	}

	private static void interrupt() throws Exception {
		IpcSocketPair pair = IpcSocket.pair();
		List<Thread> threads = List.of(start(() -> {
			assertThat(Samples.receiveText(pair.child())).isEqualTo("x");
			assertThat(Thread.currentThread().isInterrupted()).isTrue();
			assertThat(Samples.receiveText(pair.child())).as("interrupted before the call").isEqualTo("y");
			assertThat(Thread.interrupted()).isTrue();
		}));
		awaitWaiting(threads);
		threads.get(0).interrupt();
		await().during(Duration.ofMillis(50)).until(() -> threads.get(0).isAlive());
		pair.parent().send(Samples.bytes("x"));
		await().until(() -> threads.get(0).getState() == Thread.State.WAITING || !threads.get(0).isAlive());
		pair.parent().send(Samples.bytes("y"));
		join(threads);
	}

	private static void interruptADeadline() throws Exception {
		IpcSocketPair pair = IpcSocket.pair();
		SocketTimeoutTests.fill(pair.parent());
		IpcChannel channel = IpcChannel.over(pair.parent());
		Deadline deadline = Deadline.NONE.interruptible();
		Queue<String> messages = new ConcurrentLinkedQueue<>();
		List<Thread> threads = List.of(
				start(() -> messages.add(failure(() -> channel.receive(String.class, deadline)))),
				start(() -> messages.add(failure(() -> channel.receive(String.class, deadline)))),
				start(() -> messages.add(failure(() -> channel.send("x", deadline)))));
		awaitWaiting(threads);
		threads.forEach(Thread::interrupt);
		join(threads);
		assertThat(messages).hasSize(3).allMatch((message) -> message.contains("interrupted while it waited"));
	}

	private static void poller() throws Exception {
		List<IpcPoller> pollers = new ArrayList<>();
		List<IpcSocketPair> pairs = new ArrayList<>();
		List<Thread> threads = new ArrayList<>();
		for (int i = 0; i < 30; i++) {
			IpcSocketPair pair = IpcSocket.pair();
			IpcPoller poller = IpcPoller.open();
			poller.add(pair.child(), IpcPoller.Interest.READ);
			pollers.add(poller);
			pairs.add(pair);
			threads.add(start(() -> {
				assertThat(poller.await(null)).containsExactly(new IpcPoller.Event(pair.child(), true, false, false));
				Samples.receiveText(pair.child());
				assertThat(poller.await(Duration.ofMillis(1))).isEmpty();
				assertThat(poller.await(null)).as("woken up").isEmpty();
			}));
		}
		awaitWaiting(threads);
		for (IpcSocketPair pair : pairs) {
			pair.parent().send(Samples.bytes("x"));
		}
		awaitWaiting(threads);
		for (IpcPoller poller : pollers) {
			poller.wakeUp();
		}
		join(threads);
	}

	private static void closeAPoller() throws Exception {
		List<IpcPoller> pollers = new ArrayList<>();
		List<Thread> threads = new ArrayList<>();
		Queue<String> messages = new ConcurrentLinkedQueue<>();
		for (int i = 0; i < 30; i++) {
			IpcPoller poller = IpcPoller.open();
			pollers.add(poller);
			threads.add(start(() -> messages.add(failure(() -> poller.await(null)))));
		}
		awaitWaiting(threads);
		for (IpcPoller poller : pollers) {
			poller.close();
		}
		join(threads);
		assertThat(messages).hasSize(30).containsOnly("The poller was closed");
	}

	private static void readAPipe() throws Exception {
		List<OwnedFd.Pipe> pipes = new ArrayList<>();
		List<Thread> threads = new ArrayList<>();
		for (int i = 0; i < MANY; i++) {
			OwnedFd.Pipe pipe = OwnedFd.pipe();
			int value = i;
			pipes.add(pipe);
			threads.add(start(() -> {
				InputStream input = pipe.source().inputStream();
				assertThat(input.read()).isEqualTo(value);
				assertThat(input.read()).isEqualTo(-1);
			}));
		}
		awaitWaiting(threads);
		for (int i = MANY - 1; i >= 0; i--) {
			pipes.get(i).sink().outputStream().write(i);
		}
		awaitWaiting(threads);
		pipes.forEach((pipe) -> pipe.sink().close());
		join(threads);
	}

	/** A pipe takes 64 KiB, and less at a time than it has room for. */
	private static void writeToAPipe() throws Exception {
		OwnedFd.Pipe pipe = OwnedFd.pipe();
		byte[] content = Samples.random(1_000_000);
		List<Thread> threads = List.of(start(() -> {
			OutputStream output = pipe.sink().outputStream();
			output.write(new byte[1]);
			output.write(content);
			output.close();
		}));
		awaitWaiting(threads);
		List<Thread> reader = List.of(start(() -> {
			InputStream input = pipe.source().inputStream();
			assertThat(input.read()).isZero();
			Samples.assertSame(input.readAllBytes(), content);
		}));
		join(threads);
		join(reader);
	}

	/** What all are told is ready only one gets, and the others wait on. */
	private static void readTheSamePipe() throws Exception {
		OwnedFd.Pipe pipe = OwnedFd.pipe();
		List<Thread> threads = new ArrayList<>();
		for (int i = 0; i < 5; i++) {
			threads.add(start(() -> assertThat(pipe.source().inputStream().read()).isEqualTo('x')));
		}
		OutputStream output = pipe.sink().outputStream();
		while (!threads.isEmpty()) {
			awaitWaiting(threads);
			output.write('x');
			await().atMost(Duration.ofSeconds(15)).until(() -> threads.removeIf((thread) -> !thread.isAlive()));
		}
	}

	/**
	 * Behind the call of another virtual thread, and behind that of a platform thread.
	 */
	private static void waitForTheLock() throws Exception {
		for (boolean first : new boolean[] { true, false }) {
			IpcSocketPair pair = IpcSocket.pair();
			List<Thread> threads = new ArrayList<>();
			Thread platform = new Thread(() -> {
				try {
					pair.child().receive(ByteBuffer.allocate(1));
				}
				catch (IpcException ex) {
					failures.add(ex);
				}
			});
			if (first) {
				platform.start();
				await().until(() -> !pair.child().receiver().tryLock() || unlocked(pair));
			}
			for (int i = 0; i < 10; i++) {
				threads.add(start(() -> pair.child().receive(ByteBuffer.allocate(1))));
			}
			awaitWaiting(threads);
			for (int i = 0; i < 11; i++) {
				pair.parent().send(Samples.bytes("x"));
			}
			if (!first) {
				platform.start();
			}
			join(threads);
			platform.join();
		}
	}

	private static boolean unlocked(IpcSocketPair pair) {
		pair.child().receiver().unlock();
		return false;
	}

}
