package dev.tinyipc.spring.child;

import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import dev.tinyipc.IpcContext;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcServer;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.SharedMemory;

/** A child in Java with eight threads and several methods. */
public final class ConversationWorker {

	private static final AtomicInteger active = new AtomicInteger();

	private static final AtomicInteger peak = new AtomicInteger();

	private static final AtomicInteger cancelled = new AtomicInteger();

	private ConversationWorker() {
	}

	public static void main(String[] arguments) throws IpcException {
		IpcServer.builder()
			.handler(String.class, (request) -> request.payload())
			.handler("who", Object.class, (request) -> ProcessHandle.current().pid())
			.handler("sleep", Integer.class, ConversationWorker::sleep)
			.handler("peak", Object.class, (request) -> peak.get())
			.handler("hang", Object.class, ConversationWorker::hang)
			.handler("stubborn", Integer.class, ConversationWorker::stubborn)
			.handler("cancelled", Object.class, (request) -> cancelled.get())
			.handler("count", Integer.class, ConversationWorker::count)
			.stream("endless", Object.class, (request, context, elements) -> {
				for (long i = 0; true; i++) {
					elements.send(i);
				}
			})
			.handler("fail-after", Integer.class,
					(request) -> Stream.iterate(0, (i) -> i + 1).limit(request.payload() + 1L).map((i) -> {
						if (i.equals(request.payload())) {
							throw new IllegalStateException("on purpose");
						}
						return i;
					}))
			.handler("shapes", Object.class, (request) -> List.of(Map.of("side", 1), Map.of("side", 2)))
			.handler("headers", Object.class, (request, context) -> context.headers())
			.handler("fail", String.class, (request) -> {
				throw new IllegalStateException("fails " + request.payload());
			})
			.handler("copy", String.class, (request) -> {
				byte[] content = request.file(0).inputStream().readAllBytes();
				return new IpcServer.Reply(request.payload(), memory(content));
			})
			.handler("copy-late", String.class, (request) -> {
				Thread.sleep(1000);
				return new IpcServer.Reply(request.payload(), memory(request.payload().getBytes()));
			})
			.handler("ask-back", String.class,
					(request, context) -> "child(" + context.parent().call("ask", request.payload(), String.class)
							+ ')')
			.threads(8)
			.serve();
	}

	/** Memory with some content, to be closed. */
	static OwnedFd memory(byte[] content) throws IOException {
		SharedMemory memory = SharedMemory.create("content");
		try (OutputStream target = memory.outputStream()) {
			target.write(content);
		}
		return memory.descriptor();
	}

	private static Object sleep(IpcMessage<Integer> request) throws InterruptedException {
		int now = active.incrementAndGet();
		peak.accumulateAndGet(now, Math::max);
		try {
			Thread.sleep(request.payload());
			return request.payload();
		}
		finally {
			active.decrementAndGet();
		}
	}

	private static Object hang(IpcMessage<Object> request, IpcContext context) throws InterruptedException {
		try {
			new CountDownLatch(1).await();
			return "never";
		}
		catch (InterruptedException ex) {
			cancelled.incrementAndGet();
			throw ex;
		}
	}

	/** Works on for some milliseconds, whatever it is told. */
	private static Object stubborn(IpcMessage<Integer> request) {
		long end = System.nanoTime() + request.payload() * 1_000_000L;
		while (System.nanoTime() < end) {
			Thread.onSpinWait();
		}
		return "at last";
	}

	private static Object count(IpcMessage<Integer> request) {
		return IntStream.range(0, request.payload()).boxed();
	}

}
