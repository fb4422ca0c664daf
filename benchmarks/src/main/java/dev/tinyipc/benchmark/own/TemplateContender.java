package dev.tinyipc.benchmark.own;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import dev.tinyipc.OwnedFd;
import dev.tinyipc.benchmark.Contender;
import dev.tinyipc.benchmark.Order;
import dev.tinyipc.spring.CborMessageOperations;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.child.IpcChild;

import org.springframework.boot.Banner;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;

/** {@code CborMessageTemplate} in an application with the starter, to its worker. */
public final class TemplateContender implements Contender {

	private static final int WITH_NEW_START = 25;

	private static final int POOL_CALLERS = 32;

	private static final Duration TIME_TO_OPEN = Duration.ofMillis(300);

	private final List<String> childFlags;

	/** Made by the harness: the worker runs as the starter starts it. */
	public TemplateContender() {
		this(List.of());
	}

	/**
	 * Made by the harness.
	 * @param childFlags further flags for the worker's JVM
	 */
	public TemplateContender(List<String> childFlags) {
		this.childFlags = childFlags;
	}

	@Override
	public Session prepare(String work, List<String> parameters) throws Exception {
		switch (work) {
			case "callers" -> {
				return new CallersSession(callers(parameters.get(1)), Integer.parseInt(parameters.get(0)),
						Order::sample);
			}
			case "pool" -> {
				return new CallersSession(pool(parameters.get(0)), POOL_CALLERS, Integer::valueOf);
			}
			case "fetch" -> {
				return fetch(parameters.get(0));
			}
			case "idle" -> {
				if (parameters.get(0).equals("8-lanes")) {
					return new IdleSession(lanes());
				}
				int children = Integer.parseInt(parameters.get(0));
				if (children > 1) {
					throw new CannotException("each socket is a process");
				}
				return new IdleSession(start("order", children));
			}
			case "spawn" -> {
				checkChild(parameters.get(0));
				return new WorkerSpawnSession(start("order", 1));
			}
			default -> {
				return TypedSession.prepare(start(TypedSession.childType(work), 1), work, parameters);
			}
		}
	}

	private static void checkChild(String child) throws CannotException {
		boolean ours = child.equals("java")
				|| (child.equals("java-25") && Runtime.version().feature() >= WITH_NEW_START);
		if (!ours) {
			throw new CannotException("another child, or on another JDK");
		}
	}

	/** Such as {@code 2x4}: two processes, each with four lanes. */
	private Template callers(String pool) {
		String[] sizes = pool.split("x");
		int lanes = Integer.parseInt(sizes[1]);
		return start((lanes == 1) ? "order" : "order-by-lanes", Integer.parseInt(sizes[0]),
				Map.of("concurrency", lanes));
	}

	/** The same number of places to be served in, in processes or in one process. */
	private Template pool(String places) throws CannotException {
		return switch (places) {
			case "instances" -> start("number", ServedChild.LANES);
			case "lanes" -> start("number", 1, Map.of("concurrency", ServedChild.LANES));
			default -> throw new CannotException("no such pool");
		};
	}

	/** As many lanes as one child has, each of which was used. */
	private Template lanes() throws Exception {
		Template template = pool("lanes");
		try (CallersSession callers = new CallersSession(template, POOL_CALLERS, Integer::valueOf)) {
			while (template.child().instances().get(0).lanes() < ServedChild.LANES) {
				callers.run(TIME_TO_OPEN);
			}
		}
		return template;
	}

	private Session fetch(String how) throws Exception {
		Template template = start("fetch", 1);
		CborMessageOperations orders = template.template().method(how);
		return FetchSession.prepare(template, switch (how) {
			case "list" -> (count) -> List.of(orders.convertSendAndReceive(count, Order[].class));
			case "stream" -> (count) -> {
				try (Stream<Order> elements = orders.convertSendAndStream(count, Order.class)) {
					return elements.toList();
				}
			};
			default -> throw new CannotException("no such reply");
		});
	}

	/**
	 * For single operations.
	 * @return an application with a worker
	 */
	public static Exchanges exchanges() {
		Template template = new TemplateContender().start("order", 1);
		return new Exchanges() {

			@Override
			public Order exchange(Order order) {
				return template.exchange(order, Order.class);
			}

			@Override
			public void close() {
				template.close();
			}

		};
	}

	/** Typed objects to a worker and back. */
	public interface Exchanges extends AutoCloseable {

		/**
		 * Has an order echoed.
		 * @param order the order
		 * @return its equal
		 */
		Order exchange(Order order);

		@Override
		void close();

	}

	private Template start(String type, int instances) {
		return start(type, instances, Map.of());
	}

	private Template start(String type, int instances, Map<String, ?> settings) {
		List<String> flags = new ArrayList<>(List.of("-Dtype=" + type));
		if (!type.equals("order")) {
			flags.add("-Xmx256m"); // messages of 16 MiB
		}
		flags.addAll(this.childFlags);
		Map<String, Object> properties = new HashMap<>();
		Class<?> main = type.equals("count") ? ChannelChild.class : ServedChild.class;
		properties.put("ipc.children.worker.main", main.getName());
		properties.put("ipc.children.worker.jvm-arguments", String.join(",", flags));
		properties.put("ipc.children.worker.instances", Math.max(1, instances));
		properties.put("ipc.children.worker.enabled", instances > 0);
		// It answers the last message alone.
		properties.put("ipc.children.worker.one-way", type.equals("count"));
		settings.forEach((name, value) -> properties.put("ipc.children.worker." + name, value));
		// As all contenders of the table, unless a suite says otherwise.
		properties.put("ipc.transport", "socket");
		properties.put("ipc.template.max-message-size", "64MB");
		properties.put("logging.level.root", "warn");
		SpinTime.wanted().ifPresent((limit) -> properties.put("ipc.children.worker.spin-time", limit));
		ConfigurableApplicationContext context = new SpringApplicationBuilder(Application.class)
			.bannerMode(Banner.Mode.OFF)
			.properties(properties)
			.run();
		return new Template(context, context.getBean(CborMessageTemplate.class));
	}

	/** The application. */
	@Configuration(proxyBeanMethods = false)
	@EnableAutoConfiguration
	static class Application {

	}

	/** An application that runs. */
	record Template(ConfigurableApplicationContext context, CborMessageTemplate template) implements TypedSession.Peer {

		@Override
		public void send(Object payload) {
			this.template.convertAndSend(payload);
		}

		@Override
		public <R> R receive(Class<R> type) throws IOException {
			R payload = this.template.receiveAndConvert(type);
			if (payload == null) {
				throw new IOException("no message came in the receive timeout");
			}
			return payload;
		}

		@Override
		public <R> R exchange(Object payload, Class<R> type, OwnedFd... descriptors) {
			return this.template.convertSendAndReceive(payload, type, descriptors);
		}

		IpcChild child() {
			return this.context.getBean(IpcChild.class);
		}

		@Override
		public void close() {
			this.context.close();
		}

	}

}
