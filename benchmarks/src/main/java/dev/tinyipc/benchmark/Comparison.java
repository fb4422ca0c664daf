package dev.tinyipc.benchmark;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/** Whether two runs found the same. */
final class Comparison {

	/** By so many times two ratios may differ. */
	private static final double TOLERANCE = 1.15;

	private static final TypeReference<List<Targets.Row>> ROWS = new TypeReference<>() {
	};

	private final Report report;

	private final List<String> differences = new ArrayList<>();

	private Comparison(Report report) {
		this.report = report;
	}

	/** The file that lies beside a report. */
	static Path file(Path folder, String name) {
		return folder.resolve(name + ".json");
	}

	/** Keeps what was found, for a comparison. */
	static void write(Path file, List<Targets.Row> rows) {
		JsonMapper.builder().build().writerWithDefaultPrettyPrinter().writeValue(file, rows);
	}

	/**
	 * Prints each target's two ratios.
	 * @param one a report, or the file beside it
	 * @param other the other one
	 * @return those that differ by more than what two runs may
	 */
	static List<String> print(String one, String other) {
		Comparison comparison = new Comparison(new Report(new Results()));
		comparison.compare(read(one), read(other));
		System.out.println(comparison.report.text());
		return comparison.differences;
	}

	private static List<Targets.Row> read(String file) {
		return JsonMapper.builder().build().readValue(Path.of(file.replaceFirst("\\.md$", ".json")), ROWS);
	}

	private void compare(List<Targets.Row> rows, List<Targets.Row> others) {
		this.report.line("| target | at most | first | second | differ by | verdicts |", "|---|---|---|---|---|---|");
		for (Targets.Row row : rows) {
			Optional<Targets.Row> other = others.stream().filter((each) -> each.what().equals(row.what())).findFirst();
			Interval first = row.measured();
			Interval second = other.map(Targets.Row::measured).orElse(null);
			if (first == null && second == null) {
				continue;
			}
			boolean same = first != null && second != null && isNear(row, first.median(), second.median());
			if (!same) {
				this.differences.add(row.what());
			}
			String verdicts = row.verdict() + other.map((each) -> ", " + each.verdict()).orElse("");
			this.report.line("| " + row.what() + " | " + Report.number(row.limit()) + " | " + cell(first) + " | "
					+ cell(second) + " | " + distance(first, second) + (same ? "" : " **too much**") + " | " + verdicts
					+ " |");
		}
	}

	/**
	 * A difference of two times may be next to nothing, and is compared with its limit.
	 */
	private static boolean isNear(Targets.Row row, double first, double second) {
		if (row.measure() == Target.Measure.DIFFERENCE || row.measure() == Target.Measure.CORES) {
			return Math.abs(first - second) <= row.limit() * (TOLERANCE - 1);
		}
		return Math.max(first, second) <= Math.min(first, second) * TOLERANCE;
	}

	private static String cell(@Nullable Interval interval) {
		return (interval == null) ? "not measured" : Report.number(interval.median());
	}

	private static String distance(@Nullable Interval first, @Nullable Interval second) {
		if (first == null || second == null) {
			return "";
		}
		double times = Math.max(first.median(), second.median()) / Math.min(first.median(), second.median());
		return Math.round((times - 1) * 100) + " %";
	}

}
