package dev.tinyipc;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.sun.management.ThreadMXBean;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Any body: it is read or it is refused, and then the next message is received. No other
 * exception, and no more memory than a body of that size can ask for.
 */
class CborFuzzTest {

	private static final long MAX_ALLOCATION = 64 * 1024 * 1024;

	private static final byte[] NEXT = { 0x64, 'n', 'e', 'x', 't' };

	private static final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

	record Everything(int number, @Nullable Long big, double ratio, boolean flag, @Nullable String text,
			byte @Nullable [] bytes, @Nullable BigInteger huge, @Nullable BigDecimal exact, @Nullable TimeUnit unit,
			@Nullable Duration duration, @Nullable List<List<String>> lists, @Nullable Map<String, Object> map,
			int @Nullable [] numbers, @Nullable Object any, @Nullable Everything inner) {

	}

	static final Class<?>[] TYPES = { Everything.class, Object.class, JsonNode.class, String.class, byte[].class,
			BigInteger.class, BigDecimal.class, Everything[].class };

	@FuzzTest
	void bodyIsReadOrRefused(byte[] input) throws IOException {
		FuzzPeer.Script script = new FuzzPeer.Script(input);
		Class<?> type = TYPES[script.next() % TYPES.length];
		byte[] body = script.next(Math.max(1, input.length - 1));
		try (FuzzPeer peer = FuzzPeer.open()) {
			// The first time classes may be loaded, and instrumented.
			if (allocation(peer, body, type) > MAX_ALLOCATION) {
				assertThat(allocation(peer, body, type)).isLessThanOrEqualTo(MAX_ALLOCATION);
			}
			assertThat(peer.send(Samples.frame(NEXT))).isTrue();
			try (IpcMessage<String> next = IpcChannel.over(peer.receiver()).receive(String.class)) {
				assertThat(next.payload()).isEqualTo("next");
			}
		}
	}

	/** The bytes that reading it takes. */
	private static long allocation(FuzzPeer peer, byte[] body, Class<?> type) throws IpcException {
		assertThat(peer.send(Samples.frame(body))).isTrue();
		long before = threads.getCurrentThreadAllocatedBytes();
		try (IpcMessage<?> message = IpcChannel.over(peer.receiver()).receive(type)) {
			assertThat(message).isNotNull();
		}
		catch (JacksonException ex) {
			assertThat(ex.getMessage()).isNotNull();
		}
		return threads.getCurrentThreadAllocatedBytes() - before;
	}

}
