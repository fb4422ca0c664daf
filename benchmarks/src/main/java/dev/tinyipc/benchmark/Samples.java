package dev.tinyipc.benchmark;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

/** What one contender did in one work: one result a round, or why there is none. */
final class Samples {

	private final List<Contender.Result> results = new ArrayList<>();

	private @Nullable String missing;

	void add(Contender.Result result) {
		this.results.add(result);
	}

	/** Says why there are none. */
	void missing(String reason) {
		this.missing = reason;
		this.results.clear();
	}

	@Nullable String missing() {
		return this.missing;
	}

	boolean isEmpty() {
		return this.results.isEmpty();
	}

	List<Contender.Result> results() {
		return this.results;
	}

	/** Nanoseconds for one operation. */
	Spread time() {
		return Spread.of(this.results.stream().mapToDouble(Samples::nanos).toArray());
	}

	Spread figure(String name) {
		return Spread
			.of(this.results.stream().mapToDouble((result) -> result.more().getOrDefault(name, 0.0)).toArray());
	}

	/**
	 * How many times as long this takes as another, round by round, so that what disturbs
	 * both disturbs the ratio less.
	 */
	Spread ratioTo(Samples other) {
		int rounds = Math.min(this.results.size(), other.results.size());
		double[] ratios = new double[rounds];
		for (int i = 0; i < rounds; i++) {
			ratios[i] = nanos(this.results.get(i)) / nanos(other.results.get(i));
		}
		return Spread.of(ratios);
	}

	private static double nanos(Contender.Result result) {
		return (double) result.nanoseconds() / result.operations();
	}

	/** Nanoseconds on a core for one operation, parent and child together. */
	Spread cpu() {
		return Spread.of(this.results.stream()
			.mapToDouble((result) -> result.more().get(ContenderProcess.CPU) / result.operations())
			.toArray());
	}

}
