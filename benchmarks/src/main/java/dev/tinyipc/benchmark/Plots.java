package dev.tinyipc.benchmark;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.Styler;

/** The tables, as pictures. */
final class Plots {

	private static final int WIDTH = 900;

	private static final int HEIGHT = 560;

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
		lines("roundtrip", "Round trip", "bytes each way");
		lines("oneway", "One way", "bytes");
		lines("callers", "Typed object from several threads, pool of 4", "threads");
		lines("sockets", "Round trip of 64 bytes beside idle sockets", "sockets open");
		bars("object", "Typed object there and back");
		bars("objects", "List of 1 000 typed objects there and back");
		bars("descriptor", "Round trip with a descriptor");
		return this.made;
	}

	/** One line for each contender, over the parameter, both logarithmic. */
	private void lines(String name, String title, String parameter) throws IOException {
		List<Work> works = this.results.works(name);
		if (works.size() < 2) {
			return;
		}
		XYChart chart = new XYChartBuilder().width(WIDTH)
			.height(HEIGHT)
			.title(title)
			.xAxisTitle(parameter)
			.yAxisTitle("µs per operation")
			.theme(Styler.ChartTheme.GGPlot2)
			.build();
		chart.getStyler().setXAxisLogarithmic(true).setYAxisLogarithmic(true);
		chart.getStyler().setLegendPosition(Styler.LegendPosition.OutsideE);
		for (String contender : this.results.contenders(works.get(0).line()).keySet()) {
			List<Double> x = new ArrayList<>();
			List<Double> y = new ArrayList<>();
			for (Work work : works) {
				this.results.find(work.line(), contender).ifPresent((samples) -> {
					x.add(Double.valueOf(work.parameter()));
					y.add(samples.time().median() / 1000);
				});
			}
			if (!x.isEmpty() && !isReferenceElsewhere(works.get(0), contender)) {
				chart.addSeries(contender, x, y);
			}
		}
		save(chart, name);
	}

	private static boolean isReferenceElsewhere(Work work, String contender) {
		return contender.equals(Contenders.REFERENCE) && !work.reference().equals(work.line());
	}

	/** One bar for each contender. */
	private void bars(String line, String title) throws IOException {
		List<String> names = new ArrayList<>();
		List<Double> values = new ArrayList<>();
		List<Double> errors = new ArrayList<>();
		for (Map.Entry<String, Samples> entry : this.results.contenders(line).entrySet()) {
			this.results.find(line, entry.getKey()).ifPresent((samples) -> {
				Spread time = samples.time();
				names.add(entry.getKey());
				values.add(time.median() / 1000);
				errors.add((time.max() - time.min()) / 2000);
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
		chart.getStyler().setXAxisLabelRotation(45);
		chart.getStyler().setLabelsVisible(true);
		chart.addSeries("median", names, values, errors);
		save(chart, line);
	}

	private void save(Chart<?, ?> chart, String name) throws IOException {
		String file = this.prefix + '-' + name + ".png";
		BitmapEncoder.saveBitmap(chart, this.folder.resolve(file).toString(), BitmapEncoder.BitmapFormat.PNG);
		this.made.add(file);
	}

}
