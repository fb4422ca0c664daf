package dev.tinyipc.spring.child;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import dev.tinyipc.spring.IpcChannelFactory;
import dev.tinyipc.spring.IpcSocketFactory;
import org.jspecify.annotations.Nullable;

import org.springframework.beans.factory.DisposableBean;
import org.springframework.core.env.Environment;

/**
 * Makes the beans of children, from what their declarations and their settings say
 * together.
 */
public class ChildFactory implements DisposableBean {

	private final IpcSocketFactory socketFactory;

	private final IpcChannelFactory channelFactory;

	private final Map<String, ChildSettings> settings;

	private final Environment environment;

	private final @Nullable ClassArchives archives;

	private final ChildSupervisor supervisor = new ChildSupervisor();

	private final IdleWatch watch = new IdleWatch();

	/**
	 * Creates a factory.
	 * @param socketFactory makes the sockets of the children
	 * @param channelFactory makes the channels over them
	 * @param settings of children, by name
	 * @param environment resolves placeholders in declarations
	 * @param classSharing whether JVMs share classes between starts
	 * @param archiveFolder where they do; null for the default
	 */
	public ChildFactory(IpcSocketFactory socketFactory, IpcChannelFactory channelFactory,
			Map<String, ChildSettings> settings, Environment environment, boolean classSharing,
			@Nullable Path archiveFolder) {
		this.socketFactory = socketFactory;
		this.channelFactory = channelFactory;
		this.settings = settings;
		this.environment = environment;
		this.archives = classSharing ? new ClassArchives(archiveFolder) : null;
	}

	/**
	 * Makes a child from its declaration, over which its settings take precedence.
	 * @param name the child's name
	 * @param command the declared program and its arguments, empty for none
	 * @param main the declared main class, empty for none
	 * @param jvmArguments the declared arguments of its JVM
	 * @param instances how many processes were declared
	 * @param oneWay whether the child was declared to answer no requests
	 * @return the child, not yet started
	 */
	public IpcChild child(String name, String[] command, String main, String[] jvmArguments, int instances,
			boolean oneWay) {
		ChildSettings settings = this.settings.containsKey(name) ? this.settings.get(name) : ChildSettings.defaults();
		boolean runsSomethingElse = !settings.command().isEmpty() || settings.main() != null;
		ChildSpec spec = new ChildSpec(name, runsSomethingElse ? settings.command() : resolve(command),
				runsSomethingElse ? settings.main() : (main.isEmpty() ? null : main),
				settings.jvmArguments().isEmpty() ? resolve(jvmArguments) : settings.jvmArguments(),
				(settings.instances() != null) ? settings.instances() : instances,
				(settings.oneWay() != null) ? settings.oneWay() : oneWay, settings);
		return new IpcChild(spec, new ChildLauncher(spec, this.socketFactory, this.channelFactory, this.archives),
				this.supervisor, this.watch);
	}

	/** Called by the container. */
	@Override
	public void destroy() {
		this.watch.close();
	}

	/** Only what a declaration says: Boot has resolved the settings already. */
	private List<String> resolve(String[] declared) {
		return List.of(declared).stream().map(this.environment::resolveRequiredPlaceholders).toList();
	}

}
