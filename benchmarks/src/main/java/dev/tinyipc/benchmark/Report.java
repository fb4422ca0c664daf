package dev.tinyipc.benchmark;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The tables, as Markdown. */
final class Report {

	private static final double KILO = 1000;

	/** Whose time on a core is gone with the child, or no matter. */
	private static final Set<String> PROCESSES_END = Set.of("spawn", "idle");

	private final Results results;

	private final StringBuilder text = new StringBuilder();

	Report(Results results) {
		this.results = results;
	}

	String text() {
		return this.text.toString();
	}

	void title(String title, Map<String, String> machine) {
		line("# " + title, "");
		machine.forEach((name, value) -> line("- " + name + ": " + value));
		line("");
	}

	void targets(List<Targets.Row> targets) {
		line("## Targets", "",
				"The median, over the rounds, of the ratio within a round; heap in bytes. The last column is the same ratio of",
				"the time that parent and child had a core, which depends less on what else the machine does.", "",
				"| target | at most | measured | met | time on cores |", "|---|---|---|---|---|");
		for (Targets.Row row : targets) {
			line("| " + row.what() + " | " + number(row.limit()) + " | " + row.measured().map(Report::number).orElse("")
					+ " | " + row.verdict() + " | " + row.onCores().map(Report::number).orElse("") + " |");
		}
		line("");
	}

	void contenders(List<Contenders.Entry> entries, Map<String, String> missing) {
		line("## Contenders", "");
		for (Contenders.Entry entry : entries) {
			String reason = missing.get(entry.name());
			line("- `" + entry.name() + "`: " + entry.description()
					+ ((reason != null) ? " (not there: " + reason + ')' : ""));
		}
		line("");
	}

	/** All works of one name, side by side. */
	void table(String name) {
		List<Work> works = this.results.works(name);
		line("## " + name, "", "Median for one operation, its range over " + works.get(0).rounds()
				+ " rounds, and the ratio to C" + reference(works.get(0)) + '.', "");
		row("", works.stream().map((work) -> work.parameter().isEmpty() ? work.name() : work.parameter()));
		row("---", works.stream().map((work) -> "---"));
		for (String contender : contenders(works)) {
			row('`' + contender + '`', works.stream().map((work) -> cell(work, contender)));
		}
		line("");
		if (!PROCESSES_END.contains(name)) {
			cpu(works);
		}
		notes(works);
	}

	private void cpu(List<Work> works) {
		line("Time on a core for one operation, parent and child together:", "");
		row("", works.stream().map((work) -> work.parameter().isEmpty() ? work.name() : work.parameter()));
		row("---", works.stream().map((work) -> "---"));
		for (String contender : contenders(works)) {
			row('`' + contender + '`',
					works.stream()
						.map((work) -> this.results.find(work.line(), contender)
							.map((samples) -> time(samples.cpu().median()))
							.orElse("")));
		}
		line("");
	}

	private static String reference(Work work) {
		return work.reference().equals(work.line()) ? "" : ", which does `" + work.reference() + "` there";
	}

	private static Set<String> names(Results results, List<Work> works) {
		return works.stream()
			.flatMap((work) -> results.contenders(work.line()).keySet().stream())
			.collect(Collectors.toCollection(LinkedHashSet::new));
	}

	private List<String> contenders(List<Work> works) {
		return names(this.results, works).stream()
			.filter((name) -> works.stream().anyMatch((work) -> this.results.find(work.line(), name).isPresent()))
			.toList();
	}

	private String cell(Work work, String contender) {
		Optional<Samples> found = this.results.find(work.line(), contender);
		if (found.isEmpty()) {
			return "";
		}
		if (work.name().equals("idle")) {
			Samples samples = found.get();
			return String.format(Locale.ROOT, "%.0f threads, %.2f ms/s, %.0f MiB", samples.figure("threads").median(),
					samples.figure("cpu").median(), samples.figure("rss").median());
		}
		Spread time = found.get().time();
		return "**" + time(time.median()) + "** (" + time(time.min()) + "–" + time(time.max()) + ')'
				+ this.results.find(work.line(), Contenders.REFERENCE)
					.map((reference) -> " ×" + number(found.get().ratioTo(reference).median()))
					.orElse("");
	}

	/** Who failed, which must not look as if it had no such work. */
	private void notes(List<Work> works) {
		for (Work work : works) {
			this.results.contenders(work.line()).forEach((name, samples) -> {
				String missing = samples.missing();
				if (missing != null && missing.startsWith("failed")) {
					line("- `" + name + "`, " + work.line() + ": " + missing, "");
				}
			});
		}
	}

	void allocations(Allocations allocations) {
		line("## Single operations", "", "By JMH, in one thread: time, and heap for one operation.", "",
				"| operation | time | heap, bytes |", "|---|---|---|");
		allocations.figures()
			.forEach((name, figures) -> line(
					"| " + name + " | " + time(figures.nanoseconds()) + " | " + number(figures.bytes()) + " |"));
		line("");
	}

	void line(String... lines) {
		for (String line : lines) {
			this.text.append(line).append('\n');
		}
	}

	private void row(String head, Stream<String> cells) {
		line("| " + head + " | " + cells.collect(Collectors.joining(" | ")) + " |");
	}

	static String time(double nanoseconds) {
		if (nanoseconds < KILO) {
			return number(nanoseconds) + " ns";
		}
		if (nanoseconds < KILO * KILO) {
			return number(nanoseconds / KILO) + " µs";
		}
		return number(nanoseconds / KILO / KILO) + " ms";
	}

	/** Three digits that say something. */
	static String number(double value) {
		int digits = (value < 10) ? 2 : (value < 100) ? 1 : 0;
		return String.format(Locale.ROOT, "%." + digits + "f", value);
	}

}
