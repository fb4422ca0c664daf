package dev.tinyipc.interop;

import java.time.Duration;

import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;

/** Waits for what comes within moments, and is waited for hundreds of times. */
final class Soon {

	private Soon() {
	}

	static ConditionFactory await() {
		return Awaitility.await().pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(2));
	}

}
