package dev.tinyipc.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What the figures were measured on. No host name: who publishes them may not want it.
 */
final class Machine {

	private static final Pattern JAR = Pattern.compile("(.+?)-(\\d[\\w.-]*)\\.jar");

	private static final Pattern INTERESTING = Pattern.compile(
			"jna|jackson-(databind|dataformat-cbor)|spring-boot|jmh-core|junixsocket-.*|netty-(buffer|transport-.*)"
					+ "|grpc-(core|netty|netty-shaded|protobuf)|artemis-(server|jms-server)|protobuf-java|tomcat-embed-core");

	private Machine() {
	}

	static Map<String, String> describe() throws IOException {
		Map<String, String> facts = new LinkedHashMap<>();
		facts.put("CPU", processor());
		facts.put("cores", Integer.toString(Runtime.getRuntime().availableProcessors()));
		facts.put("memory", memory());
		facts.put("kernel", System.getProperty("os.version") + " " + System.getProperty("os.arch"));
		facts.put("JDK", System.getProperty("java.vm.name") + " " + Runtime.version());
		facts.put("libraries", libraries());
		return facts;
	}

	/** For the names of files, such as {@code 2-cores-amd-epyc}. */
	static String name() throws IOException {
		String processor = processor().replaceAll("\\([^)]*\\)|CPU|@.*", "").strip();
		return Runtime.getRuntime().availableProcessors() + "-cores-"
				+ processor.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-");
	}

	private static String processor() throws IOException {
		try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
			return lines.filter((line) -> line.startsWith("model name"))
				.map((line) -> line.substring(line.indexOf(':') + 1).strip())
				.findFirst()
				.orElse("unknown");
		}
	}

	private static String memory() throws IOException {
		try (Stream<String> lines = Files.lines(Path.of("/proc/meminfo"))) {
			long kib = lines.filter((line) -> line.startsWith("MemTotal:"))
				.mapToLong((line) -> Long.parseLong(line.replaceAll("\\D", "")))
				.findFirst()
				.orElse(0);
			return Math.round(kib / 1024.0 / 1024.0) + " GiB";
		}
	}

	/** Read from the names of the jars. */
	private static String libraries() {
		Map<String, String> versions = new TreeMap<>();
		for (String entry : System.getProperty("java.class.path").split(":")) {
			Matcher jar = JAR.matcher(Path.of(entry).getFileName().toString());
			if (jar.matches() && INTERESTING.matcher(jar.group(1)).matches()) {
				versions.put(jar.group(1), jar.group(2));
			}
		}
		return versions.toString().replaceAll("[{}]", "").replace('=', ' ');
	}

	/** How many tasks want a core, on average over the last minute. */
	static double load() throws IOException {
		return Double.parseDouble(Files.readString(Path.of("/proc/loadavg")).split(" ")[0]);
	}

}
