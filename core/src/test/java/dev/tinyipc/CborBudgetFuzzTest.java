package dev.tinyipc;

import java.io.IOException;
import java.lang.management.ManagementFactory;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.sun.management.ThreadMXBean;
import tools.jackson.core.JacksonException;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Bodies of every form: each is read or refused within a budget of memory and processor
 * time that grows with its size, and no faster.
 */
class CborBudgetFuzzTest {

	private static final long BASE_ALLOCATION = 1024 * 1024;

	/** An object with all its fields, or a map, for each byte. */
	private static final long ALLOCATION_PER_BYTE = 1000;

	private static final long BASE_NANOS = 100_000_000;

	private static final long NANOS_PER_BYTE = 5_000;

	private static final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

	@FuzzTest
	void generatedBodyIsReadOrRefusedWithinItsBudget(byte[] input) throws IOException {
		FuzzPeer.Script script = new FuzzPeer.Script(input);
		Class<?> type = CborFuzzTest.TYPES[script.next() % CborFuzzTest.TYPES.length];
		byte[] body = CborGenerator.body(script);
		try (FuzzPeer peer = FuzzPeer.open()) {
			// The first time classes may be loaded, and instrumented.
			if (!isWithinBudget(peer, body, type, false)) {
				isWithinBudget(peer, body, type, true);
			}
		}
	}

	private static boolean isWithinBudget(FuzzPeer peer, byte[] body, Class<?> type, boolean assertIt)
			throws IpcException {
		assertThat(peer.send(Samples.frame(body))).isTrue();
		long allocatedBefore = threads.getCurrentThreadAllocatedBytes();
		long nanosBefore = threads.getCurrentThreadCpuTime();
		try (IpcMessage<?> message = IpcChannel.over(peer.receiver()).receive(type)) {
			assertThat(message).isNotNull();
		}
		catch (JacksonException | IpcException.Remote ex) {
			assertThat(ex.getMessage()).isNotNull();
		}
		long nanos = threads.getCurrentThreadCpuTime() - nanosBefore;
		long allocated = threads.getCurrentThreadAllocatedBytes() - allocatedBefore;
		long mayAllocate = BASE_ALLOCATION + ALLOCATION_PER_BYTE * body.length;
		long mayTake = BASE_NANOS + NANOS_PER_BYTE * body.length;
		if (assertIt) {
			assertThat(allocated).as("bytes allocated for " + body.length).isLessThanOrEqualTo(mayAllocate);
			assertThat(nanos).as("ns of processor time for " + body.length + " bytes").isLessThanOrEqualTo(mayTake);
		}
		return allocated <= mayAllocate && nanos <= mayTake;
	}

}
