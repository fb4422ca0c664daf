package dev.tinyipc.spring.actuate;

import java.time.Duration;

import dev.tinyipc.spring.IpcBusyException;
import dev.tinyipc.spring.IpcMessagingException;
import dev.tinyipc.spring.IpcObserver;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.BaseUnits;

/**
 * Records messages in Micrometer, with the tag {@code destination}:
 * {@code ipc.messages.sent} and {@code .received}, {@code ipc.bytes.*} on the wire,
 * {@code ipc.descriptors.*}, the time of each {@code ipc.exchange}, {@code ipc.errors},
 * and, for calls that wait for an instance, {@code ipc.acquire} and
 * {@code ipc.acquire.failures}.
 */
public class MicrometerIpcObserver implements IpcObserver {

	private final MeterRegistry registry;

	/**
	 * Creates an observer that uses a registry.
	 * @param registry the registry to add the meters to
	 */
	public MicrometerIpcObserver(MeterRegistry registry) {
		this.registry = registry;
	}

	@Override
	public Destination destination(String name) {
		return new Meters(this.registry, name);
	}

	/** The meters of one destination, looked up once. */
	private static final class Meters implements Destination {

		private final Counter messagesSent;

		private final Counter messagesReceived;

		private final Counter bytesSent;

		private final Counter bytesReceived;

		private final Counter descriptorsSent;

		private final Counter descriptorsReceived;

		private final Counter errors;

		private final Counter acquireFailures;

		private final Timer exchanges;

		private final Timer acquires;

		Meters(MeterRegistry registry, String destination) {
			this.messagesSent = counter(registry, destination, "ipc.messages.sent", "Messages sent",
					BaseUnits.MESSAGES);
			this.messagesReceived = counter(registry, destination, "ipc.messages.received", "Messages received",
					BaseUnits.MESSAGES);
			this.bytesSent = counter(registry, destination, "ipc.bytes.sent", "Size of the messages sent",
					BaseUnits.BYTES);
			this.bytesReceived = counter(registry, destination, "ipc.bytes.received", "Size of the messages received",
					BaseUnits.BYTES);
			this.descriptorsSent = counter(registry, destination, "ipc.descriptors.sent",
					"Descriptors sent with messages", "descriptors");
			this.descriptorsReceived = counter(registry, destination, "ipc.descriptors.received",
					"Descriptors received with messages", "descriptors");
			this.errors = counter(registry, destination, "ipc.errors", "Calls that failed", "errors");
			this.acquireFailures = counter(registry, destination, "ipc.acquire.failures",
					"Calls for which no instance became free", "calls");
			this.exchanges = timer(registry, destination, "ipc.exchange", "Time from a request to its reply");
			this.acquires = timer(registry, destination, "ipc.acquire", "Time that calls waited for an instance");
		}

		private static Counter counter(MeterRegistry registry, String destination, String name, String description,
				String unit) {
			return Counter.builder(name)
				.description(description)
				.baseUnit(unit)
				.tag("destination", destination)
				.register(registry);
		}

		private static Timer timer(MeterRegistry registry, String destination, String name, String description) {
			return Timer.builder(name).description(description).tag("destination", destination).register(registry);
		}

		@Override
		public void acquired(Duration waited) {
			this.acquires.record(waited);
		}

		@Override
		public void sent(long bytes, int descriptors) {
			this.messagesSent.increment();
			this.bytesSent.increment(bytes);
			this.descriptorsSent.increment(descriptors);
		}

		@Override
		public void received(long bytes, int descriptors) {
			this.messagesReceived.increment();
			this.bytesReceived.increment(bytes);
			this.descriptorsReceived.increment(descriptors);
		}

		@Override
		public void exchanged(Duration duration) {
			this.exchanges.record(duration);
		}

		@Override
		public void failed(IpcMessagingException error) {
			this.errors.increment();
			if (error instanceof IpcBusyException) {
				this.acquireFailures.increment();
			}
		}

	}

}
