package dev.tinyipc;

import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.function.IntFunction;
import java.util.stream.Stream;

import com.sun.management.ThreadMXBean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import static org.assertj.core.api.Assertions.assertThat;

@Timeout(60)
class AllocationTests {

	private static final int LIMIT = 32;

	private static final int RECORD_LIMIT = 1800;

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

	/** Of which the values themselves are 400, and the generator that writes them 350. */
	@Test
	void smallRecordCostsAtMost1800BytesToWriteAndRead() throws Exception {
		ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
		Note note = new Note(9_007_199_254L, "Ada Lovelace ABC", "Analytical Engine, brass", 1, 1843.25, 0.125, true,
				new Place("St James's Square", 12, "London"), "To be left with the porter, if need be. ");
		try (IpcSocketPair pair = IpcSocket.pair()) {
			IpcChannel parent = IpcChannel.over(pair.parent());
			IpcChannel child = IpcChannel.over(pair.child());
			double best = Double.MAX_VALUE;
			for (int round = 0; round < 20 && best > RECORD_LIMIT; round++) {
				long before = threads.getCurrentThreadAllocatedBytes();
				for (int i = 0; i < MESSAGES; i++) {
					parent.send(note);
					child.receive(Note.class).close();
				}
				best = Math.min(best, (double) (threads.getCurrentThreadAllocatedBytes() - before) / MESSAGES);
			}
			assertThat(best).as("bytes for each record").isLessThanOrEqualTo(RECORD_LIMIT);
		}
	}

	record Note(long id, String customer, String product, int quantity, double price, double discount, boolean paid,
			Place place, String text) {
	}

	record Place(String street, int number, String city) {
	}

	private static void exchange(IpcSocketPair pair, ByteBuffer data, ByteBuffer room) throws Exception {
		for (int i = 0; i < MESSAGES; i++) {
			pair.parent().send(data.clear());
			pair.child().receive(room.clear()).close();
		}
	}

}
