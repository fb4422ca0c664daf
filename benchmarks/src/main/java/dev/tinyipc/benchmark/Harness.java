package dev.tinyipc.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Measures all contenders side by side, prints the tables and writes the report. To be
 * run by {@code benchmarks/run}, in the folder {@code benchmarks}.
 */
public final class Harness {

	private final Options options;

	private final Suite suite;

	private final Results results = new Results();

	private double lowestLoad = Double.MAX_VALUE;

	private double highestLoad;

	private Harness(Options options, Suite suite) {
		this.options = options;
		this.suite = suite;
	}

	/**
	 * Runs everything, or what is asked for.
	 * @param arguments see {@code README.md}
	 * @throws Exception if it failed
	 */
	public static void main(String[] arguments) throws Exception {
		System.setProperty("java.awt.headless", "true");
		if (arguments.length > 0 && arguments[0].equals("--compare")) {
			List<String> differences = Comparison.print(arguments[1], arguments[2]);
			differences.forEach((target) -> System.err.println("differs by too much: " + target));
			System.exit(differences.isEmpty() ? 0 : 1);
		}
		Options options = Options.parse(List.of(arguments));
		for (Suite suite : options.suites()) {
			new Harness(options, suite).run();
		}
		System.exit(0);
	}

	private void run() throws Exception {
		long start = System.nanoTime();
		Processors processors = Processors.available();
		Rounds rounds = new Rounds(this.suite, processors);
		try (rounds) {
			List<Work> works = new ArrayList<>(this.suite.works());
			while (!works.isEmpty()) {
				Work work = works.remove(0);
				this.results.add(work, rounds.measure(work));
				noteLoad();
				Report now = new Report(this.results);
				now.line("", "load " + Machine.load() + ", " + seconds(start) + " s");
				now.table(work.table());
				if (works.stream().noneMatch((next) -> next.table().equals(work.table()))) {
					System.out.println(now.text());
				}
				rounds.keepOnly(works);
			}
		}
		Allocations allocations = (this.options.jmh() && this.suite.isMain())
				? Allocations.measure(this.options.size() != Size.FULL) : Allocations.none();
		String report = report(rounds, allocations, processors, seconds(start));
		System.out.println(report);
		if (this.options.size() == Size.SMOKE) {
			checkComplete();
		}
	}

	private void checkComplete() {
		if (!this.results.gaps().isEmpty()) {
			throw new IllegalStateException("Figures are missing: " + String.join("; ", this.results.gaps()));
		}
	}

	private void noteLoad() throws IOException {
		double load = Machine.load();
		this.lowestLoad = Math.min(this.lowestLoad, load);
		this.highestLoad = Math.max(this.highestLoad, load);
	}

	private static long seconds(long start) {
		return Duration.ofNanos(System.nanoTime() - start).toSeconds();
	}

	private String report(Rounds rounds, Allocations allocations, Processors processors, long seconds)
			throws IOException {
		String name = LocalDate.now() + "-" + this.options.name() + this.suite.suffix();
		Report report = new Report(this.results);
		var machine = Machine.describe();
		machine.put("processors of parent and child, where they are pinned", processors.description());
		machine.put("load of the machine meanwhile, the harness included",
				String.format(Locale.ROOT, "%.1f–%.1f", this.lowestLoad, this.highestLoad));
		machine.put("duration", seconds + " s" + this.options.size().remark);
		report.title("Speed, measured side by side", machine);
		List<Targets.Row> targets = Targets.check(this.suite, this.results, allocations);
		report.targets(targets);
		for (String table : this.results.tables()) {
			report.table(table);
		}
		if (!allocations.figures().isEmpty()) {
			report.allocations(allocations);
		}
		report.contenders(this.suite.contenders(), rounds.missing());
		Path folder = Files.createDirectories(this.options.folder());
		if (this.suite.isMain()) {
			for (String plot : new Plots(this.results, folder, name).make()) {
				report.line("![" + plot + "](" + plot + ")", "");
			}
		}
		Files.writeString(folder.resolve(name + ".md"), report.text());
		Comparison.write(Comparison.file(folder, name), targets);
		return report.text();
	}

	/** How much is measured. */
	private enum Size {

		FULL("", ""),

		/** Fewer and shorter turns, and fewer works. */
		QUICK("-quick", ", a quick look: fewer and shorter turns"),

		/** Only whether there are figures at all. */
		SMOKE("-smoke", ", a smoke test: one cold turn, whose figures say nothing");

		private final String suffix;

		private final String remark;

		Size(String suffix, String remark) {
			this.suffix = suffix;
			this.remark = remark;
		}

		static Size of(List<String> arguments) {
			return arguments.contains("--smoke") ? SMOKE : arguments.contains("--quick") ? QUICK : FULL;
		}

		/** One suite, but both if it is only about whether there are figures. */
		List<Suite> suites(boolean memory) {
			return switch (this) {
				case FULL -> List.of(memory ? MemorySuite.full() : Suite.main(Works.all(), Contenders.all()));
				case QUICK -> List.of(memory ? MemorySuite.quick() : Suite.main(Works.quick(), Contenders.quick()));
				case SMOKE -> List.of(Suite.main(Works.smoke(), Contenders.smoke()), MemorySuite.smoke());
			};
		}

	}

	/**
	 * What is asked for.
	 *
	 * @param size how much is measured
	 * @param jmh whether to measure single operations
	 * @param name behind the date, of the files
	 * @param folder where the files go
	 * @param suites what is measured
	 */
	private record Options(Size size, boolean jmh, String name, Path folder, List<Suite> suites) {

		static Options parse(List<String> arguments) throws IOException {
			Size size = Size.of(arguments);
			String only = value(arguments, "--only", ".*");
			Set<String> wanted = Set.of(value(arguments, "--contenders", "").split(","));
			List<Suite> suites = size.suites(arguments.contains("--memory"))
				.stream()
				.map((suite) -> suite.restricted((work) -> work.key().matches(only),
						(entry) -> wanted.contains("") || wanted.contains(entry.name())))
				.filter((suite) -> !suite.works().isEmpty())
				.toList();
			if (suites.isEmpty()) {
				throw new IllegalArgumentException("There is no such work");
			}
			String name = value(arguments, "--name", Machine.name() + size.suffix);
			Path folder = Path.of(value(arguments, "--results", "results"));
			return new Options(size, !arguments.contains("--no-jmh"), name, folder, suites);
		}

		private static String value(List<String> arguments, String option, String otherwise) {
			int at = arguments.indexOf(option);
			return (at < 0) ? otherwise : arguments.get(at + 1);
		}

	}

}
