package dev.tinyipc.benchmark;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleBiFunction;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;

/** What one contender did in one work: one result a round, or why there is none. */
final class Samples {

	private static final double NANOS_PER_MILLI = 1_000_000;

	private static final double MILLIS_PER_SECOND = 1000;

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

	int rounds() {
		return this.results.size();
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
	double[] ratiosTo(Samples other) {
		return eachWith(other, (one, another) -> nanos(one) / nanos(another));
	}

	/** The same as a difference. */
	double[] millisMoreThan(Samples other) {
		return eachWith(other, (one, another) -> (nanos(one) - nanos(another)) / NANOS_PER_MILLI);
	}

	/** The difference of the time on cores, in each second. */
	double[] millisOnCoresMoreThan(Samples other) {
		return eachWith(other, (one, another) -> millisOnCores(one) - millisOnCores(another));
	}

	private static double millisOnCores(Contender.Result result) {
		return result.more().get(ContenderProcess.CPU) / result.nanoseconds() * MILLIS_PER_SECOND;
	}

	private double[] eachWith(Samples other, ToDoubleBiFunction<Contender.Result, Contender.Result> compare) {
		return IntStream.range(0, Math.min(this.results.size(), other.results.size()))
			.mapToDouble((round) -> compare.applyAsDouble(this.results.get(round), other.results.get(round)))
			.toArray();
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
