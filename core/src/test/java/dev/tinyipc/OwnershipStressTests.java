package dev.tinyipc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * DESIGN 5: no call touches a number that has come to mean something else. Every byte
 * that travels says where it belongs, so that one that goes astray is seen.
 */
@Timeout(300)
class OwnershipStressTests {

	private static final int SOCKETS = 4;

	private final long seconds = Long.getLong("tinyipc.stress.seconds", 10) / (MemoryLane.isTheDefault() ? 2 : 1);

	private final long end = System.nanoTime() + this.seconds * 1_000_000_000;

	private final ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();

	private final AtomicLong identities = new AtomicLong();

	private final AtomicLong received = new AtomicLong();

	private final AtomicLong checked = new AtomicLong();

	private final AtomicLong closed = new AtomicLong();

	private final AtomicReferenceArray<Link> links = new AtomicReferenceArray<>(SOCKETS);

	private record Link(long identity, IpcSocketPair pair) {
	}

	@Test
	void nothingGoesAstrayWhileSocketsAreClosedUnderTheirUsers() throws Exception {
		for (int i = 0; i < SOCKETS; i++) {
			this.links.set(i, newLink());
		}
		List<Thread> threads = new ArrayList<>();
		for (int i = 0; i < SOCKETS; i++) {
			threads.add(thread("send", this::send));
			threads.add(thread("receive", this::receive));
		}
		threads.add(thread("close", this::closeAndReplace));
		threads.add(thread("close", this::closeAndReplace));
		for (int i = 0; i < 3; i++) {
			threads.add(thread("pipe", this::usePipes));
			threads.add(thread("file", this::useFiles));
		}
		threads.forEach(Thread::start);
		for (Thread thread : threads) {
			thread.join(this.seconds * 1000 + 60_000);
			assertThat(thread.isAlive()).as("hangs: " + thread.getName() + List.of(thread.getStackTrace())).isFalse();
		}
		for (int i = 0; i < SOCKETS; i++) {
			this.links.get(i).pair().close();
		}
		assertThat(this.failures).isEmpty();
		assertThat(this.received.get()).as("packets received").isGreaterThan(1000);
		assertThat(this.checked.get()).as("descriptors checked").isGreaterThan(1000);
		assertThat(this.closed.get()).as("sockets closed in use").isGreaterThan(100);
	}

	private Link newLink() throws IpcException {
		IpcSocketPair pair = Conversation.pair();
		pair.parent().setSendTimeout(Duration.ofMillis(50));
		pair.child().setReceiveTimeout(Duration.ofMillis(50));
		return new Link(this.identities.incrementAndGet(), pair);
	}

	private void send() throws IOException {
		Link link = randomLink();
		ByteBuffer data = (link.identity() % 2 == 0) ? ByteBuffer.allocate(8) : ByteBuffer.allocateDirect(20_000);
		data.putLong(0, link.identity());
		IpcSocket socket = link.pair().parent();
		if (MemoryLane.isTheDefault()) {
			byte[] content = new byte[data.capacity()];
			data.get(0, content);
			IpcChannel.over(socket).send(content);
		}
		else {
			socket.send(data);
		}
	}

	private void receive() throws IOException {
		Link link = randomLink();
		ByteBuffer data = receive(link.pair().child());
		if (data != null) {
			check(data.getLong(0) == link.identity(), "a packet of another socket");
			this.received.incrementAndGet();
		}
	}

	private static @Nullable ByteBuffer receive(IpcSocket socket) throws IOException {
		if (MemoryLane.isTheDefault()) {
			IpcMessage<byte[]> message = IpcChannel.over(socket).receive(byte[].class);
			return (message != null) ? ByteBuffer.wrap(message.payload()) : null;
		}
		ByteBuffer data = ByteBuffer.allocate(20_000);
		try (Packet packet = socket.receive(data)) {
			return (packet != null) ? data : null;
		}
	}

	private void closeAndReplace() throws IOException {
		Thread.onSpinWait();
		int index = ThreadLocalRandom.current().nextInt(SOCKETS);
		Link old = this.links.getAndSet(index, newLink());
		if (ThreadLocalRandom.current().nextBoolean()) {
			old.pair().child().close();
			old.pair().parent().close();
		}
		else {
			old.pair().close();
		}
		this.closed.addAndGet(2);
	}

	/**
	 * Numbers that are free again are taken at once, by descriptors with known content.
	 */
	private void usePipes() throws IOException {
		byte[] content = Long.toString(this.identities.incrementAndGet()).getBytes();
		try (OwnedFd.Pipe pipe = OwnedFd.pipe()) {
			pipe.sink().outputStream().write(content);
			Thread.onSpinWait();
			pipe.sink().close();
			byte[] read = pipe.source().inputStream().readAllBytes();
			check(Arrays.equals(read, content), "a pipe's content is " + new String(read));
		}
		this.checked.incrementAndGet();
	}

	private void useFiles() throws IOException {
		String content = "file " + this.identities.incrementAndGet();
		try (SharedMemory memory = SharedMemory.create("stress"); OwnedFd copy = memory.descriptor().duplicate()) {
			memory.outputStream().write(content.getBytes());
			memory.close();
			check(new String(copy.inputStream().readAllBytes()).equals(content), "a file has other content");
		}
		this.checked.incrementAndGet();
	}

	private Link randomLink() {
		return this.links.get(ThreadLocalRandom.current().nextInt(SOCKETS));
	}

	private static void check(boolean condition, String what) {
		if (!condition) {
			throw new AssertionError(what);
		}
	}

	private Thread thread(String name, Step step) {
		Thread thread = new Thread(() -> {
			while (System.nanoTime() < this.end && this.failures.isEmpty()) {
				try {
					step.run();
				}
				catch (IOException ex) {
					// A socket may be closed on either side. EBADF would be a number used
					// too late.
					if (ex.getMessage().contains("EBADF") || ex.getMessage().contains("ENOTSOCK") || name.equals("pipe")
							|| name.equals("file")) {
						this.failures.add(ex);
					}
				}
				catch (Throwable ex) {
					this.failures.add(ex);
				}
			}
		}, name);
		thread.setDaemon(true);
		return thread;
	}

	private interface Step {

		void run() throws IOException;

	}

}
