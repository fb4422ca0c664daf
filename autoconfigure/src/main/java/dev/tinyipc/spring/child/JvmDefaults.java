package dev.tinyipc.spring.child;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

import com.sun.management.OperatingSystemMXBean;

import org.springframework.util.ClassUtils;

/**
 * Default arguments of a JVM child. Each one is omitted if the user sets anything
 * similar, because some combinations would keep the JVM from starting: a second
 * collector, or a maximum heap size below the initial one.
 */
final class JvmDefaults {

	/**
	 * A worker is small and should start quickly: this collector needs no threads. With
	 * only the first compiler it would start faster still, but stay slower.
	 */
	private static final String COLLECTOR = "-XX:+UseSerialGC";

	private static final Pattern COLLECTORS = Pattern.compile("-XX:[+-]Use\\w+GC");

	/** A heap that leaves most of the memory to the application. */
	private static final String HEAP = "-Xmx128m";

	private static final Pattern HEAPS = Pattern.compile("-X?m[nsx]\\d.*"
			+ "|-XX:[+-]?\\w*(HeapSize|NewSize|OldSize|MaxRAM|RAMPercentage|RAMFraction|AggressiveHeap)(=.*)?");

	private static final Pattern MEMORY = Pattern.compile("-XX:MaxRAM=.*");

	private static final List<String> USER = List.of("user.name", "user.home");

	private static final Pattern PROCESSORS = Pattern.compile("-XX:ActiveProcessorCount=.*");

	private static final int STANDARD_ENCODINGS_SINCE = 19;

	/** Properties whose values must not depend on the child's working directory. */
	private static final List<String> PATHS = List.of("jna.tmpdir", "jna.library.path", "jna.boot.library.path",
			"jna.platform.library.path");

	private static final String DEVTOOLS = "org.springframework.boot.devtools.restart.Restarter";

	private JvmDefaults() {
	}

	/** The collector and heap size of a small worker, unless the user has set them. */
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

	/**
	 * What a JVM that is locked down cannot find out itself: the memory and processors
	 * that its container may use, and its user.
	 */
	static List<String> surroundings(JvmOptions said) {
		List<String> arguments = new ArrayList<>();
		if (ClassUtils.isPresent(Memory.BEAN, null) && !said.areInFile() && !said.mention(MEMORY)) {
			arguments.add("-XX:MaxRAM=" + Memory.size());
		}
		if (!said.areInFile() && !said.mention(PROCESSORS)) {
			arguments.add("-XX:ActiveProcessorCount=" + Runtime.getRuntime().availableProcessors());
		}
		for (String name : USER) {
			String value = System.getProperty(name);
			if (value != null && !said.setProperty(name)) {
				arguments.add("-D" + name + '=' + value);
			}
		}
		return arguments;
	}

	/** System properties that match those of this application. */
	static List<String> properties(JvmOptions said) {
		Map<String, String> properties = new TreeMap<>();
		properties.put("file.encoding", "UTF-8"); // the encoding in which its output is
													// read
		String prefix = (Runtime.version().feature() < STANDARD_ENCODINGS_SINCE) ? "sun." : "";
		properties.put(prefix + "stdout.encoding", "UTF-8");
		properties.put(prefix + "stderr.encoding", "UTF-8");
		addOwn("jna.", properties); // such as the directory to unpack its library in
		properties.remove("jna.loaded"); // set by JNA itself, for this JVM
		PATHS.forEach((name) -> properties.computeIfPresent(name, (key, path) -> ClassPath.of(path).toString()));
		addOwn("loader.", properties); // such as the path of further jars
		properties.remove("loader.main");
		properties.remove("loader.args");
		if (ClassPath.isOnClassPath(DEVTOOLS)) {
			// The restart of this application restarts its children; none does it itself.
			properties.put("spring.devtools.restart.enabled", "false");
		}
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

	/** In a module that an installation may lack. */
	private static final class Memory {

		static final String BEAN = "com.sun.management.OperatingSystemMXBean";

		/** Of the machine or the container, in bytes. */
		static long size() {
			return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
		}

	}

}
