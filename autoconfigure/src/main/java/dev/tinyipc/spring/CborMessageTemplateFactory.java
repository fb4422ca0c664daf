package dev.tinyipc.spring;

import java.time.Duration;
import java.util.Collection;

import org.jspecify.annotations.Nullable;
import tools.jackson.dataformat.cbor.CBORMapper;

/**
 * Makes templates that differ in their default destination only.
 */
public class CborMessageTemplateFactory {

	private final CBORMapper mapper;

	private final Collection<IpcDestination> destinations;

	private final IpcObserver observer;

	private final Duration timeout;

	private final int maxMessageSize;

	/**
	 * Creates a factory.
	 * @param mapper writes and reads the payloads
	 * @param destinations the peers
	 * @param observer is told of every message
	 * @param timeout how long a call may take
	 * @param maxMessageSize bytes
	 */
	public CborMessageTemplateFactory(CBORMapper mapper, Collection<IpcDestination> destinations, IpcObserver observer,
			Duration timeout, int maxMessageSize) {
		this.mapper = mapper;
		this.destinations = destinations;
		this.observer = observer;
		this.timeout = timeout;
		this.maxMessageSize = maxMessageSize;
	}

	/**
	 * Makes a template.
	 * @param defaultDestination its default destination; null for the only one
	 * @return the template
	 */
	public CborMessageTemplate template(@Nullable String defaultDestination) {
		CborMessageTemplate template = new CborMessageTemplate(this.mapper, this.destinations, this.observer);
		template.setDefaultDestination(defaultDestination);
		template.setTimeout(this.timeout);
		template.setMaxMessageSize(this.maxMessageSize);
		return template;
	}

}
