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

	private static final Path FOLDER = Path.of("results");

	private final Options options;

	private final Results results = new Results();

	private double lowestLoad = Double.MAX_VALUE;

	private double highestLoad;

	private Harness(Options options) {
		this.options = options;
	}

	/**
	 * Runs everything, or what is asked for.
	 * @param arguments see {@code README.md}
	 * @throws Exception if it failed
	 */
	public static void main(String[] arguments) throws Exception {
		System.setProperty("java.awt.headless", "true");
		new Harness(Options.parse(List.of(arguments))).run();
		System.exit(0);
	}

	private void run() throws Exception {
		long start = System.nanoTime();
		List<Contenders.Entry> entries = this.options.contenders();
		Rounds rounds = new Rounds(entries);
		try (rounds) {
			List<Work> works = new ArrayList<>(this.options.works());
			while (!works.isEmpty()) {
				Work work = works.remove(0);
				this.results.add(work, rounds.measure(work));
				noteLoad();
				Report now = new Report(this.results);
				now.line("", "load " + Machine.load() + ", " + seconds(start) + " s");
				now.table(work.name());
				if (works.stream().noneMatch((next) -> next.name().equals(work.name()))) {
					System.out.println(now.text());
				}
				rounds.keepOnly(works);
			}
		}
		Allocations allocations = this.options.jmh() ? Allocations.measure(this.options.quick()) : Allocations.none();
		String report = report(entries, rounds, allocations, seconds(start));
		System.out.println(report);
	}

	private void noteLoad() throws IOException {
		double load = Machine.load();
		this.lowestLoad = Math.min(this.lowestLoad, load);
		this.highestLoad = Math.max(this.highestLoad, load);
	}

	private static long seconds(long start) {
		return Duration.ofNanos(System.nanoTime() - start).toSeconds();
	}

	private String report(List<Contenders.Entry> entries, Rounds rounds, Allocations allocations, long seconds)
			throws IOException {
		String name = LocalDate.now() + "-" + this.options.name();
		Report report = new Report(this.results);
		var machine = Machine.describe();
		machine.put("load of the machine meanwhile, the harness included",
				String.format(Locale.ROOT, "%.1f–%.1f", this.lowestLoad, this.highestLoad));
		machine.put("duration",
				seconds + " s" + (this.options.quick() ? ", a quick look: fewer and shorter turns" : ""));
		report.title("Speed, measured side by side", machine);
		report.targets(Targets.check(this.results, allocations));
		for (String work : this.results.workNames()) {
			report.table(work);
		}
		if (!allocations.figures().isEmpty()) {
			report.allocations(allocations);
		}
		report.contenders(entries, rounds.missing());
		Files.createDirectories(FOLDER);
		for (String plot : new Plots(this.results, FOLDER, name).make()) {
			report.line("![" + plot + "](" + plot + ")", "");
		}
		Files.writeString(FOLDER.resolve(name + ".md"), report.text());
		return report.text();
	}

	/**
	 * What is asked for.
	 *
	 * @param quick fewer and shorter turns, and fewer works
	 * @param jmh whether to measure single operations
	 * @param name behind the date, of the files
	 * @param works what is measured
	 * @param contenders who takes part
	 */
	private record Options(boolean quick, boolean jmh, String name, List<Work> works,
			List<Contenders.Entry> contenders) {

		static Options parse(List<String> arguments) throws IOException {
			boolean quick = arguments.contains("--quick");
			String only = value(arguments, "--only", ".*");
			Set<String> wanted = Set.of(value(arguments, "--contenders", "").split(","));
			List<Work> works = (quick ? Works.quick() : Works.all()).stream()
				.filter((work) -> work.line().matches(only))
				.toList();
			List<Contenders.Entry> contenders = (quick ? Contenders.quick() : Contenders.all()).stream()
				.filter((entry) -> wanted.contains("") || wanted.contains(entry.name()))
				.toList();
			return new Options(quick, !arguments.contains("--no-jmh"),
					value(arguments, "--name", Machine.name() + (quick ? "-quick" : "")), works, contenders);
		}

		private static String value(List<String> arguments, String option, String otherwise) {
			int at = arguments.indexOf(option);
			return (at < 0) ? otherwise : arguments.get(at + 1);
		}

	}

}
