import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.tinyipc.IpcContext;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcServer;
import dev.tinyipc.IpcServerBuilder;
import dev.tinyipc.SharedMemory;
import tools.jackson.databind.JsonNode;

/**
 * A child of tiny-ipc in Java.
 *
 * <pre>
 * Build:  none; tiny-ipc-core and what it depends on must be in CLASSPATH
 * Run:    a parent starts it (`java Child.java`) and names the socket in TINY_IPC_FD.
 * </pre>
 */
class Child {

	/** What is asked for, unless the request names one of them as its method. */
	private static final List<String> METHODS = List.of("echo", "sum", "length", "memory", "fail", "stream", "meet");

	private static final Meeting MEETING = new Meeting();

	record Request(@JsonProperty("do") String does, JsonNode payload, List<Long> numbers, String text, String message,
			Long count, Long failAt) {
	}

	public static void main(String[] arguments) throws IpcException {
		IpcServerBuilder server = IpcServer.builder().handler(Request.class, Child::answer);
		METHODS.forEach((method) -> server.handler(method, Request.class, Child::answer));
		server.threads(4).serve();
	}

	private static Object answer(IpcMessage<Request> received, IpcContext context) throws Exception {
		Request request = received.payload();
		String does = context.method().orElse(request.does());
		return switch (does) {
			case "echo" -> request.payload();
			case "sum" -> request.numbers().stream().mapToLong(Long::longValue).sum();
			case "length" -> received.descriptors().get(0).channel().size();
			case "memory" -> memory(request.text().getBytes(StandardCharsets.UTF_8));
			case "fail" -> throw new IllegalStateException(request.message());
			case "stream" -> stream(request);
			case "meet" -> MEETING.attend(request.count());
			default -> throw new IllegalArgumentException("No request that this child knows: " + does);
		};
	}

	private static IpcServer.Reply memory(byte[] text) throws Exception {
		SharedMemory memory = SharedMemory.create("text");
		memory.outputStream().write(text);
		memory.seal();
		return new IpcServer.Reply(text.length, memory.descriptor());
	}

	private static Stream<Long> stream(Request request) {
		return LongStream.range(0, request.count()).boxed().peek((number) -> {
			if (number.equals(request.failAt())) {
				throw new IllegalStateException("No element " + number);
			}
		});
	}

	/** Requests on any lane that wait for each other. A cancel interrupts them. */
	private static final class Meeting {

		private long waiting;

		private long round;

		synchronized long attend(long count) throws InterruptedException {
			long joined = this.round;
			this.waiting++;
			if (this.waiting >= count) {
				this.waiting = 0;
				this.round++;
				notifyAll();
			}
			try {
				while (this.round == joined) {
					wait();
				}
			}
			finally {
				if (this.round == joined) {
					this.waiting--;
				}
			}
			return count;
		}

	}

}
