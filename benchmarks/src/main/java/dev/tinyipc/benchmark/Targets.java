package dev.tinyipc.benchmark;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import org.jspecify.annotations.Nullable;

/** What was promised, and whether it is so. */
final class Targets {

	private static final String LIST = "list of 1 000 records there and back: `template` to ";

	/** Those that the harness adds rounds for until they are decided. */
	static final List<Target> ALL = all();

	private Targets() {
	}

	private static List<Target> all() {
		List<Target> all = new ArrayList<>();
		objects(all);
		pools(all);
		bytes(all);
		starts(all);
		return List.copyOf(all);
	}

	private static void objects(List<Target> all) {
		all.add(Target.ratio(LIST + "JSON lines over pipes", "objects", "template", "pipes", 0.65));
		all.add(Target.ratio(LIST + "gRPC", "objects", "template", "grpc", 1.0));
		all.add(Target.ratio("the same list streamed, to its last element: `template` to gRPC", "fetch stream",
				"template", "grpc", 1.0));
		all.add(Target.ratio("reading 1 000 records to reading all their tokens", "read", "records", "tokens", 1.15));
		// An end that spins gains where the other one has a core of its own, so both
		// count.
		for (Layout layout : List.of(Layout.DIFFERENT_CORES, Layout.SAME_CORE)) {
			String work = "object" + layout.suffix();
			String object = "typed object" + layout.suffix() + ": `template` to ";
			all.add(Target.ratio(object + "1 KiB in C", work, "template", "c", 1.2));
			all.add(Target.ratio(object + "gRPC", work, "template", "grpc", 0.2));
			all.add(Target.ratio(object + "JSON lines over pipes", work, "template", "pipes", 0.5));
		}
	}

	private static void pools(List<Target> all) {
		all.add(Target.ratio("one caller: a pool of 4 to a single child", "callers 1 4x1", "template",
				"template-beside", 1.1));
		all.add(Target.ratio("2 children of 4 lanes, time for each call: 64 callers to 4", "callers 64 2x4", "template",
				"template-beside", 1.0));
	}

	private static void bytes(List<Target> all) {
		all.add(Target.ratio("1 MiB there and back, `byte[]`: `template` to C", "roundtrip 1048576", "template", "c",
				1.2));
		for (String work : List.of("roundtrip", "oneway")) {
			all.add(Target.ratio(work + " of 1 MiB: frames (`channel-c`) to C", work + " 1048576", "channel-c", "c",
					1.15));
			all.add(Target.ratio(work + " of 16 MiB: frames (`channel-c`) to C", work + " 16777216", "channel-c", "c",
					1.15));
		}
		all.add(Target.ratio("round trip of 64 B: `raw` to C", "roundtrip 64", "raw", "c", 1.1));
		all.add(Target.ratio("round trip of 64 B, same core: `raw` to C", "roundtrip 64" + Layout.SAME_CORE.suffix(),
				"raw", "c", 1.1));
		all.add(Target.ratio("64 B one way, single sends: `raw` to C", "oneway 64", "raw", "c", 1.35));
		all.add(Target.ratio("64 B one way: `raw` in batches to single sends in C", "oneway-batch 64", "raw", "c",
				1.0));
		all.add(Target.ratio("round trip of 64 B: `raw-spinning` to `raw`", "roundtrip 64", "raw-spinning", "raw",
				0.5));
		all.add(Target.ratio("round trip of 64 B: child locked down (`raw-locked`) to `raw`", "roundtrip 64",
				"raw-locked", "raw", 1.1));
		all.add(Target.ratio("round trip of 64 B, `raw`: 1 000 sockets open to 1", "sockets 1000", "raw", "raw-beside",
				1.1));
	}

	private static void starts(List<Target> all) {
		all.add(Target.ratio("a Java child's start on JDK 25, to its first reply: `template-25` to a plain JVM",
				"spawn java-25", "template-25", "template-25-plain", 0.3));
		all.add(Target.ratio("a C child's start: parent of 8 GiB to 64 MiB", "spawn c", "raw-8g", "raw-64m", 1.2));
		all.add(new Target("a C child's start, locked down: milliseconds more than `raw`", "spawn c", "raw-locked",
				"raw", Target.Measure.DIFFERENCE, 1.0));
	}

	static List<Row> check(Suite suite, Results results, Allocations allocations) {
		List<Row> rows = new ArrayList<>();
		for (Target target : suite.targets()) {
			rows.add(row(target.what(), target.measure(), target.limit(), target.measured(results),
					onCores(target, results)));
		}
		if (!suite.isMain()) {
			return rows;
		}
		rows.add(heap("heap for one raw send and receive, in bytes", 32, allocations.rawSendAndReceive()));
		rows.add(heap("heap for one exchange beyond its payload, in bytes", 1200, allocations.exchangeBeyondPayload()));
		return rows;
	}

	private static Optional<Double> onCores(Target target, Results results) {
		if (target.measure() != Target.Measure.RATIO) {
			return Optional.empty();
		}
		return results.find(target.work(), target.contender())
			.flatMap((samples) -> results.find(target.work(), target.other())
				.map((others) -> samples.cpu().median() / others.cpu().median()));
	}

	/** JMH divides by so many operations that chance has no part in it. */
	private static Row heap(String what, double limit, Optional<Double> bytes) {
		return row(what, Target.Measure.BYTES, limit, bytes.map(Interval::exactly), Optional.empty());
	}

	private static Row row(String what, Target.Measure measure, double limit, Optional<Interval> measured,
			Optional<Double> onCores) {
		Verdict verdict = measured.map((interval) -> Verdict.of(interval, limit)).orElse(Verdict.UNMEASURED);
		return new Row(what, measure, limit, measured.orElse(null), onCores.orElse(null), verdict);
	}

	/**
	 * One target, as it is kept for a comparison with another run.
	 *
	 * @param what is measured
	 * @param measure how
	 * @param limit what it may be at most
	 * @param measured what it is
	 * @param onCores the same ratio of the time on a core, which says more where others
	 * want the cores too
	 * @param verdict whether it is met
	 */
	record Row(String what, Target.Measure measure, double limit, @Nullable Interval measured, @Nullable Double onCores,
			Verdict verdict) {
	}

}
