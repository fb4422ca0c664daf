package dev.tinyipc.benchmark;

import java.util.LinkedHashMap;
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

	/** More works stand below each other, and the contenders side by side. */
	private static final int MOST_COLUMNS = 6;

	/** In which one asks for calls per second. */
	private static final Set<String> WITH_THROUGHPUT = Set.of("callers", "pool");

	private static final double NANOS_PER_SECOND = 1_000_000_000;

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
				"The median, over the rounds, of the ratio within a round, and between which values it lies with a confidence of",
				"95 %; heap in bytes. The last column is the same ratio of the time that parent and child had a core, which depends",
				"less on what else the machine does.", "",
				"| target | at most | measured | between | met | time on cores |", "|---|---|---|---|---|---|");
		for (Targets.Row row : targets) {
			Interval measured = row.measured();
			line("| " + row.what() + " | " + number(row.limit()) + " | "
					+ ((measured != null) ? number(measured.median()) : "") + " | "
					+ ((measured != null && measured.low() < measured.high())
							? number(measured.low()) + "–" + number(measured.high()) : "")
					+ " | " + row.verdict() + " | " + ((row.onCores() != null) ? number(row.onCores()) : "") + " |");
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

	/** All works of one table. */
	void table(String table) {
		List<Work> works = this.results.works(table);
		Work first = works.get(0);
		line("## " + table, "", first.name().equals("idle") ? "Of the parent, while nothing happens."
				: "For one operation: **median** of the time, its range over " + rounds(works) + " rounds or more"
						+ (first.reference().isEmpty() ? "" : ", the ratio to C" + reference(first))
						+ "; then the time on a core, parent and child together. Layout: " + layouts(works) + '.',
				"");
		List<String> contenders = contenders(works);
		if (works.size() <= MOST_COLUMNS) {
			head(works.stream().map(Report::column));
			for (String contender : contenders) {
				row('`' + contender + '`', works.stream().map((work) -> cell(work, contender)));
			}
		}
		else {
			head(contenders.stream().map((contender) -> '`' + contender + '`'));
			for (Work work : works) {
				row(column(work), contenders.stream().map((contender) -> cell(work, contender)));
			}
		}
		line("");
		notes(works);
	}

	private static String layouts(List<Work> works) {
		Map<Layout, String> columns = works.stream()
			.collect(Collectors.groupingBy(Work::layout, LinkedHashMap::new,
					Collectors.mapping(Report::column, Collectors.joining(", "))));
		return (columns.size() == 1) ? works.get(0).layout().description()
				: columns.entrySet()
					.stream()
					.map((entry) -> entry.getKey().description() + " (" + entry.getValue() + ')')
					.collect(Collectors.joining("; "));
	}

	private int rounds(List<Work> works) {
		return works.stream()
			.flatMap((work) -> this.results.contenders(work.key()).values().stream())
			.filter((samples) -> !samples.isEmpty())
			.mapToInt(Samples::rounds)
			.min()
			.orElse(0);
	}

	private static String column(Work work) {
		return work.parameter().isEmpty() ? work.name() : work.parameter();
	}

	private void head(Stream<String> columns) {
		List<String> all = columns.toList();
		row("", all.stream());
		row("---", all.stream().map((column) -> "---"));
	}

	private static String reference(Work work) {
		return work.reference().equals(work.line()) ? "" : ", which does `" + work.reference() + "` there";
	}

	private static Set<String> names(Results results, List<Work> works) {
		return works.stream()
			.flatMap((work) -> results.contenders(work.key()).keySet().stream())
			.collect(Collectors.toCollection(LinkedHashSet::new));
	}

	private List<String> contenders(List<Work> works) {
		return names(this.results, works).stream()
			.filter((name) -> works.stream().anyMatch((work) -> this.results.find(work.key(), name).isPresent()))
			.toList();
	}

	private String cell(Work work, String contender) {
		Optional<Samples> found = this.results.find(work.key(), contender);
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
				+ this.results.find(work.key(), Contenders.REFERENCE)
					.map((reference) -> " ×" + number(Spread.of(found.get().ratiosTo(reference)).median()))
					.orElse("")
				+ ", on cores " + time(found.get().cpu().median()) + (WITH_THROUGHPUT.contains(work.name())
						? String.format(Locale.ROOT, ", %.0f/s", NANOS_PER_SECOND / time.median()) : "");
	}

	/** Who failed, which must not look as if it had no such work. */
	private void notes(List<Work> works) {
		for (Work work : works) {
			this.results.contenders(work.key()).forEach((name, samples) -> {
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
