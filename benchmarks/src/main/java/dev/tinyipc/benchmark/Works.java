package dev.tinyipc.benchmark;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What is measured, in this order. */
final class Works {

	/** A caller, a pool of one child: what larger pools are compared with. */
	private static final String SINGLE = "callers 1 1x1";

	private Works() {
	}

	static List<Work> all() {
		List<Work> all = new ArrayList<>();
		bytes(all);
		objects(all);
		callers(all);
		sockets(all);
		starts(all);
		for (int sockets : new int[] { 0, 1, 1000 }) {
			all.add(Work.of("idle " + sockets).layout(Layout.FREE).warmUp(0).turn(1000).rounds(1, 1));
		}
		return all;
	}

	private static void bytes(List<Work> all) {
		all.add(Work.of("roundtrip 64").warmUp(6000).rounds(11));
		all.add(Work.of("roundtrip 1024"));
		all.add(Work.of("roundtrip 65536"));
		all.add(Work.of("roundtrip 1048576"));
		all.add(Work.of("roundtrip 16777216").turn(300).rounds(7));
		all.add(Work.of("roundtrip 64").layout(Layout.SAME_CORE));
		all.add(Work.of("oneway 64").rounds(11));
		all.add(Work.of("oneway-batch 64").reference("oneway 64").rounds(11));
		all.add(Work.of("oneway 1024"));
		all.add(Work.of("oneway 65536"));
		all.add(Work.of("oneway 1048576"));
		all.add(Work.of("oneway 16777216").turn(300).rounds(7));
		all.add(Work.of("descriptor"));
	}

	private static void objects(List<Work> all) {
		// In C there is no encoding: bytes of about the same number are compared with.
		all.add(Work.of("object").reference("roundtrip 1024").warmUp(24_000).rounds(11));
		all.add(Work.of("object").reference("roundtrip 1024").layout(Layout.SAME_CORE).warmUp(6000));
		all.add(Work.of("objects").reference("roundtrip 262144").warmUp(10_000).turn(250).rounds(9));
		// As many bytes, in the one direction that matters.
		for (String reply : List.of("list", "stream")) {
			all.add(Work.of("fetch " + reply).reference("oneway 262144").warmUp(10_000).turn(250).rounds(9));
		}
		all.add(Work.of("read").reference("").warmUp(6000).rounds(9));
	}

	private static void callers(List<Work> all) {
		for (String pool : List.of("2x1", "2x4", "4x1", "4x4")) {
			for (int callers : new int[] { 1, 4, 64 }) {
				Work work = Work.of("callers " + callers + ' ' + pool)
					.reference("")
					.layout((callers == 1) ? Layout.DIFFERENT_CORES : Layout.FREE)
					.warmUp(9000)
					.rounds(7);
				// The two comparisons that targets are about.
				all.add(switch (work.line()) {
					case "callers 1 4x1" -> work.beside(SINGLE);
					case "callers 64 2x4" -> work.beside("callers 4 2x4");
					default -> work;
				});
			}
		}
		for (String places : List.of("instances", "lanes")) {
			all.add(Work.of("pool " + places).reference("roundtrip 64").layout(Layout.FREE).warmUp(12_000).rounds(5));
		}
	}

	private static void sockets(List<Work> all) {
		for (int sockets : new int[] { 1, 64, 1000 }) {
			Work work = Work.of("sockets " + sockets);
			all.add((sockets == 1000) ? work.beside("sockets 1") : work);
		}
		for (int sockets : new int[] { 1, 64, 1000 }) {
			all.add(Work.of("poller " + sockets).rounds(5));
		}
	}

	private static void starts(List<Work> all) {
		all.add(Work.of("spawn c").layout(Layout.FREE).warmUp(1500).turn(300).rounds(15));
		all.add(Work.of("spawn java").reference("spawn c").layout(Layout.FREE).warmUp(0).turn(1).rounds(3, 3));
		all.add(Work.of("spawn java-25").reference("spawn c").layout(Layout.FREE).warmUp(0).turn(1).rounds(7, 15));
	}

	/** Those that say most, in a fraction of the time. */
	static List<Work> quick() {
		Set<String> wanted = Set.of("roundtrip 64", "roundtrip 1048576", "oneway 64", "oneway-batch 64",
				"oneway 1048576", "object", "objects", "read", "spawn c");
		return all().stream().filter((work) -> wanted.contains(work.key())).map(Work::quick).toList();
	}

	/** Those that show that the benchmarks work, in next to no time. */
	static List<Work> smoke() {
		Set<String> wanted = Set.of("roundtrip 64", "roundtrip 64, same core", "object", "fetch list", "fetch stream",
				"read", "callers 64 2x4", "pool lanes");
		return all().stream().filter((work) -> wanted.contains(work.key())).map(Work::smoke).toList();
	}

}
