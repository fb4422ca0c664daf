package dev.tinyipc.benchmark.own;

import java.time.Duration;
import java.time.temporal.ChronoUnit;

/** For how long a contender spins: what the library tells a child, and C reads too. */
public final class SpinTime {

	/** In the environment, in microseconds. */
	public static final String VARIABLE = "TINY_IPC_SPIN_MICROS";

	private SpinTime() {
	}

	/** Zero unless the harness says something else. */
	static Duration wanted() {
		return Duration.of(Long.parseLong(System.getenv().getOrDefault(VARIABLE, "0")), ChronoUnit.MICROS);
	}

}
