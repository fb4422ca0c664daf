package dev.tinyipc.spring;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A JVM for a test: one that lives for seconds does not earn back what C2 costs. */
public final class JavaCommand {

	private JavaCommand() {
	}

	/**
	 * A command that can be added to.
	 * @param arguments those of the JVM, the class, and its own
	 */
	public static List<String> of(String... arguments) {
		List<String> command = new ArrayList<>(List.of(program("java"), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
		command.addAll(Arrays.asList(arguments));
		return command;
	}

	/** The path of a program of the JDK. */
	public static String program(String name) {
		return Path.of(System.getProperty("java.home"), "bin", name).toString();
	}

}
