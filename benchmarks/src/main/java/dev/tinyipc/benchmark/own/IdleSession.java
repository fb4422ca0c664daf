package dev.tinyipc.benchmark.own;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import com.sun.management.OperatingSystemMXBean;
import dev.tinyipc.benchmark.Contender;
import org.jspecify.annotations.Nullable;

import static java.lang.management.ManagementFactory.getPlatformMXBean;

/** What this process costs while nothing happens. */
final class IdleSession implements Contender.Session {

	private final @Nullable AutoCloseable idle;

	IdleSession(@Nullable AutoCloseable idle) {
		this.idle = idle;
	}

	@Override
	public Contender.Result run(Duration duration) throws Exception {
		OperatingSystemMXBean system = getPlatformMXBean(OperatingSystemMXBean.class);
		long cpu = system.getProcessCpuTime();
		long start = System.nanoTime();
		TimeUnit.NANOSECONDS.sleep(duration.toNanos());
		long time = System.nanoTime() - start;
		double cpuMillis = (system.getProcessCpuTime() - cpu) / 1e6;
		return new Contender.Result(1, time,
				Map.of("threads", status("Threads:"), "rss", status("VmRSS:") / 1024, "cpu", cpuMillis / (time / 1e9)));
	}

	private static double status(String name) throws IOException {
		return Files.readAllLines(Path.of("/proc/self/status"))
			.stream()
			.filter((line) -> line.startsWith(name))
			.mapToDouble((line) -> Double.parseDouble(line.replaceAll("\\D", "")))
			.findFirst()
			.orElseThrow();
	}

	@Override
	public void close() throws Exception {
		if (this.idle != null) {
			this.idle.close();
		}
	}

}
