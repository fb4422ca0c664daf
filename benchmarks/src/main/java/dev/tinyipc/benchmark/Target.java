package dev.tinyipc.benchmark;

import java.util.Optional;

/**
 * A comparison of two contenders within the rounds of one work, and what it may be at
 * most.
 *
 * @param what is promised, in a few words
 * @param work the key of the work
 * @param contender who is to be fast
 * @param other whom it is compared with
 * @param measure what is compared
 * @param limit what that may be at most
 */
record Target(String what, String work, String contender, String other, Measure measure, double limit) {

	static Target ratio(String what, String work, String contender, String other, double limit) {
		return new Target(what, work, contender, other, Measure.RATIO, limit);
	}

	/** Empty unless both were measured. */
	Optional<Interval> measured(Results results) {
		return results.find(this.work, this.contender)
			.flatMap((samples) -> results.find(this.work, this.other).map((others) -> measured(samples, others)));
	}

	Interval measured(Samples samples, Samples others) {
		return Interval.of(switch (this.measure) {
			case RATIO -> samples.ratiosTo(others);
			case DIFFERENCE -> samples.millisMoreThan(others);
			case CORES -> samples.millisOnCoresMoreThan(others);
			case BYTES -> throw new IllegalStateException("of one contender alone");
		});
	}

	boolean isAbout(String name) {
		return this.contender.equals(name) || this.other.equals(name);
	}

	/** What is compared. */
	enum Measure {

		/** The time for an operation, by that of the other. */
		RATIO,

		/** The milliseconds that an operation takes longer. */
		DIFFERENCE,

		/** The milliseconds that it has a core longer, in each second. */
		CORES,

		/** The heap for an operation, of one contender alone. */
		BYTES

	}

}
