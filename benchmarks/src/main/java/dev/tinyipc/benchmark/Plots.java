package dev.tinyipc.benchmark;

import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.Styler;

/** The tables, as pictures. */
final class Plots {

	private static final int WIDTH = 900;

	private static final int HEIGHT = 560;

	/**
	 * Those of Okabe and Ito, which people tell apart who see colours differently.
	 */
	private static final Color[] COLOURS = Stream
		.of(0x000000, 0xE69F00, 0x56B4E9, 0x009E73, 0xD55E00, 0x0072B2, 0xCC79A7, 0xF0E442)
		.map(Color::new)
		.toArray(Color[]::new);

	/**
	 * A picture shows so many as there are colours, each always in its own; the others
	 * stand in the table only.
	 */
	private static final List<String> SHOWN = List.of("c", "raw", "channel", "template", "pipes", "grpc", "jdk",
			"netty");

	/** Blue: which contender it is stands below. */
	private static final int BAR = 5;

	private static final double NANOS_PER_MICRO = 1000;

	private static final double NANOS_PER_SECOND = 1_000_000_000;

	private final Results results;

	private final Path folder;

	private final String prefix;

	private final List<String> made = new ArrayList<>();

	Plots(Results results, Path folder, String prefix) {
		this.results = results;
		this.folder = folder;
		this.prefix = prefix;
	}

	/** The names of the files. */
	List<String> make() throws IOException {
		byParameter("roundtrip", "Round trip", "bytes each way");
		byParameter("oneway", "One way", "bytes");
		byParameter("sockets", "Round trip of 64 bytes beside idle sockets", "sockets open");
		callers();
		bars("object", "Typed object there and back");
		bars("objects", "List of 1 000 typed objects there and back");
		bars("descriptor", "Round trip with a descriptor");
		return this.made;
	}

	/** One line for each contender, over the parameter, both logarithmic. */
	private void byParameter(String table, String title, String parameter) throws IOException {
		Map<String, Map<Double, Double>> lines = new LinkedHashMap<>();
		for (Work work : this.results.works(table)) {
			for (String contender : SHOWN) {
				this.results.find(work.key(), contender)
					.filter((samples) -> !isReferenceElsewhere(work, contender))
					.ifPresent((samples) -> lines.computeIfAbsent(contender, (name) -> new TreeMap<>())
						.put(Double.valueOf(work.parameter()), samples.time().median() / NANOS_PER_MICRO));
			}
		}
		lines(table, title, parameter, "µs per operation", lines);
	}

	/** One line for each pool, over the number of callers. */
	private void callers() throws IOException {
		Map<String, Map<Double, Double>> lines = new LinkedHashMap<>();
		for (Work work : this.results.works("callers")) {
			String[] numbers = work.parameter().split("[ x]");
			String pool = numbers[1] + " children × " + numbers[2] + " lanes";
			this.results.find(work.key(), "template")
				.ifPresent((samples) -> lines.computeIfAbsent(pool, (name) -> new TreeMap<>())
					.put(Double.valueOf(numbers[0]), NANOS_PER_SECOND / samples.time().median()));
		}
		lines("callers", "Typed objects there and back from several threads", "threads", "calls per second", lines);
	}

	private void lines(String name, String title, String xTitle, String yTitle, Map<String, Map<Double, Double>> lines)
			throws IOException {
		if (lines.values().stream().noneMatch((line) -> line.size() > 1)) {
			return;
		}
		XYChart chart = new XYChartBuilder().width(WIDTH)
			.height(HEIGHT)
			.title(title)
			.xAxisTitle(xTitle)
			.yAxisTitle(yTitle)
			.theme(Styler.ChartTheme.GGPlot2)
			.build();
		chart.getStyler().setXAxisLogarithmic(true).setYAxisLogarithmic(true);
		chart.getStyler().setLegendPosition(Styler.LegendPosition.OutsideE);
		lines.forEach((label, line) -> {
			Color colour = COLOURS[chart.getSeriesMap().size()];
			if (SHOWN.contains(label)) {
				colour = COLOURS[SHOWN.indexOf(label)];
			}
			XYSeries series = chart.addSeries(label, List.copyOf(line.keySet()), List.copyOf(line.values()));
			series.setLineColor(colour);
			series.setMarkerColor(colour);
		});
		save(chart, name);
	}

	private static boolean isReferenceElsewhere(Work work, String contender) {
		return contender.equals(Contenders.REFERENCE) && !work.reference().equals(work.line());
	}

	/** One bar for each contender. */
	private void bars(String key, String title) throws IOException {
		List<String> names = new ArrayList<>();
		List<Double> values = new ArrayList<>();
		List<Double> errors = new ArrayList<>();
		for (String contender : SHOWN) {
			this.results.find(key, contender).ifPresent((samples) -> {
				Spread time = samples.time();
				names.add(contender);
				// The digits stand in the bar.
				values.add(Double.valueOf(Report.number(time.median() / NANOS_PER_MICRO)));
				errors.add((time.max() - time.min()) / 2 / NANOS_PER_MICRO);
			});
		}
		if (names.isEmpty()) {
			return;
		}
		CategoryChart chart = new CategoryChartBuilder().width(WIDTH)
			.height(HEIGHT)
			.title(title)
			.yAxisTitle("µs per operation")
			.theme(Styler.ChartTheme.GGPlot2)
			.build();
		chart.getStyler().setLegendVisible(false);
		chart.getStyler().setLabelsVisible(true);
		chart.addSeries("median", names, values, errors).setFillColor(COLOURS[BAR]);
		save(chart, key);
	}

	private void save(Chart<?, ?> chart, String name) throws IOException {
		String file = this.prefix + '-' + name + ".png";
		BitmapEncoder.saveBitmap(chart, this.folder.resolve(file).toString(), BitmapEncoder.BitmapFormat.PNG);
		this.made.add(file);
	}

}
