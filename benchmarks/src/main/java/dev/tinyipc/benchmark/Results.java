package dev.tinyipc.benchmark;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Everything that was measured: by work, and within that by contender. */
final class Results {

	private final Map<String, Map<String, Samples>> samples = new LinkedHashMap<>();

	private final List<Work> works = new ArrayList<>();

	void add(Work work, Map<String, Samples> contenders) {
		this.works.add(work);
		this.samples.put(work.key(), contenders);
	}

	List<Work> works() {
		return this.works;
	}

	/** Those of a table, which differ by their parameter. */
	List<Work> works(String table) {
		return this.works.stream().filter((work) -> work.table().equals(table)).toList();
	}

	List<String> tables() {
		return this.works.stream().map(Work::table).distinct().toList();
	}

	Map<String, Samples> contenders(String key) {
		return this.samples.getOrDefault(key, Map.of());
	}

	/** Where a figure is missing, and why. */
	List<String> gaps() {
		List<String> gaps = new ArrayList<>();
		this.samples.forEach((work, contenders) -> {
			contenders.forEach((contender, samples) -> {
				if (samples.isEmpty()) {
					gaps.add(work + " by " + contender + ": " + samples.missing());
				}
			});
			if (contenders.isEmpty()) {
				gaps.add(work + ": nobody takes part");
			}
		});
		return gaps;
	}

	/** Empty unless it was measured. */
	Optional<Samples> find(String key, String contender) {
		return Optional.ofNullable(contenders(key).get(contender)).filter((found) -> !found.isEmpty());
	}

}
