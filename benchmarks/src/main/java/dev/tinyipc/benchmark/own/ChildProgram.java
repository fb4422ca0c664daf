package dev.tinyipc.benchmark.own;

import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** How children are started that are not started by the starter. */
public final class ChildProgram {

	private ChildProgram() {
	}

	/** The child in C, which {@code benchmarks/run} compiled. */
	static List<String> c(String... arguments) {
		List<String> command = new ArrayList<>();
		command.add(Path.of("target", "native", "child").toString());
		command.addAll(List.of(arguments));
		return command;
	}

	/**
	 * A class in a JVM with the flags that the starter gives to a worker.
	 * @param more flags that come behind those, and so win
	 * @param main the class
	 * @param arguments its arguments
	 * @return the command
	 */
	public static List<String> java(List<String> more, Class<?> main, String... arguments) {
		List<String> command = new ArrayList<>();
		command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
		command.addAll(workerFlags());
		command.add("--enable-native-access=ALL-UNNAMED");
		command.addAll(more);
		command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
		command.addAll(List.of(arguments));
		return command;
	}

	/** Asked of the starter itself, so that what is measured is what it does. */
	@SuppressWarnings("unchecked")
	private static List<String> workerFlags() {
		try {
			Class<?> options = Class.forName("dev.tinyipc.spring.child.JvmOptions");
			Constructor<?> create = options.getDeclaredConstructor(List.class);
			create.setAccessible(true);
			Method sizes = Class.forName("dev.tinyipc.spring.child.JvmDefaults").getDeclaredMethod("sizes", options);
			sizes.setAccessible(true);
			return (List<String>) sizes.invoke(null, create.newInstance(List.of()));
		}
		catch (ReflectiveOperationException ex) {
			throw new IllegalStateException("The starter's flags for a worker are not where they were", ex);
		}
	}

}
