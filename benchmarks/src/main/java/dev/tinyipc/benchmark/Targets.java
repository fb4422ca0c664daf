package dev.tinyipc.benchmark;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What was promised, and whether it is so. */
final class Targets {

	private final Results results;

	private final Allocations allocations;

	private final List<Row> rows = new ArrayList<>();

	private Targets(Results results, Allocations allocations) {
		this.results = results;
		this.allocations = allocations;
	}

	static List<Row> check(Results results, Allocations allocations) {
		Targets targets = new Targets(results, allocations);
		targets.sockets();
		targets.messages();
		targets.others();
		targets.memory();
		return targets.rows;
	}

	private void sockets() {
		ratio("round trip of 64 B: `raw` to C", "roundtrip 64", "raw", "c", 1.10);
		ratio("64 B one way, single sends: `raw` to C", "oneway 64", "raw", "c", 1.35);
		ratio("64 B one way: `raw` in batches to single sends in C", "oneway-batch 64", "raw", "c", 1.00);
		ratio("round trip of 64 B: `raw-spinning` to `raw`", "roundtrip 64", "raw-spinning", "raw", 0.5);
		add("round trip of 64 B: 1 000 sockets open to 1", between("sockets 1000", "raw", "sockets 1", "raw"), 1.1);
		ratio("a C child's start: parent of 8 GiB to 64 MiB", "spawn c", "raw-8g", "raw-64m", 1.2);
		ratio("round trip of 64 B: child locked down (`raw-locked`) to `raw`", "roundtrip 64", "raw-locked", "raw",
				1.1);
		add("a C child's start, locked down: milliseconds more than `raw`", lockedDown(), 1.0);
	}

	private Optional<Double> lockedDown() {
		Optional<Samples> raw = this.results.find("spawn c", "raw");
		return this.results.find("spawn c", "raw-locked")
			.flatMap((locked) -> raw.map((other) -> (locked.time().median() - other.time().median()) / 1_000_000));
	}

	private void messages() {
		ratio("typed object: `template` to 1 KiB in C", "object", "template", "c", 1.5);
		for (String work : List.of("roundtrip", "oneway")) {
			ratio(work + " of 1 MiB: frames (`channel-c`) to C", work + " 1048576", "channel-c", "c", 1.15);
			ratio(work + " of 16 MiB: frames (`channel-c`) to C", work + " 16777216", "channel-c", "c", 1.15);
		}
	}

	private void others() {
		ratio("typed object: `template` to JSON lines over pipes", "object", "template", "pipes", 0.7);
		ratio("typed object: `template` to HTTP", "object", "template", "http", 0.15);
		ratio("typed object: `template` to gRPC", "object", "template", "grpc", 0.25);
		ratio("typed object: `template` to JMS", "object", "template", "jms", 0.15);
	}

	private void memory() {
		add("heap for one raw send and receive, in bytes", this.allocations.rawSendAndReceive(), 32);
		add("heap for one exchange beyond its payload, in bytes", this.allocations.exchangeBeyondPayload(), 512);
	}

	private void ratio(String what, String work, String contender, String other, double limit) {
		Optional<Samples> samples = this.results.find(work, contender);
		Optional<Samples> others = this.results.find(work, other);
		if (samples.isEmpty() || others.isEmpty()) {
			add(what, Optional.empty(), limit);
			return;
		}
		// The time of a child that has ended is nobody's.
		Optional<Double> onCores = Optional.of(samples.get().cpu().median() / others.get().cpu().median())
			.filter((ratio) -> !work.startsWith("spawn"));
		this.rows.add(new Row(what, limit, Optional.of(samples.get().ratioTo(others.get()).median()), onCores));
	}

	private Optional<Double> between(String work, String contender, String otherWork, String other) {
		return this.results.find(work, contender)
			.flatMap((samples) -> this.results.find(otherWork, other)
				.map((others) -> samples.time().median() / others.time().median()));
	}

	private void add(String what, Optional<Double> measured, double limit) {
		this.rows.add(new Row(what, limit, measured, Optional.empty()));
	}

	/**
	 * One target.
	 *
	 * @param what is measured
	 * @param limit what it may be at most
	 * @param measured what it is; empty if it was not measured
	 * @param onCores the same ratio of the time on a core, which says more where others
	 * want the cores too
	 */
	record Row(String what, double limit, Optional<Double> measured, Optional<Double> onCores) {

		String verdict() {
			return this.measured.map((value) -> (value <= this.limit) ? "yes" : "**no**").orElse("not measured");
		}

	}

}
