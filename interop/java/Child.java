import java.nio.charset.StandardCharsets;
import java.util.List;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcServer;
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

	record Request(@JsonProperty("do") String does, JsonNode payload, List<Long> numbers, String text, String message) {
	}

	public static void main(String[] arguments) throws IpcException {
		IpcServer.serve(Request.class, (received) -> {
			Request request = received.payload();
			return switch (request.does()) {
				case "echo" -> request.payload();
				case "sum" -> request.numbers().stream().mapToLong(Long::longValue).sum();
				case "length" -> received.descriptors().get(0).channel().size();
				case "memory" -> memory(request.text().getBytes(StandardCharsets.UTF_8));
				case "fail" -> throw new IllegalStateException(request.message());
				default -> throw new IllegalArgumentException("No request that this child knows: " + request.does());
			};
		});
	}

	private static IpcServer.Reply memory(byte[] text) throws Exception {
		SharedMemory memory = SharedMemory.create("text");
		memory.outputStream().write(text);
		memory.seal();
		return new IpcServer.Reply(text.length, memory.descriptor());
	}

}
