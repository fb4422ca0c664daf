package dev.tinyipc.spring;

import java.util.List;
import java.util.Map;

import org.springframework.core.env.Environment;

/**
 * Makes the beans of children, from what their declarations and their settings say
 * together.
 */
public class ChildFactory {

	private final IpcSocketFactory socketFactory;

	private final Map<String, ChildSettings> settings;

	private final Environment environment;

	/**
	 * Creates a factory.
	 * @param socketFactory makes the sockets of the children
	 * @param settings of children, by name
	 * @param environment resolves placeholders
	 */
	public ChildFactory(IpcSocketFactory socketFactory, Map<String, ChildSettings> settings, Environment environment) {
		this.socketFactory = socketFactory;
		this.settings = settings;
		this.environment = environment;
	}

	/**
	 * Makes a child from its declaration, over which its settings take precedence.
	 * @param name the child's name
	 * @param command the declared program and its arguments, empty for none
	 * @param main the declared main class, empty for none
	 * @param jvmArguments the declared arguments of its JVM
	 * @return the child, not yet started
	 */
	public IpcChild child(String name, String[] command, String main, String[] jvmArguments) {
		ChildSettings own = this.settings.getOrDefault(name, new ChildSettings());
		ChildSettings settings = new ChildSettings();
		boolean redeclared = !own.getCommand().isEmpty() || own.getMain() != null;
		settings.setCommand(resolve(redeclared ? own.getCommand() : List.of(command)));
		settings.setMain(redeclared ? own.getMain() : (main.isEmpty() ? null : main));
		settings
			.setJvmArguments(resolve(own.getJvmArguments().isEmpty() ? List.of(jvmArguments) : own.getJvmArguments()));
		settings.setEnvironment(own.getEnvironment());
		settings.setDirectory(own.getDirectory());
		return new IpcChild(name, settings, this.socketFactory);
	}

	private List<String> resolve(List<String> texts) {
		return texts.stream().map(this.environment::resolveRequiredPlaceholders).toList();
	}

}
