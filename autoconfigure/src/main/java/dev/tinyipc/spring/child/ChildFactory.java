package dev.tinyipc.spring.child;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import dev.tinyipc.spring.IpcSocketFactory;
import org.jspecify.annotations.Nullable;

import org.springframework.core.env.Environment;

/**
 * Makes the beans of children, from what their declarations and their settings say
 * together.
 */
public class ChildFactory {

	private final IpcSocketFactory socketFactory;

	private final Map<String, ChildSettings> settings;

	private final Environment environment;

	private final JavaCommand java;

	private final ChildSupervisor supervisor = new ChildSupervisor();

	/**
	 * Creates a factory.
	 * @param socketFactory makes the sockets of the children
	 * @param settings of children, by name
	 * @param environment resolves placeholders
	 * @param archiveFolder where JVMs share classes between starts; null for nowhere
	 */
	public ChildFactory(IpcSocketFactory socketFactory, Map<String, ChildSettings> settings, Environment environment,
			@Nullable Path archiveFolder) {
		this.socketFactory = socketFactory;
		this.settings = settings;
		this.environment = environment;
		this.java = new JavaCommand((archiveFolder != null) ? new ClassArchives(archiveFolder) : null);
	}

	/**
	 * Makes a child from its declaration, over which its settings take precedence.
	 * @param name the child's name
	 * @param command the declared program and its arguments, empty for none
	 * @param main the declared main class, empty for none
	 * @param jvmArguments the declared arguments of its JVM
	 * @param instances how many processes were declared
	 * @return the child, not yet started
	 */
	public IpcChild child(String name, String[] command, String main, String[] jvmArguments, int instances) {
		ChildSettings settings = this.settings.computeIfAbsent(name, (absent) -> new ChildSettings());
		if (settings.getCommand().isEmpty() && settings.getMain() == null) {
			settings.setCommand(List.of(command));
			settings.setMain(main.isEmpty() ? null : main);
		}
		if (settings.getJvmArguments().isEmpty()) {
			settings.setJvmArguments(List.of(jvmArguments));
		}
		settings.setCommand(resolve(settings.getCommand()));
		settings.setJvmArguments(resolve(settings.getJvmArguments()));
		Integer configured = settings.getInstances();
		ChildSettingsCheck.check("ipc.children." + name, settings);
		int count = (configured != null) ? configured : instances;
		ChildLauncher launcher = new ChildLauncher(name, settings, count, this.socketFactory, this.java);
		return new IpcChild(name, count, settings, launcher, this.supervisor);
	}

	private List<String> resolve(List<String> texts) {
		return texts.stream().map(this.environment::resolveRequiredPlaceholders).toList();
	}

}
