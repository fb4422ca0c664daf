package dev.tinyipc.benchmark;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Single operations, by JMH: their time, and the heap that each one takes. */
final class Allocations {

	private final Map<String, Figures> figures;

	private Allocations(Map<String, Figures> figures) {
		this.figures = figures;
	}

	static Allocations none() {
		return new Allocations(Map.of());
	}

	static Allocations measure(boolean quick) throws RunnerException {
		Options options = new OptionsBuilder().include(SingleOperations.class.getName())
			.addProfiler(GCProfiler.class)
			.forks(1)
			.warmupIterations(quick ? 1 : 4)
			.warmupTime(TimeValue.seconds(1))
			.measurementIterations(quick ? 1 : 5)
			.measurementTime(TimeValue.seconds(1))
			.jvmArgsAppend("--enable-native-access=ALL-UNNAMED")
			.shouldFailOnError(true)
			.verbosity(VerboseMode.SILENT)
			.build();
		Map<String, Figures> figures = new LinkedHashMap<>();
		for (RunResult result : new Runner(options).run()) {
			figures.put(result.getPrimaryResult().getLabel(), new Figures(result.getPrimaryResult().getScore(),
					result.getSecondaryResults().get("gc.alloc.rate.norm").getScore()));
		}
		return new Allocations(figures);
	}

	Map<String, Figures> figures() {
		return this.figures;
	}

	Optional<Double> rawSendAndReceive() {
		return bytes("rawSendAndReceive");
	}

	Optional<Double> exchangeBeyondPayload() {
		return bytes("exchange").flatMap((all) -> bytes("payload").map((payload) -> all - payload));
	}

	private Optional<Double> bytes(String name) {
		return Optional.ofNullable(this.figures.get(name)).map(Figures::bytes);
	}

	/**
	 * What JMH found.
	 *
	 * @param nanoseconds for one operation
	 * @param bytes of heap for one operation
	 */
	record Figures(double nanoseconds, double bytes) {
	}

}
