package dev.tinyipc.spring.listener;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadFactory;
import java.util.stream.Collectors;

import dev.tinyipc.IpcInstrumentation;
import dev.tinyipc.IpcServer;
import dev.tinyipc.IpcServerBuilder;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.RequestGate;
import dev.tinyipc.spring.ChildCalls;
import dev.tinyipc.spring.IpcDestination;
import dev.tinyipc.spring.IpcListener;
import dev.tinyipc.spring.child.ParentDestination;
import org.jspecify.annotations.Nullable;

import org.springframework.beans.factory.SmartInitializingSingleton;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.ApplicationArguments;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.context.ApplicationListener;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.annotation.ImportRuntimeHints;
import org.springframework.util.Assert;
import org.springframework.validation.Validator;

/**
 * The containers of {@link IpcListener @IpcListener} methods and classes: one for each
 * destination, by its name. One that is stopped finishes what it works on, and refuses
 * further requests until it is started again.
 */
@ImportRuntimeHints(RequestPayload.Hints.class)
public class IpcListenerEndpointRegistry
		implements SmartInitializingSingleton, ApplicationListener<ApplicationReadyEvent> {

	private static final String PARENT = "parent";

	/** Before the children, which may call as soon as they run, and after their end. */
	private static final int PHASE_FOR_CHILDREN = SmartLifecycle.DEFAULT_PHASE - 4097;

	/**
	 * Whoever answers the parent needs all the rest, so it starts last and stops first.
	 */
	private static final int PHASE_FOR_PARENT = SmartLifecycle.DEFAULT_PHASE;

	private final ConfigurableListableBeanFactory beanFactory;

	private final Settings settings;

	private final Map<String, ListenerContainer> containers = new LinkedHashMap<>();

	/** Null if nothing listens to the parent. */
	private @Nullable ParentConnection parent;

	/**
	 * Creates a registry without containers, to be made when all beans are there.
	 * @param beanFactory holds the listeners and the destinations
	 * @param settings what listeners have in common
	 */
	public IpcListenerEndpointRegistry(ConfigurableListableBeanFactory beanFactory, Settings settings) {
		this.beanFactory = beanFactory;
		this.settings = settings;
	}

	/**
	 * What listeners have in common.
	 *
	 * @param autoStartup whether containers start with the application
	 * @param concurrency how many requests of the parent are served at a time, unless a
	 * listener says otherwise
	 * @param threads creates the threads; null for platform threads
	 * @param validator validates payloads; null if they are not validated
	 */
	public record Settings(boolean autoStartup, int concurrency, @Nullable ThreadFactory threads,
			@Nullable Validator validator) {

	}

	/**
	 * The container of a destination.
	 * @param id the name of the destination
	 * @return the container; null if nothing listens to that destination
	 */
	public @Nullable SmartLifecycle getListenerContainer(String id) {
		return this.containers.get(id);
	}

	/**
	 * The destinations that have listeners.
	 * @return their names
	 */
	public Set<String> getListenerContainerIds() {
		return Collections.unmodifiableSet(this.containers.keySet());
	}

	/**
	 * All containers.
	 * @return one for each destination that has listeners
	 */
	public Collection<? extends SmartLifecycle> getListenerContainers() {
		return Collections.unmodifiableCollection(this.containers.values());
	}

	/**
	 * Finds the listeners.
	 * @throws IllegalStateException if one cannot be used, two serve one method, or there
	 * is no such destination
	 */
	@Override
	public void afterSingletonsInstantiated() {
		List<ListenerEndpoint> endpoints = new ListenerScanner(this.beanFactory, this.settings.validator()).scan();
		if (endpoints.isEmpty()) {
			return;
		}
		Map<ConfigurationPropertyName, IpcDestination> destinations = destinations();
		endpoints.stream()
			.collect(Collectors.groupingBy((endpoint) -> uniform(endpoint.destination()), LinkedHashMap::new,
					Collectors.toList()))
			.forEach((name, ofDestination) -> create(destinations.get(name), ofDestination, destinations.values()));
	}

	/**
	 * The children of this context, which looks for handlers of their calls, and the
	 * parent.
	 */
	private Map<ConfigurationPropertyName, IpcDestination> destinations() {
		Map<ConfigurationPropertyName, IpcDestination> destinations = new HashMap<>();
		this.beanFactory.getBeansOfType(IpcDestination.class)
			.values()
			.forEach((destination) -> destinations.put(uniform(destination.name()), destination));
		this.beanFactory.getBeanProvider(ParentDestination.class)
			.ifAvailable((parent) -> destinations.put(uniform(PARENT), parent));
		return destinations;
	}

	private void create(@Nullable IpcDestination destination, List<ListenerEndpoint> endpoints,
			Collection<IpcDestination> known) {
		String name = endpoints.get(0).destination();
		if (destination == null && name.equals(PARENT) && !this.settings.autoStartup()) {
			return; // a test of what a child does, for one
		}
		Assert.state(destination != null, () -> unknown(endpoints.get(0), known));
		checkUnique(endpoints);
		int concurrency = concurrency(endpoints);
		RequestGate gate = new RequestGate();
		if (destination instanceof ParentDestination parent) {
			IpcServerBuilder handlers = IpcServer.builder()
				.instrumentation(PARENT, this.beanFactory.getBeanProvider(IpcInstrumentation.class)
					.getIfAvailable(() -> IpcInstrumentation.NONE));
			configure(handlers, endpoints, gate, (concurrency != 0) ? concurrency : this.settings.concurrency());
			ParentConnection connection = new ParentConnection(parent, handlers, !isStartedByBoot());
			this.parent = connection;
			register(PARENT, PHASE_FOR_PARENT, gate, connection::open);
		}
		else {
			this.beanFactory.registerSingleton("ipcListenerCalls#" + destination.name(),
					new ChildCalls(destination.name(), (builder) -> configure(builder, endpoints, gate, concurrency)));
			register(destination.name(), PHASE_FOR_CHILDREN, gate, () -> {
			});
		}
	}

	/** If not, nobody publishes an {@link ApplicationReadyEvent}. */
	private boolean isStartedByBoot() {
		return this.beanFactory.getBeanProvider(ApplicationArguments.class).getIfAvailable() != null;
	}

	private void configure(IpcServerBuilder builder, List<ListenerEndpoint> endpoints, RequestGate gate,
			int concurrency) {
		if (concurrency != 0) {
			builder.threads(concurrency);
		}
		if (this.settings.threads() != null) {
			builder.threadFactory(this.settings.threads());
		}
		endpoints.forEach((endpoint) -> endpoint.handlers().accept(builder));
		builder.gate(gate);
	}

	/** The context starts and stops beans of this type. */
	private void register(String id, int phase, RequestGate gate, Runnable whenStarted) {
		ListenerContainer container = new ListenerContainer(id, phase, this.settings.autoStartup(), gate, whenStarted);
		this.containers.put(id, container);
		this.beanFactory.registerSingleton("ipcListenerContainer#" + id, container);
	}

	private static String unknown(ListenerEndpoint endpoint, Collection<IpcDestination> known) {
		if (endpoint.destination().equals(PARENT)) {
			return "The listener " + endpoint.description() + " is for requests of the parent, but this application was"
					+ " not started as a child: the environment variable " + IpcSocket.FD_VARIABLE + " is not set. "
					+ (known.isEmpty() ? ""
							: "If the bean belongs to one of its children (" + names(known)
									+ "), move it to a package that this application does not scan. ")
					+ "If this application is the child, declare it with @ChildProcess in the one that calls it, or"
					+ " set ipc.listener.auto-startup=false to run it without a parent, as in a test";
		}
		return "The listener " + endpoint.description() + " is for calls of '" + endpoint.destination()
				+ "', but there is no such child. "
				+ (known.isEmpty() ? "There are no children" : "There are: " + names(known));
	}

	private static String names(Collection<IpcDestination> destinations) {
		return destinations.stream().map(IpcDestination::name).sorted().collect(Collectors.joining(", "));
	}

	private static void checkUnique(List<ListenerEndpoint> endpoints) {
		Map<String, ListenerEndpoint> byMethod = new HashMap<>();
		for (ListenerEndpoint endpoint : endpoints) {
			for (String method : endpoint.methods()) {
				ListenerEndpoint other = byMethod.put(method, endpoint);
				Assert.state(other == null, () -> "There are two listeners for "
						+ (method.isEmpty() ? "requests without a method" : "the method '" + method + '\'') + " of '"
						+ endpoint.destination() + "': " + other.description() + " and " + endpoint.description());
			}
		}
	}

	/** 0 if no listener says it. */
	private static int concurrency(List<ListenerEndpoint> endpoints) {
		List<ListenerEndpoint> choices = endpoints.stream().filter((endpoint) -> endpoint.concurrency() != 0).toList();
		List<String> all = new ArrayList<>();
		choices.forEach((endpoint) -> all.add(endpoint.concurrency() + " by " + endpoint.description()));
		Assert.state(choices.stream().map(ListenerEndpoint::concurrency).distinct().count() <= 1,
				() -> "The listeners of '" + endpoints.get(0).destination()
						+ "' share one concurrency, but there are several: " + String.join(", ", all));
		return choices.isEmpty() ? 0 : choices.get(0).concurrency();
	}

	/**
	 * Has the parent told that the application is ready.
	 * @param event that of this application, and of those in contexts below it
	 */
	@Override
	public void onApplicationEvent(ApplicationReadyEvent event) {
		ParentConnection parent = this.parent;
		if (parent != null && event.getApplicationContext().getBeanFactory() == this.beanFactory) {
			parent.applicationStarted();
		}
	}

	/** Compares as Boot compares the names of properties. */
	private static ConfigurationPropertyName uniform(String name) {
		return ConfigurationPropertyName.adapt(name, '.');
	}

}
