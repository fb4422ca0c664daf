package dev.tinyipc;

import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.function.IntFunction;
import java.util.stream.Stream;

import com.sun.management.ThreadMXBean;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import static org.assertj.core.api.Assertions.assertThat;

@Timeout(60)
class AllocationTests {

	private static final int LIMIT = 32;

	private static final int MESSAGES = 20_000;

	static Stream<Arguments> buffers() {
		return Stream.of(Arguments.of("heap", 100, (IntFunction<ByteBuffer>) ByteBuffer::allocate),
				Arguments.of("heap", 50_000, (IntFunction<ByteBuffer>) ByteBuffer::allocate),
				Arguments.of("direct", 100, (IntFunction<ByteBuffer>) ByteBuffer::allocateDirect),
				Arguments.of("direct", 50_000, (IntFunction<ByteBuffer>) ByteBuffer::allocateDirect));
	}

	@ParameterizedTest(name = "{0}, {1} bytes")
	@MethodSource("buffers")
	void packetCostsAtMost32BytesOfHeap(String kind, int size, IntFunction<ByteBuffer> allocator) throws Exception {
		ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
		try (IpcSocketPair pair = IpcSocket.pair()) {
			// Those who set a timeout pay no more.
			pair.child().setReceiveTimeout(Duration.ofSeconds(5));
			ByteBuffer data = allocator.apply(size);
			ByteBuffer room = allocator.apply(size);
			double best = Double.MAX_VALUE;
			// The compiler needs a while.
			for (int round = 0; round < 20 && best > LIMIT; round++) {
				long before = threads.getCurrentThreadAllocatedBytes();
				exchange(pair, data, room);
				best = Math.min(best, (double) (threads.getCurrentThreadAllocatedBytes() - before) / MESSAGES);
			}
			assertThat(best).as("bytes for each message, " + kind).isLessThanOrEqualTo(LIMIT);
			assertThat(room.position()).isEqualTo(size);
		}
	}

	private static void exchange(IpcSocketPair pair, ByteBuffer data, ByteBuffer room) throws Exception {
		for (int i = 0; i < MESSAGES; i++) {
			pair.parent().send(data.clear());
			pair.child().receive(room.clear()).close();
		}
	}

}
