package dev.tinyipc.spring.child;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import dev.tinyipc.IpcInstrumentation;
import dev.tinyipc.IpcMapperCustomizer;
import dev.tinyipc.IpcProcess;
import dev.tinyipc.IpcServer;
import dev.tinyipc.Sandbox;
import dev.tinyipc.spring.ChildCalls;
import dev.tinyipc.spring.ChildStartException;
import dev.tinyipc.spring.IpcChannelFactory;
import dev.tinyipc.spring.IpcSocketFactory;
import org.jspecify.annotations.Nullable;

import org.springframework.beans.factory.DisposableBean;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.core.env.Environment;
import org.springframework.util.PlaceholderResolutionException;

/**
 * Creates the beans of children from their declarations and settings.
 */
public class ChildFactory implements DisposableBean {

	private final IpcSocketFactory socketFactory;

	private final IpcChannelFactory channelFactory;

	private final Map<ConfigurationPropertyName, ChildSettings> settings = new HashMap<>();

	private final Environment environment;

	private final Options options;

	private final ObjectProvider<ChildCalls> calls;

	private final ObjectProvider<IpcInstrumentation> instrumentation;

	private final @Nullable ClassArchives archives;

	private final Ancestry ancestry;

	private final ChildSupervisor supervisor = new ChildSupervisor();

	private final IdleWatch watch = new IdleWatch();

	private final MemoryWatch memoryWatch = new MemoryWatch(this.supervisor);

	private final ControlGroup.Factory groups = new ControlGroupTree(Path.of("/proc/self"), Path.of("/sys/fs/cgroup"),
			this.supervisor);

	private final ChildEvents events;

	private final ObjectProvider<InProcessChildren> inProcess;

	/**
	 * Creates a factory for the children of one application.
	 * @param socketFactory creates the sockets of the children
	 * @param channelFactory creates the channels over them
	 * @param settings the settings of children, by name
	 * @param environment resolves placeholders in declarations, and says whether this
	 * process is itself a child
	 * @param options the options that all children have in common
	 * @param calls answer the calls of children
	 * @param instrumentation accompanies these calls, if there is one
	 * @param publisher publishes {@link IpcChildEvent}s
	 * @param inProcess has the programs that run in place of processes, if there are any
	 */
	public ChildFactory(IpcSocketFactory socketFactory, IpcChannelFactory channelFactory,
			Map<String, ChildSettings> settings, Environment environment, Options options,
			ObjectProvider<ChildCalls> calls, ObjectProvider<IpcInstrumentation> instrumentation,
			ApplicationEventPublisher publisher, ObjectProvider<InProcessChildren> inProcess) {
		this.socketFactory = socketFactory;
		this.channelFactory = channelFactory;
		// Different spellings of one name have the same settings: Boot has merged them.
		settings.forEach((name, ofChild) -> this.settings.put(uniform(name), ofChild));
		this.environment = environment;
		this.options = options;
		this.calls = calls;
		this.instrumentation = instrumentation;
		this.events = new ChildEvents(publisher);
		this.inProcess = inProcess;
		this.archives = options.classSharing() ? new ClassArchives(options.archiveFolder()) : null;
		this.ancestry = Ancestry.of(environment, options.startNested());
	}

	/**
	 * Creates a child from its declaration, over which its settings take precedence.
	 * @param name the child's name
	 * @param command the declared program and its arguments, empty for none
	 * @param main the declared main class, empty for none
	 * @param jvmArguments the declared arguments of its JVM
	 * @param instances the declared number of processes
	 * @param concurrency the declared number of requests that each serves at a time
	 * @param oneWay whether the child was declared to answer no requests
	 * @param ready whether the child was declared to say hello once it is ready
	 * @param zygote whether the processes were declared to be forked from one
	 * @param profile the declared profile of its sandbox
	 * @return the child, not yet started
	 */
	public IpcChild child(String name, String[] command, String main, String[] jvmArguments, int instances,
			int concurrency, boolean oneWay, boolean ready, boolean zygote, Sandbox.Profile profile) {
		ChildSettings found = this.settings.get(uniform(name));
		ChildSettings settings = (found != null) ? found : ChildSettings.defaults();
		boolean runsSomethingElse = !settings.command().isEmpty() || settings.main() != null;
		InProcessChildren inProcess = this.inProcess.getIfAvailable();
		IpcProcess.Program program = (inProcess != null) ? inProcess.program(name) : null;
		// What a test does not run need not be known there.
		String[] declaredCommand = (inProcess != null) ? new String[0] : command;
		String mainClass = runsSomethingElse ? settings.main() : (main.isEmpty() ? null : main);
		boolean isOneWay = (settings.oneWay() != null) ? settings.oneWay() : oneWay;
		ChildSettings.Transport transport = (program != null) ? ChildSettings.Transport.SOCKET
				: transport(settings, isOneWay);
		ChildSpec spec = new ChildSpec(name, runsSomethingElse ? settings.command() : resolve(name, declaredCommand),
				mainClass, settings.jvmArguments().isEmpty() ? resolve(name, jvmArguments) : settings.jvmArguments(),
				(settings.instances() != null) ? settings.instances() : instances,
				(settings.concurrency() != null) ? settings.concurrency() : concurrency, isOneWay,
				isReady(settings, transport, ready), (settings.zygote() != null) ? settings.zygote() : zygote,
				transport, (settings.sandbox().profile() != null) ? settings.sandbox().profile() : profile,
				environment(name, mainClass != null, settings), (inProcess != null && program == null)
						? "nothing runs in its place in this test" : reasonNotToStart(name, settings),
				settings);
		return new IpcChild(spec,
				new ChildLauncher(spec, this.socketFactory, this.channelFactory, this.archives, program, this.groups,
						this.supervisor),
				this.supervisor, this.watch, this.memoryWatch,
				new CallServer(spec, this.channelFactory, this.calls, this.instrumentation), this.events);
	}

	/** Stops watching the sockets of idle instances, and publishing events. */
	@Override
	public void destroy() {
		this.watch.close();
		this.events.close();
	}

	/** What applies to all children applies to those that can say what they do. */
	private ChildSettings.Transport transport(ChildSettings settings, boolean oneWay) {
		ChildSettings.Transport ofAll = oneWay ? ChildSettings.Transport.SOCKET : this.options.transport();
		return (settings.transport() != null) ? settings.transport() : ofAll;
	}

	/** Only its hello says that a child shares memory. */
	private static boolean isReady(ChildSettings settings, ChildSettings.Transport transport, boolean declared) {
		return transport == ChildSettings.Transport.MEMORY
				|| ((settings.ready() != null) ? settings.ready() : declared);
	}

	/** For declarations only: Boot has already resolved placeholders in settings. */
	private List<String> resolve(String child, String[] declared) {
		try {
			return List.of(declared).stream().map(this.environment::resolveRequiredPlaceholders).toList();
		}
		catch (PlaceholderResolutionException ex) {
			// Without the value that contains it, which may be a secret.
			throw new ChildStartException(child,
					"the placeholder ${" + ex.getPlaceholder() + "} in its declaration cannot be resolved", null);
		}
	}

	private Map<String, String> environment(String name, boolean isJava, ChildSettings settings) {
		Map<String, String> environment = new HashMap<>();
		environment.put(Ancestry.VARIABLE, this.ancestry.pathOf(name));
		if (isJava && this.options.mapperCustomizer() != null) {
			environment.put(IpcServer.MAPPER_CUSTOMIZER_VARIABLE, this.options.mapperCustomizer().getName());
		}
		environment.putAll(settings.environment());
		return environment;
	}

	private @Nullable String reasonNotToStart(String name, ChildSettings settings) {
		if (!this.options.enabled()) {
			return "no children are started: see ipc.enabled";
		}
		if (!settings.enabled()) {
			return "it is not enabled: see ipc.children." + name + ".enabled";
		}
		return this.ancestry.reasonNotToStart(name);
	}

	/** Compares as Boot compares the names of properties. */
	static ConfigurationPropertyName uniform(String name) {
		return ConfigurationPropertyName.adapt(name, '.');
	}

	/**
	 * The options that all children have in common.
	 *
	 * @param enabled whether children are started at all
	 * @param transport the way of the messages to those whose settings name none
	 * @param startNested whether a process that is itself a child starts children
	 * @param classSharing whether JVMs share classes between starts
	 * @param archiveFolder the folder of the shared classes; null for the default
	 * @param mapperCustomizer customizes the mappers of main classes; null for none
	 */
	public record Options(boolean enabled, ChildSettings.Transport transport, boolean startNested, boolean classSharing,
			@Nullable Path archiveFolder, @Nullable Class<? extends IpcMapperCustomizer> mapperCustomizer) {

	}

}
