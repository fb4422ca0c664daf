package dev.tinyipc.spring.child;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;

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

	/** Data and a file. */
	record Labelled(String marker, ByteBuffer data) {
	}

}
