package dev.tinyipc.benchmark.own;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Optional;

/** For how long a contender spins: what the library tells a child, and C reads too. */
public final class SpinTime {

	/** In the environment, in microseconds. */
	public static final String VARIABLE = "TINY_IPC_SPIN_MICROS";

	private SpinTime() {
	}

	/** Empty unless the harness says something else than what is usual. */
	static Optional<Duration> wanted() {
		return Optional.ofNullable(System.getenv(VARIABLE))
			.map((micros) -> Duration.of(Long.parseLong(micros), ChronoUnit.MICROS));
	}

}
