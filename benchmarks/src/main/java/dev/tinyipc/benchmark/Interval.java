package dev.tinyipc.benchmark;

import java.util.Arrays;

import org.apache.commons.math3.distribution.BinomialDistribution;

/**
 * Where the median lies of that of which some values were measured, with a confidence of
 * at least 95 %: between two of the values in their order, whatever they are distributed
 * like.
 *
 * @param median of what was measured
 * @param low the lower end
 * @param high the upper end
 * @param sure whether there were enough values; with less than six not even the smallest
 * and the largest one are sure enough, which are the interval then
 */
record Interval(double median, double low, double high, boolean sure) {

	private static final double MISS = 0.05;

	private static final int FEWEST = 6;

	/** The half width, in parts of the median, from which on more rounds say nothing. */
	private static final double NARROW = 0.05;

	static Interval of(double... values) {
		double[] sorted = values.clone();
		Arrays.sort(sorted);
		int count = sorted.length;
		int out = (count < FEWEST) ? 0
				: new BinomialDistribution(null, count, 0.5).inverseCumulativeProbability(MISS / 2) - 1;
		return new Interval(Spread.of(sorted).median(), sorted[out], sorted[count - 1 - out], count >= FEWEST);
	}

	/** Of something that does not vary. */
	static Interval exactly(double value) {
		return new Interval(value, value, value, true);
	}

	/** Half of its width, in parts of the median. */
	double uncertainty() {
		return (this.high - this.low) / 2 / Math.abs(this.median);
	}

	boolean narrow() {
		return this.sure && uncertainty() <= NARROW;
	}

}
