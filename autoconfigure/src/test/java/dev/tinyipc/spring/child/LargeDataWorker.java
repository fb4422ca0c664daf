package dev.tinyipc.spring.child;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcServer;

/** A child that takes and gives large data. */
public final class LargeDataWorker {

	private LargeDataWorker() {
	}

	public static void main(String[] arguments) throws IpcException {
		IpcServer.builder()
			.handler("echo", byte[].class, (request) -> request.payload())
			.handler("sum", ByteBuffer.class, (request) -> sum(request.payload()))
			.handler("die-of-1", ByteBuffer.class, (request) -> {
				if (request.payload().get(0) == 1) {
					Runtime.getRuntime().halt(1);
				}
				return sum(request.payload());
			})
			.handler("die-once", Labelled.class, (request) -> {
				if (Files.deleteIfExists(Path.of(request.payload().marker()))) {
					Runtime.getRuntime().halt(1);
				}
				return sum(request.payload().data());
			})
			.handler("frame", Integer.class, (request) -> frame(request.payload()))
			.handler("frames", Integer.class,
					(request) -> IntStream.range(0, request.payload()).mapToObj(LargeDataWorker::frame))
			.threads(4)
			.serve();
	}

	static long sum(ByteBuffer data) {
		long sum = 0;
		for (int i = 0; i < data.limit(); i++) {
			sum += data.get(i);
		}
		return sum;
	}

	/** The content is another one for each number. */
	static ByteBuffer frame(int number) {
		byte[] data = new byte[512 * 1024 + number];
		Arrays.fill(data, (byte) number);
		return ByteBuffer.wrap(data);
	}

	/** Data and a file. */
	record Labelled(String marker, ByteBuffer data) {
	}

}
