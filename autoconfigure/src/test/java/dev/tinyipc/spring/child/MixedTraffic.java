package dev.tinyipc.spring.child;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import java.util.stream.Stream;

import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcPeerUnavailableException;
import dev.tinyipc.spring.IpcRemoteException;
import dev.tinyipc.spring.IpcTimeoutException;

/**
 * Calls of all kinds, each with a number of its own, so that a reply that reaches the
 * wrong caller is noticed. Needs a child with the methods of {@link ConversationWorker}.
 */
final class MixedTraffic {

	/** How late a loaded machine may run a thread whose time has passed. */
	private static final Duration MARGIN = Duration.ofSeconds(10);

	private static final int KINDS = 8;

	private final CborMessageTemplate template;

	private final Duration timeout;

	private final Queue<String> wrong = new ConcurrentLinkedQueue<>();

	private final AtomicLong answered = new AtomicLong();

	private final AtomicLong failed = new AtomicLong();

	MixedTraffic(CborMessageTemplate template, Duration timeout) {
		this.template = template;
		this.timeout = timeout;
	}

	/** What no call may ever do. */
	Queue<String> wrong() {
		return this.wrong;
	}

	long answered() {
		return this.answered.get();
	}

	long failed() {
		return this.failed.get();
	}

	/** Makes one call of any kind. */
	void call() {
		Random random = ThreadLocalRandom.current();
		int kind = random.nextInt(KINDS);
		long nonce = random.nextLong(1L << 40);
		long start = System.nanoTime();
		try {
			call(kind, nonce);
			this.answered.incrementAndGet();
		}
		catch (IpcTimeoutException | IpcPeerUnavailableException ex) {
			this.failed.incrementAndGet();
		}
		catch (IOException | RuntimeException | AssertionError ex) {
			this.wrong.add("kind " + kind + ": " + ex);
		}
		long late = System.nanoTime() - start - this.timeout.plus(MARGIN).toNanos();
		if (late > 0) {
			this.wrong.add("kind " + kind + " took " + Duration.ofNanos(late) + " longer than it may");
		}
	}

	private void call(int kind, long nonce) throws IOException {
		switch (kind) {
			case 0, 1 -> echo(Long.toString(nonce));
			case 2 -> echo(nonce + " ".repeat(1 << 20));
			case 3 -> copy(nonce);
			case 4 -> fail(nonce);
			case 5 -> cancel();
			case 6 -> stream((int) (nonce % 2000), nonce % 3 == 0);
			default -> askBack(nonce);
		}
	}

	private void echo(String text) {
		check(text.strip(), this.template.convertSendAndReceive("worker", text, String.class, this.timeout).strip());
	}

	private void copy(long nonce) throws IOException {
		String text = Long.toString(nonce);
		try (OwnedFd file = ConversationWorker.memory(text.getBytes(StandardCharsets.US_ASCII));
				IpcMessage<String> reply = this.template.method("copy")
					.sendAndReceive("worker", text, String.class, this.timeout, file)) {
			check(text, reply.payload());
			check(text, new String(reply.file(0).inputStream().readAllBytes(), StandardCharsets.US_ASCII));
		}
	}

	private void fail(long nonce) {
		try {
			this.template.method("fail")
				.convertSendAndReceive("worker", Long.toString(nonce), String.class, this.timeout);
			this.wrong.add("a request that must fail was answered");
		}
		catch (IpcRemoteException ex) {
			if (!ex.getMessage().contains("fails " + nonce)) {
				throw ex;
			}
		}
	}

	private void cancel() {
		try {
			this.template.method("hang").convertSendAndReceive("worker", "", String.class, Duration.ofMillis(30));
			this.wrong.add("a request that hangs was answered");
		}
		catch (IpcTimeoutException ex) {
			this.failed.incrementAndGet();
		}
		catch (IpcRemoteException ex) {
			// The child may find out first that the time is over.
			if (!ex.getMessage().contains("DeadlineExceeded") && !ex.getMessage().contains("Cancelled")) {
				throw ex;
			}
			this.failed.incrementAndGet();
		}
	}

	private void stream(int count, boolean cutShort) {
		try (Stream<Long> numbers = this.template.method("count")
			.totalTimeout(this.timeout)
			.convertSendAndStream("worker", count, Long.class)) {
			List<Long> expected = LongStream.range(0, cutShort ? count / 2 : count).boxed().toList();
			check(expected, (cutShort ? numbers.limit(count / 2) : numbers).toList());
		}
	}

	private void askBack(long nonce) {
		String text = Long.toString(nonce);
		check("child(" + text + "!)",
				this.template.method("ask-back").convertSendAndReceive("worker", text, String.class, this.timeout));
	}

	private void check(Object expected, Object actual) {
		if (!expected.equals(actual)) {
			this.wrong.add("expected " + expected + ", got " + actual);
		}
	}

}
