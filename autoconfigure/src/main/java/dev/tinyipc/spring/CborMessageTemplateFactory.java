package dev.tinyipc.spring;

import java.time.Duration;
import java.util.Collection;

import org.jspecify.annotations.Nullable;

/**
 * Makes templates that differ in their default destination only.
 */
public class CborMessageTemplateFactory {

	private final Collection<IpcDestination> destinations;

	private final IpcObserver observer;

	private final Duration timeout;

	/**
	 * Creates a factory.
	 * @param destinations the peers
	 * @param observer is told of every message
	 * @param timeout the timeout of a call that names none
	 */
	public CborMessageTemplateFactory(Collection<IpcDestination> destinations, IpcObserver observer, Duration timeout) {
		this.destinations = destinations;
		this.observer = observer;
		this.timeout = timeout;
	}

	/**
	 * Makes a template.
	 * @param defaultDestination its default destination; null for the only one
	 * @return the template
	 */
	public CborMessageTemplate template(@Nullable String defaultDestination) {
		CborMessageTemplate template = new CborMessageTemplate(this.destinations, this.observer);
		template.setDefaultDestination(defaultDestination);
		template.setTimeout(this.timeout);
		return template;
	}

}
