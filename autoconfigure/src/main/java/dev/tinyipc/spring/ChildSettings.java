package dev.tinyipc.spring;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * What can be said of a child in {@code ipc.children.<name>.*}. What is said here takes
 * precedence over {@link ChildProcess @ChildProcess}.
 */
public class ChildSettings {

	/**
	 * Program to run and its arguments.
	 */
	private List<String> command = new ArrayList<>();

	/**
	 * Class on the application's own class path to run in a JVM of its own, instead of a
	 * program.
	 */
	private @Nullable String main;

	/**
	 * Arguments for the JVM that runs the main class, behind the defaults.
	 */
	private List<String> jvmArguments = new ArrayList<>();

	/**
	 * Variables to add to the child's environment.
	 */
	private Map<String, String> environment = new LinkedHashMap<>();

	/**
	 * Working directory of the child.
	 */
	private @Nullable Path directory;

	public List<String> getCommand() {
		return this.command;
	}

	public void setCommand(List<String> command) {
		this.command = command;
	}

	public @Nullable String getMain() {
		return this.main;
	}

	public void setMain(@Nullable String main) {
		this.main = main;
	}

	public List<String> getJvmArguments() {
		return this.jvmArguments;
	}

	public void setJvmArguments(List<String> jvmArguments) {
		this.jvmArguments = jvmArguments;
	}

	public Map<String, String> getEnvironment() {
		return this.environment;
	}

	public void setEnvironment(Map<String, String> environment) {
		this.environment = environment;
	}

	public @Nullable Path getDirectory() {
		return this.directory;
	}

	public void setDirectory(@Nullable Path directory) {
		this.directory = directory;
	}

}
