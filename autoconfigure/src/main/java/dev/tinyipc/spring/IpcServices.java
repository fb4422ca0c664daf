package dev.tinyipc.spring;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

import org.springframework.beans.factory.ObjectProvider;
import org.springframework.context.SmartLifecycle;

/**
 * Makes the beans of {@link ImportIpcServices @ImportIpcServices}, and compares them with
 * what their destinations can do once those are started.
 */
class IpcServices implements SmartLifecycle {

	/** Right after the children, and before the web server. */
	private static final int PHASE = SmartLifecycle.DEFAULT_PHASE - 4095;

	private final ObjectProvider<CborMessageOperations> operations;

	private final ObjectProvider<IpcDestination> destinations;

	private final List<Client> clients = new CopyOnWriteArrayList<>();

	private volatile boolean running;

	IpcServices(ObjectProvider<CborMessageOperations> operations, ObjectProvider<IpcDestination> destinations) {
		this.operations = operations;
		this.destinations = destinations;
	}

	/** A client that was made. */
	private record Client(String destination, Class<?> type) {

	}

	/** The factory method of the beans that are registered for clients. */
	<T> T client(String destination, Class<T> type) {
		T client = IpcServiceProxyFactory.builder(this.operations.getObject())
			.destination(destination)
			.build()
			.createClient(type);
		Client made = new Client(destination, type);
		this.clients.add(made);
		if (this.running) {
			check(made);
		}
		return client;
	}

	@Override
	public void start() {
		this.clients.forEach(this::check);
		this.running = true;
	}

	private void check(Client client) {
		this.destinations.stream()
			.filter((destination) -> destination.name().equals(client.destination()))
			.forEach((destination) -> IpcServiceProxyFactory.checkMethods(client.type(), destination));
	}

	@Override
	public void stop() {
		this.running = false;
	}

	@Override
	public boolean isRunning() {
		return this.running;
	}

	@Override
	public int getPhase() {
		return PHASE;
	}

}
