package dev.tinyipc.benchmark;

import java.util.List;
import java.util.function.Predicate;

/**
 * What is measured together and stands in one report.
 *
 * @param suffix of the report's name
 * @param works what is measured
 * @param contenders who takes part
 * @param targets what was promised about it
 * @param isMain whether single operations and pictures belong to it
 */
record Suite(String suffix, List<Work> works, List<Contenders.Entry> contenders, List<Target> targets, boolean isMain) {

	/** Everything but shared memory, which has a suite of its own. */
	static Suite main(List<Work> works, List<Contenders.Entry> contenders) {
		return new Suite("", works, contenders, Targets.ALL, true);
	}

	/** With fewer works and contenders. */
	Suite restricted(Predicate<Work> works, Predicate<Contenders.Entry> contenders) {
		return new Suite(this.suffix, this.works.stream().filter(works).toList(),
				this.contenders.stream().filter(contenders).toList(), this.targets, this.isMain);
	}

}
