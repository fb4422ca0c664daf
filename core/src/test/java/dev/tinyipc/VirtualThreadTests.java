package dev.tinyipc;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;

import static org.assertj.core.api.Assertions.assertThat;

/** A waiting virtual thread must not pin its carrier, of which there is only one. */
@Timeout(120)
@EnabledForJreRange(min = JRE.JAVA_21)
class VirtualThreadTests {

	/** Without this one the others would prove nothing. */
	@Test
	void virtualThreadThatBlocksInNativeCodeWouldHoldTheOnlyCarrier() throws Exception {
		assertDone("block");
	}

	@Test
	void receiversWaitWithoutTheirCarrier() throws Exception {
		assertDone("receive", "receive a batch", "messages");
	}

	@Test
	void sendersWaitWithoutTheirCarrier() throws Exception {
		assertDone("send", "send a batch");
	}

	@Test
	void thoseBehindAnotherCallWaitWithoutTheirCarrier() throws Exception {
		assertDone("wait for the lock");
	}

	@Test
	void timeoutAndCloseEndAWaitAndAnInterruptIsKeptForLater() throws Exception {
		assertDone("timeout", "close", "interrupt");
	}

	@Test
	void anInterruptEndsAWaitWithADeadlineThatIsInterruptible() throws Exception {
		assertDone("interrupt a deadline");
	}

	@Test
	void pollersWaitWithoutTheirCarrier() throws Exception {
		assertDone("poller");
	}

	@Test
	void closeWakesThePollersOfVirtualThreads() throws Exception {
		assertDone("close a poller");
	}

	@Test
	void readersOfPipesWaitWithoutTheirCarrier() throws Exception {
		assertDone("read a pipe");
	}

	@Test
	void writerToAFullPipeWaitsWithoutItsCarrier() throws Exception {
		assertDone("write to a pipe");
	}

	@Test
	void severalReadersCanWaitForTheSamePipe() throws Exception {
		assertDone("read the same pipe");
	}

	private static void assertDone(String... scenarios) throws Exception {
		assertThat(new ChildJvm(VirtualThreads.class, scenarios).option("-Djdk.virtualThreadScheduler.parallelism=1")
			.option("-Djdk.virtualThreadScheduler.maxPoolSize=1")
			.option("-Djdk.virtualThreadScheduler.minRunnable=1")
			.run()).isEqualTo("done: " + String.join(", ", scenarios) + "\n");
	}

}
