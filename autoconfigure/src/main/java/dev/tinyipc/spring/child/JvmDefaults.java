package dev.tinyipc.spring.child;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * What a JVM child is told by default. Each default is left out if the user says anything
 * about the same thing, because some would keep the JVM from starting: a second
 * collector, or a maximum heap below the initial one.
 */
final class JvmDefaults {

	/**
	 * A worker is small and should start fast: the collector that needs no threads. With
	 * the first compiler only it would start faster still, and be slower ever after.
	 */
	private static final String COLLECTOR = "-XX:+UseSerialGC";

	private static final Pattern COLLECTORS = Pattern.compile("-XX:[+-]Use\\w+GC");

	/** A heap that leaves the machine to the application. */
	private static final String HEAP = "-Xmx128m";

	private static final Pattern HEAPS = Pattern.compile("-X?m[nsx]\\d.*"
			+ "|-XX:[+-]?\\w*(HeapSize|NewSize|OldSize|MaxRAM|RAMPercentage|RAMFraction|AggressiveHeap)(=.*)?");

	private static final int STANDARD_ENCODINGS_SINCE = 19;

	/** Properties that the child's working directory must not change the meaning of. */
	private static final List<String> PATHS = List.of("jna.tmpdir", "jna.library.path", "jna.boot.library.path",
			"jna.platform.library.path");

	private JvmDefaults() {
	}

	/** Collector and heap of a small worker, as far as the user leaves them to us. */
	static List<String> sizes(JvmOptions said) {
		List<String> arguments = new ArrayList<>();
		if (!said.areInFile()) {
			if (!said.mention(COLLECTORS)) {
				arguments.add(COLLECTOR);
			}
			if (!said.mention(HEAPS)) {
				arguments.add(HEAP);
			}
		}
		return arguments;
	}

	/** System properties that make the child fit this application. */
	static List<String> properties(JvmOptions said) {
		Map<String, String> properties = new TreeMap<>();
		properties.put("file.encoding", "UTF-8"); // as its output is read
		String prefix = (Runtime.version().feature() < STANDARD_ENCODINGS_SINCE) ? "sun." : "";
		properties.put(prefix + "stdout.encoding", "UTF-8");
		properties.put(prefix + "stderr.encoding", "UTF-8");
		addOwn("jna.", properties); // such as where it may unpack its library
		properties.remove("jna.loaded"); // which JNA itself sets, for this JVM
		PATHS.forEach((name) -> properties.computeIfPresent(name, (key, path) -> ClassPath.of(path).toString()));
		addOwn("loader.", properties); // such as where Boot's launcher finds more jars
		properties.remove("loader.main");
		properties.remove("loader.args");
		properties.keySet().removeIf(said::setProperty);
		return properties.entrySet().stream().map((entry) -> "-D" + entry.getKey() + '=' + entry.getValue()).toList();
	}

	private static void addOwn(String prefix, Map<String, String> properties) {
		for (String name : System.getProperties().stringPropertyNames()) {
			String value = System.getProperty(name);
			if (name.startsWith(prefix) && value != null) {
				properties.put(name, value);
			}
		}
	}

}
