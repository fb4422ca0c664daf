package dev.tinyipc.benchmark;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What is measured, in this order. */
final class Works {

	private Works() {
	}

	static List<Work> all() {
		List<Work> all = new ArrayList<>();
		all.add(Work.of("roundtrip 64").warmUp(6000).rounds(15));
		all.add(Work.of("roundtrip 1024"));
		all.add(Work.of("roundtrip 65536"));
		all.add(Work.of("roundtrip 1048576"));
		all.add(Work.of("roundtrip 16777216").turn(300).rounds(7));
		all.add(Work.of("oneway 64").rounds(15));
		all.add(Work.of("oneway-batch 64").reference("oneway 64").rounds(15));
		all.add(Work.of("oneway 1024"));
		all.add(Work.of("oneway 65536"));
		all.add(Work.of("oneway 1048576"));
		all.add(Work.of("oneway 16777216").turn(300).rounds(7));
		all.add(Work.of("descriptor"));
		// In C there is no encoding: bytes of about the same number are compared with.
		all.add(Work.of("object").reference("roundtrip 1024").warmUp(30_000).rounds(15));
		all.add(Work.of("objects").reference("roundtrip 262144").warmUp(10_000).turn(250));
		for (int callers : new int[] { 1, 4, 64 }) {
			all.add(Work.of("callers " + callers).reference("roundtrip 1024").warmUp(24_000).rounds(5));
		}
		// As many bytes, in the one direction that matters.
		for (String reply : List.of("list", "stream")) {
			all.add(Work.of("fetch " + reply).reference("oneway 262144").warmUp(10_000).turn(250));
		}
		for (String places : List.of("instances", "lanes")) {
			all.add(Work.of("pool " + places).reference("roundtrip 64").warmUp(24_000).rounds(5));
		}
		for (int sockets : new int[] { 1, 8, 64, 1000 }) {
			all.add(Work.of("sockets " + sockets));
		}
		for (int sockets : new int[] { 1, 8, 64, 1000 }) {
			all.add(Work.of("poller " + sockets).rounds(5));
		}
		all.add(Work.of("spawn c").warmUp(1500).turn(300));
		all.add(Work.of("spawn java").reference("spawn c").warmUp(0).turn(1).rounds(3));
		for (int sockets : new int[] { 0, 1, 100, 1000 }) {
			all.add(Work.of("idle " + sockets).warmUp(0).turn(1000).rounds(1));
		}
		return all;
	}

	/** Those that say most, in a fraction of the time. */
	static List<Work> quick() {
		Set<String> wanted = Set.of("roundtrip 64", "roundtrip 1048576", "oneway 64", "oneway-batch 64",
				"oneway 1048576", "object", "spawn c");
		return all().stream().filter((work) -> wanted.contains(work.line())).map(Work::quick).toList();
	}

	/** Those that show that the benchmarks work, in next to no time. */
	static List<Work> smoke() {
		Set<String> wanted = Set.of("roundtrip 64", "object", "fetch list", "fetch stream", "pool lanes");
		return all().stream().filter((work) -> wanted.contains(work.line())).map(Work::smoke).toList();
	}

}
